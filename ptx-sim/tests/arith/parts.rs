//! Masks, choices and products of parts of words, against plain Rust.

use crate::support::{EXACT, config, patterns};
use proptest::prelude::*;
use tilewright_ptx_ir::ir::{BinaryOp, MulPart, PermuteMode, TernaryOp, Type, UnaryOp};
use tilewright_ptx_sim::arith::{self, BinaryForm, TernaryForm};

fn word() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), 0u32..40, prop::sample::select(vec![u32::MAX, i32::MIN as u32, i32::MAX as u32, 0])]
}

fn binary(op: BinaryOp, ty: Type, a: u32, b: u32) -> u32 {
    arith::binary(op, ty, BinaryForm::default(), a.into(), b.into(), EXACT).unwrap() as u32
}

fn find(mask: u32, base: u32, offset: i32) -> u32 {
    let [a, b, c] = [mask, base, offset as u32].map(u64::from);
    arith::ternary(TernaryOp::FindNthSet, Type::B32, TernaryForm::default(), a, b, c).unwrap() as u32
}

/// A word of ones where `bit` holds.
fn collect(bit: impl Fn(u64) -> bool) -> u32 {
    (0..32).fold(0, |word, place| word | u32::from(bit(place)) << place)
}

proptest! {
    #![proptest_config(config(10_000))]

    #[test]
    fn masks_and_extensions(a in word(), b in word()) {
        let between = |first: u32, count: u32| {
            collect(|place| (u64::from(first)..u64::from(first) + u64::from(count)).contains(&place))
        };
        prop_assert_eq!(binary(BinaryOp::BitMaskClamp, Type::B32, a, b), between(a, b));
        prop_assert_eq!(binary(BinaryOp::BitMaskWrap, Type::B32, a, b), between(a % 32, b % 32));
        let extended = |count: u32, signed: bool| match count {
            0 => 0,
            1..32 if signed => ((a << (32 - count)) as i32 >> (32 - count)) as u32,
            1..32 => a << (32 - count) >> (32 - count),
            _ => a,
        };
        prop_assert_eq!(binary(BinaryOp::ExtendClamp, Type::U32, a, b), extended(b, false));
        prop_assert_eq!(binary(BinaryOp::ExtendClamp, Type::S32, a, b), extended(b, true));
        prop_assert_eq!(binary(BinaryOp::ExtendWrap, Type::U32, a, b), extended(b % 32, false));
        prop_assert_eq!(binary(BinaryOp::ExtendWrap, Type::S32, a, b), extended(b % 32, true));
    }

    #[test]
    fn the_nth_one(mask in word(), base in 0u32..32, offset in -34i32..34) {
        // By shifting the bits before the base away, and clearing the lowest or highest one at a time.
        let (mut rest, mut left) = (mask, offset.abs());
        let wanted = if offset == 0 {
            if mask & 1 << base != 0 { base } else { u32::MAX }
        } else if offset > 0 {
            rest &= u32::MAX << base;
            while left > 1 && rest != 0 {
                rest &= rest - 1;
                left -= 1;
            }
            if rest == 0 { u32::MAX } else { rest.trailing_zeros() }
        } else {
            rest &= u32::MAX >> (31 - base);
            while left > 1 && rest != 0 {
                rest &= !(1 << rest.ilog2());
                left -= 1;
            }
            if rest == 0 { u32::MAX } else { rest.ilog2() }
        };
        prop_assert_eq!(find(mask, base, offset), wanted);
    }

    #[test]
    fn products_of_24_bits(a in word(), b in word(), c in word()) {
        let signed = |word: u32| i64::from((word << 8) as i32 / 256);
        let unsigned = i64::from(a % (1 << 24)) * i64::from(b % (1 << 24));
        for (ty, product) in [(Type::U32, unsigned), (Type::S32, signed(a) * signed(b))] {
            for (part, kept) in [(MulPart::Lo, product), (MulPart::Hi, product.div_euclid(1 << 16))] {
                prop_assert_eq!(arith::multiply_24(part, ty, a, b), Some(kept as u32));
                let sum = arith::multiply_add_24(part, false, ty, [a, b, c]);
                prop_assert_eq!(sum, Some((kept as u32).wrapping_add(c)));
            }
        }
        let high = (signed(a) * signed(b)).div_euclid(1 << 16) as i32;
        let sum = arith::multiply_add_24(MulPart::Hi, true, Type::S32, [a, b, c]);
        prop_assert_eq!(sum, Some(high.saturating_add(c as i32) as u32));
    }

    #[test]
    fn halves_times_bytes(a in word(), b in word(), c in word()) {
        let (halves, bytes) = ([a as u16, (a >> 16) as u16], b.to_le_bytes());
        let half = |index: usize, ty| if ty == Type::S32 { i64::from(halves[index] as i16) } else { halves[index].into() };
        let byte = |index: usize, ty| if ty == Type::S32 { i64::from(bytes[index] as i8) } else { bytes[index].into() };
        for (high, first) in [(false, 0), (true, 2)] {
            for a_type in [Type::U32, Type::S32] {
                for b_type in [Type::U32, Type::S32] {
                    let sum = half(0, a_type) * byte(first, b_type) + half(1, a_type) * byte(first + 1, b_type);
                    let wanted = (sum + i64::from(c)) as u32;
                    prop_assert_eq!(arith::dp2a(high, [a_type, b_type], [a, b, c]), Some(wanted));
                }
            }
        }
    }

    #[test]
    fn choices(a in any::<u64>(), c in word(), float in patterns(23, 8)) {
        for (ty, bits) in [(Type::B16, a & 0xFFFF), (Type::B32, a & 0xFFFF_FFFF), (Type::B64, a), (Type::B16, a << 16)] {
            let zero = if ty == Type::B16 { bits & 0xFFFF == 0 } else { bits == 0 };
            let found = arith::unary(UnaryOp::LogicalNot, ty, None, false, false, bits, EXACT);
            prop_assert_eq!(found, Some(zero.into()));
        }
        prop_assert_eq!(arith::selects_first(Type::S32, false, c), Some((c as i32) >= 0));
        let value = f32::from_bits(float as u32);
        prop_assert_eq!(arith::selects_first(Type::F32, false, float as u32), Some(value >= 0.0));
        let flushed = if value.is_subnormal() { 0.0 } else { value };
        prop_assert_eq!(arith::selects_first(Type::F32, true, float as u32), Some(flushed >= 0.0));
    }

    #[test]
    fn bytes_by_modes(a in word(), b in word(), selector in word()) {
        // Each byte of the operands is told by its place, so that the result names the places.
        for (mode, wanted) in [
            (PermuteMode::Forward4, [0x0302_0100, 0x0403_0201, 0x0504_0302, 0x0605_0403]),
            (PermuteMode::Backward4, [0x0506_0700, 0x0607_0001, 0x0700_0102, 0x0001_0203]),
            (PermuteMode::Replicate8, [0, 0x0101_0101, 0x0202_0202, 0x0303_0303]),
            (PermuteMode::EdgeLeft, [0x0302_0100, 0x0302_0101, 0x0302_0202, 0x0303_0303]),
            (PermuteMode::EdgeRight, [0, 0x0101_0100, 0x0202_0100, 0x0302_0100]),
            (PermuteMode::Replicate16, [0x0100_0100, 0x0302_0302, 0x0100_0100, 0x0302_0302]),
        ] {
            let places: u32 = wanted[selector as usize % 4];
            prop_assert_eq!(arith::permute(mode, 0x0302_0100, 0x0706_0504, selector), Some(places));
            let pair = u64::from(b) << 32 | u64::from(a);
            let bytes = places.to_le_bytes().map(|place| (pair >> (8 * place)) as u8);
            prop_assert_eq!(arith::permute(mode, a, b, selector), Some(u32::from_le_bytes(bytes)));
        }
    }
}

#[test]
fn examples_of_the_ptx_isa() {
    let mask = 0xAAAA_AAAA;
    assert_eq!([find(mask, 3, 1), find(mask, 3, -1), find(mask, 2, 1), find(mask, 2, -1)], [3, 3, 3, 1]);
    assert_eq!(binary(BinaryOp::BitMaskWrap, Type::B32, 1, 2), 6);
    assert_eq!(binary(BinaryOp::ExtendWrap, Type::U32, u32::MAX, 0), 0);
    // Past the last bit there is none.
    assert_eq!(find(u32::MAX, 32, 1), u32::MAX);
}

#[test]
fn what_there_is_not_is_refused() {
    assert_eq!(arith::multiply_add_24(MulPart::Lo, true, Type::S32, [1; 3]), None);
    assert_eq!(arith::multiply_24(MulPart::Wide, Type::U32, 1, 1), None);
    assert_eq!(arith::dp2a(true, [Type::S16, Type::S32], [1; 3]), None);
    assert_eq!(arith::selects_first(Type::S32, true, 1), None);
    let extend = |ty| arith::binary(BinaryOp::ExtendClamp, ty, BinaryForm::default(), 1, 1, EXACT);
    assert_eq!((extend(Type::B32), extend(Type::U32)), (None, Some(1)));
}
