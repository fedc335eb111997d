//! The row operations on the CPU in f64, and how far the kernels may be from them.
//!
//! Bounds count the f32 roundings on the way: `additions` is the longest chain of additions of the plan ([`Plan::additions`](crate::Plan::additions)).

use tilewright_tile::oracle::{F32_UNIT, gamma};

use crate::Dtype;

/// A result and how far a kernel may be from it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "two numbers")]
pub struct Expected {
    /// The result in f64.
    pub value: f64,
    /// How far a kernel's may be.
    pub bound: f64,
}

/// Largest relative error of `ex2.approx.ftz.f32`: 2 units in the last place of 24 bits.
///
/// # Source
/// PTX ISA 9.0, section 9.7.3.23 (`ex2`).
const EXP2_ERROR: f64 = 1.0 / (1u64 << 22) as f64;
/// Below this f32 results may be flushed or lose bits.
const SMALLEST_NORMAL: f64 = f32::MIN_POSITIVE as f64;

/// exp(x - max x) / Σ exp(x - max x) of a row.
///
/// The difference from the largest is rounded once, its product with log2 e (itself rounded) once: an error of 3u in the exponent, relative to it. Then
/// `ex2`, the sum, one division and one product.
#[must_use]
pub fn softmax(row: &[f32], additions: u32, dtype: Dtype) -> Vec<Expected> {
    let peak = max(row);
    let exponents: Vec<f64> = row.iter().map(|x| f64::from(*x) - f64::from(peak)).collect();
    let terms: Vec<f64> = exponents.iter().map(|exponent| exponent.exp()).collect();
    let sum: f64 = terms.iter().sum();
    let own =
        |exponent: f64| if exponent.is_finite() { 3.0 * F32_UNIT * exponent.abs() * 1.01 + EXP2_ERROR } else { 0.0 };
    let mean_error: f64 = exponents.iter().zip(&terms).map(|(exponent, term)| own(*exponent) * term / sum).sum();
    let common = mean_error + gamma(additions as usize + 3);
    exponents
        .iter()
        .zip(&terms)
        .map(|(exponent, term)| {
            let value = term / sum;
            rounded(value, value * (own(*exponent) + common) * 1.01 + SMALLEST_NORMAL, dtype)
        })
        .collect()
}

/// x / sqrt(mean x² + ε) · weight of a row.
///
/// The mean square carries the roundings of its sum, its division and the sum with ε; the root halves them and adds one; then a division and two products.
#[must_use]
pub fn rms_norm(row: &[f32], weight: &[f32], epsilon: f32, additions: u32, dtype: Dtype) -> Vec<Expected> {
    let squares: f64 = row.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    let scale = 1.0 / (squares / count(row) + f64::from(epsilon)).sqrt();
    let relative = gamma(additions as usize + 8);
    row.iter()
        .zip(weight)
        .map(|(x, weight)| {
            let value = f64::from(*x) * scale * f64::from(*weight);
            rounded(value, value.abs() * relative + tiny(*weight), dtype)
        })
        .collect()
}

/// (x - mean x) / sqrt(var x + ε) · weight + bias of a row; `bias` may be empty.
///
/// The mean is off by the roundings of its sum and its division; distances inherit that, and so does the variance, beside the roundings of its own sum.
#[must_use]
pub fn layer_norm(
    row: &[f32],
    (weight, bias): (&[f32], &[f32]),
    epsilon: f32,
    additions: u32,
    dtype: Dtype,
) -> Vec<Expected> {
    let n = count(row);
    let mean = row.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
    let distances: Vec<f64> = row.iter().map(|x| f64::from(*x) - mean).collect();
    let variance = distances.iter().map(|distance| distance * distance).sum::<f64>() / n + f64::from(epsilon);
    let scale = 1.0 / variance.sqrt();

    let magnitude = row.iter().map(|x| f64::from(*x).abs()).sum::<f64>() / n;
    let mean_error = gamma(additions as usize + 1) * magnitude + F32_UNIT * mean.abs();
    let spread = distances.iter().map(|distance| distance.abs()).sum::<f64>() / n;
    let variance_error = gamma(additions as usize + 5) * variance + 2.0 * mean_error * spread + mean_error * mean_error;
    // 1 / sqrt(v (1 + e)) is off by at most |e| for |e| up to 1/2; beyond that nothing is promised.
    let relative = variance_error / variance;
    let scale_error = if relative <= 0.5 { relative } else { f64::INFINITY };

    distances
        .iter()
        .zip(weight)
        .enumerate()
        .map(|(index, (distance, weight))| {
            let (weight, bias) = (f64::from(*weight), f64::from(bias.get(index).copied().unwrap_or(0.0)));
            let scaled = distance * scale * weight;
            let value = scaled + bias;
            let shift = (mean_error + F32_UNIT * distance.abs()) * scale * weight.abs();
            // Nothing is off where the weight is 0.
            let stretch = if scaled == 0.0 { 0.0 } else { scaled.abs() * (scale_error + gamma(6)) };
            let bound = (shift + stretch) * 1.01 + F32_UNIT * (value.abs() + shift) + SMALLEST_NORMAL;
            rounded(value, bound, dtype)
        })
        .collect()
}

/// The codes and the scale of a row: round(x / scale) and max |x| / 127, both quotients in f32. Exact.
///
/// No scale is subnormal: one that would be is 0. Codes are 0 where the scale is 0, infinite or NaN.
#[must_use]
pub fn quantize(row: &[f32]) -> (Vec<i8>, f32) {
    let largest = row.iter().fold(0.0, |largest: f32, x| if precedes(largest, x.abs()) { x.abs() } else { largest });
    let quotient = largest / 127.0;
    let scale = if quotient < f32::MIN_POSITIVE { 0.0 } else { quotient };
    // Above 0 and finite, a scale is no smaller than 1/127.01 of any element, so nothing is cut off; NaN becomes 0.
    #[expect(clippy::cast_possible_truncation, reason = "at most 127 in magnitude")]
    let code = |x: &f32| if scale == 0.0 { 0 } else { (x / scale).round_ties_even() as i8 };
    (row.iter().map(code).collect(), scale)
}

/// Σ x of a row.
#[must_use]
pub fn sum(row: &[f32], additions: u32) -> Expected {
    let magnitude: f64 = row.iter().map(|x| f64::from(*x).abs()).sum();
    Expected { value: row.iter().map(|x| f64::from(*x)).sum(), bound: gamma(additions as usize) * magnitude }
}

/// The largest of a row, -0 below +0; NaN if there is one, -inf if there is nothing. Exact.
#[must_use]
pub fn max(row: &[f32]) -> f32 {
    row.iter().copied().fold(f32::NEG_INFINITY, |peak, x| if precedes(peak, x) { x } else { peak })
}

/// The smallest of a row, -0 below +0; NaN if there is one, +inf if there is nothing. Exact.
#[must_use]
pub fn min(row: &[f32]) -> f32 {
    row.iter().copied().fold(f32::INFINITY, |least, x| if precedes(-least, -x) { x } else { least })
}

/// Whether `b` comes after `a`: the numbers in their order, -0 before +0, NaN after all of them.
fn precedes(a: f32, b: f32) -> bool {
    let positive_zero = a == b && a.is_sign_negative() && b.is_sign_positive();
    !a.is_nan() && (b.is_nan() || a < b || positive_zero)
}

#[expect(clippy::cast_precision_loss, reason = "rows are far shorter than 2^53")]
const fn count(row: &[f32]) -> f64 {
    row.len() as f64
}

/// What a product may lose below the normal numbers, before it is multiplied by the weight.
fn tiny(weight: f32) -> f64 {
    SMALLEST_NORMAL * F32_UNIT * 2.0 * (1.0 + f64::from(weight).abs())
}

/// The bound with the rounding of the result to its type.
fn rounded(value: f64, bound: f64, dtype: Dtype) -> Expected {
    let rounding = match dtype {
        // What is not rounded again.
        Dtype::F32 => 0.0,
        _ => dtype.unit_roundoff() * (value.abs() + bound) + dtype.half_smallest(),
    };
    Expected { value, bound: bound + rounding }
}
