//! What the assembler may spend on each kernel.

use tilewright_tile::Budget;

/// Registers of a thread, by kernel and target; no kernel spills. Taken from ptxas 13.0 and rounded up to the 8 in which registers are given out.
#[rustfmt::skip]
pub const BUDGETS: &[Budget] = &[
    Budget { kernel: "qkv_w4a16_16x48", registers: [112, 112, 112, 112] },
    Budget { kernel: "qkv_w4a16_16x48_shared", registers: [80, 80, 80, 88] },
    Budget { kernel: "qkv_w4a16_16x64", registers: [104, 104, 104, 104] },
    Budget { kernel: "qkv_w4a16_16x64_ping_pong", registers: [128, 128, 128, 128] },
    Budget { kernel: "qkv_w4a16_16x64_shared", registers: [80, 80, 80, 80] },
    Budget { kernel: "qkv_w4a16_16x64_single_slot", registers: [136, 136, 136, 144] },
    Budget { kernel: "qkv_w4a16_64x32_ping_pong", registers: [144, 144, 144, 152] },
    Budget { kernel: "qkv_w4a16_64x32_single_slot", registers: [128, 128, 128, 144] },
    Budget { kernel: "qkv_w4a16_64x64", registers: [240, 240, 240, 240] },
    Budget { kernel: "qkv_w4a16_64x128", registers: [256, 256, 256, 256] },
    Budget { kernel: "qkv_w8a16_16x48", registers: [48, 48, 48, 56] },
    Budget { kernel: "qkv_w8a16_16x64", registers: [48, 48, 48, 56] },
    Budget { kernel: "qkv_w8a16_16x64_ping_pong", registers: [96, 96, 96, 104] },
    Budget { kernel: "qkv_w8a16_16x64_single_slot", registers: [112, 112, 112, 120] },
    Budget { kernel: "qkv_w8a16_64x32_ping_pong", registers: [96, 96, 96, 104] },
    Budget { kernel: "qkv_w8a16_64x32_single_slot", registers: [104, 104, 104, 120] },
    Budget { kernel: "qkv_w8a16_64x64", registers: [160, 160, 160, 168] },
    Budget { kernel: "qkv_w8a16_64x128", registers: [168, 168, 168, 168] },
    Budget { kernel: "qkv_w8a16_64x192", registers: [200, 200, 200, 208] },
    Budget { kernel: "qkv_w8a16_64x256", registers: [224, 224, 224, 224] },
];
