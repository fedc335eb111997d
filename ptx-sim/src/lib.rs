#![doc = include_str!("../README.md")]

pub mod arith;
mod profile;
pub mod tensor_core;

pub use profile::{Limits, Profile};
