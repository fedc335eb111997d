//! What the assembler may spend on each kernel.

use tilewright_tile::Budget;

/// Registers of a thread, by kernel and target; no kernel spills. Taken from ptxas 13.0 and rounded up to the 8 in which registers are given out.
#[rustfmt::skip]
pub const BUDGETS: &[Budget] = &[
    Budget { kernel: "attention_*_d32*_m16", registers: [88, 120, 96, 88] },
    Budget { kernel: "attention_*_d32*_m64", registers: [88, 88, 88, 88] },
    Budget { kernel: "attention_*_d48*_m16", registers: [112, 128, 112, 136] },
    Budget { kernel: "attention_*_d48*_m64", registers: [112, 112, 112, 128] },
    Budget { kernel: "attention_*_d64*_m16", registers: [128, 136, 128, 128] },
    Budget { kernel: "attention_*_d64*_m64", registers: [128, 128, 128, 128] },
    Budget { kernel: "attention_*_d80*_m16", registers: [152, 144, 144, 136] },
    Budget { kernel: "attention_*_d80*_m64", registers: [152, 144, 144, 136] },
    Budget { kernel: "attention_*_d96*_m16", registers: [168, 160, 160, 168] },
    Budget { kernel: "attention_*_d96*_m64", registers: [168, 160, 160, 168] },
    Budget { kernel: "attention_*_d112*_m16", registers: [176, 176, 176, 176] },
    Budget { kernel: "attention_*_d112*_m64", registers: [176, 176, 176, 176] },
    Budget { kernel: "attention_*_d128*_m16", registers: [176, 176, 176, 176] },
    Budget { kernel: "attention_*_d128*_m64", registers: [176, 176, 176, 176] },
    Budget { kernel: "attention_*_d144*_m16", registers: [128, 128, 128, 128] },
    Budget { kernel: "attention_*_d144*_m64", registers: [128, 128, 128, 128] },
    Budget { kernel: "attention_*_d160*_m16", registers: [128, 128, 128, 128] },
    Budget { kernel: "attention_*_d160*_m64", registers: [128, 128, 128, 128] },
    Budget { kernel: "attention_*_d176*_m16", registers: [168, 128, 136, 128] },
    Budget { kernel: "attention_*_d176*_m64", registers: [168, 136, 136, 128] },
    Budget { kernel: "attention_*_d192*_m16", registers: [168, 168, 168, 168] },
    Budget { kernel: "attention_*_d192*_m64", registers: [168, 168, 168, 168] },
    Budget { kernel: "attention_*_d208*_m16", registers: [160, 160, 160, 160] },
    Budget { kernel: "attention_*_d208*_m64", registers: [160, 160, 160, 160] },
    Budget { kernel: "attention_*_d224*_m16", registers: [160, 160, 160, 160] },
    Budget { kernel: "attention_*_d224*_m64", registers: [160, 160, 160, 160] },
    Budget { kernel: "attention_*_d240*_m16", registers: [168, 168, 168, 168] },
    Budget { kernel: "attention_*_d240*_m64", registers: [168, 168, 168, 168] },
    Budget { kernel: "attention_*_d256*_m16", registers: [168, 168, 168, 168] },
    Budget { kernel: "attention_*_d256*_m64", registers: [168, 168, 168, 168] },
    Budget { kernel: "rope_*", registers: [24, 24, 24, 24] },
];
