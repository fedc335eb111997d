//! The arithmetic of single instructions, against oracles that are not ours or are written otherwise.

#[path = "../support/mod.rs"]
mod support;

mod approximate;
mod comparisons;
mod convert;
mod extended;
mod float;
mod fp8;
mod integer;
mod packed;
mod parts;
mod video;
