#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod ir;
mod target;

pub use target::{PtxVersion, Target};
