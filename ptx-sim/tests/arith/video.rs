//! Video instructions on one part of each operand, against plain Rust.

use crate::support::kernel::{bytes, run, words};
use tilewright_ptx_sim::{Profile, Program};

const PAIRS: [(u32, u32); 8] = [
    (0, 0),
    (0x1234_5678, 0x9ABC_DEF0),
    (0xFFFF_FFFF, 1),
    (0x8000_0000, 0x7FFF_FFFF),
    (0x80FF_7F01, 0x017F_80FF),
    (0xFFFF_FFFF, 0xFFFF_FFFF),
    (7, 0xFFFF_FF00),
    (0x7FFF_FFFF, 0x7FFF_FFFF),
];

/// Checks `instruction`, which has a pair in %r3 and %r4 and gives %r31.
#[track_caller]
fn check(instruction: &str, wanted: impl Fn(u32, u32) -> u32) {
    let input = bytes(PAIRS.iter().flat_map(|(a, b)| [*a, *b]).chain([0; 48]));
    let text = format!(
        "mul.wide.u32 %rd3, %r1, 8;\nadd.u64 %rd4, %rd1, %rd3;\nld.global.v2.u32 {{%r3, %r4}}, [%rd4];\n{instruction};\n\
         mul.wide.u32 %rd3, %r1, 4;\nadd.u64 %rd4, %rd2, %rd3;\nst.global.u32 [%rd4], %r31;"
    );
    let found = words(&run(&text, 32, &input, 128))[..PAIRS.len()].to_vec();
    assert_eq!(found, PAIRS.map(|(a, b)| wanted(a, b)), "{instruction}");
}

#[test]
fn parts_are_extended_by_their_types() {
    check("vadd.s32.u32.s32 %r31, %r3.b1, %r4.h1", |a, b| {
        (i32::from((a >> 8) as u8) + i32::from((b >> 16) as i16)) as u32
    });
    check("vsub.s32.s32.u32 %r31, %r3.b3, %r4.b0", |a, b| (i32::from((a >> 24) as i8) - i32::from(b as u8)) as u32);
    check("vmax.s32.s32.s32 %r31, %r3.h0, -5", |a, _| i32::from(a as i16).max(-5) as u32);
    check("vmin.u32.u32.u32 %r31, %r3, %r4.b2", |a, b| a.min(b >> 16 & 0xFF));
}

#[test]
fn results_are_cut() {
    check("vadd.s32.s32.s32 %r31, %r3, %r4", u32::wrapping_add);
    check("vabsdiff.u32.u32.u32 %r31, %r3, %r4", u32::abs_diff);
}

/// An H100's answers to these are not those of the PTX ISA's words.
#[test]
fn what_a_chip_was_seen_to_answer_differently_is_refused() {
    for instruction in [
        "vset.s32.u32.lt %r31, %r3, %r4",
        "vadd.s32.s32.s32.sat %r31, %r3, %r4",
        "vsub.u32.u32.u32 %r31.h1, %r3, %r4, %r5",
        "vmin.s32.s32.s32.max %r31, %r3, %r4, %r5",
    ] {
        let text = format!(
            ".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry kernel()\n{{\n.reg .b32 %r<32>;\n{instruction};\nret;\n}}\n"
        );
        let error = Program::load(&text, Profile::Sm80).expect_err(instruction);
        assert!(error.is_unsupported(), "{error}");
        assert!(error.to_string().contains("line 7"), "{error}");
    }
}
