//! Integers side by side in a word, against plain Rust.

use crate::support::config;
use proptest::prelude::*;
use tilewright_ptx_ir::ir::{BinaryOp, PackedInteger, Type, VideoOp};
use tilewright_ptx_sim::arith::{VideoForm, cvt_pack, pair, rectified, video_parts};

fn word() -> impl Strategy<Value = u32> {
    let edges =
        prop::array::uniform4(prop::sample::select(vec![0u8, 1, 0x7F, 0x80, 0xFF])).prop_map(u32::from_le_bytes);
    prop_oneof![2 => any::<u32>(), 1 => edges, 1 => 0u32..20, 1 => (0u32..20).prop_map(|less| !less)]
}

/// The result of a part, before it is cut or saturated.
fn of_part(op: VideoOp, a: i32, b: i32) -> i32 {
    match op {
        VideoOp::Add => a + b,
        VideoOp::Subtract => a - b,
        VideoOp::Average if a + b < 0 => (a + b).div_euclid(2),
        VideoOp::Average => (a + b + 1) / 2,
        VideoOp::AbsoluteDifference => (a - b).abs(),
        VideoOp::Minimum => a.min(b),
        _ => a.max(b),
    }
}

proptest! {
    #![proptest_config(config(4_000))]

    #[test]
    fn four_bytes(a in word(), b in word(), c in word()) {
        let bytes = |word: u32, ty| word.to_le_bytes().map(|byte| if ty == Type::S32 { (byte as i8).into() } else { i32::from(byte) });
        for op in VideoOp::ALL.iter().copied() {
            for types in [[Type::U32; 3], [Type::S32; 3], [Type::U32, Type::S32, Type::S32], [Type::S32, Type::U32, Type::S32]] {
                let (x, y) = (bytes(a, types[1]), bytes(b, types[2]));
                let results: [i32; 4] = std::array::from_fn(|index| of_part(op, x[index], y[index]));
                let found = |sat, sums| video_parts(op, 4, types, VideoForm { sat, sums }, [a, b, c]);
                prop_assert_eq!(found(false, false), Some(u32::from_le_bytes(results.map(|result| result as u8))));
                let clamped = results.map(|result| match types[0] {
                    Type::S32 => result.clamp(-128, 127) as u8,
                    _ => result.clamp(0, 255) as u8,
                });
                prop_assert_eq!(found(true, false), Some(u32::from_le_bytes(clamped)));
                prop_assert_eq!(found(false, true), Some(c.wrapping_add(results.iter().sum::<i32>() as u32)));
            }
        }
    }

    #[test]
    fn two_halves(a in word(), b in word(), c in word()) {
        for signed in [false, true] {
            let halves = |word: u32| {
                [word as u16, (word >> 16) as u16].map(|half| if signed { i32::from(half as i16) } else { half.into() })
            };
            let joined = |halves: [i32; 2]| u32::from(halves[0] as u16) | u32::from(halves[1] as u16) << 16;
            let ty = if signed { Type::S32 } else { Type::U32 };
            let (x, y) = (halves(a), halves(b));
            for op in VideoOp::ALL.iter().copied() {
                let results: [i32; 2] = std::array::from_fn(|index| of_part(op, x[index], y[index]));
                let found = |sat, sums| video_parts(op, 2, [ty; 3], VideoForm { sat, sums }, [a, b, c]);
                prop_assert_eq!(found(false, false), Some(joined(results)));
                let (least, greatest) = if signed { (-0x8000, 0x7FFF) } else { (0, 0xFFFF) };
                prop_assert_eq!(found(true, false), Some(joined(results.map(|result| result.clamp(least, greatest)))));
                prop_assert_eq!(found(false, true), Some(c.wrapping_add(results[0] as u32).wrapping_add(results[1] as u32)));
            }
            let each = |f: fn(i32, i32) -> i32| [f(x[0], y[0]), f(x[1], y[1])];
            prop_assert_eq!(pair(BinaryOp::Add, signed, false, a, b), Some(joined(each(|x, y| x + y))));
            prop_assert_eq!(pair(BinaryOp::Min, signed, false, a, b), Some(joined(each(i32::min))));
            prop_assert_eq!(pair(BinaryOp::Max, signed, false, a, b), Some(joined(each(i32::max))));
            let above = signed.then(|| joined(each(i32::min).map(|half| half.max(0))));
            prop_assert_eq!(pair(BinaryOp::Min, signed, true, a, b), above);
        }
        prop_assert_eq!(rectified(BinaryOp::Min, a, b), Some((a as i32).min(b as i32).max(0) as u32));
        prop_assert_eq!(rectified(BinaryOp::Max, a, b), Some((a as i32).max(b as i32).max(0) as u32));
    }

    #[test]
    fn saturated_integers(a in word(), b in word(), c in word()) {
        let (x, y) = (a as i32, b as i32);
        let halves = |high: i32, low: i32| Some((high as u32) << 16 | (low as u32 & 0xFFFF));
        prop_assert_eq!(cvt_pack(PackedInteger::U16, a, b, None), halves(x.clamp(0, 0xFFFF), y.clamp(0, 0xFFFF)));
        prop_assert_eq!(
            cvt_pack(PackedInteger::S16, a, b, None),
            halves(x.clamp(-0x8000, 0x7FFF), y.clamp(-0x8000, 0x7FFF))
        );
        for (to, bits, least, greatest) in [
            (PackedInteger::U8, 8, 0, 255),
            (PackedInteger::S8, 8, -128, 127),
            (PackedInteger::U4, 4, 0, 15),
            (PackedInteger::S4, 4, -8, 7),
            (PackedInteger::U2, 2, 0, 3),
            (PackedInteger::S2, 2, -2, 1),
        ] {
            let field = |value: i32| value.clamp(least, greatest).rem_euclid(1 << bits) as u32;
            let above = (u64::from(c) << (2 * bits)) as u32;
            prop_assert_eq!(cvt_pack(to, a, b, Some(c)), Some(above + (field(x) << bits) + field(y)));
        }
    }
}

#[test]
fn what_there_is_not_is_refused() {
    assert_eq!(cvt_pack(PackedInteger::U16, 1, 1, Some(1)), None);
    assert_eq!(cvt_pack(PackedInteger::U8, 1, 1, None), None);
    let both = VideoForm { sat: true, sums: true };
    assert_eq!(video_parts(VideoOp::Add, 4, [Type::U32; 3], both, [1; 3]), None);
    assert_eq!(video_parts(VideoOp::Add, 3, [Type::U32; 3], VideoForm::default(), [1; 3]), None);
    assert_eq!(pair(BinaryOp::Sub, true, false, 1, 1), None);
}
