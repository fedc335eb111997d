//! The model on a whole tile, all 128 outputs side by side, where no operand is out of the ordinary.
//!
//! The same sums as [`multiply_accumulate`](super::multiply_accumulate), term for term. An operand is an exact f32, so is the product of two;
//! multiplied by a power of two it is in units of the block, and its magnitude is truncated to an integer. Every loop runs over operands or
//! outputs without a branch, so that a compiler makes vectors of it; floats stay floats, for a conversion to an integer would not be a
//! vector instruction.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "truncation is the subject; exponents are small"
)]

use super::execute::Tiles;
use super::model::{Model, Operand};

const ROWS: usize = 16;
const COLUMNS: usize = 8;
const OUTPUTS: usize = ROWS * COLUMNS;

/// The exponent of a zero operand: no product that has it is the largest.
const ZERO_EXPONENT: i16 = -1000;
/// What the largest exponent of a block is at least; below that of any product and of any f32.
const LEAST_EXPONENT: i16 = -300;
/// Operands up to this exponent, of either sign, have products well inside the range of f32. All f16 are among them.
const ORDINARY_EXPONENT: i16 = 50;

/// For each output, the operand that it reads at one place along k.
#[derive(Clone, Copy)]
struct Operands {
    values: [f32; OUTPUTS],
    exponents: [i16; OUTPUTS],
}

/// sums += a·b as `model` adds. `false`, and nothing is changed, if an operand is infinite, NaN or of an extreme exponent, or if a sum is or
/// becomes infinite or NaN or is too small.
pub(super) fn accumulate<const K: usize>(
    model: Model,
    operand: Operand,
    tiles: &Tiles<K>,
    sums: &mut [[u32; COLUMNS]; ROWS],
) -> bool {
    let mut results = [0; OUTPUTS];
    results.copy_from_slice(sums.as_flattened());
    if has_overflow(&results) {
        return false;
    }
    let none = Operands { values: [0.0; OUTPUTS], exponents: [0; OUTPUTS] };
    let (mut a, mut b) = ([none; K], [none; K]);
    if !spread(operand, tiles, &mut a, &mut b) {
        return false;
    }
    let block = model.block.max(1);
    for (a, b) in a.chunks(block).zip(b.chunks(block)) {
        if !add_block(model.fraction_bits as i16, a, b, &mut results) || has_overflow(&results) {
            return false;
        }
    }
    sums.as_flattened_mut().copy_from_slice(&results);
    true
}

fn has_overflow(sums: &[u32; OUTPUTS]) -> bool {
    sums.iter().fold(false, |any, bits| any | (bits & 0x7F80_0000 == 0x7F80_0000))
}

/// The tiles decoded, and repeated so that output i finds its operands at i; `false` if one is out of the ordinary.
fn spread<const K: usize>(operand: Operand, tiles: &Tiles<K>, a: &mut [Operands; K], b: &mut [Operands; K]) -> bool {
    let rows = tiles.a.map(|row| Decoded::new(operand, &row));
    let columns = tiles.b.map(|column| Decoded::new(operand, &column));
    for (k, (a, b)) in a.iter_mut().zip(b).enumerate() {
        for (outputs, row) in a.values.as_chunks_mut::<COLUMNS>().0.iter_mut().zip(&rows) {
            *outputs = [row.values[k]; COLUMNS];
        }
        for (outputs, row) in a.exponents.as_chunks_mut::<COLUMNS>().0.iter_mut().zip(&rows) {
            *outputs = [row.exponents[k]; COLUMNS];
        }
        let mut values = [0.0; COLUMNS];
        let mut exponents = [0; COLUMNS];
        for ((value, exponent), column) in values.iter_mut().zip(&mut exponents).zip(&columns) {
            (*value, *exponent) = (column.values[k], column.exponents[k]);
        }
        b.values.as_chunks_mut::<COLUMNS>().0.fill(values);
        b.exponents.as_chunks_mut::<COLUMNS>().0.fill(exponents);
    }
    rows.iter().chain(&columns).fold(true, |all, decoded| all & decoded.are_ordinary())
}

/// A row of a or a column of b.
struct Decoded<const K: usize> {
    values: [f32; K],
    exponents: [i16; K],
}

impl<const K: usize> Decoded<K> {
    fn new(operand: Operand, bits: &[u16; K]) -> Self {
        let mut decoded = Self { values: [0.0; K], exponents: [0; K] };
        for ((value, exponent), &bits) in decoded.values.iter_mut().zip(&mut decoded.exponents).zip(bits) {
            (*value, *exponent) = decode(operand, bits);
        }
        decoded
    }

    fn are_ordinary(&self) -> bool {
        self.exponents.iter().fold(true, |all, &exponent| {
            all & ((exponent == ZERO_EXPONENT) | (exponent.wrapping_abs() <= ORDINARY_EXPONENT))
        })
    }
}

/// The value and the exponent, which is that of the least normal number for subnormals. Infinities and NaN have an exponent that is not
/// ordinary.
#[inline]
fn decode(operand: Operand, bits: u16) -> (f32, i16) {
    let stored = bits >> operand.fraction_bits() & operand.special_exponent();
    let exponent = stored.max(1) as i16 - operand.bias() as i16;
    let exponent = if bits & 0x7FFF == 0 { ZERO_EXPONENT } else { exponent };
    let exponent = if stored == operand.special_exponent() { i16::MAX } else { exponent };
    let value = match operand {
        // The fields moved into place, and the difference of the biases made up for: exact for subnormals too.
        Operand::F16 => {
            let magnitude = f32::from_bits(u32::from(bits & 0x7FFF) << 13) * f32::from_bits((127 + 112) << 23);
            f32::from_bits(magnitude.to_bits() | u32::from(bits & 0x8000) << 16)
        }
        Operand::Bf16 => f32::from_bits(u32::from(bits) << 16),
    };
    (value, exponent)
}

fn add_block(fraction_bits: i16, a: &[Operands], b: &[Operands], results: &mut [u32; OUTPUTS]) -> bool {
    let mut largest = [0i16; OUTPUTS];
    for (largest, &c) in largest.iter_mut().zip(&*results) {
        *largest = if c << 1 == 0 { LEAST_EXPONENT } else { exponent_of_f32(c) };
    }
    for (a, b) in a.iter().zip(b) {
        for ((largest, &a), &b) in largest.iter_mut().zip(&a.exponents).zip(&b.exponents) {
            *largest = (*largest).max(a + b);
        }
    }
    // 2^-unit has to be a normal f32, unless all terms are zero.
    if largest.iter().fold(false, |any, &largest| any | ((largest > LEAST_EXPONENT) & (largest - fraction_bits < -127)))
    {
        return false;
    }
    let mut scales = [0.0; OUTPUTS];
    for (scale, &largest) in scales.iter_mut().zip(&largest) {
        *scale = f32::from_bits(u32::from((fraction_bits - largest).min(127).cast_unsigned() + 127) << 23);
    }
    // A float of 24 bits cannot hold the sum of such terms, so it is kept in two: multiples of 2^12 and what is left of each term.
    let (mut high, mut low) = ([0.0f32; OUTPUTS], [0.0f32; OUTPUTS]);
    for i in 0..OUTPUTS {
        (high[i], low[i]) = split(truncated(f32::from_bits(results[i]) * scales[i]));
    }
    for (a, b) in a.iter().zip(b) {
        for i in 0..OUTPUTS {
            let (term_high, term_low) = split(truncated(a.values[i] * b.values[i] * scales[i]));
            high[i] += term_high;
            low[i] += term_low;
        }
    }
    let mut subnormal = false;
    for i in 0..OUTPUTS {
        let unit = i32::from(largest[i] - fraction_bits);
        // Exact in f64. The bits that f32 lacks are cut off, so that the conversion is exact where the result is normal. A zero has a plus sign
        // because every high part that is zero has one.
        let sum = f64::from(high[i]) + f64::from(low[i]);
        let value = sum * f64::from_bits(((unit + 1023) as u64) << 52);
        let cut = f64::from_bits(value.to_bits() & !0x1FFF_FFFF);
        subnormal |= (sum != 0.0) & (cut.abs() < f64::from(f32::MIN_POSITIVE));
        results[i] = (cut as f32).to_bits();
    }
    !subnormal
}

const fn exponent_of_f32(bits: u32) -> i16 {
    let stored = (bits >> 23 & 0xFF) as i16;
    (if stored == 0 { 1 } else { stored }) - 127
}

/// The integer part of a float below 2^28.
#[inline]
fn truncated(value: f32) -> f32 {
    /// From here on every f32 is an integer.
    const INTEGERS: f32 = 8_388_608.0;
    let magnitude = value.abs();
    // Too large to hold a fraction while it is added: rounds to the nearest integer.
    let nearest = (magnitude + INTEGERS) - INTEGERS;
    let down = if nearest > magnitude { nearest - 1.0 } else { nearest };
    (if magnitude >= INTEGERS { magnitude } else { down }).copysign(value)
}

/// A float below 2^28 as a multiple of 2^12 and a rest of at most 2^11.
#[inline]
fn split(value: f32) -> (f32, f32) {
    /// 1.5 · 2^35: sums near it are multiples of 2^12.
    const COARSE: f32 = 51_539_607_552.0;
    let high = (value + COARSE) - COARSE;
    (high, value - high)
}
