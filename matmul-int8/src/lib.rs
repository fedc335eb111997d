#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod budgets;
mod error;
mod kernel;
mod launch;
mod plan;
mod problem;
pub mod reference;

pub use budgets::BUDGETS;
pub use error::Error;
pub use kernel::module;
pub use launch::{Matmul, Operands, ScaledOutput, ScalesOf, Weight};
pub use plan::{Output, Plan, Scales};
pub use problem::{Operation, Problem, W8A8_K_LIMIT};
pub use tilewright_tile::Shape;
