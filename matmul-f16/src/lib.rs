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
pub use launch::{Element, Matmul};
pub use plan::{Dtype, Plan};
pub use problem::Problem;
pub use tilewright_tile::Shape;
