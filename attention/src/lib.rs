#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod budgets;
mod dtype;
mod error;
mod kernel;
mod launch;
mod plan;
mod problem;
pub mod reference;
pub mod rope;

pub use budgets::BUDGETS;
pub use dtype::{Dtype, Element};
pub use error::Error;
pub use kernel::module;
pub use launch::Attention;
pub use plan::{Access, Plan, Rows};
pub use problem::{Layout, Layouts, Mask, Problem, Shape};
