//! The product on the CPU, and how far the kernel may be from it.

use tilewright_tile::oracle::{self, BF16_UNIT, Expected, F16_UNIT};

use crate::plan::Dtype;
use tilewright_tile::Shape;

/// y = x · wᵀ + bias in f64, row-major: `x` [m, k], `w` [n, k], `bias` of n elements or none, result [m, n].
#[must_use]
pub fn matmul(shape: Shape, x: &[f32], w: &[f32], bias: &[f32]) -> Vec<Expected> {
    oracle::product(shape, x, w, bias)
}

/// How far the kernel may be from `expected`: k sums and the bias in f32, one rounding to `dtype`.
#[must_use]
pub fn bound(expected: &Expected, k: usize, dtype: Dtype) -> f64 {
    let unit = match dtype {
        Dtype::F16 => F16_UNIT,
        Dtype::Bf16 => BF16_UNIT,
    };
    expected.bound(k + 1, unit)
}
