//! Products on the CPU in f64, and how far a kernel may be from them.

use crate::problem::Shape;

/// What the oracle says of one element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected {
    /// The sum in f64.
    pub value: f64,
    /// The sum of the magnitudes of its terms.
    pub magnitude: f64,
}

/// Unit roundoff of f32.
pub const F32_UNIT: f64 = 1.0 / (1u64 << 24) as f64;
/// Unit roundoff of f16.
pub const F16_UNIT: f64 = 1.0 / (1u64 << 11) as f64;
/// Unit roundoff of bfloat16.
pub const BF16_UNIT: f64 = 1.0 / (1u64 << 8) as f64;
/// Half the smallest subnormal f16: what rounding to f16 may lose where results are tiny.
const F16_HALF_PLACE: f64 = 1.0 / (1u64 << 25) as f64;

/// n·u / (1 - n·u) with u = 2^-24: the growth of `roundings` successive f32 roundings.
///
/// # Source
/// Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, section 3.1.
#[must_use]
pub fn gamma(roundings: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let n = roundings as f64 * F32_UNIT;
    n / (1.0 - n)
}

impl Expected {
    /// How far a kernel may be from `value` that makes `roundings` f32 roundings on the way and rounds once to a type of unit roundoff `unit`.
    ///
    /// 2 · gamma(roundings) · magnitude, plus the rounding of the result. The factor 2 covers tensor cores, which truncate.
    #[must_use]
    pub fn bound(&self, roundings: usize, unit: f64) -> f64 {
        let sum = 2.0 * gamma(roundings) * self.magnitude;
        let tiny = if unit > F32_UNIT { F16_HALF_PLACE } else { 0.0 };
        sum + unit * (self.value.abs() + sum) + tiny
    }

    /// The same with both parts multiplied by `factor`, as a scale does.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self { value: self.value * factor, magnitude: self.magnitude * factor.abs() }
    }
}

/// y = x · wᵀ + bias, row-major.
///
/// # Shapes
/// `x` [m, k], `w` [n, k], `bias` of n elements or none, result [m, n]. Missing elements count as zeros.
#[must_use]
pub fn product(shape: Shape, x: &[f32], w: &[f32], bias: &[f32]) -> Vec<Expected> {
    let Shape { m, n, k } = shape;
    let rows = x.chunks(k.max(1)).take(m);
    rows.flat_map(|row| {
        w.chunks(k.max(1)).take(n).enumerate().map(move |(column, weights)| {
            let start = f64::from(bias.get(column).copied().unwrap_or(0.0));
            row.iter().zip(weights).fold(Expected { value: start, magnitude: start.abs() }, |sum, (a, b)| {
                let term = f64::from(*a) * f64::from(*b);
                Expected { value: sum.value + term, magnitude: sum.magnitude + term.abs() }
            })
        })
    })
    .collect()
}
