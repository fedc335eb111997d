//! What the assembler may spend on each kernel.

use tilewright_tile::Budget;

/// Registers of a thread, by kernel and target; no kernel spills. Taken from ptxas 13.0 and rounded up to the 8 in which registers are given out.
#[rustfmt::skip]
pub const BUDGETS: &[Budget] = &[
    Budget { kernel: "matmul_w4a16_16x32_shared", registers: [128, 128, 128, 128] },
    Budget { kernel: "matmul_w4a16_16x32_shared_gathered", registers: [120, 120, 120, 120] },
    Budget { kernel: "matmul_w4a16_16x32_shared_zeros", registers: [128, 128, 128, 128] },
    Budget { kernel: "matmul_w4a16_16x32_shared_zeros_gathered", registers: [120, 120, 120, 128] },
    Budget { kernel: "matmul_w4a16_16x48", registers: [104, 104, 104, 104] },
    Budget { kernel: "matmul_w4a16_16x48_gathered", registers: [96, 96, 96, 104] },
    Budget { kernel: "matmul_w4a16_16x48_shared", registers: [160, 160, 160, 168] },
    Budget { kernel: "matmul_w4a16_16x48_shared_gathered", registers: [160, 160, 160, 160] },
    Budget { kernel: "matmul_w4a16_16x48_shared_zeros", registers: [160, 160, 160, 168] },
    Budget { kernel: "matmul_w4a16_16x48_shared_zeros_gathered", registers: [160, 160, 160, 152] },
    Budget { kernel: "matmul_w4a16_16x48_zeros", registers: [104, 104, 104, 120] },
    Budget { kernel: "matmul_w4a16_16x48_zeros_gathered", registers: [104, 104, 104, 112] },
    Budget { kernel: "matmul_w4a16_16x64", registers: [96, 96, 96, 104] },
    Budget { kernel: "matmul_w4a16_16x64_gathered", registers: [96, 96, 96, 96] },
    Budget { kernel: "matmul_w4a16_16x64_shared", registers: [120, 120, 120, 136] },
    Budget { kernel: "matmul_w4a16_16x64_shared_gathered", registers: [120, 120, 120, 120] },
    Budget { kernel: "matmul_w4a16_16x64_shared_zeros", registers: [128, 128, 128, 136] },
    Budget { kernel: "matmul_w4a16_16x64_shared_zeros_gathered", registers: [120, 120, 120, 120] },
    Budget { kernel: "matmul_w4a16_16x64_zeros", registers: [104, 104, 104, 112] },
    Budget { kernel: "matmul_w4a16_16x64_zeros_gathered", registers: [104, 104, 104, 112] },
    Budget { kernel: "matmul_w4a16_16x96_shared", registers: [128, 128, 128, 136] },
    Budget { kernel: "matmul_w4a16_16x96_shared_gathered", registers: [120, 120, 120, 128] },
    Budget { kernel: "matmul_w4a16_16x96_shared_zeros", registers: [128, 128, 128, 136] },
    Budget { kernel: "matmul_w4a16_16x96_shared_zeros_gathered", registers: [128, 128, 128, 136] },
    Budget { kernel: "matmul_w4a16_64x64", registers: [232, 240, 240, 224] },
    Budget { kernel: "matmul_w4a16_64x64_gathered", registers: [232, 240, 240, 216] },
    Budget { kernel: "matmul_w4a16_64x64_zeros", registers: [224, 224, 224, 224] },
    Budget { kernel: "matmul_w4a16_64x64_zeros_gathered", registers: [224, 224, 224, 216] },
    Budget { kernel: "matmul_w4a16_64x128", registers: [200, 200, 200, 208] },
    Budget { kernel: "matmul_w4a16_64x128_zeros", registers: [216, 216, 216, 216] },
];
