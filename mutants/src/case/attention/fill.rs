//! What q, k and v hold.

use std::f32::consts::LOG2_E;

use tilewright_attention::{Dtype, Element, Layout};

use super::edge::{KEYS, PIECES, edge};
use crate::case::data::{Number, ramp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fill {
    /// Small numbers of both signs.
    Uniform,
    /// Scores that grow along the keys, so that every tile has a larger peak than those before, and fall again.
    Rising,
    /// Some large ones.
    Outliers,
    /// Large numbers in the last row of values.
    Last,
    /// Scores below zero.
    Negative,
    /// Infinities in the first row of values: a row that is read in the place of one that there is not makes NaN of them.
    Infinite,
    /// Results halfway between two numbers that are below that if a product is rounded towards zero: scores are all equal.
    Ties,
    /// Every rounding shows: `edge.rs`.
    Edge(u8),
    /// All but the first key weigh nothing, so that sums are 1.
    Single,
    /// Infinities in the first value of the second tile, of which under a causal mask the first 32 queries of 65 see nothing, and all others this one.
    Beyond,
    /// The scores of the first tile are -inf.
    Hidden,
    /// The first tile's mean times this power of two, in the second: of negative numbers that are below the normal ones there.
    Faded(u8),
    /// Exponents of which the product with the scale has lost so much to its rounding that every weight is below the normal numbers, and so 0.
    Under,
    /// The same the other way: a weight whose inverse is below the normal numbers.
    Over,
    /// Scores below the normal numbers, with a large scale; negative if set.
    Tiny(bool),
    /// Scores near the largest number, with a scale below the normal ones; negative if set.
    Huge(bool),
}

impl Fill {
    /// Those for which shapes of their own are made.
    pub(super) const SPECIAL: [Self; 18] = [
        Self::Edge(0),
        Self::Edge(1),
        Self::Edge(2),
        Self::Edge(3),
        Self::Edge(4),
        Self::Edge(5),
        Self::Edge(6),
        Self::Single,
        Self::Beyond,
        Self::Hidden,
        Self::Faded(124),
        Self::Faded(130),
        Self::Under,
        Self::Over,
        Self::Tiny(false),
        Self::Tiny(true),
        Self::Huge(false),
        Self::Huge(true),
    ];

    /// Queries: for both kinds of kernels.
    pub(super) const fn queries(self) -> &'static [usize] {
        if matches!(self, Self::Beyond) { &[65] } else { &[16, 33] }
    }

    /// Keys for so many queries: those that weigh something are seen by every query of a causal mask too.
    pub(super) const fn keys(self, queries: usize) -> usize {
        match self {
            Self::Edge(_) => KEYS + queries,
            Self::Beyond => TILE / 2 + queries,
            Self::Hidden | Self::Under | Self::Faded(_) | Self::Tiny(_) | Self::Huge(_) => TILE + queries,
            _ => queries,
        }
    }

    pub(super) fn scale(self) -> Option<f32> {
        match self {
            Self::Edge(_) | Self::Single | Self::Hidden | Self::Faded(_) => Some(1.0),
            // The largest scores in base 2 are near 2^33 and 2^32.
            Self::Under => lossy(2f32.powi(25), [-148.0, -130.0]),
            Self::Over => lossy(2f32.powi(23), [126.3, 127.7]),
            Self::Tiny(is_negative) => Some(1.2 * 2f32.powi(126) * if is_negative { -1.0 } else { 1.0 }),
            Self::Huge(is_negative) => Some(1.1 * 2f32.powi(-128) * if is_negative { -1.0 } else { 1.0 }),
            _ => None,
        }
    }

    /// Whether f16 does not have such numbers.
    pub(super) const fn is_wide(self) -> bool {
        matches!(self, Self::Tiny(_) | Self::Huge(_))
    }

    /// Whether the oracle's bound, which is for numbers that do not overflow and exponents that are not lost, says nothing of them.
    pub(super) const fn is_extreme(self) -> bool {
        matches!(self, Self::Hidden | Self::Under | Self::Over | Self::Tiny(_) | Self::Huge(_))
    }
}

const TILE: usize = 64;

/// A score of many bits, which a product shows.
const LONG: f32 = 255.0;

/// A scale from `start` on of which the product with [`LONG`], in base 2, loses a number between `limits` to its rounding.
fn lossy(start: f32, [low, high]: [f64; 2]) -> Option<f32> {
    let mut scale = start;
    (0..100_000).find_map(|_| {
        scale = scale.next_up();
        let base2 = scale * LOG2_E;
        let lost = f64::from(LONG) * f64::from(base2) - f64::from(LONG * base2);
        (low < lost && lost < high).then_some(scale)
    })
}

/// The power of two, exactly.
fn power(exponent: i32) -> f64 {
    2f64.powi(exponent)
}

/// Changes what is in the tensors.
pub(super) fn fill<T: Number + Element>(
    fill: Fill,
    [q_layout, k_layout, v_layout]: [Layout; 3],
    [q, k, v]: [&mut Vec<T>; 3],
    [len_kv, dim]: [usize; 2],
) -> Option<()> {
    // Whole rows by their number in the head.
    let each = |tensor: &mut Vec<T>, layout: Layout, of: &dyn Fn(usize, usize) -> f64| {
        for head in tensor.chunks_mut(layout.head_stride) {
            for (row, values) in head.chunks_mut(layout.row_stride).enumerate() {
                values.iter_mut().take(dim).enumerate().for_each(|(column, value)| *value = T::new(of(row, column)));
            }
        }
    };
    let first = |column: usize, value: f64| if column == 0 { value } else { 0.0 };
    match fill {
        Fill::Rising => {
            // One column decides: it is 4 in every query, and rises along the keys.
            q.iter_mut().step_by(q_layout.row_stride).for_each(|q| *q = T::new(4.0));
            for head in k.chunks_mut(k_layout.head_stride) {
                for (place, key) in head.iter_mut().step_by(k_layout.row_stride).enumerate() {
                    let peak = len_kv * 3 / 4;
                    let height = if place < peak { place } else { (2 * peak).saturating_sub(place) };
                    *key = T::new(f64::from(u32::try_from(height).unwrap_or(0)) / 8.0);
                }
            }
        }
        // In the last row: what is not masked shows.
        Fill::Last => {
            let row = v_layout.row_stride.min(v.len());
            v.iter_mut().rev().take(row).for_each(|value| *value = T::new(60_000.0));
        }
        Fill::Negative => {
            q.iter_mut().for_each(|q| *q = T::new(q.value().abs()));
            k.iter_mut().for_each(|k| *k = T::new(-k.value().abs()));
        }
        Fill::Infinite => {
            for head in v.chunks_mut(v_layout.head_stride) {
                head.iter_mut().take(dim).step_by(3).for_each(|value| *value = T::new(f64::INFINITY));
            }
        }
        Fill::Ties => {
            // The next two numbers above 1: the upper one is even.
            let place = if T::DTYPE == Dtype::F16 { power(-10) } else { power(-7) };
            for (row, values) in v.chunks_mut(v_layout.row_stride).enumerate() {
                values.fill(T::new(1.0 + place * (1.0 + ramp(row, 2))));
            }
        }
        Fill::Edge(seed) => {
            let edge = edge::<T>(u64::from(seed))?;
            each(q, q_layout, &|_, column| f64::from(u8::from(column < PIECES)));
            each(k, k_layout, &|row, column| match edge.keys.get(row) {
                Some(pieces) => pieces.get(column).copied().unwrap_or(0.0),
                None => first(column, -1000.0),
            });
            each(v, v_layout, &|row, column| {
                let values = edge.columns.get(column / 2 % 2);
                values.and_then(|values| values.get(row)).copied().unwrap_or(0.0)
            });
        }
        Fill::Single => {
            each(q, q_layout, &first_of(1.0));
            each(k, k_layout, &|row, column| first(column, if row == 0 { 2.0 } else { -1000.0 }));
        }
        Fill::Beyond => {
            let start = TILE * v_layout.row_stride;
            let row = v.get_mut(start..start + dim)?;
            row.iter_mut().step_by(3).for_each(|value| *value = T::new(f64::INFINITY));
        }
        Fill::Hidden => {
            each(q, q_layout, &first_of(1.0));
            each(k, k_layout, &|row, column| first(column, if row < TILE { f64::NEG_INFINITY } else { -ramp(row, 5) }));
        }
        Fill::Faded(exponent) => {
            // As many as it says, and less than one more.
            let score = (f64::from(exponent) + 0.5) / f64::from(LOG2_E);
            let value = if exponent > 126 { -1.0 } else { -power(-10) };
            each(q, q_layout, &first_of(1.0));
            each(k, k_layout, &|row, column| {
                first(
                    column,
                    if row < TILE {
                        0.0
                    } else if row == TILE {
                        score
                    } else {
                        -1000.0
                    },
                )
            });
            each(v, v_layout, &|row, _| if row < TILE { value } else { 0.0 });
        }
        Fill::Under => {
            each(q, q_layout, &first_of(1.0));
            each(k, k_layout, &|_, column| first(column, f64::from(LONG)));
        }
        Fill::Over => {
            each(q, q_layout, &first_of(1.0));
            each(k, k_layout, &|row, column| first(column, if row == 0 { f64::from(LONG) } else { 0.0 }));
            each(v, v_layout, &|_, column| 1.0 + ramp(column, 3));
        }
        Fill::Tiny(_) => {
            each(q, q_layout, &|row, column| first(column, (1.0 + ramp(row, 5) / 8.0) * power(-129)));
            each(k, k_layout, &|row, column| first(column, -(1.0 + ramp(3 * row + 1, 8) / 8.0) * power(1)));
        }
        Fill::Huge(_) => {
            each(q, q_layout, &|row, column| first(column, (1.0 + ramp(row, 5) / 8.0) * power(63)));
            each(k, k_layout, &|row, column| first(column, (ramp(3 * row + 1, 8) - 4.0) * power(61)));
        }
        Fill::Uniform | Fill::Outliers => {}
    }
    Some(())
}

/// A value in the first column of every row.
fn first_of(value: f64) -> impl Fn(usize, usize) -> f64 {
    move |_, column| if column == 0 { value } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of the exponent of the largest score.
    fn exponent(fill: Fill) -> f32 {
        let base2 = fill.scale().unwrap() * LOG2_E;
        LONG.mul_add(base2, -(LONG * base2))
    }

    #[test]
    fn exponents_lose_what_they_are_to_lose() {
        let (under, over) = (exponent(Fill::Under), exponent(Fill::Over));
        assert!((-149.0..-128.0).contains(&under) && under.exp2().is_subnormal(), "{under}");
        assert!((126.0..128.0).contains(&over) && over.exp2().recip().is_subnormal(), "{over}");
    }
}
