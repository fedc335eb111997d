//! Sums, products, quotients and fused products against LLVM's APFloat and against the host's own arithmetic.

use crate::support::{EXACT, config, patterns};
use proptest::prelude::*;
use rustc_apfloat::ieee::{BFloat, Double, Half, Single};
use rustc_apfloat::{Float, Round};
use tilewright_ptx_ir::ir::{BinaryOp, Compare, FloatTest, Rounding, TernaryOp, Type, UnaryOp};
use tilewright_ptx_sim::arith::{self, BinaryForm, TernaryForm};

const ROUNDINGS: [(Rounding, Round); 4] = [
    (Rounding::Nearest, Round::NearestTiesToEven),
    (Rounding::Zero, Round::TowardZero),
    (Rounding::Down, Round::TowardNegative),
    (Rounding::Up, Round::TowardPositive),
];

fn form(rounding: Rounding) -> BinaryForm {
    BinaryForm { rounding: Some(rounding), ..BinaryForm::default() }
}

fn binary(op: BinaryOp, ty: Type, form: BinaryForm, a: u64, b: u64) -> u64 {
    arith::binary(op, ty, form, a, b, EXACT).unwrap()
}

/// The pattern that the chip gives for what APFloat computed from `operands`: f64 passes on the last NaN among them.
fn bits<F: Float>(value: F, nan: u64, operands: &[u64]) -> u64 {
    if !value.is_nan() {
        return u64::try_from(value.to_bits()).unwrap();
    }
    let last = operands.iter().rev().find(|&&bits| F::from_bits(bits.into()).is_nan());
    match last {
        Some(bits) if nan == NAN_F64 => bits | 0x0008_0000_0000_0000,
        _ => nan,
    }
}

/// Every operation of one format under one rounding.
fn check<F: Float>(ty: Type, nan: u64, rounding: (Rounding, Round), a: u64, b: u64, c: u64) {
    let (ours, theirs) = rounding;
    let [x, y, z] = [a, b, c].map(|bits| F::from_bits(bits.into()));
    let place = |name: &str| format!("{name}.{}.{ty} of {a:#x}, {b:#x}, {c:#x}", ours.name());
    assert_eq!(
        binary(BinaryOp::Add, ty, form(ours), a, b),
        bits(x.add_r(y, theirs).value, nan, &[a, b]),
        "{}",
        place("add")
    );
    assert_eq!(
        binary(BinaryOp::Sub, ty, form(ours), a, b),
        bits(x.sub_r(y, theirs).value, nan, &[a, b]),
        "{}",
        place("sub")
    );
    assert_eq!(
        binary(BinaryOp::Mul, ty, form(ours), a, b),
        bits(x.mul_r(y, theirs).value, nan, &[a, b]),
        "{}",
        place("mul")
    );
    let fma = TernaryForm { rounding: Some(ours), ..TernaryForm::default() };
    let fma = arith::ternary(TernaryOp::Fma, ty, fma, a, b, c).unwrap();
    assert_eq!(fma, bits(x.mul_add_r(y, z, theirs).value, nan, &[a, b, c]), "{}", place("fma"));
    if matches!(ty, Type::F32 | Type::F64) {
        let quotient = binary(BinaryOp::Div, ty, form(ours), a, b);
        assert_eq!(quotient, bits(x.div_r(y, theirs).value, nan, &[b, a]), "{}", place("div"));
        let one = F::from_u128(1).value;
        let inverse = arith::unary(UnaryOp::Rcp, ty, Some(ours), false, false, a, EXACT).unwrap();
        assert_eq!(inverse, bits(one.div_r(x, theirs).value, nan, &[a]), "{}", place("rcp"));
    }
}

const NAN_F64: u64 = 0xFFF8_0000_0000_0000;

proptest! {
    #![proptest_config(config(20_000))]

    #[test]
    fn f32_agrees_with_apfloat(a in patterns(23, 8), b in patterns(23, 8), c in patterns(23, 8), mode in 0usize..4) {
        check::<Single>(Type::F32, 0x7FFF_FFFF, ROUNDINGS[mode], a, b, c);
    }

    #[test]
    fn f64_agrees_with_apfloat(a in patterns(52, 11), b in patterns(52, 11), c in patterns(52, 11), mode in 0usize..4) {
        check::<Double>(Type::F64, NAN_F64, ROUNDINGS[mode], a, b, c);
    }

    #[test]
    fn f16_agrees_with_apfloat(a in patterns(10, 5), b in patterns(10, 5), c in patterns(10, 5)) {
        check::<Half>(Type::F16, 0x7FFF, ROUNDINGS[0], a, b, c);
    }

    #[test]
    fn bf16_agrees_with_apfloat(a in patterns(7, 8), b in patterns(7, 8), c in patterns(7, 8)) {
        check::<BFloat>(Type::Bf16, 0x7FFF, ROUNDINGS[0], a, b, c);
    }

    /// Cancellation: c is close to -a·b, where a double rounding would show.
    #[test]
    fn fma_rounds_once(a in patterns(23, 8), b in patterns(23, 8), step in -3i64..4, mode in 0usize..4) {
        let product = f32::from_bits(a as u32) * f32::from_bits(b as u32);
        let c = u64::from((-product).to_bits()).wrapping_add_signed(step) & 0xFFFF_FFFF;
        check::<Single>(Type::F32, 0x7FFF_FFFF, ROUNDINGS[mode], a, b, c);
    }

    #[test]
    fn square_root_is_the_largest_number_whose_square_is_not_above(a in patterns(23, 8)) {
        let root = |rounding| arith::unary(UnaryOp::Sqrt, Type::F32, Some(rounding), false, false, a, EXACT).unwrap();
        let x = f32::from_bits(a as u32);
        let nearest = x.sqrt();
        let expected = if nearest.is_nan() { 0x7FFF_FFFF } else { u64::from(nearest.to_bits()) };
        prop_assert_eq!(root(Rounding::Nearest), expected);
        let (down, up) = (root(Rounding::Zero), root(Rounding::Up));
        if x.is_finite() && x > 0.0 {
            // Squares of f32 are exact in f64.
            let square = |bits: u64| f64::from(f32::from_bits(bits as u32)).powi(2);
            prop_assert!(square(down) <= f64::from(x) && f64::from(x) <= square(up));
            prop_assert!(up - down == u64::from(square(down) != f64::from(x)));
            prop_assert_eq!(root(Rounding::Down), down);
        }
    }

    #[test]
    fn f64_square_root_agrees_with_the_host(a in patterns(52, 11)) {
        let root = f64::from_bits(a).sqrt();
        let passed_on = f64::from_bits(a).is_nan().then_some(a | 0x0008_0000_0000_0000);
        let expected = if root.is_nan() { passed_on.unwrap_or(NAN_F64) } else { root.to_bits() };
        let ours = arith::unary(UnaryOp::Sqrt, Type::F64, Some(Rounding::Nearest), false, false, a, EXACT);
        prop_assert_eq!(ours, Some(expected));
    }

    #[test]
    fn packed_halves_are_two_scalars(a in any::<u32>(), b in any::<u32>(), c in any::<u32>()) {
        for (packed, scalar) in [(Type::F16x2, Type::F16), (Type::Bf16x2, Type::Bf16)] {
            let halves = |bits: u64| [bits & 0xFFFF, bits >> 16];
            let ([a0, a1], [b0, b1], [c0, c1]) = (halves(a.into()), halves(b.into()), halves(c.into()));
            for op in [BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Min, BinaryOp::Max] {
                let one = |a, b| binary(op, scalar, BinaryForm::default(), a, b);
                let both = binary(op, packed, BinaryForm::default(), a.into(), b.into());
                prop_assert_eq!(both, one(a0, b0) | one(a1, b1) << 16);
            }
            let relu = TernaryForm { relu: true, ..TernaryForm::default() };
            let one = |a, b, c| arith::ternary(TernaryOp::Fma, scalar, relu, a, b, c).unwrap();
            let both = arith::ternary(TernaryOp::Fma, packed, relu, a.into(), b.into(), c.into()).unwrap();
            prop_assert_eq!(both, one(a0, b0, c0) | one(a1, b1, c1) << 16);
        }
    }

    /// With `.ftz` an instruction is the same one between two flushes.
    #[test]
    fn ftz_flushes_operands_and_result(a in patterns(23, 8), b in patterns(23, 8), mode in 0usize..4) {
        let flush = |bits: u64| if bits & 0x7F80_0000 == 0 { bits & 0x8000_0000 } else { bits };
        let plain = form(ROUNDINGS[mode].0);
        let ftz = BinaryForm { ftz: true, ..plain };
        for op in [BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Div] {
            let expected = flush(binary(op, Type::F32, plain, flush(a), flush(b)));
            prop_assert_eq!(binary(op, Type::F32, ftz, a, b), expected);
        }
    }

    #[test]
    fn saturation_clamps_to_zero_and_one(a in patterns(23, 8), b in patterns(23, 8)) {
        let plain = f32::from_bits(binary(BinaryOp::Mul, Type::F32, BinaryForm::default(), a, b) as u32);
        let sat = BinaryForm { sat: true, ..BinaryForm::default() };
        let clamped = f32::from_bits(binary(BinaryOp::Mul, Type::F32, sat, a, b) as u32);
        let expected = if plain.is_nan() || plain <= 0.0 { 0.0 } else { plain.min(1.0) };
        prop_assert_eq!(clamped.to_bits(), expected.to_bits());
    }

    #[test]
    fn extrema_and_comparisons_agree_with_the_host(a in patterns(23, 8), b in patterns(23, 8)) {
        let (x, y) = (f32::from_bits(a as u32), f32::from_bits(b as u32));
        let holds = |comparison| arith::compare(comparison, Type::F32, false, a, b).unwrap();
        let unordered = x.is_nan() || y.is_nan();
        for (ordered, or_unordered, expected) in [
            (Compare::Eq, Compare::Equ, x == y),
            (Compare::Lt, Compare::Ltu, x < y),
            (Compare::Le, Compare::Leu, x <= y),
            (Compare::Gt, Compare::Gtu, x > y),
            (Compare::Ge, Compare::Geu, x >= y),
        ] {
            prop_assert_eq!(holds(ordered), expected);
            prop_assert_eq!(holds(or_unordered), expected || unordered);
        }
        prop_assert_eq!(holds(Compare::Ne), !unordered && x != y);
        prop_assert_eq!(holds(Compare::Neu), x != y);
        prop_assert_eq!(holds(Compare::Num), !unordered);
        prop_assert_eq!(holds(Compare::Nan), unordered);

        let expected = |largest: bool| match (x.is_nan(), y.is_nan()) {
            (true, true) => 0x7FFF_FFFF,
            (true, false) => b,
            (false, true) => a,
            // `total_cmp` orders -0 below +0.
            _ if (x.total_cmp(&y) == std::cmp::Ordering::Less) == largest => b,
            _ => a,
        };
        let nan = BinaryForm { nan: true, ..BinaryForm::default() };
        for (op, largest) in [(BinaryOp::Min, false), (BinaryOp::Max, true)] {
            prop_assert_eq!(binary(op, Type::F32, BinaryForm::default(), a, b), expected(largest));
            let strict = if unordered { 0x7FFF_FFFF } else { expected(largest) };
            prop_assert_eq!(binary(op, Type::F32, nan, a, b), strict);
        }
    }
}

/// Every f16 against every one of a few hundred, on the host's f64: a sum and a product of two f16 are exact there.
#[test]
fn all_f16_sums_and_products_agree_with_half() {
    use half::f16;
    let others: Vec<u16> = (0..=u16::MAX).step_by(331).chain([0, 1, 0x3FF, 0x400, 0x7BFF, 0x7C00, 0x8000]).collect();
    for a in 0..=u16::MAX {
        for &b in &others {
            let (x, y) = (f16::from_bits(a).to_f64(), f16::from_bits(b).to_f64());
            for (op, exact) in [(BinaryOp::Add, x + y), (BinaryOp::Mul, x * y)] {
                let expected = if exact.is_nan() { 0x7FFF } else { f16::from_f64(exact).to_bits() };
                let ours = binary(op, Type::F16, BinaryForm::default(), a.into(), b.into());
                assert_eq!(ours, u64::from(expected), "{} of {a:#x}, {b:#x}", op.name());
            }
        }
    }
}

#[test]
fn signs_change_without_rounding() {
    let unary = |op, ty, ftz, a| arith::unary(op, ty, None, false, ftz, a, EXACT);
    assert_eq!(unary(UnaryOp::Neg, Type::F32, false, 0), Some(0x8000_0000));
    assert_eq!(unary(UnaryOp::Neg, Type::F32, true, 0x8000_0001), Some(0));
    assert_eq!(unary(UnaryOp::Abs, Type::F16x2, false, 0x8001_BC00), Some(0x0001_3C00));
    assert_eq!(unary(UnaryOp::Neg, Type::F64, false, 1), Some(0x8000_0000_0000_0001));
}

/// NaN patterns as an H200 gives them.
#[test]
fn nan_patterns() {
    let unary = |op, ty, a| arith::unary(op, ty, None, false, false, a, EXACT).unwrap();
    assert_eq!(unary(UnaryOp::Neg, Type::F32, 0x7FC0_0000), 0x7FFF_FFFF);
    assert_eq!(unary(UnaryOp::Abs, Type::F32, 0xFF80_0001), 0x7FFF_FFFF);
    assert_eq!(unary(UnaryOp::Neg, Type::F16x2, 0x7F80_0000), 0x7FFF_8000);
    assert_eq!(unary(UnaryOp::Abs, Type::Bf16x2, 0x7FC0_8000), 0x7FFF_0000);
    let of = |op| binary(op, Type::F64, BinaryForm::default(), 0xFFF4_0000_0000_0001, 0x7FF1_2345_6789_ABCD);
    assert_eq!(of(BinaryOp::Add), 0x7FF9_2345_6789_ABCD);
    assert_eq!(of(BinaryOp::Min), 0x7FF9_2345_6789_ABCD);
    let div = form(Rounding::Nearest);
    let quotient = binary(BinaryOp::Div, Type::F64, div, 0xFFF4_0000_0000_0001, 0x7FF1_2345_6789_ABCD);
    assert_eq!(quotient, 0xFFFC_0000_0000_0001);
}

/// Whether an instruction is modelled does not depend on its operands, and what PTX lacks is not.
#[test]
fn what_ptx_lacks_is_not_modelled() {
    let rounded = form(Rounding::Zero);
    assert_eq!(arith::binary(BinaryOp::Add, Type::F16, rounded, 0, 0, EXACT), None);
    assert_eq!(arith::binary(BinaryOp::Div, Type::F16, BinaryForm::default(), 0, 0, EXACT), None);
    assert_eq!(arith::binary(BinaryOp::Div, Type::F32, BinaryForm::default(), 0, 0, EXACT), None);
    assert_eq!(arith::binary(BinaryOp::Rem, Type::F32, BinaryForm::default(), 0, 0, EXACT), None);
    assert_eq!(arith::unary(UnaryOp::Rcp, Type::F32, None, false, false, 0, EXACT), None);
    assert_eq!(arith::unary(UnaryOp::Sqrt, Type::F16, Some(Rounding::Nearest), false, false, 0, EXACT), None);
    let relu = TernaryForm { relu: true, ..TernaryForm::default() };
    assert_eq!(arith::ternary(TernaryOp::Fma, Type::F32, relu, 0, 0, 0), None);
    assert_eq!(arith::compare(Compare::Eq, Type::F16x2, false, 0, 0), None);
}

/// PTX ISA 9.0, `testp`: "As a special case, positive and negative zero are considered normal numbers."
#[test]
fn zeros_are_normal_and_not_subnormal() {
    for (ty, sign) in [(Type::F32, 1 << 31), (Type::F64, 1 << 63)] {
        for zero in [0, sign] {
            assert_eq!(arith::test(FloatTest::Normal, ty, zero), Some(true));
            assert_eq!(arith::test(FloatTest::Subnormal, ty, zero), Some(false));
            assert_eq!(arith::test(FloatTest::Normal, ty, zero | 1), Some(false));
        }
    }
}
