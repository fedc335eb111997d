//! Quantizing, packing and balancing of weights, against oracles and the layouts as they are documented.

#[path = "../oracle/mod.rs"]
mod oracle;

mod affine;
mod balance;
mod gptq;
mod int4_rounding;
mod int4_storage;
mod int8;
mod repack;
