#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod error;
mod kernel;
mod plan;
mod problem;
pub mod reference;

pub use error::Error;
pub use kernel::module;
pub use plan::{Dtype, Plan};
pub use problem::Problem;
pub use tilewright_tile::Shape;
