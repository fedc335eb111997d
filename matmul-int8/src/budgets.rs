//! What the assembler may spend on each kernel.

use tilewright_tile::Budget;

/// Registers of a thread, by kernel and target; no kernel spills. Taken from ptxas 13.0 and rounded up to the 8 in which registers are given out.
#[rustfmt::skip]
pub const BUDGETS: &[Budget] = &[
    Budget { kernel: "matmul_w8a8_f16_16x48", registers: [152, 152, 152, 152] },
    Budget { kernel: "matmul_w8a8_f16_16x64", registers: [128, 128, 128, 128] },
    Budget { kernel: "matmul_w8a8_f16_64x64", registers: [168, 168, 168, 168] },
    Budget { kernel: "matmul_w8a8_f16_128x128", registers: [160, 160, 160, 160] },
    Budget { kernel: "matmul_w8a8_f32_16x48", registers: [152, 152, 152, 152] },
    Budget { kernel: "matmul_w8a8_f32_16x64", registers: [128, 128, 128, 128] },
    Budget { kernel: "matmul_w8a8_f32_64x64", registers: [168, 168, 168, 168] },
    Budget { kernel: "matmul_w8a8_f32_128x128", registers: [160, 160, 160, 160] },
    Budget { kernel: "matmul_w8a8_i32_16x48", registers: [152, 152, 152, 152] },
    Budget { kernel: "matmul_w8a8_i32_16x64", registers: [128, 128, 128, 128] },
    Budget { kernel: "matmul_w8a8_i32_64x64", registers: [168, 168, 168, 168] },
    Budget { kernel: "matmul_w8a8_i32_128x128", registers: [152, 152, 152, 160] },
    Budget { kernel: "matmul_w8a16_f16_16x48", registers: [120, 120, 120, 120] },
    Budget { kernel: "matmul_w8a16_f16_16x64", registers: [72, 72, 72, 72] },
    Budget { kernel: "matmul_w8a16_f16_64x64", registers: [120, 120, 120, 120] },
    Budget { kernel: "matmul_w8a16_f16_128x128", registers: [168, 168, 168, 168] },
    Budget { kernel: "matmul_*_128x256", registers: [255, 255, 255, 255] },
    Budget { kernel: "matmul_w8a16_f16_16x*", registers: [255, 255, 255, 255] },
    Budget { kernel: "matmul_w8a16_f16_64x64", registers: [255, 255, 255, 255] },
];
