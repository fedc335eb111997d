//! What instructions do to registers and memory, and what is said of them.

#[path = "../support/mod.rs"]
mod support;

mod accesses;
mod atomic_vectors;
mod check;
mod hints;
mod matrices;
mod mbarrier;
mod measured;
mod plain;
mod tensor_core;
mod unwritten;
