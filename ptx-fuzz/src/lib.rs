#![doc = include_str!("../README.md")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bits of registers are cut and read as signed all over"
)]

mod assemble;
mod check;
mod coverage;
mod device;
mod draw;
mod generate;
pub mod naive;
mod registers;
mod shrink;
pub mod sweep;

pub use assemble::{Refused, assemble};
pub use check::{Difference, Failure, check, simulate};
pub use coverage::Coverage;
pub use device::Device;
pub use generate::Case;
pub use shrink::shrink;
