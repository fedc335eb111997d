//! Video instructions on one part of each operand, against plain Rust.

mod support;

use support::kernel::{bytes, run, words};

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

/// The third operand.
const THIRD: u32 = 0xA1B2_C3D4;

/// Checks `instruction`, which has a pair in %r3 and %r4, the third operand in %r5, and gives %r31.
#[track_caller]
fn check(instruction: &str, wanted: impl Fn(u32, u32) -> u32) {
    let input = bytes(PAIRS.iter().flat_map(|(a, b)| [*a, *b]).chain([0; 48]));
    let text = format!(
        "mul.wide.u32 %rd3, %r1, 8;\nadd.u64 %rd4, %rd1, %rd3;\nld.global.v2.u32 {{%r3, %r4}}, [%rd4];\nmov.u32 %r5, {THIRD};\n{instruction};\n\
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
    check("vset.s32.u32.lt %r31, %r3.h1, %r4.h1", |a, b| {
        (i32::from((a >> 16) as i16) < i32::from((b >> 16) as u16)).into()
    });
}

#[test]
fn results_saturate_as_the_type_and_the_part_have_it() {
    let sum = |a: u32, b: u32| i64::from(a as i32) + i64::from(b as i32);
    check("vadd.s32.s32.s32 %r31, %r3, %r4", |a, b| sum(a, b) as u32);
    check("vadd.s32.s32.s32.sat %r31, %r3, %r4", |a, b| sum(a, b).clamp(i32::MIN.into(), i32::MAX.into()) as u32);
    check("vadd.u32.s32.s32.sat %r31, %r3, %r4", |a, b| sum(a, b).clamp(0, u32::MAX.into()) as u32);
    check("vabsdiff.u32.u32.u32.sat %r31.b2, %r3, %r4, %r5", |a, b| THIRD & 0xFF00_FFFF | a.abs_diff(b).min(255) << 16);
    check("vsub.s32.u32.u32.sat %r31.h1, %r3, %r4, %r5", |a, b| {
        let difference = (i64::from(a) - i64::from(b)).clamp(-0x8000, 0x7FFF) as u32;
        THIRD & 0xFFFF | difference << 16
    });
    // Cut, not saturated.
    check("vadd.u32.u32.u32 %r31.b0, %r3, %r4, %r5", |a, b| THIRD & 0xFFFF_FF00 | (a.wrapping_add(b) & 0xFF));
}

#[test]
fn second_operations_take_the_third_operand() {
    check("vabsdiff.u32.u32.u32.add %r31, %r3.b0, %r4.b0, %r5", |a, b| {
        THIRD.wrapping_add((a & 0xFF).abs_diff(b & 0xFF))
    });
    check("vmin.s32.s32.s32.max %r31, %r3, %r4, %r5", |a, b| (a as i32).min(b as i32).max(THIRD as i32) as u32);
    check("vadd.u32.u32.u32.sat.min %r31, %r3, %r4, %r5", |a, b| a.saturating_add(b).min(THIRD));
    check("vset.u32.u32.ge.add %r31, %r3, %r4, 41", |a, b| 41 + u32::from(a >= b));
    check("vset.u32.u32.ne %r31.h0, %r3, %r4, %r5", |a, b| THIRD & 0xFFFF_0000 | u32::from(a != b));
}
