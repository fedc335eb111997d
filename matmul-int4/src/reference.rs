//! The product on the CPU, and how far the kernel may be from it.

use tilewright_quant_pack::{Int4, Int4Affine};
use tilewright_tile::Shape;
use tilewright_tile::oracle::{self, Expected, F16_UNIT};

/// y = x · dequantize(w)ᵀ in f64, row-major: `x` [m, k], result [m, n].
#[must_use]
pub fn matmul(shape: Shape, x: &[f32], w: &Int4) -> Vec<Expected> {
    oracle::product(shape, x, &w.dequantize(), &[])
}

/// As [`matmul`], for weights with zero points and groups in any order.
#[must_use]
pub fn matmul_affine(shape: Shape, x: &[f32], w: &Int4Affine) -> Vec<Expected> {
    oracle::product(shape, x, &w.dequantize(), &[])
}

/// How far the kernel may be from `expected`: k sums and one scaled sum a group in f32, one rounding to f16.
#[must_use]
pub fn bound(expected: &Expected, k: usize, groups: usize) -> f64 {
    expected.bound(k + groups, F16_UNIT)
}
