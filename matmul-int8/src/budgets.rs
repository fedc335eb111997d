//! What the assembler may spend on each kernel.

use tilewright_tile::Budget;

/// Registers of a thread, by kernel and target; no kernel spills. Taken from ptxas 13.0 and rounded up to the 8 in which registers are given out.
#[rustfmt::skip]
pub const BUDGETS: &[Budget] = &[
    Budget { kernel: "matmul_w8a16_f16_16x48", registers: [48, 48, 48, 56] },
    Budget { kernel: "matmul_w8a16_f16_16x64", registers: [48, 48, 48, 56] },
    Budget { kernel: "matmul_w8a16_f16_64x64", registers: [152, 152, 152, 160] },
    Budget { kernel: "matmul_w8a16_f16_64x128", registers: [160, 160, 160, 168] },
    Budget { kernel: "matmul_w8a16_f16_64x192", registers: [184, 184, 184, 184] },
    Budget { kernel: "matmul_w8a16_f16_64x256", registers: [224, 224, 224, 232] },
    Budget { kernel: "matmul_w8a8_f16_16x48", registers: [112, 112, 112, 120] },
    Budget { kernel: "matmul_w8a8_f16_16x64", registers: [112, 112, 112, 112] },
    Budget { kernel: "matmul_w8a8_f16_64x64", registers: [208, 208, 208, 208] },
    Budget { kernel: "matmul_w8a8_f16_128x128", registers: [192, 200, 200, 200] },
    Budget { kernel: "matmul_w8a8_f16_128x192", registers: [200, 200, 200, 208] },
    Budget { kernel: "matmul_w8a8_f16_128x256", registers: [240, 240, 240, 248] },
    Budget { kernel: "matmul_w8a8_f32_16x48", registers: [112, 112, 112, 120] },
    Budget { kernel: "matmul_w8a8_f32_16x64", registers: [112, 112, 112, 112] },
    Budget { kernel: "matmul_w8a8_f32_64x64", registers: [208, 208, 208, 208] },
    Budget { kernel: "matmul_w8a8_f32_128x128", registers: [192, 200, 200, 200] },
    Budget { kernel: "matmul_w8a8_f32_128x192", registers: [200, 200, 200, 208] },
    Budget { kernel: "matmul_w8a8_f32_128x256", registers: [248, 248, 248, 248] },
    Budget { kernel: "matmul_w8a8_i32_16x48", registers: [112, 112, 112, 120] },
    Budget { kernel: "matmul_w8a8_i32_16x64", registers: [112, 112, 112, 112] },
    Budget { kernel: "matmul_w8a8_i32_64x64", registers: [208, 208, 208, 208] },
    Budget { kernel: "matmul_w8a8_i32_128x128", registers: [160, 160, 160, 160] },
    Budget { kernel: "matmul_w8a8_i32_128x192", registers: [200, 200, 200, 208] },
    Budget { kernel: "matmul_w8a8_i32_128x256", registers: [240, 240, 240, 248] },
];
