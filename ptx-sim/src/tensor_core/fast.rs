//! The model on a whole tile, a row of eight outputs side by side, where no operand is out of the ordinary.
//!
//! The same sums as [`multiply_accumulate`](super::multiply_accumulate), term for term. An operand is an exact f32, so is the product of two;
//! multiplied by a power of two it is in units of the block, and its magnitude is truncated to an integer. Every loop runs over eight outputs
//! without a branch.

use wide::{CmpGt, CmpLt, f32x8, i16x16, i32x8, u16x8};

use super::execute::Tiles;
use super::model::{Model, Operand};

const ROWS: usize = 16;
/// Outputs of a row.
const COLUMNS: usize = 8;
/// Products of the largest tile.
const MOST: usize = 16;

/// The bias of f32. Exponents of products have it here too.
const BIAS: i32 = 127;
/// The exponent of a zero operand: no product that has it is the largest.
const ZERO_EXPONENT: i32 = -1000;
/// Operands up to this exponent, of either sign, have products well inside the range of f32. All f16 are among them.
const ORDINARY_EXPONENT: i32 = 50;
/// Terms up to this exponent have a sum well inside the range of f32.
const LARGE_EXPONENT: i32 = 2 * ORDINARY_EXPONENT + 1;
/// Products that are added in one i32; a block of more has two sums.
const HALF: usize = 8;
/// Two sums below this, together, are an i32 that can be rounded to f32 and come back. So can the sum of 8 products and an accumulator, none of which is
/// above 2^[`SAFE_BITS`] · 4 units.
const SUM_LIMIT: i32 = (1 << 30) - (1 << 8);
const SAFE_BITS: i32 = 24;

/// sums += a·b as `model` adds. `false`, and nothing is changed, if an operand is infinite, NaN or of an extreme exponent, or if a sum is
/// infinite, NaN, very large, too large for its integer or too small.
pub(super) fn accumulate<const K: usize>(
    model: Model,
    operand: Operand,
    tiles: &Tiles<K>,
    sums: &mut [[u32; COLUMNS]; ROWS],
) -> bool {
    let (mut rows, mut columns) = ([Decoded::ZERO; ROWS], [Decoded::ZERO; COLUMNS]);
    let mut is_odd = i32x8::ZERO;
    for (bits, decoded) in tiles.a.iter().zip(&mut rows) {
        is_odd |= decoded.fill(operand, bits, BIAS);
    }
    for (bits, decoded) in tiles.b.iter().zip(&mut columns) {
        is_odd |= decoded.fill(operand, bits, 0);
    }
    if is_odd.any() {
        return false;
    }
    let b = Columns::new(&columns);
    let mut results = *sums;
    for (row, results) in rows.iter().zip(&mut results) {
        let mut sums: i32x8 = bytemuck::cast(*results);
        is_odd |= match model.block {
            4 => add_row::<K, 4>(model, row, &b, &mut sums),
            8 => add_row::<K, 8>(model, row, &b, &mut sums),
            16 => add_row::<K, 16>(model, row, &b, &mut sums),
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

/// A row of a or a column of b: values, and exponents, which are those of the least normal number for subnormals.
#[derive(Clone, Copy)]
struct Decoded {
    values: [f32; MOST],
    /// The exponents of element k in the low half, of element k + K/2 in the high half.
    exponents: [i32; MOST / 2],
}

impl Decoded {
    const ZERO: Self = Self { values: [0.0; MOST], exponents: [0; MOST / 2] };

    /// Decodes operands; `bias` is added to exponents. Negative where one is out of the ordinary, as infinities and NaN are.
    #[inline]
    fn fill<const K: usize>(&mut self, operand: Operand, bits: &[u16; K], bias: i32) -> i32x8 {
        let mut is_odd = i32x8::ZERO;
        let mut all = [0; MOST];
        let to = self.values.as_chunks_mut::<8>().0.iter_mut().zip(all.as_chunks_mut::<8>().0);
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
            *exponents = (is_zero.blend(i32x8::splat(ZERO_EXPONENT), exponent) + i32x8::splat(bias)).to_array();
        }
        for (pair, (low, high)) in self.exponents.iter_mut().zip(all.iter().zip(&all[K / 2..])) {
            *pair = low & 0xFFFF | high << 16;
        }
        is_odd
    }
}

/// The operands b: of each k those of all columns.
struct Columns {
    values: [f32x8; MOST],
    exponents: [i16x16; MOST / 2],
}

impl Columns {
    #[inline]
    fn new(columns: &[Decoded; COLUMNS]) -> Self {
        let part = |first: usize| -> [i32x8; 8] {
            let rows = columns.map(|column| {
                let part: [f32; 8] = std::array::from_fn(|k| column.values[first + k]);
                bytemuck::cast(part)
            });
            i32x8::transpose(rows)
        };
        let (low, high) = (part(0), part(8));
        let exponents = i32x8::transpose(columns.map(|column| i32x8::from(column.exponents)));
        Self {
            values: std::array::from_fn(|k| bytemuck::cast(if k < 8 { low[k] } else { high[k - 8] })),
            exponents: exponents.map(bytemuck::cast),
        }
    }
}

/// Adds a row's products to its outputs, block after block. Negative where one of them is out of the ordinary.
#[inline]
fn add_row<const K: usize, const BLOCK: usize>(model: Model, row: &Decoded, b: &Columns, results: &mut i32x8) -> i32x8 {
    let fraction_bits = model.fraction_bits.cast_signed();
    // The largest exponents of the products of blocks of the first half, and of the second.
    let (mut firsts, mut seconds) = ([i32x8::ZERO; 2], [i32x8::ZERO; 2]);
    let size = BLOCK.min(K / 2);
    let blocks = K / 2 / size;
    let pairs = row.exponents[..K / 2].chunks_exact(size).zip(b.exponents[..K / 2].chunks_exact(size));
    for ((first, second), (row, columns)) in firsts.iter_mut().zip(&mut seconds).zip(pairs) {
        let mut largest = i16x16::splat(i16::MIN);
        for (exponents, columns) in row.iter().zip(columns) {
            largest = largest.max(bytemuck::cast::<_, i16x16>(i32x8::splat(*exponents)) + *columns);
        }
        let both: i32x8 = bytemuck::cast(largest);
        *first = (both << 16_i32) >> 16_i32;
        *second = both >> 16_i32;
    }
    if BLOCK >= K {
        let largest = firsts[0].max(seconds[0]);
        return add_block::<BLOCK>(fraction_bits, &row.values[..K], &b.values[..K], largest, results);
    }
    let largest = firsts[..blocks].iter().chain(&seconds[..blocks]);
    let terms = row.values[..K].chunks_exact(BLOCK).zip(b.values[..K].chunks_exact(BLOCK));
    terms.zip(largest).fold(i32x8::ZERO, |is_odd, ((row, columns), largest)| {
        is_odd | add_block::<BLOCK>(fraction_bits, row, columns, *largest, results)
    })
}

#[inline]
fn add_block<const BLOCK: usize>(
    fraction_bits: i32,
    row: &[f32],
    columns: &[f32x8],
    largest: i32x8,
    results: &mut i32x8,
) -> i32x8 {
    let magnitudes = *results & i32x8::splat(0x7FFF_FFFF);
    // A zero has the exponent of the least normal number, which is below that of any product but of zeros.
    let largest = largest.max((magnitudes >> 23_i32).max(i32x8::ONE));
    let unit = largest - i32x8::splat(fraction_bits);
    // 2^unit has to be a normal f32, unless all terms are zero, and so has the result.
    let mut is_odd = largest.cmp_gt(i32x8::splat(LARGE_EXPONENT + BIAS));
    is_odd |= unit.cmp_lt(i32x8::ONE) & (i32x8::ZERO - magnitudes);
    let scale = (i32x8::splat(2 * BIAS) - unit).min(i32x8::splat(2 * BIAS)) << 23_i32;
    let scale: f32x8 = bytemuck::cast(scale);
    let c: f32x8 = bytemuck::cast(*results);
    // Of two sums one need not wait for the other.
    let (mut sums, mut more) = ((c * scale).fast_trunc_int(), i32x8::ZERO);
    for (index, (value, values)) in row.iter().zip(columns).enumerate() {
        let term = (f32x8::splat(*value) * *values * scale).fast_trunc_int();
        if index < BLOCK / 2 {
            sums += term;
        } else {
            more += term;
        }
    }
    if BLOCK > HALF || fraction_bits > SAFE_BITS {
        let limit = i32x8::splat(SUM_LIMIT);
        is_odd |= sums.abs().cmp_gt(limit) | more.abs().cmp_gt(limit);
    }
    sums += more;
    let magnitude = sums.abs();
    // The nearest f32, and the one before it where that is too large: towards zero.
    let nearest = f32x8::from_i32x8(magnitude);
    let cut: i32x8 = bytemuck::cast::<_, i32x8>(nearest) + nearest.fast_trunc_int().cmp_gt(magnitude);
    let scale: f32x8 = bytemuck::cast(unit.max(i32x8::ONE) << 23_i32);
    let value: i32x8 = bytemuck::cast(bytemuck::cast::<_, f32x8>(cut) * scale);
    *results = value | sums & i32x8::splat(i32::MIN);
    is_odd
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor_core::multiply_accumulate;

    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u32 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 32) as u32
        }

        /// A number whose exponent is one of `spread` up to `top`, or zero now and then.
        #[expect(clippy::cast_possible_truncation, reason = "its bits are put together from 16")]
        fn operand(&mut self, operand: Operand, top: u32, spread: u32) -> u16 {
            let bits = self.next();
            if bits.is_multiple_of(13) {
                return (bits >> 16) as u16 & 0x8000;
            }
            let fraction_bits = operand.fraction_bits();
            let exponent = top.saturating_sub(bits % spread);
            ((bits >> 16 & 0x8000) | exponent << fraction_bits | (bits >> 8 & ((1 << fraction_bits) - 1))) as u16
        }
    }

    /// How many of the tiles were not left to the plain way.
    fn compare<const K: usize>(model: Model, operand: Operand, top: u32, spread: u32, sums_top: u32) -> u32 {
        let mut random = Random(u64::from(top * 64 + spread) << 20 | u64::from(sums_top));
        let mut taken = 0;
        for _ in 0..40 {
            let mut tiles = Tiles::<K> { a: [[0; K]; ROWS], b: [[0; K]; COLUMNS] };
            for bits in tiles.a.as_flattened_mut().iter_mut().chain(tiles.b.as_flattened_mut()) {
                *bits = random.operand(operand, top, spread);
            }
            let mut sums = [[0; COLUMNS]; ROWS];
            for sum in sums.as_flattened_mut() {
                let bits = random.next();
                let exponent = sums_top.saturating_sub(bits % 40);
                *sum = if bits.is_multiple_of(11) { 0 } else { random.next() & 0x807F_FFFF | exponent << 23 };
            }
            let before = sums;
            if !accumulate(model, operand, &tiles, &mut sums) {
                assert_eq!(sums, before, "nothing is changed");
                continue;
            }
            taken += 1;
            for (row, a) in tiles.a.iter().enumerate() {
                for (column, b) in tiles.b.iter().enumerate() {
                    let expected = multiply_accumulate(model, operand, a, b, before[row][column]);
                    assert_eq!(
                        sums[row][column], expected,
                        "{model:?} {operand:?} {a:x?} {b:x?} {:x}",
                        before[row][column]
                    );
                }
            }
        }
        taken
    }

    #[test]
    fn a_tile_is_what_its_outputs_are_one_by_one() {
        for model in [Model::VOLTA, Model::AMPERE, Model::HOPPER] {
            for spread in [1, 2, 5, 12, 31] {
                for sums_top in [1, 20, 40, 100, 120, 127, 140, 160, 220, 254] {
                    for top in [0, 1, 15, 30] {
                        let taken = compare::<8>(model, Operand::F16, top, spread, sums_top);
                        assert!(taken > 0 || sums_top <= 40 || sums_top > 200 || top < 2, "{top} {spread} {sums_top}");
                        compare::<16>(model, Operand::F16, top, spread, sums_top);
                    }
                    for top in [60, 90, 127, 150, 176, 200] {
                        compare::<8>(model, Operand::Bf16, top, spread, sums_top);
                        compare::<16>(model, Operand::Bf16, top, spread, sums_top);
                    }
                }
            }
        }
    }
}
