//! Instructions that answer within an error bound.
//!
//! | instruction | bound | answers that are never moved |
//! |---|---|---|
//! | `rcp.approx.f32` | relative 2^-23 | of powers of two |
//! | `sqrt.approx.f32` | relative 2^-23 | |
//! | `rsqrt.approx.f32` | relative 2^-22.9 | |
//! | `ex2.approx.f32` | relative 2^-22.5; subnormal answers 2.5 units in the last place * | of integers from -126 up |
//! | `lg2.approx.f32` | 2^-22, absolute between 1/2 and 2, relative elsewhere | of powers of two from 1 up * |
//! | `sin.approx.f32` | absolute 2^-20.5 up to 2 pi, 2^-14.7 up to 100 pi; not moved beyond | of 0 |
//! | `cos.approx.f32` | absolute 2^-20.4 * up to 2 pi, 2^-14.7 up to 100 pi; not moved beyond | of 0 |
//! | `tanh.approx.f32` | relative 2^-11 | of infinities |
//! | `tanh.approx.f16`, `.bf16` | absolute 2^-10.987, 2^-7.999 * | of infinities |
//! | `ex2.approx.f16`, `.bf16` | relative 2^-9.9, 2^-7 | of integers |
//! | `div.approx.f32`, `div.full.f32` | 2.1 units in the last place * | by powers of two |
//!
//! Functions are computed in f64 and rounded once; zeros, infinities and NaN are never moved either. `div.approx` by a magnitude above
//! 2^126 is zero, or NaN if the dividend is infinite. Quotients are flushed before they are rounded.
//!
//! # Source
//! PTX ISA 9.0, sections 9.7.3 and 9.7.4, the tables of each instruction. Where there is a star, an H100 (driver 580) goes past what they say, or is not
//! exact: `ex2` to 2.39 units, `cos` to 2^-20.43, `tanh.approx.bf16` to 2^-7.9999, quotients to 2.10 units; `ptx-fuzz sweep` asked it for every operand.

use tilewright_ptx_ir::ir::{Rounding, Type, UnaryOp};

use super::exact::{Format, Value};
use super::{Jitter, float};

/// How far an answer may lie from the exact one.
#[derive(Clone, Copy)]
enum Bound {
    None,
    Relative(f64),
    Absolute(f64),
    /// In units in the last place of the exact answer.
    Units(f64),
}

pub(super) fn unary(op: UnaryOp, ty: Type, ftz: bool, a: u64, jitter: Jitter) -> Option<u64> {
    let (format, count) = float::format(ty)?;
    let modelled = match op {
        UnaryOp::Rcp | UnaryOp::Sqrt | UnaryOp::Rsqrt | UnaryOp::Lg2 | UnaryOp::Sin | UnaryOp::Cos => ty == Type::F32,
        UnaryOp::Tanh => ty != Type::F64 && !ftz,
        UnaryOp::Ex2 => match ty {
            Type::F32 => true,
            Type::F16 | Type::F16x2 => !ftz,
            Type::Bf16 | Type::Bf16x2 => ftz,
            _ => false,
        },
        _ => false,
    };
    if !modelled {
        return None;
    }
    let scalar = |bits: u64| unary_scalar(op, format, ftz, bits & (2 * format.sign() - 1), jitter);
    Some(if count == 2 { scalar(a) | scalar(a >> 16) << 16 } else { scalar(a) })
}

fn unary_scalar(op: UnaryOp, format: Format, ftz: bool, a: u64, jitter: Jitter) -> u64 {
    let a = if ftz { format.flushed(a) } else { a };
    let x = to_f64(format, a);
    let (exact, bound) = match op {
        UnaryOp::Rcp => (1.0 / x, relative_unless(is_power_of_two(x), -23.0)),
        UnaryOp::Sqrt => (x.sqrt(), Bound::Relative((-23.0f64).exp2())),
        UnaryOp::Rsqrt => (1.0 / x.sqrt(), Bound::Relative((-22.9f64).exp2())),
        UnaryOp::Ex2 => {
            let exponent = match format {
                Format::F32 => -22.5,
                Format::F16 => -9.9,
                _ => -7.0,
            };
            let is_subnormal = matches!(format, Format::F32) && x < -126.0;
            // A chip squares the power of half of x.
            let bound = if is_subnormal { Bound::Units(2.5) } else { relative_unless(x.fract() == 0.0, exponent) };
            (x.exp2(), bound)
        }
        UnaryOp::Lg2 => {
            let bound = (-22.0f64).exp2();
            let near_one = (0.5..2.0).contains(&x);
            let bound = if near_one { Bound::Absolute(bound) } else { Bound::Relative(bound) };
            (x.log2(), if is_power_of_two(x) && x >= 1.0 { Bound::None } else { bound })
        }
        UnaryOp::Sin => (x.sin(), trigonometric_bound(x, -20.5)),
        UnaryOp::Cos => (x.cos(), trigonometric_bound(x, -20.4)),
        _ => {
            let bound = match format {
                Format::F32 => Bound::Relative((-11.0f64).exp2()),
                Format::F16 => Bound::Absolute((-10.987f64).exp2()),
                _ => Bound::Absolute((-7.999f64).exp2()),
            };
            (x.tanh(), if x.is_infinite() { Bound::None } else { bound })
        }
    };
    let bits = moved(format, exact, bound, a, jitter);
    if ftz { format.flushed(bits) } else { bits }
}

/// `div.approx.f32` and `div.full.f32`.
pub(super) fn divide(full: bool, ftz: bool, a: u64, b: u64, jitter: Jitter) -> u64 {
    let format = Format::F32;
    let (a, b) = (a & 0xFFFF_FFFF, b & 0xFFFF_FFFF);
    let (a, b) = if ftz { (format.flushed(a), format.flushed(b)) } else { (a, b) };
    let (x, y) = (to_f64(format, a), to_f64(format, b));
    let quotient = if !full && y.is_finite() && y.abs() > 126.0f64.exp2() {
        if x.is_infinite() { f64::NAN } else { (x / y).signum() * 0.0 }
    } else {
        x / y
    };
    // Before it is rounded: what would become the smallest normal number is flushed too.
    let quotient = if ftz && quotient.abs() < (-126.0f64).exp2() { quotient.signum() * 0.0 } else { quotient };
    let bound = if is_power_of_two(y) { Bound::None } else { Bound::Units(2.1) };
    let bits = moved(format, quotient, bound, a << 32 | b, jitter);
    if ftz { format.flushed(bits) } else { bits }
}

fn relative_unless(exact: bool, exponent: f64) -> Bound {
    if exact { Bound::None } else { Bound::Relative(exponent.exp2()) }
}

fn trigonometric_bound(x: f64, exponent: f64) -> Bound {
    if x == 0.0 || x.abs() > 100.0 * std::f64::consts::PI {
        Bound::None
    } else if x.abs() > 2.0 * std::f64::consts::PI {
        Bound::Absolute((-14.7f64).exp2())
    } else {
        Bound::Absolute(exponent.exp2())
    }
}

const fn is_power_of_two(x: f64) -> bool {
    // Operands come from narrower formats, so none is a subnormal f64.
    x.to_bits() & ((1 << 52) - 1) == 0
}

/// The value of a pattern as f64, which holds every value of the formats used here.
fn to_f64(format: Format, bits: u64) -> f64 {
    f64::from_bits(Format::F64.encode(format.decode(bits), Rounding::Nearest))
}

/// `exact` rounded to `format`; with a seed, moved inside the bound first.
fn moved(format: Format, exact: f64, bound: Bound, operands: u64, jitter: Jitter) -> u64 {
    let rounded = |value: f64| format.encode(decode_f64(value), Rounding::Nearest);
    let nearest = rounded(exact);
    let allowed = match bound {
        Bound::None => 0.0,
        Bound::Relative(bound) => bound * exact.abs(),
        Bound::Absolute(bound) => bound,
        Bound::Units(bound) => bound * unit(exact),
    };
    let Some(seed) = jitter.seed else { return nearest };
    if allowed == 0.0 || !exact.is_finite() {
        return nearest;
    }
    let candidate = rounded(exact + allowed * fraction(seed, operands));
    // Rounding may carry it past the bound, over zero or to infinity.
    let value = to_f64(format, candidate);
    let inside = (value - exact).abs() <= allowed && value * exact > 0.0;
    if inside { candidate } else { nearest }
}

/// A unit in the last place of f32 near `exact`.
fn unit(exact: f64) -> f64 {
    let power = f64::from_bits(exact.to_bits() & 0x7FF0_0000_0000_0000);
    (power * (-23.0f64).exp2()).max((-149.0f64).exp2())
}

const fn decode_f64(value: f64) -> Value {
    Format::F64.decode(value.to_bits())
}

/// A number between -1 and 1 that depends on the seed and the operands alone.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
const fn fraction(seed: u64, operands: u64) -> f64 {
    // The finalizer of splitmix64, twice.
    let hash = mixed(mixed(seed ^ 0x9E37_79B9_7F4A_7C15).wrapping_add(operands));
    (hash >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

const fn mixed(value: u64) -> u64 {
    let value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ value >> 31
}
