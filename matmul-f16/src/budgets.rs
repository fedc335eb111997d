//! What the assembler may spend on each kernel.

use tilewright_tile::Budget;

/// Registers of a thread, by kernel and target; no kernel spills. Taken from ptxas 13.0 and rounded up to the 8 in which registers are given out.
#[rustfmt::skip]
pub const BUDGETS: &[Budget] = &[
    Budget { kernel: "matmul_bf16_16x48", registers: [80, 80, 80, 80] },
    Budget { kernel: "matmul_bf16_16x64", registers: [72, 72, 72, 72] },
    Budget { kernel: "matmul_bf16_64x64", registers: [144, 144, 144, 144] },
    Budget { kernel: "matmul_bf16_128x128", registers: [160, 160, 160, 168] },
    Budget { kernel: "matmul_bf16_128x192", registers: [200, 200, 200, 208] },
    Budget { kernel: "matmul_bf16_128x256", registers: [240, 240, 240, 248] },
    Budget { kernel: "matmul_f16_16x48", registers: [80, 80, 80, 80] },
    Budget { kernel: "matmul_f16_16x64", registers: [72, 72, 72, 72] },
    Budget { kernel: "matmul_f16_64x64", registers: [144, 144, 144, 144] },
    Budget { kernel: "matmul_f16_128x128", registers: [160, 160, 160, 168] },
    Budget { kernel: "matmul_f16_128x192", registers: [200, 200, 200, 208] },
    Budget { kernel: "matmul_f16_128x256", registers: [240, 240, 240, 248] },
];
