//! f16 scales of int4 groups.
//!
//! The least squared error is found exactly. As the scale falls from infinity, the rounded integers q change only where some |w| / scale
//! passes j + 1/2; between two such breaks they are constant and the error is the parabola sum w^2 - 2 s sum wq + s^2 sum q^2. For any
//! s a parabola that is not its own lies above the error, for its integers are not the nearest ones. So the best f16 lies at the f16
//! nearest to the lowest point of one of the parabolas, and one pass over the sorted breaks sees them all.

use half::f16;

use crate::affine::MIDDLE;
use crate::level::{INT4, Levels};
use crate::scale::ScaleRule;

/// Zero points that are chosen. Not 0: the first of GPTQ's two formats, which stores a zero point less one, cannot hold it.
const FIRST_ZERO: u8 = 1;
const LAST_ZERO: u8 = 15;
/// How far from the zero point that clips nothing a better one is looked for.
const NEARBY: u8 = 2;

/// Chooses scales; keeps its buffers from one group to the next.
#[derive(Debug, Default)]
pub(crate) struct Chooser {
    breaks: Vec<Break>,
    candidates: Vec<Candidate>,
}

/// Where the integer of one weight grows from `level` to `level` + 1.
#[derive(Clone, Copy, Debug)]
struct Break {
    scale: f64,
    magnitude: f64,
    level: f64,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    scale: f16,
    error: f64,
}

impl Chooser {
    /// The scale of a group of finite weights; `None` if it is beyond f16.
    pub(crate) fn choose(&mut self, weights: &[f64], rule: ScaleRule) -> Option<f16> {
        let absmax = weights.iter().fold(0.0, |peak: f64, weight| peak.max(weight.abs()));
        let widest = without_clipping(absmax)?;
        match rule {
            ScaleRule::Max => Some(widest),
            ScaleRule::LeastSquares => {
                let widest_error = INT4.half_error(weights, widest);
                let better = self.least_squares(weights, INT4, widest_error);
                Some(better.map_or(widest, |better| better.scale))
            }
        }
    }

    /// The scale and zero point of a group of finite weights; `None` if the scale is beyond f16.
    pub(crate) fn choose_affine(&mut self, weights: &[f64], rule: ScaleRule) -> Option<(f16, u8)> {
        let (scale, zero) = affine_without_clipping(weights)?;
        let mut best = (scale, zero);
        if rule == ScaleRule::LeastSquares {
            let mut least = Levels::around(zero).half_error(weights, scale);
            for near in zero.saturating_sub(NEARBY).max(FIRST_ZERO)..=(zero + NEARBY).min(LAST_ZERO) {
                if let Some(better) = self.least_squares(weights, Levels::around(near), least) {
                    (best, least) = ((better.scale, near), better.error);
                }
            }
        }
        Some(best)
    }

    /// The best of all scales for these levels, if it leaves less than `least`.
    fn least_squares(&mut self, weights: &[f64], levels: Levels, least: f64) -> Option<Candidate> {
        // A scale below this clips the largest or the smallest weight by more than the whole error that is to be beaten.
        let ends =
            weights.iter().fold((0.0, 0.0), |(low, high): (f64, f64), &weight| (low.min(weight), high.max(weight)));
        let reach = |peak: f64, level: f64| if level > 0.0 { (peak - least.sqrt()) / level } else { 0.0 };
        let floor = reach(-ends.0, -levels.lowest).max(reach(ends.1, levels.highest));
        self.collect_breaks(weights, levels, floor);
        self.collect_candidates(weights.iter().map(|weight| weight * weight).sum(), least);

        // The parabolas lose digits where the error is small: the last word has the error itself.
        let mut best = Candidate { scale: f16::ZERO, error: least };
        let mut last = f16::ZERO;
        for candidate in &self.candidates {
            if candidate.scale == last {
                continue;
            }
            last = candidate.scale;
            let error = levels.half_error(weights, last);
            if error < best.error {
                best = Candidate { scale: last, error };
            }
        }
        (best.scale != f16::ZERO).then_some(best)
    }

    /// Every break above `floor`, the largest first.
    fn collect_breaks(&mut self, weights: &[f64], levels: Levels, floor: f64) {
        self.breaks.clear();
        for &weight in weights {
            let magnitude = weight.abs();
            let highest = if weight < 0.0 { -levels.lowest } else { levels.highest };
            let mut level = 0.0;
            while level < highest && magnitude > 0.0 {
                let scale = magnitude / (level + 0.5);
                if scale < floor {
                    break;
                }
                self.breaks.push(Break { scale, magnitude, level });
                level += 1.0;
            }
        }
        self.breaks
            .sort_unstable_by(|a, b| b.scale.total_cmp(&a.scale).then_with(|| b.magnitude.total_cmp(&a.magnitude)));
    }

    /// The f16 nearest to each parabola's lowest point, those kept whose error is the least up to rounding and not above `least`.
    fn collect_candidates(&mut self, sum_of_squares: f64, mut least: f64) {
        let slack = sum_of_squares * 1e-12;
        self.candidates.clear();
        let (mut products, mut squares) = (0.0, 0.0);
        for step in &self.breaks {
            products += step.magnitude;
            squares += 2.0 * step.level + 1.0;
            // The lowest point itself, sum w^2 - products^2 / squares, is above the least: most parabolas end here.
            if products * products < (sum_of_squares - least - slack) * squares {
                continue;
            }
            let scale = nearest(products / squares).clamp(SMALLEST, f16::MAX);
            let exact = f64::from(scale);
            let error = sum_of_squares + exact * (exact * squares - 2.0 * products);
            if error <= least + slack {
                least = least.min(error);
                self.candidates.push(Candidate { scale, error });
            }
        }
        self.candidates.retain(|candidate| candidate.error <= least + slack);
    }
}

/// The smallest f16 above 0: 2^-24.
const SMALLEST: f16 = f16::from_bits(1);

/// The f16 nearest to absmax / 7, or the one above it where that would leave a weight more than half a step outside, as it can below 2^-14,
/// where f16 is coarse. `None` if it is infinite.
fn without_clipping(absmax: f64) -> Option<f16> {
    let scale = nearest(absmax / INT4.highest);
    if absmax > (INT4.highest + 0.5) * f64::from(scale) {
        return Some(f16::from_bits(scale.to_bits() + 1)).filter(|scale| scale.is_finite());
    }
    Some(scale).filter(|scale| scale.is_finite())
}

/// The scale (hi - lo) / 15 with the zero point nearest to -lo / scale, where 0 lies between lo and hi; as much larger as needed so that
/// no weight is more than half a step outside. Zero points are from 1 to 15.
fn affine_without_clipping(weights: &[f64]) -> Option<(f16, u8)> {
    let (low, high) =
        weights.iter().fold((0.0, 0.0), |(low, high): (f64, f64), &weight| (low.min(weight), high.max(weight)));
    let zero_of = |scale: f64| (-low / scale).round_ties_even().clamp(f64::from(FIRST_ZERO), f64::from(LAST_ZERO));
    if low == high {
        return Some((f16::ZERO, MIDDLE));
    }
    let steps = Levels::around(0).highest;
    // With a zero point of 1, where the weights are hardly negative, 14 steps and a half are left.
    let mut scale = nearest(((high - low) / steps).max(high / (steps - 0.5))).max(SMALLEST);
    let fits = |scale: f16| {
        let scale = f64::from(scale);
        let zero = zero_of(scale);
        high <= (steps - zero + 0.5) * scale && -low <= (zero + 0.5) * scale
    };
    // Rounding to f16 takes less than a fifteenth of a step from each of fifteen: the next larger f16 has room.
    if !fits(scale) {
        scale = f16::from_bits(scale.to_bits() + 1);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 15")]
    scale.is_finite().then(|| (scale, zero_of(f64::from(scale)) as u8))
}

impl Levels {
    /// [`Levels::squared_error`] of a group of weights with a scale in f16.
    fn half_error(self, weights: &[f64], scale: f16) -> f64 {
        self.squared_error(weights.iter().copied(), f64::from(scale))
    }
}

/// The f16 nearest to `value` >= 0, ties to even, rounded once. `f16::from_f64` may go through f32 or cut digits, by processor.
fn nearest(value: f64) -> f16 {
    // An f64's exponent stands above its 52 fraction bits; f16 has 10 fraction bits, and below 2^-14 its step stays that of 2^-14.
    let exponent = (value.to_bits() >> 52).max(1023 - 14);
    let step = f64::from_bits((exponent - 10) << 52);
    f16::from_f64((value / step).round_ties_even() * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_is_right_at_every_half_and_around_every_midpoint() {
        for bits in 0..0x7c00_u16 {
            let (here, above) = (f16::from_bits(bits), f16::from_bits(bits + 1));
            let exact = f64::from(here);
            assert_eq!(nearest(exact), here);
            let next = if above.is_finite() { f64::from(above) } else { 65536.0 };
            let midpoint = f64::midpoint(exact, next);
            assert_eq!(nearest(midpoint.next_down()), here, "below the midpoint above {here}");
            assert_eq!(nearest(midpoint.next_up()), above, "above the midpoint above {here}");
            assert_eq!(nearest(midpoint).to_bits() % 2, 0, "a tie goes to even");
        }
    }
}
