//! `cvt`.
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "conversions keep the low bits")]

use tilewright_ptx_ir::ir::{Rounding, Type};

use super::exact::{Format, Number, Value};
use super::float::format;
use super::integer::{range, truncated, value, width};

pub(super) fn cvt(to: Type, from: Type, rounding: Option<Rounding>, ftz: bool, sat: bool, a: u64) -> Option<u64> {
    // `.ftz` is about f32; elsewhere PTX has no such instruction.
    if ftz && to != Type::F32 && from != Type::F32 {
        return None;
    }
    match (scalar(to)?, scalar(from)?) {
        (Scalar::Integer(to_width), Scalar::Integer(from_width)) => {
            if rounding.is_some() {
                return None;
            }
            let value = value(from, from_width, a);
            Some(integer(to, to_width, if sat { clamped(to, to_width, value) } else { value }))
        }
        (Scalar::Float(to), Scalar::Integer(width)) => {
            let rounding = rounding.filter(|rounding| !is_integral(*rounding))?;
            let bits = to.encode(Value::Finite(Number::integer(value(from, width, a))), rounding);
            Some(finished(to, ftz, sat, bits))
        }
        (Scalar::Integer(width), Scalar::Float(from)) => {
            let rounding = rounding.filter(|rounding| is_integral(*rounding))?;
            let value = match operand(from, ftz, a) {
                // As the PTX ISA has it: zero, but the sign's bit where 64 bits take part.
                Value::Nan if from == Format::F64 || width == 64 => return Some(integer(to, width, 1 << (width - 1))),
                Value::Nan => 0,
                Value::Infinite { negative: true } => i128::MIN,
                Value::Infinite { negative: false } => i128::MAX,
                Value::Finite(number) => number.to_integer(rounding),
            };
            Some(integer(to, width, clamped(to, width, value)))
        }
        (Scalar::Float(to), Scalar::Float(from)) => float(to, from, rounding, ftz, sat, a),
    }
}

/// `cvt.to.f32 dst, high, low`.
pub(super) fn cvt_pair(to: Type, rounding: Rounding, relu: bool, high: u32, low: u32) -> Option<u32> {
    let (to, 2) = format(to)? else { return None };
    if !matches!(rounding, Rounding::Nearest | Rounding::Zero) {
        return None;
    }
    let half = |bits: u32| {
        let bits = to.encode(Format::F32.decode(u64::from(bits)), rounding);
        let negative = to.is_negative(bits) && !to.is_nan(bits);
        if relu && negative { 0 } else { bits as u32 }
    };
    Some(half(high) << 16 | half(low))
}

/// `cvt.pack.sat.s8.s32.b32`.
pub(super) const fn cvt_pack_s8(a: u32, b: u32, c: u32) -> u32 {
    c << 16 | saturated_s8(a) << 8 | saturated_s8(b)
}

const fn saturated_s8(bits: u32) -> u32 {
    let value = bits.cast_signed();
    let clamped = if value < -128 {
        -128
    } else if value > 127 {
        127
    } else {
        value
    };
    clamped.cast_unsigned() & 0xFF
}

enum Scalar {
    Integer(u32),
    Float(Format),
}

fn scalar(ty: Type) -> Option<Scalar> {
    match format(ty) {
        Some((format, 1)) => Some(Scalar::Float(format)),
        None if ty.is_integer() => Some(Scalar::Integer(width(ty)?)),
        _ => None,
    }
}

const fn is_integral(rounding: Rounding) -> bool {
    matches!(rounding, Rounding::IntegerNearest | Rounding::IntegerZero | Rounding::IntegerDown | Rounding::IntegerUp)
}

fn float(to: Format, from: Format, rounding: Option<Rounding>, ftz: bool, sat: bool, a: u64) -> Option<u64> {
    let same = to == from;
    // On the way to f16 the chip keeps subnormals whatever `.ftz` says.
    let value = operand(from, ftz && to != Format::F16, a);
    // Every value of `from` is one of `to`: nothing is rounded.
    let wider = to.fraction_bits >= from.fraction_bits && to.exponent_bits >= from.exponent_bits;
    let bits = match rounding {
        None if wider && !same && from.is_nan(truncated(from.bits(), a)) => widened_nan(to, from, a),
        Some(Rounding::Nearest | Rounding::Zero | Rounding::Down | Rounding::Up)
            if from == Format::F64 && !same && from.is_nan(a) =>
        {
            let dropped = from.fraction_bits - to.fraction_bits;
            let sign = if from.is_negative(a) { to.sign() } else { 0 };
            sign | to.infinity() | to.quiet() | (a >> dropped & (to.quiet() - 1))
        }
        Some(rounding) if same && to == Format::F64 && is_integral(rounding) && from.is_nan(a) => a | to.quiet(),
        None if same && ftz && from.is_nan(truncated(from.bits(), a)) => to.nan,
        None if same => truncated(to.bits(), a),
        None if wider => to.encode(value, Rounding::Nearest),
        Some(rounding) if same && is_integral(rounding) => integral(to, value, rounding),
        Some(rounding) if !same && !wider && !is_integral(rounding) => to.encode(value, rounding),
        // bf16 gained roundings towards f32 that cannot change a value.
        _ => return None,
    };
    Some(finished(to, ftz, sat, bits))
}

/// A NaN in a wider format: it keeps what it carries, but f16's in f32, which does not.
fn widened_nan(to: Format, from: Format, a: u64) -> u64 {
    let a = truncated(from.bits(), a);
    let gained = to.fraction_bits - from.fraction_bits;
    match (to, from) {
        (Format::F32, Format::F16) => to.nan,
        (Format::F32, _) => a << gained,
        _ => {
            let sign = if from.is_negative(a) { to.sign() } else { 0 };
            sign | to.infinity() | to.quiet() | (a & (from.quiet() - 1)) << gained
        }
    }
}

/// The nearest integral value, keeping the sign of zero.
fn integral(to: Format, value: Value, rounding: Rounding) -> u64 {
    let Value::Finite(number) = value else { return to.encode(value, rounding) };
    if number.exponent >= 0 {
        return to.encode(value, rounding);
    }
    let rounded = number.to_integer(rounding).unsigned_abs();
    to.encode(Value::Finite(Number { significand: rounded, exponent: 0, ..number }), rounding)
}

const fn operand(from: Format, ftz: bool, a: u64) -> Value {
    let bits = truncated(from.bits(), a);
    from.decode(if ftz && from.fraction_bits == 23 { from.flushed(bits) } else { bits })
}

fn finished(to: Format, ftz: bool, sat: bool, bits: u64) -> u64 {
    let bits = if ftz && to == Format::F32 { to.flushed(bits) } else { bits };
    if !sat {
        return bits;
    }
    if to.is_nan(bits) || to.is_negative(bits) { 0 } else { bits.min(to.one()) }
}

fn clamped(to: Type, width: u32, value: i128) -> i128 {
    let (least, greatest) = range(to, width);
    value.clamp(least, greatest)
}

/// The low bits of `value`, extended to 64 bits as `to` is signed or not: the register may be wider than the type.
const fn integer(to: Type, width: u32, bits: i128) -> u64 {
    value(to, width, bits as u64) as u64
}
