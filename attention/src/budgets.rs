//! What the assembler may spend on each kernel.

use tilewright_tile::Budget;

/// Registers of a thread, by kernel and target; no kernel spills. Taken from ptxas 13.0 and rounded up to the 8 in which registers are given out.
#[rustfmt::skip]
pub const BUDGETS: &[Budget] = &[
    Budget { kernel: "attention_*_d32*_m16", registers: [96, 96, 96, 96] },
    Budget { kernel: "attention_*_d32*_m128", registers: [224, 224, 224, 224] },
    Budget { kernel: "attention_*_d48*_m16", registers: [96, 96, 96, 96] },
    Budget { kernel: "attention_*_d48*_m128", registers: [240, 240, 240, 240] },
    Budget { kernel: "attention_*_d64*_m16", registers: [112, 112, 112, 104] },
    Budget { kernel: "attention_*_d64*_m128", registers: [256, 256, 256, 256] },
    Budget { kernel: "attention_*_d80*_m16", registers: [128, 128, 128, 120] },
    Budget { kernel: "attention_*_d80*_m64", registers: [168, 168, 168, 168] },
    Budget { kernel: "attention_*_d96*_m16", registers: [128, 128, 128, 128] },
    Budget { kernel: "attention_*_d96*_m128", registers: [248, 248, 248, 248] },
    Budget { kernel: "attention_*_d112*_m16", registers: [136, 136, 136, 128] },
    Budget { kernel: "attention_*_d112*_m128", registers: [256, 256, 256, 256] },
    Budget { kernel: "attention_*_d128*_m16", registers: [144, 144, 144, 136] },
    Budget { kernel: "attention_*_d128*_m128", registers: [256, 256, 256, 256] },
    Budget { kernel: "attention_*_d144*_m16", registers: [120, 120, 120, 120] },
    Budget { kernel: "attention_*_d144*_m64", registers: [208, 208, 208, 208] },
    Budget { kernel: "attention_*_d160*_m16", registers: [120, 120, 120, 120] },
    Budget { kernel: "attention_*_d160*_m64", registers: [216, 216, 216, 224] },
    Budget { kernel: "attention_*_d176*_m16", registers: [120, 120, 120, 120] },
    Budget { kernel: "attention_*_d176*_m64", registers: [224, 224, 224, 232] },
    Budget { kernel: "attention_*_d192*_m16", registers: [120, 120, 120, 120] },
    Budget { kernel: "attention_*_d192*_m64", registers: [240, 240, 240, 248] },
    Budget { kernel: "attention_*_d208*_m16", registers: [136, 136, 136, 128] },
    Budget { kernel: "attention_*_d208*_m64", registers: [240, 240, 240, 248] },
    Budget { kernel: "attention_*_d224*_m16", registers: [136, 136, 136, 136] },
    Budget { kernel: "attention_*_d224*_m64", registers: [248, 248, 248, 248] },
    Budget { kernel: "attention_*_d240*_m16", registers: [136, 136, 136, 128] },
    Budget { kernel: "attention_*_d240*_m64", registers: [248, 248, 248, 248] },
    Budget { kernel: "attention_*_d256*_m16", registers: [128, 128, 128, 136] },
    Budget { kernel: "attention_*_d256*_m64", registers: [256, 256, 256, 256] },
    Budget { kernel: "rope_*", registers: [24, 24, 24, 24] },
];
