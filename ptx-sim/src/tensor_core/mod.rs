//! What `mma.sync` computes, bit for bit.
//!
//! One concept a file: [`multiply_accumulate`] is one dot product, written to be read; [`fragment`] says which element each lane's
//! registers hold; [`execute`] is the whole instruction for one warp, written to be fast, and gives the same bits.

mod dot;
mod execute;
mod fast;
mod form;
pub mod fragment;
mod integer;
mod model;
mod number;

pub use dot::{multiply_accumulate, multiply_accumulate_f16, multiply_accumulate_tf32};
pub use execute::execute;
pub(crate) use execute::{execute_fast, is_modelled};
pub(crate) use fast::Sums;
pub(crate) use form::execute as execute_form;
pub use model::{Model, Operand};
