//! The driver's C interface: types, constants and the table of functions, written by hand from the driver's documentation.
//!
//! [`Api`] is the table. It is filled from the driver's library by [`Driver::load`](crate::Driver::load), or by anyone who has functions that
//! keep the driver's contract ([`Table::new`](crate::Table::new)).

mod api;
mod result;
mod structures;
mod types;

pub(crate) use api::Entry;
pub use api::{Api, Signature};
pub use result::CUresult;
pub use structures::{CUlaunchAttribute, CUlaunchAttributeValue, CUlaunchConfig, CUtensorMap};
pub use types::*;
