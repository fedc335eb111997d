#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod arith;
mod decode;
mod error;
mod execute;
mod kernel;
mod launch;
mod memory;
mod profile;
mod program;
mod registers;
mod report;
mod statistics;
pub mod tensor_core;
mod variable;

pub use error::{LaunchError, LoadError, MemoryError};
pub use kernel::{KernelInfo, ParamInfo};
pub use launch::{Check, Converge, Launch, Options, Outcome};
pub use memory::Memory;
pub use profile::{Limits, Profile};
pub use program::Program;
pub use report::{Access, Action, Finding, Kind, Location, Report};
pub use statistics::{LineStatistics, Mix, Statistics};

/// What bytes hold that were never written.
pub const POISON: u8 = 0xCB;
