#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod budgets;
pub mod build;
mod dtype;
mod error;
mod kernel;
mod launch;
mod plan;
mod problem;
pub mod reference;

pub use budgets::BUDGETS;
pub use dtype::{Dtype, Real};
pub use error::Error;
pub use kernel::module;
pub use launch::{Affine, Quantized, RowKernels};
pub use plan::{Access, Operation, Plan, RowStorage, Team, plans};
pub use problem::{Problem, Shape};
