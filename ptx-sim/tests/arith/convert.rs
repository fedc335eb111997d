//! `cvt` against `half`, the host's casts and LLVM's APFloat.

use crate::support::{config, patterns};
use proptest::prelude::*;
use rustc_apfloat::ieee::{BFloat, Double, Half, Single};
use rustc_apfloat::{Float, FloatConvert, Round};
use tilewright_ptx_ir::ir::{Rounding, Type};
use tilewright_ptx_sim::arith::{cvt, cvt_pack_s8, cvt_pair, cvt_tf32};

const ROUNDINGS: [(Rounding, Round); 4] = [
    (Rounding::Nearest, Round::NearestTiesToEven),
    (Rounding::Zero, Round::TowardZero),
    (Rounding::Down, Round::TowardNegative),
    (Rounding::Up, Round::TowardPositive),
];

const INTEGRAL: [(Rounding, Round); 4] = [
    (Rounding::IntegerNearest, Round::NearestTiesToEven),
    (Rounding::IntegerZero, Round::TowardZero),
    (Rounding::IntegerDown, Round::TowardNegative),
    (Rounding::IntegerUp, Round::TowardPositive),
];

fn plain(to: Type, from: Type, rounding: Option<Rounding>, a: u64) -> u64 {
    cvt(to, from, rounding, false, false, a).unwrap()
}

/// All f16 and bf16 values widen exactly.
#[test]
fn halves_widen_exactly() {
    for bits in 0..=u16::MAX {
        let nan_or = |nan: bool, expected: u64, ours: u64, pattern: u64| {
            assert_eq!(ours, if nan { pattern } else { expected }, "{bits:#x}");
        };
        let value = half::f16::from_bits(bits);
        let ours = |to| plain(to, Type::F16, None, bits.into());
        nan_or(value.is_nan(), value.to_f32().to_bits().into(), ours(Type::F32), 0x7FFF_FFFF);
        let kept = u64::from(bits >> 15) << 63 | 0x7FF8 << 48 | u64::from(bits & 0x1FF) << 42;
        nan_or(value.is_nan(), value.to_f64().to_bits(), ours(Type::F64), kept);
        let value = half::bf16::from_bits(bits);
        let ours = |to| plain(to, Type::Bf16, None, bits.into());
        nan_or(value.is_nan(), value.to_f32().to_bits().into(), ours(Type::F32), u64::from(bits) << 16);
    }
}

fn integer_width(ty: Type) -> u32 {
    8 * ty.bytes()
}

const INTEGERS: [Type; 8] = [Type::U8, Type::S8, Type::U16, Type::S16, Type::U32, Type::S32, Type::U64, Type::S64];

/// The value of `bits` as `ty`, and its range.
fn value(ty: Type, bits: u64) -> i128 {
    match ty {
        Type::U8 => i128::from(bits as u8),
        Type::S8 => i128::from(bits as i8),
        Type::U16 => i128::from(bits as u16),
        Type::S16 => i128::from(bits as i16),
        Type::U32 => i128::from(bits as u32),
        Type::S32 => i128::from(bits as i32),
        Type::U64 => i128::from(bits),
        _ => i128::from(bits as i64),
    }
}

fn range(ty: Type) -> (i128, i128) {
    let width = integer_width(ty);
    if ty.is_signed() { (-(1 << (width - 1)), (1 << (width - 1)) - 1) } else { (0, (1 << width) - 1) }
}

fn narrowed<T: Float>(bits: u64, rounding: Round, nan: u64) -> u64
where
    Single: FloatConvert<T>,
{
    let mut loses = false;
    let value: T = Single::from_bits(bits.into()).convert_r(rounding, &mut loses).value;
    if value.is_nan() { nan } else { value.to_bits() as u64 }
}

proptest! {
    #![proptest_config(config(20_000))]

    #[test]
    fn f32_narrows_with_every_rounding(a in patterns(23, 8)) {
        for (ours, theirs) in ROUNDINGS {
            prop_assert_eq!(plain(Type::F16, Type::F32, Some(ours), a), narrowed::<Half>(a, theirs, 0x7FFF));
            prop_assert_eq!(plain(Type::Bf16, Type::F32, Some(ours), a), narrowed::<BFloat>(a, theirs, 0x7FFF));
        }
        // And the nearest by another library.
        let value = f32::from_bits(a as u32);
        if !value.is_nan() {
            let expected = u64::from(half::f16::from_f32(value).to_bits());
            prop_assert_eq!(plain(Type::F16, Type::F32, Some(Rounding::Nearest), a), expected);
        }
    }

    #[test]
    fn f64_narrows_with_every_rounding(a in patterns(52, 11)) {
        for (ours, theirs) in ROUNDINGS {
            let mut loses = false;
            let single: Single = Double::from_bits(a.into()).convert_r(theirs, &mut loses).value;
            // The sign and the top of what a NaN carries stay, made quiet.
            let kept = (a >> 32 & 0x8000_0000) | 0x7FC0_0000 | (a >> 29 & 0x003F_FFFF);
            let expected = if single.is_nan() { kept } else { single.to_bits() as u64 };
            prop_assert_eq!(plain(Type::F32, Type::F64, Some(ours), a), expected);
        }
    }

    #[test]
    fn floats_clamp_to_integers(a in patterns(23, 8), to in 0usize..8) {
        let to = INTEGERS[to];
        for (ours, theirs) in INTEGRAL {
            let value_of = Single::from_bits(a.into());
            let mut exact = false;
            // APFloat clamps as PTX does, but for NaN.
            let expected: i128 = if to.is_signed() {
                value_of.to_i128_r(integer_width(to) as usize, theirs, &mut exact).value
            } else {
                value_of.to_u128_r(integer_width(to) as usize, theirs, &mut exact).value as i128
            };
            let nan = if to.bytes() < 8 { 0 } else { value(to, 1 << 63) };
            let expected = if value_of.is_nan() { nan } else { expected };
            prop_assert_eq!(value(to, plain(to, Type::F32, Some(ours), a)), expected);
        }
    }

    #[test]
    fn integers_round_to_floats(a in any::<u64>(), shift in 0u32..64, from in 0usize..8) {
        let from = INTEGERS[from];
        let a = a >> shift;
        let value = value(from, a);
        for (ours, theirs) in ROUNDINGS {
            let bits = |to| plain(to, from, Some(ours), a);
            prop_assert_eq!(bits(Type::F16), Half::from_i128_r(value, theirs).value.to_bits() as u64);
            prop_assert_eq!(bits(Type::Bf16), BFloat::from_i128_r(value, theirs).value.to_bits() as u64);
            prop_assert_eq!(bits(Type::F32), Single::from_i128_r(value, theirs).value.to_bits() as u64);
            prop_assert_eq!(bits(Type::F64), Double::from_i128_r(value, theirs).value.to_bits() as u64);
        }
    }

    #[test]
    fn integers_are_cut_or_clamped(a in any::<u64>(), shift in 0u32..64, to in 0usize..8, from in 0usize..8) {
        let (to, from, a) = (INTEGERS[to], INTEGERS[from], a >> shift);
        let wrapped = value(to, value(from, a) as u64);
        let ours = plain(to, from, None, a);
        prop_assert_eq!(value(to, ours), wrapped);
        // The result fills the register: extended by its own sign.
        prop_assert_eq!(ours, wrapped as u64);
        let (least, greatest) = range(to);
        let clamped = cvt(to, from, None, false, true, a).unwrap();
        prop_assert_eq!(value(to, clamped), value(from, a).clamp(least, greatest));
    }

    #[test]
    fn integral_values_keep_the_sign_of_zero(a in patterns(23, 8)) {
        for (ours, theirs) in INTEGRAL {
            let expected = Single::from_bits(a.into()).round_to_integral(theirs).value;
            let expected = if expected.is_nan() { 0x7FFF_FFFF } else { expected.to_bits() as u64 };
            prop_assert_eq!(plain(Type::F32, Type::F32, Some(ours), a), expected);
        }
    }

    #[test]
    fn pairs_are_two_conversions(high in patterns(23, 8), low in patterns(23, 8), zero in any::<bool>()) {
        let rounding = if zero { Rounding::Zero } else { Rounding::Nearest };
        for (pair, half) in [(Type::F16x2, Type::F16), (Type::Bf16x2, Type::Bf16)] {
            let one = |bits| plain(half, Type::F32, Some(rounding), bits) as u32;
            let both = cvt_pair(pair, rounding, false, high as u32, low as u32);
            prop_assert_eq!(both, Some(one(high) << 16 | one(low)));
            let relu = |bits| if one(bits) > 0x8000 && f32::from_bits(bits as u32) <= 0.0 { 0 } else { one(bits) & 0x7FFF };
            let both = cvt_pair(pair, rounding, true, high as u32, low as u32);
            prop_assert_eq!(both, Some(relu(high) << 16 | relu(low)));
        }
    }

    #[test]
    fn ftz_flushes_f32_on_both_sides(a in patterns(23, 8), b in patterns(52, 11)) {
        let flushed = |bits: u64| if bits & 0x7F80_0000 == 0 { bits & 0x8000_0000 } else { bits };
        let wide = cvt(Type::F64, Type::F32, None, true, false, a);
        prop_assert_eq!(wide, Some(plain(Type::F64, Type::F32, None, flushed(a))));
        let integer = Some(Rounding::IntegerUp);
        prop_assert_eq!(cvt(Type::U32, Type::F32, integer, true, false, a), Some(plain(Type::U32, Type::F32, integer, flushed(a))));
        let rounding = Some(Rounding::Up);
        let narrow = cvt(Type::F32, Type::F64, rounding, true, false, b);
        prop_assert_eq!(narrow, Some(flushed(plain(Type::F32, Type::F64, rounding, b))));
    }

    #[test]
    fn saturation_clamps_to_zero_and_one(a in patterns(23, 8)) {
        let value = f32::from_bits(a as u32);
        let clamped = if value.is_nan() || value <= 0.0 { 0.0 } else { value.min(1.0) };
        prop_assert_eq!(cvt(Type::F32, Type::F32, None, false, true, a), Some(clamped.to_bits().into()));
        let expected = u64::from(half::f16::from_f32(clamped).to_bits());
        prop_assert_eq!(cvt(Type::F16, Type::F32, Some(Rounding::Nearest), false, true, a), Some(expected));
    }

    #[test]
    fn packed_bytes_saturate(a in any::<i32>(), b in -200i32..200, c in any::<u32>()) {
        let byte = |value: i32| u32::from(value.clamp(-128, 127) as u8);
        let packed = cvt_pack_s8(a as u32, b as u32, c);
        prop_assert_eq!(packed, (c & 0xFFFF) << 16 | byte(a) << 8 | byte(b));
    }
}

/// What PTX wants said must be said: a rounding where bits are lost, none where they are not.
#[test]
fn roundings_are_demanded_where_ptx_demands_them() {
    let modelled = |to, from, rounding| cvt(to, from, rounding, false, false, 0).is_some();
    assert!(!modelled(Type::F16, Type::F32, None));
    assert!(!modelled(Type::F16, Type::S32, None));
    assert!(!modelled(Type::F32, Type::U32, None));
    assert!(!modelled(Type::S32, Type::F32, None));
    assert!(!modelled(Type::S32, Type::F32, Some(Rounding::Nearest)));
    assert!(!modelled(Type::F32, Type::F16, Some(Rounding::Nearest)));
    assert!(!modelled(Type::F32, Type::B32, Some(Rounding::Nearest)));
    assert!(!modelled(Type::F16x2, Type::F32, Some(Rounding::Nearest)));
    assert_eq!(cvt(Type::F64, Type::F16, None, true, false, 0), None);
}

/// As measured on an H100 with driver 580.159: `.ftz` leaves the subnormals that become f16 as they are.
#[test]
fn ftz_does_not_flush_what_becomes_f16() {
    for (rounding, a, wanted) in [
        (Rounding::Up, 1, 1),
        (Rounding::Up, 0x8000_0001, 0x8000),
        (Rounding::Down, 0x807F_FFFF, 0x8001),
        (Rounding::Nearest, 0x7F_FFFF, 0),
    ] {
        assert_eq!(cvt(Type::F16, Type::F32, Some(rounding), true, false, a), Some(wanted), "{rounding:?} {a:#x}");
    }
}

/// As measured on an H100 with driver 580.159: what becomes of a NaN.
#[test]
fn nans_are_converted_as_a_chip_converts_them() {
    // From f64 the leading bits stay, and it becomes quiet; rounded to an integer it becomes quiet.
    let to_f16 = |a| plain(Type::F16, Type::F64, Some(Rounding::Zero), a);
    assert_eq!(to_f16(0x7FF0_0000_0000_0001), 0x7E00);
    assert_eq!(to_f16(0xFFF8_7000_0000_0000), 0xFE1C);
    let integral = |a| plain(Type::F64, Type::F64, Some(Rounding::IntegerUp), a);
    assert_eq!(integral(0xFFFF_FFFF_FFFF_FFCD), 0xFFFF_FFFF_FFFF_FFCD);
    assert_eq!(integral(0x7FF0_0000_0000_0001), 0x7FF8_0000_0000_0001);
    // f32 to f32 is a move, but with .ftz.
    assert_eq!(cvt(Type::F32, Type::F32, None, false, false, 0x7F88_7FA0), Some(0x7F88_7FA0));
    assert_eq!(cvt(Type::F32, Type::F32, None, true, false, 0x7F88_7FA0), Some(0x7FFF_FFFF));
    // To tf32 it is cut, even if an infinity is left.
    assert_eq!(cvt_tf32(0xFFFF_ED0A), 0xFFFF_E000);
    assert_eq!(cvt_tf32(0xFF80_0943), 0xFF80_0000);
}
