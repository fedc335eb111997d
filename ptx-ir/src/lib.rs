#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod build;
pub mod ir;
mod parse;
mod print;
mod requirement;
mod target;
mod verify;

pub use parse::{ParseError, ParseErrors, Problem, Source, parse, parse_kernel};
pub use requirement::Requirement;
pub use target::{PtxVersion, Target};
pub use verify::{Reason, VerifyError, VerifyErrors, verify};
