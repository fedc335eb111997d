//! Integer and bit instructions against the host's own, and against their definitions bit by bit.

use crate::support::{EXACT, config};
use proptest::prelude::*;
use tilewright_ptx_ir::ir::{AtomicOp, BinaryOp, Compare, MulPart, TernaryOp, Type, UnaryOp};
use tilewright_ptx_sim::arith::{self, BinaryForm, TernaryForm};

fn unary(op: UnaryOp, ty: Type, a: u64) -> u64 {
    arith::unary(op, ty, None, false, false, a, EXACT).unwrap()
}

fn binary(op: BinaryOp, ty: Type, a: u64, b: u64) -> u64 {
    arith::binary(op, ty, BinaryForm::default(), a, b, EXACT).unwrap()
}

fn ternary(op: TernaryOp, ty: Type, a: u64, b: u64, c: u64) -> u64 {
    arith::ternary(op, ty, TernaryForm::default(), a, b, c).unwrap()
}

fn word() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), 0u32..40, prop::sample::select(vec![u32::MAX, i32::MIN as u32, i32::MAX as u32, 0])]
}

fn long() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), 0u64..80, prop::sample::select(vec![u64::MAX, i64::MIN as u64, i64::MAX as u64, 0])]
}

/// `bfe` as the PTX ISA writes it.
fn extract_bit_by_bit(signed: bool, width: u32, a: u64, start: u32, length: u32) -> u64 {
    let top = width - 1;
    let bit = |position: u32| a >> position & 1;
    let sign = if !signed || length == 0 { 0 } else { bit((start + length - 1).min(top)) };
    (0..width).fold(0, |result, i| {
        let value = if i < length && start + i <= top { bit(start + i) } else { sign };
        result | value << i
    })
}

/// `bfi` as the PTX ISA writes it.
fn insert_bit_by_bit(width: u32, a: u64, b: u64, start: u32, length: u32) -> u64 {
    (0..length).take_while(|i| start + i < width).fold(b, |result, i| {
        let mask = 1 << (start + i);
        if a >> i & 1 == 1 { result | mask } else { result & !mask }
    })
}

proptest! {
    #![proptest_config(config(10_000))]

    #[test]
    fn arithmetic_of_32_bits(a in word(), b in word(), c in word()) {
        let (x, y) = (a as i32, b as i32);
        let (a64, b64) = (u64::from(a), u64::from(b));
        let u = |op| binary(op, Type::U32, a64, b64) as u32;
        let s = |op| binary(op, Type::S32, a64, b64) as u32 as i32;
        prop_assert_eq!(u(BinaryOp::Add), a.wrapping_add(b));
        prop_assert_eq!(s(BinaryOp::Sub), x.wrapping_sub(y));
        prop_assert_eq!(u(BinaryOp::Min), a.min(b));
        prop_assert_eq!(s(BinaryOp::Max), x.max(y));
        // The chip's division by zero gives all ones; its most negative quotient wraps around.
        prop_assert_eq!(u(BinaryOp::Div), a.checked_div(b).unwrap_or(u32::MAX));
        prop_assert_eq!(u(BinaryOp::Rem), a.checked_rem(b).unwrap_or(u32::MAX));
        prop_assert_eq!(s(BinaryOp::Div), if y == 0 { -1 } else { x.wrapping_div(y) });
        prop_assert_eq!(s(BinaryOp::Rem), if y == 0 { -1 } else { x.wrapping_rem(y) });
        let sat = BinaryForm { sat: true, ..BinaryForm::default() };
        let saturated = arith::binary(BinaryOp::Add, Type::S32, sat, a64, b64, EXACT).unwrap();
        prop_assert_eq!(saturated as u32 as i32, x.saturating_add(y));

        let product = |part, ty| arith::multiply(part, ty, a64, b64).unwrap();
        prop_assert_eq!(product(MulPart::Lo, Type::S32) as u32, a.wrapping_mul(b));
        prop_assert_eq!(product(MulPart::Hi, Type::U32) as u32, ((a64 * b64) >> 32) as u32);
        prop_assert_eq!(product(MulPart::Hi, Type::S32) as u32, ((i64::from(x) * i64::from(y)) >> 32) as u32);
        prop_assert_eq!(product(MulPart::Wide, Type::U32), a64 * b64);
        prop_assert_eq!(product(MulPart::Wide, Type::S32) as i64, i64::from(x) * i64::from(y));
        let sum = arith::multiply_add(MulPart::Lo, Type::U32, a64, b64, c.into()).unwrap();
        prop_assert_eq!(sum as u32, a.wrapping_mul(b).wrapping_add(c));
        let sum = arith::multiply_add(MulPart::Wide, Type::S32, a64, b64, u64::MAX).unwrap();
        prop_assert_eq!(sum as i64, (i64::from(x) * i64::from(y)).wrapping_sub(1));
    }

    #[test]
    fn arithmetic_of_64_bits(a in long(), b in long()) {
        let (x, y) = (a as i64, b as i64);
        prop_assert_eq!(binary(BinaryOp::Add, Type::U64, a, b), a.wrapping_add(b));
        prop_assert_eq!(binary(BinaryOp::Min, Type::S64, a, b) as i64, x.min(y));
        prop_assert_eq!(binary(BinaryOp::Div, Type::S64, a, b) as i64, if y == 0 { -1 } else { x.wrapping_div(y) });
        let product = |part, ty| arith::multiply(part, ty, a, b).unwrap();
        prop_assert_eq!(product(MulPart::Lo, Type::U64), a.wrapping_mul(b));
        prop_assert_eq!(product(MulPart::Hi, Type::U64), ((u128::from(a) * u128::from(b)) >> 64) as u64);
        prop_assert_eq!(product(MulPart::Hi, Type::S64), ((i128::from(x) * i128::from(y)) >> 64) as u64);
        prop_assert_eq!(arith::multiply(MulPart::Wide, Type::U64, a, b), None);
    }

    #[test]
    fn arithmetic_of_16_bits(a in any::<u16>(), b in any::<u16>()) {
        let (x, y) = (a as i16, b as i16);
        prop_assert_eq!(binary(BinaryOp::Add, Type::U16, a.into(), b.into()), u64::from(a.wrapping_add(b)));
        prop_assert_eq!(binary(BinaryOp::Max, Type::S16, a.into(), b.into()), u64::from(x.max(y) as u16));
        let wide = arith::multiply(MulPart::Wide, Type::S16, a.into(), b.into()).unwrap();
        prop_assert_eq!(wide as u32 as i32, i32::from(x) * i32::from(y));
    }

    #[test]
    fn shifts_are_clamped_to_the_width(a in long(), amount in 0u32..300) {
        let amounts = u64::from(amount);
        let (low, low_signed) = (a as u32, a as u32 as i32);
        let shifted = |op, ty| binary(op, ty, a, amounts);
        prop_assert_eq!(shifted(BinaryOp::Shl, Type::B32) as u32, low.checked_shl(amount).unwrap_or(0));
        prop_assert_eq!(shifted(BinaryOp::Shr, Type::U32) as u32, low.checked_shr(amount).unwrap_or(0));
        prop_assert_eq!(shifted(BinaryOp::Shr, Type::B32) as u32, low.checked_shr(amount).unwrap_or(0));
        prop_assert_eq!(shifted(BinaryOp::Shr, Type::S32) as u32 as i32, low_signed >> amount.min(31));
        prop_assert_eq!(shifted(BinaryOp::Shl, Type::B64), a.checked_shl(amount).unwrap_or(0));
        prop_assert_eq!(shifted(BinaryOp::Shr, Type::S64) as i64, a as i64 >> amount.min(63));
        prop_assert_eq!(shifted(BinaryOp::Shl, Type::B16), u64::from((a as u16).checked_shl(amount).unwrap_or(0)));
    }

    #[test]
    fn bit_fields_follow_their_definition(a in long(), b in long(), start in 0u32..70, length in 0u32..70) {
        for (unsigned, signed, untyped, width) in
            [(Type::U32, Type::S32, Type::B32, 32), (Type::U64, Type::S64, Type::B64, 64)]
        {
            let mask = if width == 64 { u64::MAX } else { 0xFFFF_FFFF };
            let (a, b) = (a & mask, b & mask);
            for (ty, is_signed) in [(unsigned, false), (signed, true)] {
                let field = ternary(TernaryOp::BitFieldExtract, ty, a, start.into(), length.into());
                prop_assert_eq!(field, extract_bit_by_bit(is_signed, width, a, start, length), "{} {}", start, length);
            }
            let inserted = arith::bit_field_insert(untyped, a, b, start, length).unwrap();
            prop_assert_eq!(inserted, insert_bit_by_bit(width, a, b, start, length));
        }
    }

    #[test]
    fn logic_follows_its_table(a in any::<u32>(), b in any::<u32>(), c in any::<u32>(), table in any::<u8>()) {
        let expected = (0..32).fold(0, |result, bit| {
            let row = (a >> bit & 1) << 2 | (b >> bit & 1) << 1 | c >> bit & 1;
            result | (u32::from(table) >> row & 1) << bit
        });
        prop_assert_eq!(arith::lop3(table, a, b, c), expected);
        // The tables that everybody writes: 0xC0 is and of a and b, 0x96 exclusive or of all.
        prop_assert_eq!(arith::lop3(0xC0, a, b, c), a & b);
        prop_assert_eq!(arith::lop3(0xF0 ^ 0xCC ^ 0xAA, a, b, c), a ^ b ^ c);
    }

    #[test]
    fn words_are_counted_reversed_permuted_and_shifted(a in word(), b in word(), c in any::<u32>()) {
        let (a64, b64) = (u64::from(a), u64::from(b));
        prop_assert_eq!(unary(UnaryOp::PopulationCount, Type::B32, a64), u64::from(a.count_ones()));
        prop_assert_eq!(unary(UnaryOp::LeadingZeros, Type::B32, a64), u64::from(a.leading_zeros()));
        prop_assert_eq!(unary(UnaryOp::BitReverse, Type::B32, a64), u64::from(a.reverse_bits()));
        prop_assert_eq!(unary(UnaryOp::BitReverse, Type::B64, a64), a64.reverse_bits());
        prop_assert_eq!(unary(UnaryOp::Not, Type::B32, a64), u64::from(!a));
        prop_assert_eq!(unary(UnaryOp::Not, Type::Pred, a64), a64 & 1 ^ 1);
        prop_assert_eq!(unary(UnaryOp::Neg, Type::S32, a64), u64::from(a.wrapping_neg()));
        prop_assert_eq!(unary(UnaryOp::Abs, Type::S32, a64), u64::from((a as i32).unsigned_abs()));
        let pair = b64 << 32 | a64;
        let left = ternary(TernaryOp::FunnelLeft, Type::B32, a64, b64, c.into());
        prop_assert_eq!(left as u32, (pair << (c & 31) >> 32) as u32);
        let right = ternary(TernaryOp::FunnelRight, Type::B32, a64, b64, c.into());
        prop_assert_eq!(right as u32, (pair >> (c & 31)) as u32);
        let bytes = [a.to_le_bytes(), b.to_le_bytes()].concat();
        let expected: [u8; 4] = std::array::from_fn(|i| {
            let nibble = c >> (4 * i) & 0xF;
            let byte = bytes[(nibble & 7) as usize];
            if nibble & 8 == 0 { byte } else { (byte as i8 >> 7) as u8 }
        });
        let permuted = ternary(TernaryOp::BytePermute, Type::B32, a64, b64, c.into());
        prop_assert_eq!(permuted as u32, u32::from_le_bytes(expected));
        let dot: i32 = (0..4).map(|i| i32::from(a.to_le_bytes()[i] as i8) * i32::from(b.to_le_bytes()[i] as i8)).sum();
        let sum = ternary(TernaryOp::Dp4aSigned, Type::S32, a64, b64, c.into());
        prop_assert_eq!(sum as u32, (c as i32).wrapping_add(dot) as u32);
        let dot: u32 = (0..4).map(|i| u32::from(a.to_le_bytes()[i]) * u32::from(b.to_le_bytes()[i])).sum();
        let sum = ternary(TernaryOp::Dp4aUnsigned, Type::U32, a64, b64, c.into());
        prop_assert_eq!(sum as u32, c.wrapping_add(dot));
    }

    #[test]
    fn comparisons_know_the_sign(a in word(), b in word()) {
        let holds = |comparison, ty| arith::compare(comparison, ty, false, a.into(), b.into()).unwrap();
        prop_assert_eq!(holds(Compare::Lt, Type::U32), a < b);
        prop_assert_eq!(holds(Compare::Lt, Type::S32), (a as i32) < b as i32);
        prop_assert_eq!(holds(Compare::Ge, Type::S32), a as i32 >= b as i32);
        prop_assert_eq!(holds(Compare::Ne, Type::B32), a != b);
        prop_assert_eq!(arith::compare(Compare::Lt, Type::B32, false, a.into(), b.into()), None);
        prop_assert_eq!(arith::compare(Compare::Ltu, Type::S32, false, a.into(), b.into()), None);
    }

    #[test]
    fn atomics_leave_what_the_isa_says(old in word(), a in word(), b in word()) {
        let after = |op, ty| arith::atomic(op, ty, old.into(), a.into(), b.into()).unwrap() as u32;
        prop_assert_eq!(after(AtomicOp::Add, Type::U32), old.wrapping_add(a));
        prop_assert_eq!(after(AtomicOp::Min, Type::S32) as i32, (old as i32).min(a as i32));
        prop_assert_eq!(after(AtomicOp::Max, Type::U32), old.max(a));
        prop_assert_eq!(after(AtomicOp::Exchange, Type::B32), a);
        prop_assert_eq!(after(AtomicOp::CompareSwap, Type::B32), if old == a { b } else { old });
        prop_assert_eq!(after(AtomicOp::Increment, Type::U32), if old >= a { 0 } else { old + 1 });
        prop_assert_eq!(after(AtomicOp::Decrement, Type::U32), if old == 0 || old > a { a } else { old - 1 });
        let sum = arith::atomic(AtomicOp::Add, Type::F32, 1.5f32.to_bits().into(), 2.0f32.to_bits().into(), 0);
        prop_assert_eq!(sum, Some(3.5f32.to_bits().into()));
        prop_assert_eq!(arith::atomic(AtomicOp::Min, Type::F32, 0, 0, 0), None);
    }
}
