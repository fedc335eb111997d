#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod build;
pub mod ir;
mod target;
mod verify;

pub use target::{PtxVersion, Target};
pub use verify::{VerifyErrors, verify};
