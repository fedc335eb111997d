//! What the assembler may spend on each kernel.

use tilewright_tile::Budget;

/// Registers of a thread, by kernel and target; no kernel spills. Taken from ptxas 13.0 and rounded up to the 8 in which registers are given out.
#[rustfmt::skip]
pub const BUDGETS: &[Budget] = &[
    Budget { kernel: "*", registers: [255, 255, 255, 255] },
];
