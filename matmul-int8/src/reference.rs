//! The products on the CPU, and how far the kernels may be from them.

use tilewright_tile::Shape;
use tilewright_tile::oracle::{self, Expected, F16_UNIT, F32_UNIT};

use crate::plan::Output;

/// The sums of W8A8, exact: `x` [m, k], `w` [n, k], result [m, n]. Exact in i64, so it also says what i32 could not hold.
#[must_use]
pub fn sums(shape: Shape, x: &[i8], w: &[i8]) -> Vec<i64> {
    let Shape { m, n, k } = shape;
    let rows = x.chunks(k.max(1)).take(m);
    rows.flat_map(|row| {
        w.chunks(k.max(1))
            .take(n)
            .map(move |weights| row.iter().zip(weights).map(|(a, b)| i64::from(*a) * i64::from(*b)).sum())
    })
    .collect()
}

/// The scaled product of W8A8 in f64. A single scale stands for all rows.
#[must_use]
pub fn w8a8(shape: Shape, x: &[i8], w: &[i8], x_scale: &[f32], w_scale: &[f32]) -> Vec<Expected> {
    let scale = |scales: &[f32], index: usize| f64::from(scales.get(index).or(scales.first()).copied().unwrap_or(1.0));
    let sums = sums(shape, x, w).into_iter().enumerate();
    sums.map(|(index, sum)| {
        #[expect(clippy::cast_precision_loss, reason = "sums stay below 2^53")]
        let sum = sum as f64;
        let factor = scale(x_scale, index / shape.n) * scale(w_scale, index % shape.n);
        Expected { value: sum * factor, magnitude: (sum * factor).abs() }
    })
    .collect()
}

/// How far a scaled W8A8 result may be: the sum is exact; its conversion to f32, the product of the scales and the product with it are rounded, then the result.
#[must_use]
pub fn w8a8_bound(expected: &Expected, output: Output) -> f64 {
    expected.bound(3, if output == Output::F16 { F16_UNIT } else { F32_UNIT })
}

/// The product of W8A16 in f64: `x` [m, k], `w` [n, k], `scale` one, or one a row of w.
#[must_use]
pub fn w8a16(shape: Shape, x: &[f32], w: &[i8], scale: &[f32]) -> Vec<Expected> {
    let w: Vec<f32> = w.iter().map(|q| f32::from(*q)).collect();
    let products = oracle::product(shape, x, &w, &[]).into_iter().enumerate();
    products
        .map(|(index, sum)| sum.scaled(f64::from(scale.get(index % shape.n).or(scale.first()).copied().unwrap_or(1.0))))
        .collect()
}

/// How far a W8A16 result may be: k sums and the scale in f32, one rounding to f16.
#[must_use]
pub fn w8a16_bound(expected: &Expected, k: usize) -> f64 {
    expected.bound(k + 1, F16_UNIT)
}
