//! f32 scales of int8 rows and tensors.
#![expect(clippy::cast_possible_truncation, reason = "scales are rounded from f64 to f32")]

use crate::level::INT8;
use crate::scale::ScaleRule;
use crate::weight::Weight;

/// Scales tried between 0 and the one that clips nothing.
const STEPS: u8 = 64;
/// Refinements at most. Each changes some integer, and they rarely last for ten.
const REFINEMENTS: usize = 32;
/// The largest scale whose product with 127 is finite; f32::MAX / 127 itself is rounded up.
const LARGEST: f32 = (f32::MAX / 127.0).next_down();

/// The scale of finite weights.
pub(crate) fn choose<W: Weight>(weights: &[W], rule: ScaleRule) -> f32 {
    let widest = without_clipping(weights.iter().fold(0.0, |peak: f32, weight| peak.max(weight.to_f32().abs())));
    match rule {
        ScaleRule::Max => widest,
        ScaleRule::LeastSquares => least_squares(weights, widest),
    }
}

fn least_squares<W: Weight>(weights: &[W], widest: f32) -> f32 {
    let (mut best, mut best_error) = (widest, error(weights, widest));
    for step in 1..STEPS {
        let scale = widest * (f32::from(step) / f32::from(STEPS));
        let error = error(weights, scale);
        if error < best_error {
            (best, best_error) = (scale, error);
        }
    }
    for _ in 0..REFINEMENTS {
        let Some(scale) = refined(weights, best) else { break };
        let error = error(weights, scale);
        if error >= best_error {
            break;
        }
        (best, best_error) = (scale, error);
    }
    best
}

/// The best scale for the integers that `scale` gives: sum wq / sum q^2.
fn refined<W: Weight>(weights: &[W], scale: f32) -> Option<f32> {
    let (mut products, mut squares) = (0.0, 0.0);
    for weight in weights {
        let weight = f64::from(weight.to_f32());
        let level = INT8.nearest(weight, f64::from(scale));
        products += weight * level;
        squares += level * level;
    }
    (squares > 0.0).then(|| ((products / squares) as f32).min(LARGEST))
}

/// The f32 nearest to absmax / 127, or the one above it where that would leave a weight more than half a step outside, as it can where
/// f32 is subnormal.
fn without_clipping(absmax: f32) -> f32 {
    let scale = ((f64::from(absmax) / INT8.highest) as f32).min(LARGEST);
    if f64::from(absmax) > (INT8.highest + 0.5) * f64::from(scale) { scale.next_up() } else { scale }
}

fn error<W: Weight>(weights: &[W], scale: f32) -> f64 {
    INT8.squared_error(weights.iter().map(|weight| f64::from(weight.to_f32())), f64::from(scale))
}
