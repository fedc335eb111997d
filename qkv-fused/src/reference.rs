//! The three products on the CPU, and how far the kernel may be from them.

use tilewright_quant_pack::{Int4, Int4Affine, Int8};
use tilewright_tile::oracle::{self, Expected, F16_UNIT};

use crate::problem::QkvShape;

/// q, k and v = x · dequantize(w)ᵀ in f64 from int4 weights: `x` [m, k].
#[must_use]
pub fn qkv_int4(shape: QkvShape, x: &[f32], weights: [&Int4; 3]) -> [Vec<Expected>; 3] {
    products(shape, x, weights.map(Int4::dequantize))
}

/// As [`qkv_int4`], for weights with zero points and groups in any order.
#[must_use]
pub fn qkv_affine(shape: QkvShape, x: &[f32], weights: [&Int4Affine; 3]) -> [Vec<Expected>; 3] {
    products(shape, x, weights.map(Int4Affine::dequantize))
}

/// q, k and v = x · dequantize(w)ᵀ in f64 from int8 weights: `x` [m, k].
#[must_use]
pub fn qkv_int8(shape: QkvShape, x: &[f32], weights: [&Int8; 3]) -> [Vec<Expected>; 3] {
    products(shape, x, weights.map(Int8::dequantize))
}

fn products(shape: QkvShape, x: &[f32], weights: [Vec<f32>; 3]) -> [Vec<Expected>; 3] {
    let parts = shape.parts();
    std::array::from_fn(|index| oracle::product(parts[index], x, &weights[index], &[]))
}

/// How far the kernel may be from `expected`: k sums and one scaled sum a group in f32, one rounding to f16. int8 has one group.
#[must_use]
pub fn bound(expected: &Expected, k: usize, groups: usize) -> f64 {
    expected.bound(k + groups, F16_UNIT)
}
