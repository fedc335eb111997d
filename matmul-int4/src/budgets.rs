//! What the assembler may spend on each kernel.

use tilewright_tile::Budget;

/// Registers of a thread, by kernel and target; no kernel spills. Taken from ptxas 13.0 and rounded up to the 8 in which registers are given out.
#[rustfmt::skip]
pub const BUDGETS: &[Budget] = &[
    Budget { kernel: "matmul_w4a16_16x48", registers: [104, 104, 104, 104] },
    Budget { kernel: "matmul_w4a16_16x48_shared", registers: [72, 72, 72, 80] },
    Budget { kernel: "matmul_w4a16_16x64", registers: [104, 104, 104, 104] },
    Budget { kernel: "matmul_w4a16_16x64_shared", registers: [72, 72, 72, 80] },
    Budget { kernel: "matmul_w4a16_64x64", registers: [240, 248, 248, 256] },
    Budget { kernel: "matmul_w4a16_64x128", registers: [256, 256, 256, 256] },
];
