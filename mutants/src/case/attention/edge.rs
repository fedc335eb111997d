//! Inputs for which the roundings of the attention kernel show.
//!
//! One query, and two tiles of keys for it. Each exponent lies so that its weight is another number of 16 bits if it is rounded towards zero; the first key of each tile weighs as much as
//! all others together, so that the sum stays between two powers of two and no addition hides the rounding of an earlier one; and the values of a few keys are chosen so that the
//! mean lies next to the middle between two results, above it or below: a sum or a factor that is off by its last place makes another result.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::f32::consts::LOG2_E;
use std::sync::{Arc, Mutex, PoisonError};

use tilewright_attention::{Dtype, Element};
use tilewright_testkit::Random;

use super::model::{Weights, product};
use crate::case::data::Number;
use crate::case::reduce::exp2;

/// Columns of a query that are 1, over which a score of 24 bits is spread.
pub(super) const PIECES: usize = 3;
/// Keys that weigh something: two tiles.
pub(super) const KEYS: usize = 128;
const TILE: usize = 64;
/// Keys whose values are chosen: of one step of the second tile, each for what the one before leaves.
const CHOSEN: [usize; 4] = [TILE + 16, TILE + 17, TILE + 20, TILE + 23];

/// Keys as pieces of their scores, and two columns of values: of the first the mean is just above the middle between two results, of the second just below.
#[derive(Debug)]
pub(super) struct Edge<T> {
    pub(super) keys: Vec<[T; PIECES]>,
    pub(super) columns: [Vec<T>; 2],
}

/// Found once in a process: by whether numbers are f16, and the seed.
type Found = BTreeMap<(bool, u64), Arc<Edge<f64>>>;

/// The one of a seed, as numbers that `T` has.
pub(super) fn edge<T: Number + Element>(seed: u64) -> Option<Arc<Edge<f64>>> {
    static FOUND: Mutex<Found> = Mutex::new(BTreeMap::new());
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    match found.entry((T::DTYPE == Dtype::F16, seed)) {
        Entry::Occupied(known) => Some(Arc::clone(known.get())),
        Entry::Vacant(place) => {
            let Edge { keys, columns } = Edge::<T>::new(seed)?;
            let wide = Edge {
                keys: keys.into_iter().map(|key| key.map(|piece| piece.value())).collect(),
                columns: columns.map(|column| column.iter().map(|value| value.value()).collect()),
            };
            Some(Arc::clone(place.insert(Arc::new(wide))))
        }
    }
}

impl<T: Number + Element> Edge<T> {
    /// One of them for each seed, for a scale of 1.
    fn new(seed: u64) -> Option<Self> {
        let mut random = Random::new(977 + seed);
        let mut unit = move || f64::from(random.unit());
        let mut keys = Vec::new();
        for tile in 0..KEYS / TILE {
            let (peak, score) = peak::<T>(&mut unit, tile)?;
            keys.push(peak);
            let base = score * LOG2_E;
            for _ in 1..TILE {
                keys.push(turning::<T>(&mut unit, base)?);
            }
        }
        let query = [T::new(1.0); PIECES];
        let spread: Vec<Vec<T>> = keys.iter().map(|key| key.to_vec()).collect();
        let weights = Weights::new(&query, &spread, LOG2_E);
        let mut value = |key: usize| {
            let size = if key < TILE { 32.0 } else { 1.0 };
            T::new(size * (0.5 + unit() / 2.0))
        };
        let mut column = |is_above| {
            let values: Vec<T> = (0..KEYS).map(&mut value).collect();
            near_the_middle(&weights, values, is_above)
        };
        let columns = [column(true)?, column(false)?];
        Some(Self { keys, columns })
    }
}

/// The key with the largest score so far, which all others are measured by, and that score: such that its product with the scale is rounded up.
fn peak<T: Number + Element>(unit: &mut impl FnMut() -> f64, tile: usize) -> Option<([T; PIECES], f32)> {
    let start = if tile == 0 { 3.0 } else { 5.0 };
    (0..100).find_map(|_| {
        let score = single(start + unit());
        let rises = f64::from(score * LOG2_E) > f64::from(score) * f64::from(LOG2_E);
        pieces::<T>(score).filter(|_| rises).map(|key| (key, score))
    })
}

/// A key of little weight, which is another number of 16 bits if its exponent is rounded towards zero.
fn turning<T: Number + Element>(unit: &mut impl FnMut() -> f64, base: f32) -> Option<[T; PIECES]> {
    (0..400).find_map(|_| {
        // The middle between two numbers of 16 bits.
        let low = T::new((-5.0 - 3.0 * unit()).exp2());
        let middle = (low.value() + following(low).value()) / 2.0;
        let near = single((middle.log2() + f64::from(base)) / f64::from(LOG2_E));
        let (mut score, mut tries) = ((0..8).fold(near, |score, _| score.next_down()), 16);
        loop {
            let exact = f64::from(score) * f64::from(LOG2_E) - f64::from(base);
            let nearest = score.mul_add(LOG2_E, -base);
            // Negative: towards zero is up.
            let cut = if f64::from(nearest) < exact { nearest.next_up() } else { nearest };
            let weight = |exponent: f32| T::new(f64::from(exp2(exponent))).value();
            if weight(nearest).to_bits() != weight(cut).to_bits()
                && let Some(key) = pieces(score)
            {
                return Some(key);
            }
            (score, tries) = (score.next_up(), tries - 1);
            if tries == 0 {
                return None;
            }
        }
    })
}

/// A score as a sum of numbers of 16 bits, if it is one that a tensor core adds up.
fn pieces<T: Number + Element>(score: f32) -> Option<[T; PIECES]> {
    let mut rest = f64::from(score);
    let key = [(); PIECES].map(|()| {
        let piece = T::new(rest);
        rest -= piece.value();
        piece
    });
    (product(&[T::new(1.0); PIECES], &key, 0.0).to_bits() == score.to_bits()).then_some(key)
}

/// Changes the chosen values until the mean is next to the middle between two results.
fn near_the_middle<T: Number + Element>(weights: &Weights<T>, mut values: Vec<T>, is_above: bool) -> Option<Vec<T>> {
    let set = |values: &mut Vec<T>, key: usize, value: f64| {
        if let Some(place) = values.get_mut(key) {
            *place = T::new(value);
        }
    };
    CHOSEN.iter().for_each(|key| set(&mut values, *key, 0.0));
    let start = f64::from(weights.mean(&values));
    let mut result = T::new(start * 1.05);
    for _ in 0..200 {
        let next = following(result);
        let middle = (result.value() + next.value()) / 2.0;
        result = next;
        CHOSEN.iter().for_each(|key| set(&mut values, *key, 0.0));
        for key in CHOSEN {
            let before = f64::from(weights.mean(&values));
            set(&mut values, key, 1.0);
            let share = f64::from(weights.mean(&values)) - before;
            set(&mut values, key, (middle - before) / share);
        }
        let [.., last] = CHOSEN;
        let chosen = values.get(last).map_or(0.0, |value| value.value());
        for step in -24..=24 {
            set(&mut values, last, chosen + f64::from(step) * 2f64.powi(-17) * middle);
            let mean = weights.mean(&values);
            let neighbour = if is_above { mean.next_down() } else { mean.next_up() };
            let rounded = |mean: f32| T::new(f64::from(mean)).value().to_bits();
            if rounded(mean) != rounded(neighbour) {
                return Some(values);
            }
        }
    }
    None
}

/// The next number of 16 bits above one that is not negative.
fn following<T: Number>(value: T) -> T {
    let number = value.value();
    // Half a place more than the number rounds to it or to the next.
    (1..64)
        .map(|part| T::new(number * (1.0 + f64::from(part) * 2f64.powi(-13))))
        .find(|next| next.value() > number)
        .unwrap_or(value)
}

#[expect(clippy::cast_possible_truncation, reason = "the rounding is what is wanted")]
const fn single(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;

    /// That the last place of a mean makes another result, whatever the seed.
    fn shows<T: Number + Element>() {
        for seed in 0..7 {
            let edge = Edge::<T>::new(seed).unwrap();
            let keys: Vec<Vec<T>> = edge.keys.iter().map(|key| key.to_vec()).collect();
            let weights = Weights::new(&[T::new(1.0); PIECES], &keys, LOG2_E);
            let rounded = |mean: f32| T::new(f64::from(mean)).value();
            let [above, below] = [0, 1].map(|column| weights.mean(&edge.columns[column]));
            assert!(rounded(above) > rounded(above.next_down()), "{seed}: {above}");
            assert!(rounded(below) < rounded(below.next_up()), "{seed}: {below}");
        }
    }

    #[test]
    fn the_last_place_of_a_mean_shows() {
        shows::<f16>();
        shows::<bf16>();
    }
}
