//! One dot product as a tensor core adds it.

use super::model::{Model, Operand};
use super::number::{
    NAN_F16, NAN_F32, Number, decode_f32, decode_operand, decode_tf32, encode_f16_to_nearest, encode_f32_towards_zero,
};

/// a·b + c with an f32 accumulator: bit patterns in, bit pattern out.
///
/// # Numerics
/// See [`Model`]; each block's sum is rounded towards zero, subnormals are kept. A NaN anywhere, infinity times zero and infinities of both
/// signs give 0x7FFFFFFF; otherwise an infinite term is the result. Elements beyond the shorter of `a` and `b` are not read.
///
/// # Example
/// ```
/// use tilewright_ptx_sim::tensor_core::{Model, Operand, multiply_accumulate};
///
/// let (one, two) = (0x3C00, 0x4000);
/// let sum = multiply_accumulate(Model::HOPPER, Operand::F16, &[one, two], &[two, two], 0.5f32.to_bits());
/// assert_eq!(f32::from_bits(sum), 6.5);
/// ```
#[must_use]
pub fn multiply_accumulate(model: Model, operand: Operand, a: &[u16], b: &[u16], c: u32) -> u32 {
    blocks(model, a, b).fold(c, |accumulator, (a, b)| {
        match sum(model, operand.fraction_bits(), numbers(operand, a, b), decode_f32(accumulator)) {
            Sum::Finite { sum, unit } => encode_f32_towards_zero(sum, unit),
            Sum::Infinite { negative } => u32::from(negative) << 31 | 0x7F80_0000,
            Sum::Nan => NAN_F32,
        }
    })
}

/// a·b + c with f16 operands and an f16 accumulator: bit patterns in, bit pattern out.
///
/// # Numerics
/// As [`multiply_accumulate`], but each block's sum is rounded to the nearest f16, ties to even, and NaN is 0x7FFF.
#[must_use]
pub fn multiply_accumulate_f16(model: Model, a: &[u16], b: &[u16], c: u16) -> u16 {
    blocks(model, a, b).fold(c, |accumulator, (a, b)| {
        // Every f16 is an f32; only the fraction's width differs.
        let accumulator = match decode_operand(Operand::F16, accumulator) {
            Number::Finite { negative, significand, exponent } => {
                Number::Finite { negative, significand: significand << 13, exponent }
            }
            special => special,
        };
        match sum(model, Operand::F16.fraction_bits(), numbers(Operand::F16, a, b), accumulator) {
            Sum::Finite { sum, unit } => encode_f16_to_nearest(sum, unit),
            Sum::Infinite { negative } => u16::from(negative) << 15 | 0x7C00,
            Sum::Nan => NAN_F16,
        }
    })
}

/// a·b + c with tf32 operands, of which the low 13 bits are not looked at, and an f32 accumulator.
///
/// # Numerics
/// As [`multiply_accumulate`], in blocks of half as many products.
#[must_use]
pub fn multiply_accumulate_tf32(model: Model, a: &[u32], b: &[u32], c: u32) -> u32 {
    let block = (model.block / 2).max(1);
    a.chunks(block).zip(b.chunks(block)).fold(c, |accumulator, (a, b)| {
        let pairs = a.iter().zip(b).map(|(a, b)| (decode_tf32(*a), decode_tf32(*b)));
        match sum(model, 10, pairs, decode_f32(accumulator)) {
            Sum::Finite { sum, unit } => encode_f32_towards_zero(sum, unit),
            Sum::Infinite { negative } => u32::from(negative) << 31 | 0x7F80_0000,
            Sum::Nan => NAN_F32,
        }
    })
}

fn numbers(operand: Operand, a: &[u16], b: &[u16]) -> impl Iterator<Item = (Number, Number)> {
    a.iter().zip(b).map(move |(a, b)| (decode_operand(operand, *a), decode_operand(operand, *b)))
}

fn blocks<'a>(model: Model, a: &'a [u16], b: &'a [u16]) -> impl Iterator<Item = (&'a [u16], &'a [u16])> {
    let block = model.block.max(1);
    a.chunks(block).zip(b.chunks(block))
}

enum Sum {
    /// sum · 2^unit
    Finite {
        sum: i64,
        unit: i32,
    },
    Infinite {
        negative: bool,
    },
    Nan,
}

/// A finite term: significand · 2^(exponent - fraction bits).
#[derive(Clone, Copy)]
struct Term {
    negative: bool,
    significand: u32,
    exponent: i32,
    fraction_bits: i32,
}

#[expect(clippy::cast_possible_wrap, reason = "fraction bits are few")]
fn sum(model: Model, fraction_bits: u32, pairs: impl Iterator<Item = (Number, Number)>, c: Number) -> Sum {
    let mut infinity = None;
    let mut invalid = false;
    let mut infinite = |negative: bool, invalid: &mut bool| {
        *invalid |= infinity.is_some_and(|sign| sign != negative);
        infinity = Some(negative);
    };
    let mut terms = Vec::with_capacity(model.block + 1);
    match c {
        Number::Finite { negative, significand, exponent } => {
            terms.push(Term { negative, significand, exponent, fraction_bits: 23 });
        }
        Number::Infinite { negative } => infinite(negative, &mut invalid),
        Number::Nan => invalid = true,
    }
    for pair in pairs {
        match pair {
            (
                Number::Finite { negative: a_negative, significand: a, exponent: a_exponent },
                Number::Finite { negative: b_negative, significand: b, exponent: b_exponent },
            ) => terms.push(Term {
                negative: a_negative != b_negative,
                significand: a * b,
                exponent: a_exponent + b_exponent,
                fraction_bits: 2 * fraction_bits as i32,
            }),
            (Number::Infinite { negative }, Number::Infinite { negative: other }) => {
                infinite(negative != other, &mut invalid);
            }
            (Number::Infinite { negative }, Number::Finite { negative: other, significand, .. })
            | (Number::Finite { negative: other, significand, .. }, Number::Infinite { negative }) => {
                if significand == 0 {
                    invalid = true;
                } else {
                    infinite(negative != other, &mut invalid);
                }
            }
            (Number::Nan, _) | (_, Number::Nan) => invalid = true,
        }
    }
    if invalid {
        return Sum::Nan;
    }
    if let Some(negative) = infinity {
        return Sum::Infinite { negative };
    }
    // A zero has no say in the alignment, whatever its operands' exponents.
    let Some(largest) = terms.iter().filter(|term| term.significand != 0).map(|term| term.exponent).max() else {
        return Sum::Finite { sum: 0, unit: 0 };
    };
    let unit = largest - model.fraction_bits as i32;
    Sum::Finite { sum: terms.iter().map(|term| truncated(*term, unit)).sum(), unit }
}

/// The term in multiples of 2^unit, its magnitude truncated.
fn truncated(term: Term, unit: i32) -> i64 {
    if term.significand == 0 {
        return 0;
    }
    let shift = term.exponent - term.fraction_bits - unit;
    let magnitude = i64::from(term.significand);
    let magnitude = if shift >= 0 { magnitude << shift } else { magnitude >> (-shift).min(63) };
    if term.negative { -magnitude } else { magnitude }
}
