//! What the assembler may spend on each kernel.

use tilewright_tile::Budget;

/// Registers of a thread, by kernel and target; no kernel spills. Taken from ptxas 13.0 and rounded up to the 8 in which registers are given out.
#[rustfmt::skip]
pub const BUDGETS: &[Budget] = &[
    Budget { kernel: "matmul_w4a16_16x48", registers: [104, 104, 104, 104] },
    Budget { kernel: "matmul_w4a16_16x48_gathered", registers: [120, 120, 120, 120] },
    Budget { kernel: "matmul_w4a16_16x48_shared", registers: [72, 72, 72, 80] },
    Budget { kernel: "matmul_w4a16_16x48_shared_gathered", registers: [96, 96, 96, 96] },
    Budget { kernel: "matmul_w4a16_16x48_shared_zeros", registers: [80, 80, 80, 88] },
    Budget { kernel: "matmul_w4a16_16x48_shared_zeros_gathered", registers: [96, 96, 96, 96] },
    Budget { kernel: "matmul_w4a16_16x48_zeros", registers: [112, 112, 112, 112] },
    Budget { kernel: "matmul_w4a16_16x48_zeros_gathered", registers: [120, 120, 120, 120] },
    Budget { kernel: "matmul_w4a16_16x64", registers: [104, 104, 104, 104] },
    Budget { kernel: "matmul_w4a16_16x64_gathered", registers: [104, 104, 104, 96] },
    Budget { kernel: "matmul_w4a16_16x64_shared", registers: [72, 72, 72, 80] },
    Budget { kernel: "matmul_w4a16_16x64_shared_gathered", registers: [72, 72, 72, 72] },
    Budget { kernel: "matmul_w4a16_16x64_shared_zeros", registers: [80, 80, 80, 80] },
    Budget { kernel: "matmul_w4a16_16x64_shared_zeros_gathered", registers: [72, 72, 72, 80] },
    Budget { kernel: "matmul_w4a16_16x64_zeros", registers: [104, 104, 104, 112] },
    Budget { kernel: "matmul_w4a16_16x64_zeros_gathered", registers: [104, 104, 104, 104] },
    Budget { kernel: "matmul_w4a16_64x64", registers: [240, 248, 248, 256] },
    Budget { kernel: "matmul_w4a16_64x64_gathered", registers: [240, 240, 240, 216] },
    Budget { kernel: "matmul_w4a16_64x64_zeros", registers: [232, 232, 232, 256] },
    Budget { kernel: "matmul_w4a16_64x64_zeros_gathered", registers: [224, 216, 216, 216] },
    Budget { kernel: "matmul_w4a16_64x128", registers: [256, 256, 256, 256] },
];
