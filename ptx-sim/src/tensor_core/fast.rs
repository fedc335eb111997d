//! The model on a whole tile of f16 or bf16, a row of eight outputs side by side, where no operand is out of the ordinary.
//!
//! The same sums as [`multiply_accumulate`](super::multiply_accumulate), term for term. An operand is an exact f32, so is the product of two;
//! multiplied by a power of two it is in units of the block, and its magnitude is truncated to an integer. Every loop runs over eight outputs
//! without a branch.
//!
//! Operands stay in the order of the registers, two to a word ([`fragment`](super::fragment)): those of a are read one by one, those of b are brought
//! into rows of eight columns, even ones first, which is how two registers of an accumulator hold a row.

use wide::{CmpEq, CmpGt, CmpLt, f32x8, i16x16, i32x8, u32x8};

use super::model::Model;
use crate::decode::Lanes;

/// Products of the largest tile.
const MOST: usize = 16;
/// Words of four lanes: those of one row of a or column of b in a register.
const QUAD: usize = 4;

/// The bias of f32. Exponents of products have it here too.
const BIAS: i16 = 127;
/// The exponent of a zero operand: no product that has it is the largest.
const ZERO_EXPONENT: i16 = -1000;
/// Operands up to this exponent, of either sign, have products well inside the range of f32, and so are the units of blocks, squared. All f16 are among them.
const ORDINARY_EXPONENT: i16 = 38;
/// Terms up to this exponent have a sum well inside the range of f32.
const LARGE_EXPONENT: i32 = 2 * ORDINARY_EXPONENT as i32 + 1;
/// Two sums below this, together, are an i32 that can be rounded to f32 and come back. So can the sum of 8 products and an accumulator, none of which is
/// above 2^[`SAFE_BITS`] · 4 units.
const SUM_LIMIT: i32 = (1 << 30) - (1 << 8);
const SAFE_BITS: i32 = 24;

/// d = a·b + c as `model` adds, of f16 if `IS_HALF` and otherwise of bf16. `false`, and d means nothing, if an operand is infinite, NaN or of an extreme exponent, or if a sum is infinite, NaN,
/// very large, too large for its integer or too small; also if there are not the registers of the shape, or for a model that no profile has.
pub(super) fn accumulate<const K: usize, const IS_HALF: bool>(
    model: Model,
    (a, b): (&[&Lanes], &[&Lanes]),
    c: &[&Lanes],
    d: &mut [Lanes; 4],
) -> bool {
    let Some(c) = c.first_chunk::<4>() else { return false };
    if a.len() != K / 4 || b.len() != K / 8 {
        return false;
    }
    // Accumulators, and then results: the row of a lane's first two registers, or of its others, as those registers have it. They are put together well
    // before they are wanted: a processor waits when it reads at once what was written by parts.
    let mut results = [[i32x8::ZERO; 8]; 2];
    let mut least = u32x8::splat(u32::MAX);
    let halves: &mut [[[[u32; QUAD]; 2]; 8]; 2] = bytemuck::cast_mut(&mut results);
    for (half, registers) in halves.iter_mut().zip(c.as_chunks::<2>().0) {
        for (part, lanes) in registers.iter().enumerate() {
            for (row, quad) in half.iter_mut().zip(lanes.as_chunks::<QUAD>().0) {
                row[part] = *quad;
            }
            for sums in lanes.as_chunks::<8>().0 {
                let magnitudes = bytemuck::cast::<_, u32x8>(*sums) & u32x8::splat(u32::MAX / 2);
                // Zeros are the largest here.
                least = least.min(magnitudes - u32x8::splat(1));
            }
        }
    }
    let mut rows = Rows { values: [[[f32x8::ZERO; 4]; 2]; 4], exponents: [[i32x8::ZERO; 4]; 4] };
    let mut columns = Columns { values: [f32x8::ZERO; MOST], exponents: [i16x16::ZERO; MOST / 2] };
    let is_odd = rows.fill::<IS_HALF>(a) | columns.fill::<IS_HALF>(b);
    if is_odd.any() {
        return false;
    }
    let fraction_bits = model.fraction_bits.cast_signed();
    // The unit of so small an accumulator would not be a normal f32, which it has to be unless all terms are zero. What a block leaves is never so small.
    let smallest = (model.fraction_bits + 1) << 23;
    if least.cmp_lt(u32x8::splat(smallest - 1)).any() {
        return false;
    }
    let is_odd = match (model.block, K) {
        (8, _) => add::<K, 1>(fraction_bits, &rows, &columns, &mut results),
        (16, 8) => add::<K, 1>(fraction_bits, &rows, &columns, &mut results),
        (16, _) => add::<K, 2>(fraction_bits, &rows, &columns, &mut results),
        _ => return false,
    };
    let halves: &[[[[u32; QUAD]; 2]; 8]; 2] = bytemuck::cast_ref(&results);
    for (half, registers) in halves.iter().zip(d.as_chunks_mut::<2>().0) {
        for (part, lanes) in registers.iter_mut().enumerate() {
            for (row, quad) in half.iter().zip(lanes.as_chunks_mut::<QUAD>().0) {
                *quad = row[part];
            }
        }
    }
    !is_odd.any()
}

/// The operands a, in the places of their registers.
struct Rows {
    /// Of each register the first elements of its words, and the second ones.
    values: [[[f32x8; 4]; 2]; 4],
    /// With the bias of a product, the first element's in the low half.
    exponents: [[i32x8; 4]; 4],
}

impl Rows {
    /// Negative where an operand is out of the ordinary.
    #[inline]
    fn fill<const IS_HALF: bool>(&mut self, registers: &[&Lanes]) -> i16x16 {
        let mut is_odd = i16x16::ZERO;
        let bias = if IS_HALF { BIAS - 2 * 15 } else { BIAS - 2 * 127 };
        for ((values, exponents), lanes) in self.values.iter_mut().zip(&mut self.exponents).zip(registers) {
            let [first, second] = values;
            let words = lanes.as_chunks::<8>().0.iter();
            for (((first, second), exponents), words) in first.iter_mut().zip(second).zip(exponents).zip(words) {
                let words: i32x8 = bytemuck::cast(*words);
                let (found, is_special) = exponents_of::<IS_HALF>(words, bias);
                is_odd |= is_special;
                *exponents = bytemuck::cast(found);
                [*first, *second] = values_of::<IS_HALF>(words);
            }
        }
        is_odd
    }
}

/// The operands b: of each k those of all columns, even ones first.
struct Columns {
    values: [f32x8; MOST],
    /// Of two k each.
    exponents: [i16x16; MOST / 2],
}

impl Columns {
    #[inline]
    fn fill<const IS_HALF: bool>(&mut self, registers: &[&Lanes]) -> i16x16 {
        let mut columns = [[[0; QUAD]; 2]; 8];
        for (register, lanes) in registers.iter().enumerate().take(2) {
            for (column, words) in lanes.as_chunks::<QUAD>().0.iter().enumerate() {
                columns[column / 2 + column % 2 * 4][register] = *words;
            }
        }
        let mut is_odd = i16x16::ZERO;
        let pairs = i32x8::transpose(bytemuck::cast(columns));
        for ((words, values), exponents) in pairs.iter().zip(self.values.as_chunks_mut().0).zip(&mut self.exponents) {
            let is_special;
            (*exponents, is_special) = exponents_of::<IS_HALF>(*words, 0);
            is_odd |= is_special;
            *values = values_of::<IS_HALF>(*words);
        }
        is_odd
    }
}

/// The exponents of two operands in each word, as they are stored and with `bias` added, those of the least normal number for subnormals; and whether the
/// operands are out of the ordinary, as infinities and NaN are.
#[inline]
fn exponents_of<const IS_HALF: bool>(words: i32x8, bias: i16) -> (i16x16, i16x16) {
    let magnitudes = bytemuck::cast::<_, i16x16>(words) & i16x16::splat(i16::MAX);
    let is_zero = magnitudes.cmp_eq(i16x16::ZERO);
    let stored = magnitudes >> if IS_HALF { 10_i32 } else { 7_i32 };
    let is_odd = if IS_HALF {
        magnitudes.cmp_gt(i16x16::splat(0x7BFF))
    } else {
        let (least, greatest) = (BIAS - ORDINARY_EXPONENT, BIAS + ORDINARY_EXPONENT);
        stored.cmp_gt(i16x16::splat(greatest)) | (stored.cmp_lt(i16x16::splat(least)) & !is_zero)
    };
    let exponents = stored.max(i16x16::splat(1)) + i16x16::splat(bias);
    (exponents + (is_zero & i16x16::splat(ZERO_EXPONENT)), is_odd)
}

/// The first operand of each word, and the second one.
#[inline]
fn values_of<const IS_HALF: bool>(words: i32x8) -> [f32x8; 2] {
    let parts = [words << 16_i32, words & i32x8::splat(!0xFFFF)];
    if !IS_HALF {
        return parts.map(bytemuck::cast);
    }
    // The fields moved into place behind the sign, and the difference of the biases made up for: exact for subnormals too.
    parts.map(|part| {
        let fields = (part >> 3_i32) & i32x8::splat(0x8FFF_E000_u32.cast_signed());
        bytemuck::cast::<_, f32x8>(fields) * f32x8::splat(f32::from_bits((127 + 112) << 23))
    })
}

/// Adds the products to the accumulators, block after block of so many times eight. Negative where a sum is out of the ordinary.
#[inline]
fn add<const K: usize, const EIGHTS: usize>(
    fraction_bits: i32,
    rows: &Rows,
    columns: &Columns,
    results: &mut [[i32x8; 8]; 2],
) -> i16x16 {
    let mut greatest = i32x8::ZERO;
    let mut is_odd = i32x8::ZERO;
    for block in 0..K / 8 / EIGHTS {
        for (half, results) in results.iter_mut().enumerate() {
            for (row, result) in results.iter_mut().enumerate() {
                let magnitudes = *result & i32x8::splat(i32::MAX);
                // A zero has the exponent of the least normal number, which is below that of any product but of zeros.
                let mut largest: i16x16 = bytemuck::cast((magnitudes >> 23_i32).max(i32x8::ONE));
                for eight in block * EIGHTS..(block + 1) * EIGHTS {
                    let exponents: &[i32; 32] = bytemuck::cast_ref(&rows.exponents[half + 2 * eight]);
                    for quad in 0..QUAD {
                        let row: i16x16 = bytemuck::cast(i32x8::splat(exponents[QUAD * row + quad]));
                        largest = largest.max(row + columns.exponents[QUAD * eight + quad]);
                    }
                }
                // The larger of both halves, which is above zero.
                let high = bytemuck::cast::<_, i32x8>(largest) >> 16_i32;
                let largest = bytemuck::cast::<_, i32x8>(largest.max(bytemuck::cast(high))) & i32x8::splat(0xFFFF);
                greatest = greatest.max(largest);
                // 2^-unit; where it is not a normal f32, all terms are zero.
                let exponent = i32x8::splat(2 * i32::from(BIAS) + fraction_bits) - largest;
                let scale = exponent.min(i32x8::splat(2 * i32::from(BIAS))) << 23_i32;
                let factor: f32x8 = bytemuck::cast(scale);
                // Of two sums one need not wait for the other.
                let c = bytemuck::cast::<_, f32x8>(*result) * factor;
                let (mut sums, mut more) = (c.fast_trunc_int(), i32x8::ZERO);
                for eight in block * EIGHTS..(block + 1) * EIGHTS {
                    let [first, second]: &[[f32; 32]; 2] = bytemuck::cast_ref(&rows.values[half + 2 * eight]);
                    for quad in 0..QUAD {
                        let place = 2 * (QUAD * eight + quad);
                        let (a, b) = (f32x8::splat(first[QUAD * row + quad]), columns.values[place]);
                        sums += (a * b * factor).fast_trunc_int();
                        let (a, b) = (f32x8::splat(second[QUAD * row + quad]), columns.values[place + 1]);
                        more += (a * b * factor).fast_trunc_int();
                    }
                }
                if EIGHTS > 1 || fraction_bits > SAFE_BITS {
                    let limit = i32x8::splat(SUM_LIMIT);
                    is_odd |= sums.abs().cmp_gt(limit) | more.abs().cmp_gt(limit);
                }
                sums += more;
                // The nearest f32, and the one before it where that is too large: towards zero.
                let nearest = f32x8::from_i32x8(sums);
                let is_above = nearest.fast_trunc_int().abs().cmp_gt(sums.abs());
                let cut: f32x8 = bytemuck::cast(bytemuck::cast::<_, i32x8>(nearest) + is_above);
                let unit: f32x8 = bytemuck::cast(i32x8::splat((2 * i32::from(BIAS)) << 23) - scale);
                *result = bytemuck::cast(cut * unit);
            }
        }
    }
    bytemuck::cast(is_odd | greatest.cmp_gt(i32x8::splat(LARGE_EXPONENT + i32::from(BIAS))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor_core::fragment::{self, Place};
    use crate::tensor_core::{Operand, multiply_accumulate};

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

    type Tile<const ROWS: usize, const COLUMNS: usize, T> = [[T; COLUMNS]; ROWS];

    /// The registers that hold a tile, `part` bits of an element at each place.
    fn registers<const ROWS: usize, const COLUMNS: usize>(
        count: usize,
        tile: &Tile<ROWS, COLUMNS, u16>,
        place: impl Fn(usize, usize, usize) -> Place,
    ) -> Vec<Lanes> {
        let word = |register, lane| {
            let part = |part| {
                let Place { row, column } = place(lane, register, part);
                u32::from(tile[row][column])
            };
            part(0) | part(1) << 16
        };
        (0..count).map(|register| std::array::from_fn(|lane| word(register, lane))).collect()
    }

    /// How many of the tiles were not left to the plain way.
    fn compare<const K: usize>(model: Model, operand: Operand, top: u32, spread: u32, sums_top: u32) -> u32 {
        let mut random = Random(u64::from(top * 64 + spread) << 20 | u64::from(sums_top));
        let mut taken = 0;
        for _ in 0..40 {
            let (mut a, mut b) = ([[0; K]; 16], [[0; K]; 8]);
            for bits in a.as_flattened_mut().iter_mut().chain(b.as_flattened_mut()) {
                *bits = random.operand(operand, top, spread);
            }
            let c: [Lanes; 4] = std::array::from_fn(|_| {
                std::array::from_fn(|_| {
                    let bits = random.next();
                    let exponent = sums_top.saturating_sub(bits % 40);
                    if bits.is_multiple_of(11) { 0 } else { random.next() & 0x807F_FFFF | exponent << 23 }
                })
            });
            let a_registers = registers(K / 4, &a, |lane, register, part| fragment::a(16, lane, register, part));
            let b_registers = registers(K / 8, &b, |lane, register, part| {
                let Place { row, column } = fragment::b(16, lane, register, part);
                Place { row: column, column: row }
            });
            let mut d = [[0; 32]; 4];
            let operands = (&a_registers.iter().collect::<Vec<_>>()[..], &b_registers.iter().collect::<Vec<_>>()[..]);
            let is_taken = match operand {
                Operand::F16 => accumulate::<K, true>(model, operands, &c.each_ref(), &mut d),
                Operand::Bf16 => accumulate::<K, false>(model, operands, &c.each_ref(), &mut d),
            };
            if !is_taken {
                continue;
            }
            taken += 1;
            for (register, lanes) in d.iter().enumerate() {
                for (lane, sum) in lanes.iter().enumerate() {
                    let Place { row, column } = fragment::accumulator(lane, register);
                    let (a, b, c) = (&a[row], &b[column], c[register][lane]);
                    let expected = multiply_accumulate(model, operand, a, b, c);
                    assert_eq!(*sum, expected, "{model:?} {operand:?} {a:x?} {b:x?} {c:x}");
                }
            }
        }
        taken
    }

    #[test]
    fn a_tile_is_what_its_outputs_are_one_by_one() {
        for model in [Model::AMPERE, Model::HOPPER] {
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
