//! Taking operands apart and putting results together.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "fields of bit patterns fit"
)]

use super::model::Operand;

/// What f32 results that are not numbers look like.
pub(super) const NAN_F32: u32 = 0x7FFF_FFFF;
/// What f16 results that are not numbers look like.
pub(super) const NAN_F16: u16 = 0x7FFF;

/// A decoded operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// significand · 2^(exponent - fraction bits of the format); subnormals keep the least normal exponent.
    Finite { negative: bool, significand: u32, exponent: i32 },
    /// An infinity.
    Infinite { negative: bool },
    /// Not a number.
    Nan,
}

/// The value of a 16-bit pattern.
pub(super) const fn decode_operand(format: Operand, bits: u16) -> Number {
    let fraction_bits = format.fraction_bits();
    let fraction = (bits as u32) & ((1 << fraction_bits) - 1);
    let stored = (bits >> fraction_bits) & format.special_exponent();
    decode(bits >> 15 == 1, fraction, fraction_bits, stored as i32, format.special_exponent() as i32, format.bias())
}

/// The value of a tf32 pattern: an f32 without the low 13 bits of its fraction.
pub(super) const fn decode_tf32(bits: u32) -> Number {
    decode(bits >> 31 == 1, bits >> 13 & 0x3FF, 10, ((bits >> 23) & 0xFF) as i32, 0xFF, 127)
}

/// The value of an f32 pattern.
pub(super) const fn decode_f32(bits: u32) -> Number {
    decode(bits >> 31 == 1, bits & 0x007F_FFFF, 23, ((bits >> 23) & 0xFF) as i32, 0xFF, 127)
}

const fn decode(
    negative: bool,
    fraction: u32,
    fraction_bits: u32,
    stored: i32,
    special_exponent: i32,
    bias: i32,
) -> Number {
    if stored == special_exponent {
        return if fraction == 0 { Number::Infinite { negative } } else { Number::Nan };
    }
    if stored == 0 {
        return Number::Finite { negative, significand: fraction, exponent: 1 - bias };
    }
    Number::Finite { negative, significand: fraction | (1 << fraction_bits), exponent: stored - bias }
}

/// sum · 2^unit as f32, rounded towards zero; subnormals are kept.
pub(super) const fn encode_f32_towards_zero(sum: i64, unit: i32) -> u32 {
    if sum == 0 {
        return 0;
    }
    let sign = if sum < 0 { 0x8000_0000 } else { 0 };
    let magnitude = sum.unsigned_abs();
    let top = 63 - magnitude.leading_zeros() as i32;
    if top + unit > 127 {
        return sign | 0x7F80_0000;
    }
    // The unit in the last place of the result: 23 bits under the top one, but never under that of the subnormals.
    let last = if top + unit - 23 > -149 { top + unit - 23 } else { -149 };
    let shift = last - unit;
    let significand = if shift >= 64 {
        0
    } else if shift >= 0 {
        (magnitude >> shift) as u32
    } else {
        (magnitude as u32) << -shift
    };
    // A significand of 24 bits carries its implicit bit into the exponent field.
    sign | (((last + 149) as u32) << 23).wrapping_add(significand)
}

/// sum · 2^unit as f16, rounded to nearest, ties to even; subnormals are kept.
pub(super) const fn encode_f16_to_nearest(sum: i64, unit: i32) -> u16 {
    if sum == 0 {
        return 0;
    }
    let sign = if sum < 0 { 0x8000 } else { 0 };
    let magnitude = sum.unsigned_abs();
    let top = 63 - magnitude.leading_zeros() as i32;
    if top + unit > 16 {
        return sign | 0x7C00;
    }
    let last = if top + unit - 10 > -24 { top + unit - 10 } else { -24 };
    let shift = last - unit;
    let significand = if shift >= 64 {
        0
    } else if shift > 0 {
        let kept = magnitude >> shift;
        let rest = magnitude & ((1 << shift) - 1);
        let half = 1 << (shift - 1);
        kept + (rest > half || (rest == half && kept & 1 == 1)) as u64
    } else {
        magnitude << -shift
    };
    // A sum that rounds to zero loses its sign, as an exact zero has none.
    if significand == 0 {
        return 0;
    }
    // Rounding up past the largest significand carries into the exponent, and past the largest exponent into infinity.
    let bits = (((last + 24) as u64) << 10) + significand;
    if bits >= 0x7C00 { sign | 0x7C00 } else { sign | bits as u16 }
}
