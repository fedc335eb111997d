//! 8-bit floats in pairs, from their definition.
//!
//! # Source
//! PTX ISA 9.0, section 9.7.9.21 (`cvt`); Micikevicius et al., FP8 Formats for Deep Learning, arXiv 2209.05433.
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "codes are small; halves are masked")]

use tilewright_ptx_ir::ir::Fp8Pair;

/// The NaN of both formats that conversions answer with, and that of f16.
const NAN: u16 = 0x7F;
const NAN_F16: u16 = 0x7FFF;

/// Two f32, the first to the upper byte.
pub(crate) fn from_f32(format: Fp8Pair, relu: bool, high: u32, low: u32) -> u64 {
    let code = |bits: u32| u64::from(narrowed(format, relu, f64::from(f32::from_bits(bits))));
    code(high) << 8 | code(low)
}

/// Two f16.
pub(crate) fn from_f16(format: Fp8Pair, relu: bool, pair: u64) -> u64 {
    let code = |bits: u64| u64::from(narrowed(format, relu, f16_value(bits as u16)));
    code(pair >> 16) << 8 | code(pair)
}

/// To two f16, which hold every value.
pub(crate) fn to_f16(format: Fp8Pair, relu: bool, pair: u64) -> u64 {
    let half = |code: u64| u64::from(widened(format, relu, code as u8));
    half(pair >> 8) << 16 | half(pair)
}

/// Bits of the fraction, the exponent of the least normal number, and the code of the greatest finite one.
const fn shape(format: Fp8Pair) -> (u32, i32, u16) {
    match format {
        Fp8Pair::E4M3 => (3, -6, 0x7E),
        _ => (2, -14, 0x7B),
    }
}

/// To nearest, ties to even, no further than the greatest finite number.
fn narrowed(format: Fp8Pair, relu: bool, value: f64) -> u16 {
    let (fraction_bits, least, greatest) = shape(format);
    if value.is_nan() {
        return NAN;
    }
    if relu && value.is_sign_negative() {
        return 0;
    }
    let sign = u16::from(value.is_sign_negative()) << 7;
    let magnitude = value.abs().min(65536.0);
    // Values of f32 are normal in f64: the exponent stands in its bits.
    let exponent = ((magnitude.to_bits() >> 52) as i32 - 1023).max(least);
    let steps = (magnitude * 2f64.powi(fraction_bits.cast_signed() - exponent)).round_ties_even();
    // A number that is rounded up to the next power of two carries into the exponent.
    let code = (((exponent - least) as u16) << fraction_bits) + steps as u16;
    sign | code.min(greatest)
}

fn widened(format: Fp8Pair, relu: bool, code: u8) -> u16 {
    let (sign, magnitude) = (u16::from(code >> 7) << 15, u16::from(code & 0x7F));
    let is_nan = match format {
        Fp8Pair::E4M3 => magnitude == 0x7F,
        _ => magnitude > 0x7C,
    };
    if is_nan {
        return NAN_F16;
    }
    if relu && sign != 0 {
        return 0;
    }
    sign | match format {
        // The exponent of f16 has 8 more of bias.
        Fp8Pair::E4M3 if magnitude >= 8 => (magnitude << 7) + (8 << 10),
        // Its subnormal numbers are normal f16: multiples of 2^-9.
        Fp8Pair::E4M3 if magnitude > 0 => {
            let top = magnitude.ilog2() as u16;
            (top + 6) << 10 | (magnitude << (10 - top)) & 0x3FF
        }
        Fp8Pair::E4M3 => 0,
        _ => magnitude << 8,
    }
}

fn f16_value(bits: u16) -> f64 {
    let (exponent, fraction) = (bits >> 10 & 0x1F, bits & 0x3FF);
    let magnitude = match exponent {
        0x1F if fraction == 0 => f64::INFINITY,
        0x1F => f64::NAN,
        0 => f64::from(fraction) * 2f64.powi(-24),
        _ => f64::from(fraction | 0x400) * 2f64.powi(i32::from(exponent) - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}
