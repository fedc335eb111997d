//! Each hazard in a small kernel that has it, and the same kernel mended, over several seeds.

mod copies;
mod memory;
mod races;
mod report;
mod stage;
mod waiting;
