//! The model on a whole tile of f16 or bf16, eight outputs side by side, where no operand is out of the ordinary.
//!
//! The same sums as [`multiply_accumulate`](super::multiply_accumulate), term for term. An operand is an exact f32, so is the product of two;
//! multiplied by a power of two it is in units of the block, and its magnitude is truncated to an integer. Every loop runs over eight outputs
//! without a branch.
//!
//! Everything stays in the order of the registers ([`fragment`](super::fragment)): eight lanes of an accumulator are two rows of four columns, and so are the
//! operands of their products, each of a four times, and each of b twice.

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

/// The registers of an accumulator, eight lanes at a time.
#[derive(Debug, Default)]
pub(crate) struct Sums([[i32x8; 4]; 4]);

impl Sums {
    /// What each register holds.
    pub(crate) fn registers(&self) -> &[Lanes; 4] {
        bytemuck::cast_ref(&self.0)
    }
}

/// d = a·b + c as `model` adds, of f16 if `IS_HALF` and otherwise of bf16. `false`, and d means nothing, if an operand is infinite, NaN or of an extreme exponent, or if a sum is infinite, NaN,
/// very large, too large for its integer or too small; also if there are not the registers of the shape, or for a model that no profile has.
pub(super) fn accumulate<const K: usize, const IS_HALF: bool>(
    model: Model,
    (a, b): (&[&Lanes], &[&Lanes]),
    c: &[&Lanes],
    Sums(sums): &mut Sums,
) -> bool {
    if a.len() != K / 4 || b.len() != K / 8 || c.len() < 4 {
        return false;
    }
    for (sums, lanes) in sums.iter_mut().zip(c) {
        *bytemuck::cast_mut::<_, Lanes>(sums) = **lanes;
    }
    let mut least = u32x8::splat(u32::MAX);
    for sums in sums.as_flattened() {
        let magnitudes = bytemuck::cast::<_, u32x8>(*sums) & u32x8::splat(u32::MAX / 2);
        // Zeros are the largest here.
        least = least.min(magnitudes - u32x8::splat(1));
    }
    // The unit of so small an accumulator would not be a normal f32, which it has to be unless all terms are zero. What a block leaves is never so small.
    let smallest = (model.fraction_bits + 1) << 23;
    if least.cmp_lt(u32x8::splat(smallest - 1)).any() {
        return false;
    }
    let mut columns = Columns { values: [[f32x8::ZERO; 2]; MOST], exponents: [[i16x16::ZERO; 2]; MOST / 2] };
    let is_odd = columns.fill::<IS_HALF>(b)
        | match (model, K) {
            (Model::AMPERE, _) => add::<K, 1, 24, IS_HALF>(a, &columns, sums),
            (Model::HOPPER, 8) => add::<K, 1, 25, IS_HALF>(a, &columns, sums),
            (Model::HOPPER, _) => add::<K, 2, 25, IS_HALF>(a, &columns, sums),
            _ => return false,
        };
    !is_odd.any()
}

/// The operands b: of each k those of the even columns, twice, and those of the odd ones.
struct Columns {
    values: [[f32x8; 2]; MOST],
    /// Of two k each, the first one's in the low half.
    exponents: [[i16x16; 2]; MOST / 2],
}

impl Columns {
    /// Negative where an operand is out of the ordinary.
    #[inline]
    fn fill<const IS_HALF: bool>(&mut self, registers: &[&Lanes]) -> i16x16 {
        let mut columns = [[[0; QUAD]; 2]; 8];
        for (register, lanes) in registers.iter().enumerate().take(2) {
            for (column, words) in lanes.as_chunks::<QUAD>().0.iter().enumerate() {
                columns[column / 2 + column % 2 * 4][register] = *words;
            }
        }
        let mut is_odd = i16x16::ZERO;
        let words = i32x8::transpose(bytemuck::cast(columns));
        for ((words, values), exponents) in
            words.iter().zip(self.values.as_chunks_mut::<2>().0).zip(&mut self.exponents)
        {
            let (found, is_special) = exponents_of::<IS_HALF>(*words, 0);
            is_odd |= is_special;
            *exponents = bytemuck::cast(twice(bytemuck::cast(found)));
            let [first, second] = values_of::<IS_HALF>(*words);
            values[0] = bytemuck::cast(twice(bytemuck::cast(first)));
            values[1] = bytemuck::cast(twice(bytemuck::cast(second)));
        }
        is_odd
    }
}

/// Each half twice.
#[inline]
fn twice(words: i32x8) -> [i32x8; 2] {
    let [a, b, c, d, e, f, g, h] = words.to_array();
    [i32x8::new([a, b, c, d, a, b, c, d]), i32x8::new([e, f, g, h, e, f, g, h])]
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
    let (first, second) = (words << 16_i32, words & i32x8::splat(!0xFFFF));
    if !IS_HALF {
        return [bytemuck::cast(first), bytemuck::cast(second)];
    }
    let magnitudes = bytemuck::cast::<_, i16x16>(words) & i16x16::splat(i16::MAX);
    if (magnitudes.cmp_lt(i16x16::splat(0x400)) & magnitudes.cmp_gt(i16x16::ZERO)).any() {
        return [subnormals(first), subnormals(second)];
    }
    // The difference of the biases made up for.
    let scale = f32x8::splat(f32::from_bits((127 + 112) << 23));
    [bytemuck::cast::<_, f32x8>(fields(first)) * scale, bytemuck::cast::<_, f32x8>(fields(second)) * scale]
}

/// The fields of an f16 in the high half of a word moved to those of an f32, behind the sign.
#[inline]
fn fields(words: i32x8) -> i32x8 {
    (words >> 3_i32) & i32x8::splat(0x8FFF_E000_u32.cast_signed())
}

/// The same where some are subnormal: a processor takes long to multiply those.
#[inline]
fn subnormals(words: i32x8) -> f32x8 {
    let fields = fields(words);
    let magnitudes = fields & i32x8::splat(i32::MAX);
    let least = i32x8::splat(1 << 23);
    // With the least normal exponent and an implicit bit, which is taken away again; the same for zeros.
    let is_below = magnitudes.cmp_lt(least);
    let lifted = magnitudes + i32x8::splat(112 << 23) + (is_below & least);
    let implicit = is_below & i32x8::splat(113 << 23);
    let value = bytemuck::cast::<_, f32x8>(lifted) - bytemuck::cast::<_, f32x8>(implicit);
    bytemuck::cast(bytemuck::cast::<_, i32x8>(value) | (fields & i32x8::splat(i32::MIN)))
}

/// One of each four words, four times.
#[inline]
fn spread(words: i32x8, index: usize) -> i32x8 {
    let words = words.to_array();
    let (a, b) = (words[index], words[index + QUAD]);
    i32x8::new([a, a, a, a, b, b, b, b])
}

/// Adds the products to the accumulators, block after block of so many times eight, with so many bits below the unit. Negative where an operand a or a sum is
/// out of the ordinary.
///
/// Each step is made for all lanes before the next one: a processor that is in the middle of a long chain of steps looks too little ahead to begin another.
#[inline]
fn add<const K: usize, const EIGHTS: usize, const FRACTION_BITS: i32, const IS_HALF: bool>(
    a: &[&Lanes],
    columns: &Columns,
    sums: &mut [[i32x8; 4]; 4],
) -> i16x16 {
    let mut greatest = i32x8::ZERO;
    let mut is_odd = i16x16::ZERO;
    let mut is_large = i32x8::ZERO;
    for block in 0..K / 8 / EIGHTS {
        let columns_of = |eight: usize, quad: usize| QUAD * (block * EIGHTS + eight) + quad;
        for (half, registers) in sums.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            let mut words = [[i32x8::ZERO; EIGHTS]; 4];
            for eight in 0..EIGHTS {
                let Some(lanes) = a.get(half + 2 * (block * EIGHTS + eight)) else { continue };
                for (words, lanes) in words.iter_mut().zip(lanes.as_chunks::<8>().0) {
                    words[eight] = bytemuck::cast(*lanes);
                }
            }
            let mut scales = [[i32x8::ZERO; 2]; 4];
            let mut has_products = [false; 4];
            for chunk in 0..4 {
                let any = words[chunk].iter().fold(i32x8::ZERO, |any, words| any | *words);
                // Where products are few, most rows are zeros.
                has_products[chunk] = (any & i32x8::splat(0x7FFF_7FFF)).cmp_gt(i32x8::ZERO).any();
                let mut largest = [i16x16::ZERO; 2];
                for (largest, register) in largest.iter_mut().zip(registers.iter()) {
                    let own = (register[chunk] & i32x8::splat(i32::MAX)) >> 23_i32;
                    // A zero has a lower exponent than any product but zeros; that of its unit is the least normal one.
                    *largest = bytemuck::cast(own.max(i32x8::splat(FRACTION_BITS)));
                }
                if has_products[chunk] {
                    for (eight, words) in words[chunk].iter().enumerate() {
                        let bias = if IS_HALF { BIAS - 2 * 15 } else { BIAS - 2 * 127 };
                        let (exponents, is_special) = exponents_of::<IS_HALF>(*words, bias);
                        is_odd |= is_special;
                        for quad in 0..QUAD {
                            let row: i16x16 = bytemuck::cast(spread(bytemuck::cast(exponents), quad));
                            for (largest, column) in largest.iter_mut().zip(columns.exponents[columns_of(eight, quad)])
                            {
                                *largest = largest.max(row + column);
                            }
                        }
                    }
                }
                for (scale, largest) in scales[chunk].iter_mut().zip(largest) {
                    // The larger of both halves, which is above zero.
                    let high: i16x16 = bytemuck::cast(bytemuck::cast::<_, i32x8>(largest) >> 16_i32);
                    let largest = bytemuck::cast::<_, i32x8>(largest.max(high)) & i32x8::splat(0xFFFF);
                    greatest = greatest.max(largest);
                    // 2^-unit
                    *scale = (i32x8::splat(2 * i32::from(BIAS) + FRACTION_BITS) - largest) << 23_i32;
                }
            }
            let mut found = [[i32x8::ZERO; 2]; 4];
            for chunk in 0..4 {
                if !has_products[chunk] {
                    continue;
                }
                // Of two sums one need not wait for the other.
                let mut more = [i32x8::ZERO; 2];
                let factors: [f32x8; 2] = bytemuck::cast(scales[chunk]);
                for parity in 0..2 {
                    let own: f32x8 = bytemuck::cast(registers[parity][chunk]);
                    found[chunk][parity] = (own * factors[parity]).fast_trunc_int();
                }
                for (eight, words) in words[chunk].iter().enumerate() {
                    let [first, second] = values_of::<IS_HALF>(*words);
                    for quad in 0..QUAD {
                        let place = 2 * columns_of(eight, quad);
                        let first: f32x8 = bytemuck::cast(spread(bytemuck::cast(first), quad));
                        let second: f32x8 = bytemuck::cast(spread(bytemuck::cast(second), quad));
                        for parity in 0..2 {
                            let (even, odd) = (columns.values[place][parity], columns.values[place + 1][parity]);
                            found[chunk][parity] += (first * even * factors[parity]).fast_trunc_int();
                            more[parity] += (second * odd * factors[parity]).fast_trunc_int();
                        }
                    }
                }
                for parity in 0..2 {
                    if EIGHTS > 1 || FRACTION_BITS > SAFE_BITS {
                        let limit = i32x8::splat(SUM_LIMIT);
                        is_large |= found[chunk][parity].abs().cmp_gt(limit) | more[parity].abs().cmp_gt(limit);
                    }
                    found[chunk][parity] += more[parity];
                }
            }
            for chunk in 0..4 {
                for (parity, register) in registers.iter_mut().enumerate() {
                    let own = &mut register[chunk];
                    if !has_products[chunk] {
                        *own = bytemuck::cast(bytemuck::cast::<_, f32x8>(*own) + f32x8::ZERO);
                        continue;
                    }
                    // The nearest f32, and the one before it where that is too large: towards zero.
                    let sum = found[chunk][parity];
                    let nearest = f32x8::from_i32x8(sum);
                    let is_above = nearest.fast_trunc_int().abs().cmp_gt(sum.abs());
                    let cut: f32x8 = bytemuck::cast(bytemuck::cast::<_, i32x8>(nearest) + is_above);
                    let scale = scales[chunk][parity];
                    let unit: f32x8 = bytemuck::cast(i32x8::splat((2 * i32::from(BIAS)) << 23) - scale);
                    *own = bytemuck::cast(cut * unit);
                }
            }
        }
    }
    is_large |= greatest.cmp_gt(i32x8::splat(LARGE_EXPONENT + i32::from(BIAS)));
    is_odd | bytemuck::cast::<_, i16x16>(is_large)
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
            let operands = (&a_registers.iter().collect::<Vec<_>>()[..], &b_registers.iter().collect::<Vec<_>>()[..]);
            let mut sums = Sums::default();
            let is_taken = match operand {
                Operand::F16 => accumulate::<K, true>(model, operands, &c.each_ref(), &mut sums),
                Operand::Bf16 => accumulate::<K, false>(model, operands, &c.each_ref(), &mut sums),
            };
            if !is_taken {
                continue;
            }
            taken += 1;
            for (register, lanes) in sums.registers().iter().enumerate() {
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
