//! The model on a whole tile, a row of eight outputs side by side, where no operand is out of the ordinary.
//!
//! The same sums as [`multiply_accumulate`](super::multiply_accumulate), term for term. An operand is an exact f32, so is the product of two;
//! multiplied by a power of two it is in units of the block, and its magnitude is truncated to an integer. Every loop runs over eight outputs
//! without a branch.

use wide::{CmpGt, CmpLt, f32x8, i32x8, u16x8};

use super::execute::Tiles;
use super::model::{Model, Operand};

const ROWS: usize = 16;
/// Outputs of a row.
const COLUMNS: usize = 8;

/// The exponent of a zero operand: no product that has it is the largest.
const ZERO_EXPONENT: i32 = -1000;
/// What the largest exponent of a block is at least; below that of any product and of any f32.
const LEAST_EXPONENT: i32 = -300;
/// Operands up to this exponent, of either sign, have products well inside the range of f32. All f16 are among them.
const ORDINARY_EXPONENT: i32 = 50;
/// Products that are added in one i32; a block of more has two sums.
const HALF: usize = 8;
/// Two sums below this, together, are an i32 that can be rounded to f32 and come back.
const SUM_LIMIT: i32 = (1 << 30) - (1 << 8);

/// sums += a·b as `model` adds. `false`, and nothing is changed, if an operand is infinite, NaN or of an extreme exponent, or if a sum is or
/// becomes infinite or NaN, is too large for its integer or too small.
pub(super) fn accumulate<const K: usize>(
    model: Model,
    operand: Operand,
    tiles: &Tiles<K>,
    sums: &mut [[u32; COLUMNS]; ROWS],
) -> bool {
    let (mut rows, mut columns) = ([Decoded::<K>::ZERO; ROWS], [Decoded::<K>::ZERO; COLUMNS]);
    let mut is_odd = i32x8::ZERO;
    for (bits, decoded) in tiles.a.iter().zip(&mut rows).chain(tiles.b.iter().zip(&mut columns)) {
        is_odd |= decoded.fill(operand, bits);
    }
    if is_odd.any() {
        return false;
    }
    let mut b = [(f32x8::ZERO, i32x8::ZERO); K];
    for (k, b) in b.iter_mut().enumerate() {
        let (mut values, mut exponents) = ([0.0; COLUMNS], [0; COLUMNS]);
        for (column, decoded) in columns.iter().enumerate() {
            values[column] = decoded.values[k];
            exponents[column] = decoded.exponents[k];
        }
        *b = (f32x8::from(values), i32x8::from(exponents));
    }
    let mut results = *sums;
    for (Decoded { values, exponents }, results) in rows.iter().zip(&mut results) {
        let mut sums: i32x8 = bytemuck::cast(*results);
        is_odd |= overflow(sums);
        is_odd |= match model.block {
            4 => add_row::<4>(model, values, exponents, &b, &mut sums),
            8 => add_row::<8>(model, values, exponents, &b, &mut sums),
            16 => add_row::<16>(model, values, exponents, &b, &mut sums),
            _ => return false,
        };
        *results = bytemuck::cast(sums);
    }
    if is_odd.any() {
        return false;
    }
    *sums = results;
    true
}

/// A row of a or a column of b: values, and exponents, which are those of the least normal number for subnormals. Infinities and NaN have an
/// exponent that is not ordinary.
#[derive(Clone, Copy)]
struct Decoded<const K: usize> {
    values: [f32; K],
    exponents: [i32; K],
}

impl<const K: usize> Decoded<K> {
    const ZERO: Self = Self { values: [0.0; K], exponents: [0; K] };

    /// Decodes operands. Not zero if one is out of the ordinary.
    #[inline]
    fn fill(&mut self, operand: Operand, bits: &[u16; K]) -> i32x8 {
        let mut is_odd = i32x8::ZERO;
        let to = self.values.as_chunks_mut::<8>().0.iter_mut().zip(self.exponents.as_chunks_mut::<8>().0);
        for ((values, exponents), bits) in to.zip(bits.as_chunks::<8>().0) {
            let bits = i32x8::from_u16x8(u16x8::from(*bits));
            let magnitudes = bits & i32x8::splat(0x7FFF);
            let signs = (bits & i32x8::splat(0x8000)) << 16_i32;
            *values = match operand {
                // The fields moved into place, and the difference of the biases made up for: exact for subnormals too.
                Operand::F16 => {
                    let value = bytemuck::cast::<_, f32x8>(magnitudes << 13_i32)
                        * f32x8::splat(f32::from_bits((127 + 112) << 23));
                    bytemuck::cast(bytemuck::cast::<_, i32x8>(value) | signs)
                }
                Operand::Bf16 => bytemuck::cast(bits << 16_i32),
            };
            let stored = magnitudes >> operand.fraction_bits().cast_signed();
            let exponent = stored.max(i32x8::ONE) - i32x8::splat(operand.bias());
            let is_zero = magnitudes.cmp_lt(i32x8::ONE);
            let is_special = stored.cmp_gt(i32x8::splat(i32::from(operand.special_exponent()) - 1));
            is_odd |= !is_zero & (is_special | exponent.abs().cmp_gt(i32x8::splat(ORDINARY_EXPONENT)));
            *exponents = is_zero.blend(i32x8::splat(ZERO_EXPONENT), exponent).to_array();
        }
        is_odd
    }
}

/// All bits of a lane for infinities and NaN.
#[inline]
fn overflow(bits: i32x8) -> i32x8 {
    let exponents = i32x8::splat(0x7F80_0000);
    (bits & exponents).cmp_gt(exponents - i32x8::ONE)
}

/// Adds a row's products to its outputs, block after block. Not zero where one of them is out of the ordinary.
#[inline]
fn add_row<const BLOCK: usize>(
    model: Model,
    values: &[f32],
    exponents: &[i32],
    b: &[(f32x8, i32x8)],
    results: &mut i32x8,
) -> i32x8 {
    let fraction_bits = model.fraction_bits.cast_signed();
    let mut is_odd = i32x8::ZERO;
    let a = values.chunks(BLOCK).zip(exponents.chunks(BLOCK));
    for ((values, exponents), b) in a.zip(b.chunks(BLOCK)) {
        is_odd |= match (values.first_chunk(), exponents.first_chunk(), b.first_chunk()) {
            (Some(values), Some(exponents), Some(b)) => {
                add_block::<BLOCK>(fraction_bits, values, exponents, b, results)
            }
            // Fewer products than a block: a shape that the chip has not.
            _ => i32x8::splat(-1),
        };
    }
    is_odd
}

#[inline]
fn add_block<const BLOCK: usize>(
    fraction_bits: i32,
    values: &[f32; BLOCK],
    exponents: &[i32; BLOCK],
    b: &[(f32x8, i32x8); BLOCK],
    results: &mut i32x8,
) -> i32x8 {
    let magnitudes = *results & i32x8::splat(0x7FFF_FFFF);
    let exponent = (magnitudes >> 23_i32).max(i32x8::ONE) - i32x8::splat(127);
    let is_zero = magnitudes.cmp_lt(i32x8::ONE);
    let mut largest = is_zero.blend(i32x8::splat(LEAST_EXPONENT), exponent);
    for (exponent, (_, exponents)) in exponents.iter().zip(b) {
        largest = largest.max(i32x8::splat(*exponent) + *exponents);
    }
    let scale = (i32x8::splat(fraction_bits) - largest).min(i32x8::splat(127)) + i32x8::splat(127);
    let scale: f32x8 = bytemuck::cast(scale << 23_i32);
    let c: f32x8 = bytemuck::cast(*results);
    let mut sums = (c * scale).fast_trunc_int();
    let mut more = i32x8::ZERO;
    for (index, (value, (values, _))) in values.iter().zip(b).enumerate() {
        let term = (f32x8::splat(*value) * *values * scale).fast_trunc_int();
        if index < HALF {
            sums += term;
        } else {
            more += term;
        }
    }
    let limit = i32x8::splat(SUM_LIMIT);
    let mut is_odd = sums.abs().cmp_gt(limit);
    if BLOCK > HALF {
        is_odd |= more.abs().cmp_gt(limit);
        sums += more;
    }
    let magnitude = sums.abs();
    // The nearest f32, and the one before it where that is too large: towards zero.
    let nearest = f32x8::from_i32x8(magnitude);
    let cut: i32x8 = bytemuck::cast::<_, i32x8>(nearest) + nearest.fast_trunc_int().cmp_gt(magnitude);
    let unit = largest - i32x8::splat(fraction_bits);
    let least = i32x8::splat(-126);
    let scale: f32x8 = bytemuck::cast((unit.max(least) + i32x8::splat(127)) << 23_i32);
    let value: i32x8 = bytemuck::cast(bytemuck::cast::<_, f32x8>(cut) * scale);
    // 2^unit has to be a normal f32, unless all terms are zero, and so has the result.
    is_odd |= largest.cmp_gt(i32x8::splat(LEAST_EXPONENT)) & unit.cmp_lt(least);
    is_odd |= magnitude.cmp_gt(i32x8::ZERO) & value.cmp_lt(i32x8::splat(0x0080_0000));
    is_odd |= overflow(value);
    *results = value | sums & i32x8::splat(i32::MIN);
    is_odd
}
