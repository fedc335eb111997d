#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod campaign;
pub mod case;
mod edit;
pub mod equivalence;
mod judge;
mod kernel;
pub mod operator;
pub mod table;
mod worker;

pub use campaign::{Campaign, Error, Judgement};
pub use case::{Case, Failure, Group};
pub use edit::{Edit, Mutant};
pub use judge::{Kill, Outcome, judge};
pub use kernel::{Seen, Subject, discover};
pub use operator::{OPERATORS, Operator};
pub use worker::{Judged, serve};
