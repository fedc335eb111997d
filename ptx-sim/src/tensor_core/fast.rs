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
#[inline]
fn add<const K: usize, const EIGHTS: usize, const FRACTION_BITS: i32, const IS_HALF: bool>(
    a: &[&Lanes],
    columns: &Columns,
    sums: &mut [[i32x8; 4]; 4],
) -> i16x16 {
    let mut odd = Odd { greatest: i32x8::ZERO, is_large: i32x8::ZERO, is_special: i16x16::ZERO };
    for block in 0..K / 8 / EIGHTS {
        for (half, registers) in sums.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            let mut products =
                Products { words: [[i32x8::ZERO; EIGHTS]; 4], some: [false; 4], columns, first: QUAD * block * EIGHTS };
            products.fill(half, a);
            // Each step for all lanes before the next one: in the middle of a long chain of steps a processor looks too little ahead to begin another.
            let scales = products.scales::<FRACTION_BITS, IS_HALF>(registers, &mut odd);
            let found = products.sums::<FRACTION_BITS, IS_HALF>(registers, &scales, &mut odd);
            products.round(&found, &scales, registers);
        }
    }
    odd.is_large |= odd.greatest.cmp_gt(i32x8::splat(LARGE_EXPONENT + i32::from(BIAS)));
    odd.is_special | bytemuck::cast::<_, i16x16>(odd.is_large)
}

/// What is out of the ordinary.
struct Odd {
    /// The largest exponents.
    greatest: i32x8,
    /// Negative where a sum is too large.
    is_large: i32x8,
    /// Negative where an operand is.
    is_special: i16x16,
}

/// Of each eight lanes of two registers of an accumulator, for the even columns and the odd ones.
type Pairs = [[i32x8; 2]; 4];

/// The products of a block that two registers of an accumulator want.
struct Products<'c, const EIGHTS: usize> {
    /// The operands a.
    words: [[i32x8; EIGHTS]; 4],
    /// Whether there is one that is not zero: where rows are few, most of a tile's are zeros.
    some: [bool; 4],
    columns: &'c Columns,
    /// The place in `columns` of the first of the block.
    first: usize,
}

impl<const EIGHTS: usize> Products<'_, EIGHTS> {
    #[inline(always)]
    fn fill(&mut self, half: usize, a: &[&Lanes]) {
        for eight in 0..EIGHTS {
            let Some(lanes) = a.get(half + 2 * (self.first / QUAD + eight)) else { continue };
            for (words, lanes) in self.words.iter_mut().zip(lanes.as_chunks::<8>().0) {
                words[eight] = bytemuck::cast(*lanes);
            }
        }
        for (some, words) in self.some.iter_mut().zip(&self.words) {
            let any = words.iter().fold(i32x8::ZERO, |any, words| any | *words);
            *some = (any & i32x8::splat(0x7FFF_7FFF)).cmp_gt(i32x8::ZERO).any();
        }
    }

    /// 2^-unit, as bits of an f32.
    #[inline(always)]
    fn scales<const FRACTION_BITS: i32, const IS_HALF: bool>(
        &self,
        registers: &[[i32x8; 4]; 2],
        odd: &mut Odd,
    ) -> Pairs {
        let bias = if IS_HALF { BIAS - 2 * 15 } else { BIAS - 2 * 127 };
        let mut scales = Pairs::default();
        for (chunk, scales) in scales.iter_mut().enumerate() {
            let mut largest = [i16x16::ZERO; 2];
            for (largest, register) in largest.iter_mut().zip(registers) {
                let own = (register[chunk] & i32x8::splat(i32::MAX)) >> 23_i32;
                // A zero has a lower exponent than any product but zeros; that of its unit is the least normal one.
                *largest = bytemuck::cast(own.max(i32x8::splat(FRACTION_BITS)));
            }
            if self.some[chunk] {
                for (eight, words) in self.words[chunk].iter().enumerate() {
                    let (exponents, is_special) = exponents_of::<IS_HALF>(*words, bias);
                    odd.is_special |= is_special;
                    for quad in 0..QUAD {
                        let row: i16x16 = bytemuck::cast(spread(bytemuck::cast(exponents), quad));
                        let columns = &self.columns.exponents[self.first + QUAD * eight + quad];
                        for (largest, column) in largest.iter_mut().zip(columns) {
                            *largest = largest.max(row + *column);
                        }
                    }
                }
            }
            for (scale, largest) in scales.iter_mut().zip(largest) {
                // The larger of both halves, which is above zero.
                let high: i16x16 = bytemuck::cast(bytemuck::cast::<_, i32x8>(largest) >> 16_i32);
                let largest = bytemuck::cast::<_, i32x8>(largest.max(high)) & i32x8::splat(0xFFFF);
                odd.greatest = odd.greatest.max(largest);
                *scale = (i32x8::splat(2 * i32::from(BIAS) + FRACTION_BITS) - largest) << 23_i32;
            }
        }
        scales
    }

    /// The sums with the accumulators, in units; nothing where there are no products.
    #[inline(always)]
    fn sums<const FRACTION_BITS: i32, const IS_HALF: bool>(
        &self,
        registers: &[[i32x8; 4]; 2],
        scales: &Pairs,
        odd: &mut Odd,
    ) -> Pairs {
        let mut found = Pairs::default();
        for (chunk, found) in found.iter_mut().enumerate().filter(|(chunk, _)| self.some[*chunk]) {
            // Of two sums one need not wait for the other.
            let mut more = [i32x8::ZERO; 2];
            let factors: [f32x8; 2] = bytemuck::cast(scales[chunk]);
            for parity in 0..2 {
                let own: f32x8 = bytemuck::cast(registers[parity][chunk]);
                found[parity] = (own * factors[parity]).fast_trunc_int();
            }
            for (eight, words) in self.words[chunk].iter().enumerate() {
                let [first, second] = values_of::<IS_HALF>(*words);
                for quad in 0..QUAD {
                    let place = 2 * (self.first + QUAD * eight + quad);
                    let first: f32x8 = bytemuck::cast(spread(bytemuck::cast(first), quad));
                    let second: f32x8 = bytemuck::cast(spread(bytemuck::cast(second), quad));
                    for parity in 0..2 {
                        let column = self.columns.values[place][parity];
                        found[parity] += (first * column * factors[parity]).fast_trunc_int();
                        let column = self.columns.values[place + 1][parity];
                        more[parity] += (second * column * factors[parity]).fast_trunc_int();
                    }
                }
            }
            for (found, more) in found.iter_mut().zip(more) {
                if EIGHTS > 1 || FRACTION_BITS > SAFE_BITS {
                    let limit = i32x8::splat(SUM_LIMIT);
                    odd.is_large |= found.abs().cmp_gt(limit) | more.abs().cmp_gt(limit);
                }
                *found += more;
            }
        }
        found
    }

    /// Sums in units as f32, rounded towards zero.
    #[inline(always)]
    fn round(&self, found: &Pairs, scales: &Pairs, registers: &mut [[i32x8; 4]; 2]) {
        for (chunk, (found, scales)) in found.iter().zip(scales).enumerate() {
            for (register, (sum, scale)) in registers.iter_mut().zip(found.iter().zip(scales)) {
                let own = &mut register[chunk];
                if !self.some[chunk] {
                    // It stays what it is, but that a zero is positive.
                    *own = bytemuck::cast(bytemuck::cast::<_, f32x8>(*own) + f32x8::ZERO);
                    continue;
                }
                // The nearest f32, and the one before it where that is too large.
                let nearest = f32x8::from_i32x8(*sum);
                let is_above = nearest.fast_trunc_int().abs().cmp_gt(sum.abs());
                let cut: f32x8 = bytemuck::cast(bytemuck::cast::<_, i32x8>(nearest) + is_above);
                let unit: f32x8 = bytemuck::cast(i32x8::splat((2 * i32::from(BIAS)) << 23) - *scale);
                *own = bytemuck::cast(cut * unit);
            }
        }
    }
}

#[cfg(test)]
mod tests;
