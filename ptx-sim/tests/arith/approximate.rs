//! Approximate instructions: bounds, exact cases, special values.

use crate::support::{EXACT, config, patterns};
use proptest::prelude::*;
use tilewright_ptx_ir::ir::{BinaryOp, Type, UnaryOp};
use tilewright_ptx_sim::arith::{self, BinaryForm, Jitter};

const NAN: u32 = 0x7FFF_FFFF;

fn approximate(op: UnaryOp, ftz: bool, a: f32, jitter: Jitter) -> f32 {
    let bits = arith::unary(op, Type::F32, None, true, ftz, a.to_bits().into(), jitter).unwrap();
    f32::from_bits(bits as u32)
}

fn divide(full: bool, ftz: bool, a: f32, b: f32, jitter: Jitter) -> f32 {
    let form = BinaryForm { approx: !full, full, ftz, ..BinaryForm::default() };
    let bits = arith::binary(BinaryOp::Div, Type::F32, form, a.to_bits().into(), b.to_bits().into(), jitter).unwrap();
    f32::from_bits(bits as u32)
}

/// A function in f64.
type Function = fn(f64) -> f64;

/// The functions with a relative bound 2^x.
const RELATIVE: [(UnaryOp, Function, f64); 5] = [
    (UnaryOp::Rcp, |x| 1.0 / x, -23.0),
    (UnaryOp::Sqrt, f64::sqrt, -23.0),
    (UnaryOp::Rsqrt, |x| 1.0 / x.sqrt(), -22.9),
    (UnaryOp::Ex2, f64::exp2, -22.5),
    (UnaryOp::Tanh, f64::tanh, -11.0),
];

proptest! {
    #![proptest_config(config(10_000))]

    #[test]
    fn answers_stay_inside_their_relative_bounds(a in patterns(23, 8), seed in any::<u64>()) {
        let x = f32::from_bits(a as u32);
        for (op, function, bound) in RELATIVE {
            let exact = function(f64::from(x));
            if exact.is_nan() || exact.abs() > f64::from(f32::MAX) || exact.abs() < f64::from(f32::MIN_POSITIVE) {
                continue;
            }
            for jitter in [EXACT, Jitter { seed: Some(seed) }] {
                let ours = f64::from(approximate(op, false, x, jitter));
                prop_assert!((ours - exact).abs() <= bound.exp2() * exact.abs(), "{} of {x:e}: {ours:e}, {exact:e}", op.name());
            }
        }
    }

    #[test]
    fn sine_and_cosine_stay_inside_their_absolute_bound(x in -6.25f32..6.25, seed in any::<u64>()) {
        // The ISA's bound, and for cosines what an H100 reaches, 2^-20.43.
        for (op, exact, bound) in [(UnaryOp::Sin, f64::from(x).sin(), -20.5f64), (UnaryOp::Cos, f64::from(x).cos(), -20.4)] {
            let ours = f64::from(approximate(op, false, x, Jitter { seed: Some(seed) }));
            prop_assert!((ours - exact).abs() <= bound.exp2());
        }
    }

    #[test]
    fn logarithms_stay_inside_their_bounds(a in patterns(23, 8), seed in any::<u64>()) {
        let x = f32::from_bits(a as u32 & 0x7FFF_FFFF);
        prop_assume!(x > 0.0 && x.is_finite());
        let exact = f64::from(x).log2();
        let ours = f64::from(approximate(UnaryOp::Lg2, false, x, Jitter { seed: Some(seed) }));
        let bound = if (0.5..2.0).contains(&x) { 1.0 } else { exact.abs() };
        prop_assert!((ours - exact).abs() <= (-22.0f64).exp2() * bound, "{x:e}: {ours:e}, {exact:e}");
    }

    #[test]
    fn quotients_stay_inside_what_a_chip_reaches(a in -1e18f32..1e18, b in -1e18f32..1e18, seed in any::<u64>()) {
        prop_assume!(b != 0.0);
        let exact = f64::from(a) / f64::from(b);
        prop_assume!(exact.abs() > f64::from(f32::MIN_POSITIVE) && exact.abs() < f64::from(f32::MAX));
        let unit = 2.0f64.powi(exact.abs().log2().floor() as i32 - 23);
        for full in [false, true] {
            let ours = f64::from(divide(full, false, a, b, Jitter { seed: Some(seed) }));
            // The ISA says 2; an H100 is up to 2.093 off.
            prop_assert!((ours - exact).abs() <= 2.1 * unit);
        }
    }

    #[test]
    fn without_a_seed_answers_are_correctly_rounded(x in 1e-30f32..1e30) {
        prop_assert_eq!(approximate(UnaryOp::Rcp, false, x, EXACT), 1.0 / x);
        prop_assert_eq!(approximate(UnaryOp::Sqrt, false, x, EXACT), x.sqrt());
        prop_assert_eq!(approximate(UnaryOp::Lg2, false, x, EXACT), f64::from(x).log2() as f32);
    }

    #[test]
    fn answers_depend_on_seed_and_operand_alone(a in patterns(23, 8), seed in any::<u64>()) {
        let jitter = Jitter { seed: Some(seed) };
        for (op, ..) in RELATIVE {
            let once = |()| approximate(op, false, f32::from_bits(a as u32), jitter).to_bits();
            prop_assert_eq!(once(()), once(()));
        }
    }
}

/// A seed does move answers, and different seeds move them differently.
#[test]
fn seeds_move_answers() {
    for (op, ..) in RELATIVE {
        let answers = |seed| -> Vec<u32> {
            (1..200).map(|i| approximate(op, false, i as f32 / 77.0, Jitter { seed }).to_bits()).collect()
        };
        let moved = |a: &[u32], b: &[u32]| a.iter().zip(b).filter(|(a, b)| a != b).count();
        let (exact, one, two) = (answers(None), answers(Some(1)), answers(Some(2)));
        assert!(moved(&exact, &one) > 30 && moved(&one, &two) > 30, "{}", op.name());
    }
}

#[test]
fn exact_answers_are_never_moved() {
    for seed in 0..200 {
        let jitter = Jitter { seed: Some(seed) };
        for exponent in -120..=120 {
            let power = 2.0f32.powi(exponent);
            assert_eq!(approximate(UnaryOp::Ex2, true, exponent as f32, jitter), power);
            assert_eq!(approximate(UnaryOp::Rcp, true, -power, jitter), -1.0 / power);
            // Below 1 an H100 is a unit off.
            if exponent >= 0 {
                assert_eq!(approximate(UnaryOp::Lg2, true, power, jitter), exponent as f32);
            }
            assert_eq!(divide(true, false, 3.0, power, jitter), 3.0 / power);
        }
        assert_eq!(approximate(UnaryOp::Cos, false, 0.0, jitter), 1.0);
        assert_eq!(approximate(UnaryOp::Tanh, false, f32::NEG_INFINITY, jitter), -1.0);
        for (ty, infinity, one) in [(Type::F16, 0x7C00, 0x3C00), (Type::Bf16, 0x7F80, 0x3F80)] {
            assert_eq!(arith::unary(UnaryOp::Tanh, ty, None, true, false, infinity, jitter), Some(one));
        }
    }
}

#[test]
fn special_values() {
    const INFINITY: f32 = f32::INFINITY;
    let subnormal = f32::from_bits(1);
    // Operation, ftz, operand, result.
    let rows = [
        (UnaryOp::Ex2, false, -INFINITY, 0.0),
        (UnaryOp::Ex2, false, INFINITY, INFINITY),
        (UnaryOp::Ex2, false, -0.0, 1.0),
        (UnaryOp::Ex2, true, -subnormal, 1.0),
        (UnaryOp::Ex2, false, -149.0, subnormal),
        (UnaryOp::Ex2, true, -149.0, 0.0),
        (UnaryOp::Ex2, false, 128.0, INFINITY),
        (UnaryOp::Rcp, false, 0.0, INFINITY),
        (UnaryOp::Rcp, false, -0.0, -INFINITY),
        (UnaryOp::Rcp, false, -INFINITY, -0.0),
        (UnaryOp::Rcp, true, -subnormal, -INFINITY),
        (UnaryOp::Rcp, true, -2.0f32.powi(127), -0.0),
        (UnaryOp::Rsqrt, false, -0.0, -INFINITY),
        (UnaryOp::Rsqrt, false, INFINITY, 0.0),
        (UnaryOp::Rsqrt, true, subnormal, INFINITY),
        (UnaryOp::Sqrt, false, -0.0, -0.0),
        (UnaryOp::Sqrt, true, -subnormal, -0.0),
        (UnaryOp::Lg2, false, -0.0, -INFINITY),
        (UnaryOp::Lg2, false, subnormal, -149.0),
        (UnaryOp::Lg2, true, subnormal, -INFINITY),
        (UnaryOp::Lg2, false, 1.0, 0.0),
        (UnaryOp::Sin, false, -0.0, -0.0),
        (UnaryOp::Tanh, false, -INFINITY, -1.0),
        (UnaryOp::Tanh, false, subnormal, subnormal),
    ];
    for (op, ftz, operand, expected) in rows {
        let ours = approximate(op, ftz, operand, EXACT);
        assert_eq!(ours.to_bits(), expected.to_bits(), "{} of {operand:e}: {ours:e}", op.name());
    }
    for (op, operand) in [
        (UnaryOp::Sqrt, -1.0),
        (UnaryOp::Rsqrt, -INFINITY),
        (UnaryOp::Lg2, -1.0),
        (UnaryOp::Sin, INFINITY),
        (UnaryOp::Cos, -INFINITY),
        (UnaryOp::Ex2, -f32::NAN),
        (UnaryOp::Tanh, f32::NAN),
    ] {
        assert_eq!(approximate(op, false, operand, EXACT).to_bits(), NAN, "{} of {operand}", op.name());
    }
    // Quotients whose divisor is above 2^126.
    assert_eq!(divide(false, false, -3.0, 2.0f32.powi(127), EXACT).to_bits(), (-0.0f32).to_bits());
    assert_eq!(divide(false, false, INFINITY, 2.0f32.powi(127), EXACT).to_bits(), NAN);
    assert_eq!(divide(true, false, 3.0, 2.0f32.powi(127), EXACT), 3.0 / 2.0f32.powi(127));
    assert_eq!(divide(true, false, 0.0, 0.0, EXACT).to_bits(), NAN);
    assert_eq!(divide(false, true, 1.0, subnormal, EXACT), INFINITY);
}

#[test]
fn halves_have_their_own_forms() {
    let one = |op, ty, ftz, a| arith::unary(op, ty, None, true, ftz, a, EXACT);
    assert_eq!(one(UnaryOp::Ex2, Type::F16, false, 0xC000), Some(0x3400));
    assert_eq!(one(UnaryOp::Ex2, Type::F16x2, false, 0xFC00_3C00), Some(0x0000_4000));
    assert_eq!(one(UnaryOp::Tanh, Type::Bf16, false, 0x7F80), Some(0x3F80));
    assert_eq!(one(UnaryOp::Ex2, Type::Bf16, false, 0), None);
    assert_eq!(one(UnaryOp::Rcp, Type::F64, false, 0), None);
}

/// What has 20 bits of the fraction.
fn gross(op: UnaryOp, a: f64) -> f64 {
    f64::from_bits(arith::unary(op, Type::F64, None, true, true, a.to_bits(), EXACT).unwrap())
}

#[test]
fn gross_reciprocals_of_f64() {
    let (up, down) = (f64::INFINITY, f64::NEG_INFINITY);
    let subnormal = f64::MIN_POSITIVE / 2.0;
    for (a, reciprocal, of_root) in [
        (0.0, up, Some(up)),
        (-0.0, down, Some(down)),
        (subnormal, up, Some(up)),
        (-subnormal, down, Some(down)),
        (up, 0.0, Some(0.0)),
        (down, -0.0, None),
        (4.0, 0.25, Some(0.5)),
        (-4.0, -0.25, None),
        // The low word of an operand does not count, and what would be subnormal is a zero.
        (f64::from_bits(0x4010_0000_FFFF_FFFF), 0.25, Some(0.5)),
        (-f64::MAX, -0.0, None),
    ] {
        assert_eq!(gross(UnaryOp::Rcp, a).to_bits(), reciprocal.to_bits(), "{a:e}");
        let found = gross(UnaryOp::Rsqrt, a).to_bits();
        assert_eq!(found, of_root.map_or(0x7FFF_FFFF_0000_0000, f64::to_bits), "{a:e}");
    }
    assert_eq!(gross(UnaryOp::Rcp, f64::NAN).to_bits(), 0x7FFF_FFFF_0000_0000);
    // Nothing else is there.
    assert_eq!(arith::unary(UnaryOp::Rcp, Type::F64, None, true, false, 0, EXACT), None);
    assert_eq!(arith::unary(UnaryOp::Sqrt, Type::F64, None, true, true, 0, EXACT), None);
}

#[test]
fn special_reciprocal_roots_of_f64() {
    let root = |a: u64| arith::unary(UnaryOp::Rsqrt, Type::F64, None, true, false, a, EXACT).unwrap();
    let nan = 0xFFF8_0000_0000_0000;
    for (a, wanted) in [(0.0, f64::INFINITY), (-0.0, f64::NEG_INFINITY), (f64::INFINITY, 0.0), (0.25, 2.0)] {
        assert_eq!(root(f64::to_bits(a)), wanted.to_bits(), "{a}");
    }
    assert_eq!([-1.0, f64::NEG_INFINITY, -5e-324].map(|a: f64| root(a.to_bits())), [nan; 3]);
    assert_eq!(root(0x7FF0_0000_0000_0001), 0x7FF8_0000_0000_0001);
    // Subnormals are not flushed: 2^-1074.
    assert_eq!(f64::from_bits(root(1)), 537.0f64.exp2());
}

/// Whether the reciprocal square root of x lies between the two neighbours of y: the sign of x y^2 - 1 changes there.
fn is_near_root(x: f64, y: f64) -> bool {
    let excess = |y: f64| {
        // x y is exact as a sum of two.
        let product = x * y;
        let lost = x.mul_add(y, -product);
        product.mul_add(y, -1.0) + lost * y
    };
    excess(y.next_down()) < 0.0 && excess(y.next_up()) > 0.0
}

proptest! {
    #![proptest_config(config(4_000))]

    #[test]
    fn reciprocal_roots_of_f64_are_near(a in patterns(52, 11)) {
        let x = f64::from_bits(a).abs();
        if x.is_finite() && x != 0.0 {
            let found = arith::unary(UnaryOp::Rsqrt, Type::F64, None, true, false, x.to_bits(), EXACT).unwrap();
            prop_assert!(is_near_root(x, f64::from_bits(found)), "{x:e}: {:e}", f64::from_bits(found));
        }
    }

    #[test]
    fn gross_reciprocals_are_near(a in patterns(52, 11)) {
        let x = f64::from_bits(a & !0xFFFF_FFFF);
        for (op, exact) in [(UnaryOp::Rcp, 1.0 / x), (UnaryOp::Rsqrt, 1.0 / x.sqrt())] {
            if exact.is_normal() && x.is_normal() {
                let found = gross(op, f64::from_bits(a));
                prop_assert_eq!(found.to_bits() & 0xFFFF_FFFF, 0);
                prop_assert!((found - exact).abs() <= exact.abs() * (-20.9f64).exp2(), "{x:e}: {found:e}, {exact:e}");
            }
        }
    }
}
