//! Conversions.

use rustc_apfloat::ieee::{BFloat, Double, Half, Single};
use rustc_apfloat::{Float, FloatConvert, Round};
use tilewright_ptx_ir::ir::{Op, Rounding, Type};

use super::floats::{Format, direction, format};
use super::integers::{extended, number, range};
use super::lane::Lane;

/// Executes a conversion; `None` if it is none.
pub(super) fn execute(op: &Op, lane: &mut Lane) -> Option<()> {
    let (dst, value) = match op {
        Op::Cvt { to, from, rounding, ftz, sat, dst, src } => {
            (*dst, convert(*to, *from, *rounding, *ftz, *sat, lane.operand(*src, *from))?)
        }
        Op::CvtPair { to, rounding, relu, dst, high, low } => {
            let (scalar, format) = (if *to == Type::F16x2 { Type::F16 } else { Type::Bf16 }, format(*to)?);
            let half = |operand| {
                let bits = narrowed(scalar, Type::F32, direction(Some(*rounding)), lane.operand(operand, Type::F32))?;
                Some(if *relu { format.rectified(bits) } else { bits })
            };
            (*dst, half(*high)? << 16 | half(*low)?)
        }
        Op::CvtPackS8 { dst, a, b, c } => {
            let saturated = |operand| {
                let (least, greatest) = range(Type::S8);
                number(lane.operand(operand, Type::S32), Type::S32).clamp(least, greatest) as u64 & 0xFF
            };
            (*dst, (lane.operand(*c, Type::B32) & 0xFFFF) << 16 | saturated(*a) << 8 | saturated(*b))
        }
        Op::CvtTf32 { dst, src } => {
            let bits = lane.operand(*src, Type::F32);
            let format = format(Type::F32)?;
            // 13 bits of the fraction are dropped, and half of the last that stays is added to the magnitude: ties go away from zero.
            let value = match bits & (format.sign() - 1) {
                magnitude if magnitude >= format.infinity() => bits / 0x2000 * 0x2000,
                magnitude => (bits & format.sign()) + (magnitude / 0x2000 + magnitude % 0x2000 / 0x1000) * 0x2000,
            };
            (*dst, value)
        }
        _ => return None,
    };
    lane.write(dst, value);
    Some(())
}

fn convert(to: Type, from: Type, rounding: Option<Rounding>, ftz: bool, sat: bool, a: u64) -> Option<u64> {
    let round = direction(rounding);
    let a = match format(from) {
        Some(format) if ftz && from == Type::F32 && to != Type::F16 => format.flushed(a),
        _ => a,
    };
    match (format(to), format(from)) {
        (None, None) => {
            let (least, greatest) = range(to);
            let value = number(a, from);
            Some(held(to, if sat { value.clamp(least, greatest) } else { value } as u64))
        }
        (None, Some(format)) if format.is_nan(a) => {
            // 0, unless 64 bits take part: then the top bit of the result.
            let wide = from == Type::F64 || to.bytes() == 8;
            Some(held(to, if wide { 1 << (8 * to.bytes() - 1) } else { 0 }))
        }
        (None, Some(_)) => Some(held(to, to_integer(to, from, round, a)?)),
        (Some(format), None) => Some(finished(to, format, ftz, sat, from_integer(to, round, number(a, from))?)),
        (Some(format), Some(source)) => {
            let bits = if to == from && rounding.is_none() && ftz && source.is_nan(a) {
                format.nan
            } else if to == from {
                to_integral(to, rounding, a)?
            } else if source.is_nan(a) {
                converted_nan(to, from, a)?
            } else {
                narrowed(to, from, round, a)?
            };
            Some(finished(to, format, ftz, sat, bits))
        }
    }
}

/// An integer in a register that may be wider: filled by sign or zeros.
const fn held(to: Type, bits: u64) -> u64 {
    let width = 8 * to.bytes();
    if to.is_signed() { extended(bits, width) } else { bits & (u64::MAX >> (64 - width)) }
}

fn finished(to: Type, format: Format, ftz: bool, sat: bool, bits: u64) -> u64 {
    let bits = if ftz && to == Type::F32 { format.flushed(bits) } else { bits };
    if sat { format.saturated(bits) } else { bits }
}

fn to_integer(to: Type, from: Type, round: Round, a: u64) -> Option<u64> {
    fn of<F: Float>(to: Type, round: Round, a: u64) -> u64 {
        let (value, width, mut exact) = (F::from_bits(a.into()), 8 * to.bytes() as usize, false);
        // Both stop at the ends of their range.
        if to.is_signed() {
            value.to_i128_r(width, round, &mut exact).value as u64
        } else {
            value.to_u128_r(width, round, &mut exact).value as u64
        }
    }
    Some(match from {
        Type::F16 => of::<Half>(to, round, a),
        Type::F32 => of::<Single>(to, round, a),
        Type::F64 => of::<Double>(to, round, a),
        _ => return None,
    })
}

fn from_integer(to: Type, round: Round, value: i128) -> Option<u64> {
    let bits = match to {
        Type::F16 => Half::from_i128_r(value, round).value.to_bits(),
        Type::F32 => Single::from_i128_r(value, round).value.to_bits(),
        Type::F64 => Double::from_i128_r(value, round).value.to_bits(),
        _ => return None,
    };
    Some(bits as u64)
}

/// A float of the same type: as it is, or rounded to an integer.
fn to_integral(ty: Type, rounding: Option<Rounding>, a: u64) -> Option<u64> {
    let format = format(ty)?;
    let Some(rounding) = rounding else { return Some(a) };
    if format.is_nan(a) {
        return Some(if ty == Type::F64 { a | format.quiet() } else { format.nan });
    }
    let round = direction(Some(rounding));
    let bits = match ty {
        Type::F16 => Half::from_bits(a.into()).round_to_integral(round).value.to_bits(),
        Type::F32 => Single::from_bits(a.into()).round_to_integral(round).value.to_bits(),
        Type::F64 => Double::from_bits(a.into()).round_to_integral(round).value.to_bits(),
        _ => return None,
    };
    Some(bits as u64)
}

/// A float of another type; a NaN is the one of that type.
fn narrowed(to: Type, from: Type, round: Round, a: u64) -> Option<u64> {
    fn to_any<F>(to: Type, round: Round, value: F) -> Option<u64>
    where
        F: FloatConvert<Half> + FloatConvert<BFloat> + FloatConvert<Single> + FloatConvert<Double>,
    {
        let mut lost = false;
        let bits = match to {
            Type::F16 => FloatConvert::<Half>::convert_r(value, round, &mut lost).value.to_bits(),
            Type::Bf16 => FloatConvert::<BFloat>::convert_r(value, round, &mut lost).value.to_bits(),
            Type::F32 => FloatConvert::<Single>::convert_r(value, round, &mut lost).value.to_bits(),
            Type::F64 => FloatConvert::<Double>::convert_r(value, round, &mut lost).value.to_bits(),
            _ => return None,
        };
        Some(bits as u64)
    }
    if format(from)?.is_nan(a) {
        return Some(format(to)?.nan);
    }
    match from {
        Type::F16 => to_any(to, round, Half::from_bits(a.into())),
        Type::Bf16 => to_any(to, round, BFloat::from_bits(a.into())),
        Type::F32 => to_any(to, round, Single::from_bits(a.into())),
        Type::F64 => to_any(to, round, Double::from_bits(a.into())),
        _ => None,
    }
}

/// What becomes of a NaN: to and from f64, and from bf16, the leading bits of its fraction stay.
fn converted_nan(to: Type, from: Type, a: u64) -> Option<u64> {
    let (target, source) = (format(to)?, format(from)?);
    let sign = if a & source.sign() != 0 { target.sign() } else { 0 };
    let fraction = a & ((1 << source.fraction_bits) - 1);
    let fraction = if target.fraction_bits > source.fraction_bits {
        fraction << (target.fraction_bits - source.fraction_bits)
    } else {
        fraction >> (source.fraction_bits - target.fraction_bits)
    };
    let kept = sign | target.infinity() | fraction;
    Some(match (to, from) {
        (Type::F32, Type::Bf16) => kept,
        (Type::F64, _) | (_, Type::F64) => kept | target.quiet(),
        _ => target.nan,
    })
}
