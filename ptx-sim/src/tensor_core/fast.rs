//! The model on a whole tile of finite operands, all 128 outputs side by side.
//!
//! The same sums as [`multiply_accumulate`](super::multiply_accumulate), term for term. A product of significands has at most 22 bits; it
//! is shifted by a multiplication with a power of two and one shift by a constant, which truncates. Every loop runs over the outputs, so that
//! a compiler makes vectors of it, also where the processor cannot shift each element by its own amount.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "truncation is the subject; significands and exponents are small"
)]

use super::execute::Tiles;
use super::model::{Model, Operand};
use super::number::encode_f32_towards_zero;

const ROWS: usize = 16;
const COLUMNS: usize = 8;
const OUTPUTS: usize = ROWS * COLUMNS;

/// The exponent of a zero operand: no product that has it is the largest.
const ZERO_EXPONENT: i16 = -1000;
/// What the largest exponent of a block is at least; below that of any product and of any f32.
const LEAST_EXPONENT: i32 = -300;

/// For each output, the operand that it reads at one place along k.
#[derive(Clone, Copy)]
struct Operands {
    significands: [i16; OUTPUTS],
    exponents: [i16; OUTPUTS],
}

/// sums += a·b as `model` adds; `false`, and nothing is changed, if an operand or a sum is infinite or NaN or becomes so.
pub(super) fn accumulate<const K: usize>(
    model: Model,
    operand: Operand,
    tiles: &Tiles<K>,
    sums: &mut [[u32; COLUMNS]; ROWS],
) -> bool {
    let special = operand.special_exponent() << operand.fraction_bits();
    let has_special = |row: &[u16; K]| row.iter().fold(false, |any, bits| any | (bits & special == special));
    let mut results = [0; OUTPUTS];
    results.copy_from_slice(sums.as_flattened());
    if tiles.a.iter().chain(&tiles.b).any(has_special) || has_overflow(&results) {
        return false;
    }
    let none = Operands { significands: [0; OUTPUTS], exponents: [0; OUTPUTS] };
    let (mut a, mut b) = ([none; K], [none; K]);
    spread(operand, tiles, &mut a, &mut b);
    let block = model.block.max(1);
    for (a, b) in a.chunks(block).zip(b.chunks(block)) {
        add_block(Alignment::new(model, operand), a, b, &mut results);
        if has_overflow(&results) {
            return false;
        }
    }
    sums.as_flattened_mut().copy_from_slice(&results);
    true
}

fn has_overflow(sums: &[u32; OUTPUTS]) -> bool {
    sums.iter().fold(false, |any, bits| any | (bits & 0x7F80_0000 == 0x7F80_0000))
}

/// The tiles decoded, and repeated so that output i finds its operands at i.
fn spread<const K: usize>(operand: Operand, tiles: &Tiles<K>, a: &mut [Operands; K], b: &mut [Operands; K]) {
    for k in 0..K {
        let row = tiles.a.map(|row| decode(operand, row[k]));
        for (outputs, value) in a[k].significands.as_chunks_mut::<COLUMNS>().0.iter_mut().zip(row) {
            *outputs = [value.0; COLUMNS];
        }
        for (outputs, value) in a[k].exponents.as_chunks_mut::<COLUMNS>().0.iter_mut().zip(row) {
            *outputs = [value.1; COLUMNS];
        }
        let column = tiles.b.map(|column| decode(operand, column[k]));
        for outputs in b[k].significands.as_chunks_mut::<COLUMNS>().0 {
            *outputs = column.map(|value| value.0);
        }
        for outputs in b[k].exponents.as_chunks_mut::<COLUMNS>().0 {
            *outputs = column.map(|value| value.1);
        }
    }
}

/// The significand as an integer, with the sign, and the exponent.
const fn decode(operand: Operand, bits: u16) -> (i16, i16) {
    if bits & 0x7FFF == 0 {
        return (0, ZERO_EXPONENT);
    }
    let fraction_bits = operand.fraction_bits();
    let stored = bits >> fraction_bits & operand.special_exponent();
    let fraction = bits & ((1 << fraction_bits) - 1);
    let significand = (fraction | ((stored != 0) as u16) << fraction_bits) as i16;
    let sign = bits as i16 >> 15;
    let exponent = if stored == 0 { 1 } else { stored as i16 } - operand.bias() as i16;
    ((significand ^ sign) - sign, exponent)
}

/// How products are brought to the unit of a block.
#[derive(Clone, Copy)]
struct Alignment {
    /// Bits kept below the unit of the largest exponent.
    fraction_bits: i32,
    /// A product of the largest exponent, times 2^31, is shifted right by so much.
    shift: u32,
}

impl Alignment {
    const fn new(model: Model, operand: Operand) -> Self {
        Self {
            fraction_bits: model.fraction_bits as i32,
            shift: 31 + 2 * operand.fraction_bits() - model.fraction_bits,
        }
    }
}

fn add_block(alignment: Alignment, a: &[Operands], b: &[Operands], results: &mut [u32; OUTPUTS]) {
    let mut largest = [0i32; OUTPUTS];
    for (largest, &c) in largest.iter_mut().zip(&*results) {
        *largest = if c << 1 == 0 { LEAST_EXPONENT } else { exponent_of_f32(c) };
    }
    for (a, b) in a.iter().zip(b) {
        for ((largest, &a), &b) in largest.iter_mut().zip(&a.exponents).zip(&b.exponents) {
            *largest = (*largest).max(i32::from(a) + i32::from(b));
        }
    }
    // Sixteen products below 2^27 each stay inside i32, but not with the accumulator on top.
    let mut sums = [0i32; OUTPUTS];
    for (a, b) in a.iter().zip(b) {
        for i in 0..OUTPUTS {
            let product = i32::from(a.significands[i]) * i32::from(b.significands[i]);
            let sign = product >> 31;
            let magnitude = ((product ^ sign) - sign) as u32;
            // A product 2^31 below the largest is less than one unit: its power of two no longer matters.
            let below = largest[i] - i32::from(a.exponents[i]) - i32::from(b.exponents[i]);
            let power = 1u32 << (31 - below).max(0);
            let aligned = ((u64::from(magnitude) * u64::from(power)) >> alignment.shift) as i32;
            sums[i] += (aligned ^ sign) - sign;
        }
    }
    for ((result, &sum), &largest) in results.iter_mut().zip(&sums).zip(&largest) {
        let unit = largest - alignment.fraction_bits;
        *result = encode(i64::from(sum) + aligned_f32(*result, unit), unit);
    }
}

fn exponent_of_f32(bits: u32) -> i32 {
    ((bits >> 23 & 0xFF) as i32).max(1) - 127
}

/// A finite f32 in multiples of 2^unit, its magnitude truncated.
fn aligned_f32(bits: u32, unit: i32) -> i64 {
    let implicit = if bits & 0x7F80_0000 == 0 { 0 } else { 0x0080_0000 };
    let significand = i64::from(bits & 0x007F_FFFF | implicit);
    let shift = exponent_of_f32(bits) - 23 - unit;
    // Large shifts to the left happen to zeros only.
    let magnitude = significand << shift.clamp(0, 63) >> (-shift).clamp(0, 63);
    if bits >> 31 == 1 { -magnitude } else { magnitude }
}

/// sum · 2^unit as f32, rounded towards zero, for sums below 2^33.
fn encode(sum: i64, unit: i32) -> u32 {
    // Exact in f64; the bits that f32 lacks are cut off, so that the last conversion is exact where the result is normal.
    #[expect(clippy::cast_precision_loss, reason = "sums are below 2^33")]
    let value = sum as f64 * f64::from_bits(((unit + 1023) as u64) << 52);
    let cut = f64::from_bits(value.to_bits() & !0x1FFF_FFFF);
    if cut.abs() < f64::from(f32::MIN_POSITIVE) {
        return encode_f32_towards_zero(sum, unit);
    }
    (cut as f32).to_bits()
}
