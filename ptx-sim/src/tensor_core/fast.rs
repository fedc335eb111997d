//! The model on a whole tile of finite operands, eight columns at a time.
//!
//! The same sums as [`multiply_accumulate`](super::multiply_accumulate), term for term. A significand is kept as an f32 in (-2, 2) without
//! its exponent; the product of two is exact in f32, so is its product with a power of two, and the conversion to an integer truncates the
//! magnitude. Loops run over eight columns so that a compiler makes vectors of them.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "truncation is the subject; exponents are small"
)]

use super::execute::Tiles;
use super::model::{Model, Operand};
use super::number::encode_f32_towards_zero;

/// What one vector holds: the columns of the tile.
const COLUMNS: usize = 8;

/// A decoded operand: its significand in (-2, 2) and its exponent.
#[derive(Clone, Copy)]
struct Part {
    significand: f32,
    exponent: i32,
}

/// sums += a·b as `model` adds; `false`, and nothing is changed, if an operand or a sum is infinite or NaN or becomes so, or if the model's
/// blocks are not those of a chip that has these instructions.
pub(super) fn accumulate<const K: usize>(
    model: Model,
    operand: Operand,
    tiles: &Tiles<K>,
    sums: &mut [[u32; COLUMNS]; 16],
) -> bool {
    match model.block.min(K) {
        8 => in_blocks::<K, 8>(model, operand, tiles, sums),
        16 => in_blocks::<K, 16>(model, operand, tiles, sums),
        _ => false,
    }
}

fn in_blocks<const K: usize, const BLOCK: usize>(
    model: Model,
    operand: Operand,
    tiles: &Tiles<K>,
    sums: &mut [[u32; COLUMNS]; 16],
) -> bool {
    let special = operand.special_exponent() << operand.fraction_bits();
    let has_special = |row: &[u16; K]| row.iter().fold(false, |any, bits| any | (bits & special == special));
    if tiles.a.iter().chain(&tiles.b).any(has_special) || sums.iter().any(has_overflow) {
        return false;
    }
    let mut b_significands = [[0.0f32; COLUMNS]; K];
    let mut b_exponents = [[0i32; COLUMNS]; K];
    for (column, values) in tiles.b.iter().enumerate() {
        for (k, &bits) in values.iter().enumerate() {
            let part = decode(operand, bits);
            b_significands[k][column] = part.significand;
            b_exponents[k][column] = part.exponent;
        }
    }
    let (b_significands, _) = b_significands.as_chunks::<BLOCK>();
    let (b_exponents, _) = b_exponents.as_chunks::<BLOCK>();
    let mut results = *sums;
    for (a, results) in tiles.a.iter().zip(&mut results) {
        let a = a.map(|bits| decode(operand, bits));
        for (a, (significands, exponents)) in
            a.as_chunks::<BLOCK>().0.iter().zip(b_significands.iter().zip(b_exponents))
        {
            *results = add_block(model.fraction_bits as i32, a, significands, exponents, *results);
            if has_overflow(results) {
                return false;
            }
        }
    }
    *sums = results;
    true
}

fn has_overflow(row: &[u32; COLUMNS]) -> bool {
    row.iter().fold(false, |any, bits| any | (bits & 0x7F80_0000 == 0x7F80_0000))
}

fn add_block<const BLOCK: usize>(
    fraction_bits: i32,
    a: &[Part; BLOCK],
    significands: &[[f32; COLUMNS]; BLOCK],
    exponents: &[[i32; COLUMNS]; BLOCK],
    c: [u32; COLUMNS],
) -> [u32; COLUMNS] {
    let c_exponents = c.map(|bits| ((bits >> 23 & 0xFF) as i32).max(1) - 127);
    let mut largest = c_exponents;
    for k in 0..BLOCK {
        for column in 0..COLUMNS {
            largest[column] = largest[column].max(a[k].exponent + exponents[k][column]);
        }
    }
    // Sixteen products below 2^27 each stay inside i32, but not with the accumulator on top.
    let mut sums = [0i32; COLUMNS];
    for k in 0..BLOCK {
        for column in 0..COLUMNS {
            let shift = fraction_bits + a[k].exponent + exponents[k][column] - largest[column];
            // A product shifted by -30 or more is below one unit, as one shifted by -64 is: the scale stays a normal number.
            let scale = f32::from_bits(((shift.max(-64) + 127) << 23) as u32);
            sums[column] += (a[k].significand * significands[k][column] * scale) as i32;
        }
    }
    let mut results = [0; COLUMNS];
    for column in 0..COLUMNS {
        let bits = c[column];
        let implicit = if bits & 0x7F80_0000 == 0 { 0 } else { 0x0080_0000 };
        let significand = i64::from(bits & 0x007F_FFFF | implicit);
        let shift = fraction_bits - 23 + c_exponents[column] - largest[column];
        let magnitude = significand << shift.max(0) >> (-shift).clamp(0, 63);
        let signed = if bits >> 31 == 1 { -magnitude } else { magnitude };
        results[column] = encode(i64::from(sums[column]) + signed, largest[column] - fraction_bits);
    }
    results
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

fn decode(operand: Operand, bits: u16) -> Part {
    let fraction_bits = operand.fraction_bits();
    let stored = bits >> fraction_bits & operand.special_exponent();
    let fraction = u32::from(bits) & ((1 << fraction_bits) - 1);
    let implicit = u32::from(stored != 0) << fraction_bits;
    // Small integers: the conversion and the scaling by a power of two are exact.
    let magnitude = (fraction | implicit) as u16;
    let significand = f32::from(magnitude) * f32::from_bits((127 - fraction_bits) << 23);
    Part {
        significand: if bits >> 15 == 1 { -significand } else { significand },
        exponent: i32::from(stored.max(1)) - operand.bias(),
    }
}
