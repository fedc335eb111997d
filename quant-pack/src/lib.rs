#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod balance;
pub mod formats;
#[cfg(feature = "gptq")]
pub mod gptq;
pub mod repack;

mod affine;
mod error;
mod group;
mod grouping;
mod int4;
mod int8;
mod level;
mod scale;
mod shape;
mod weight;

pub use affine::{Int4Affine, MIDDLE};
pub use error::Error;
pub use group::{Group, GroupSize};
pub use grouping::{Grouping, Permutation};
pub use int4::Int4;
pub use int8::{Granularity, Int8};
pub use scale::ScaleRule;
pub use shape::Shape;
pub use weight::Weight;
