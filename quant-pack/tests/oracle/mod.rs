//! Another way to the same answers, as slow and plain as can be, and the inputs that the tests share.
#![allow(dead_code, reason = "each test file uses a part")]

use half::f16;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use tilewright_quant_pack::{Group, Shape};

/// `cases` cases, or what PROPTEST_CASES says if that is more.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    ProptestConfig {
        cases: cases.max(asked),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    }
}

/// Nibble `place` of `word`, read from its hexadecimal text.
pub(crate) fn nibble(word: i32, place: usize) -> i8 {
    let text = format!("{word:08x}");
    let digit = text.chars().rev().nth(place).unwrap();
    digit.to_digit(16).unwrap() as i8
}

/// The integer of `from..=to` whose product with `scale` is nearest to `weight`, the distance with it.
pub(crate) fn nearest_level(weight: f64, scale: f64, from: i8, to: i8) -> (i8, f64) {
    let distances = (from..=to).map(|level| (level, (weight - f64::from(level) * scale).abs()));
    distances.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap()
}

/// The squared error of a group with the nearest levels of `from..=to`.
pub(crate) fn squared_error(weights: &[f32], scale: f64, from: i8, to: i8) -> f64 {
    weights.iter().map(|&weight| nearest_level(f64::from(weight), scale, from, to).1.powi(2)).sum()
}

/// Every positive finite f16.
pub(crate) fn all_halves() -> impl Iterator<Item = f16> {
    (1..0x7c00).map(f16::from_bits)
}

/// The positive or zero f16 nearest to `value`, found by trying each; of two as near the even one.
pub(crate) fn nearest_half(value: f64) -> f16 {
    let distance = |half: &f16| (f64::from(half.to_f32()) - value).abs();
    std::iter::once(f16::ZERO)
        .chain(all_halves())
        .min_by(|a, b| distance(a).total_cmp(&distance(b)).then((a.to_bits() % 2).cmp(&(b.to_bits() % 2))))
        .unwrap()
}

/// Shapes around the edges of words, groups and 64-bit words of flags, with groups that fit.
pub(crate) fn int4_shape() -> impl Strategy<Value = (Shape, Group)> {
    let n = prop::sample::select(vec![1, 2, 3, 7, 8, 9, 17]);
    let k = prop::sample::select(vec![8, 24, 32, 40, 56, 64, 72, 96, 104, 128, 136, 200, 264]);
    (n, k, 0..5_usize).prop_map(|(n, k, group)| {
        let group = match [32, 64, 96, 128].get(group) {
            Some(&size) if size <= k => Group::new(size).unwrap(),
            _ => Group::WholeRow,
        };
        (Shape { n, k }, group)
    })
}

/// Weights of every temper: noise, noise with outliers, multiples of a step, constants, signs that alternate, zeros, magnitudes that are
/// subnormal as f16 or large, and a mix of them all.
pub(crate) fn weights(length: usize) -> impl Strategy<Value = Vec<f32>> {
    let one = || -1.0_f32..1.0;
    let noise = prop::collection::vec(one(), length);
    let sizes = prop::sample::select(vec![1.0_f32, 0.02, 300.0, 4e5, 6e-5, 3e-7, 2e-8, 1e-30]);
    (noise, 0..7_u8, sizes, one()).prop_map(|(noise, kind, size, constant)| {
        let shaped = noise.into_iter().enumerate().map(|(place, value)| match kind {
            0 => value,
            1 => value.powi(9),
            2 => (value * 7.0).round() / 7.0,
            3 => constant,
            4 => {
                if place % 2 == 0 {
                    constant
                } else {
                    -constant
                }
            }
            5 => {
                if value > 0.9 {
                    value
                } else {
                    0.0
                }
            }
            _ => value * (2.0_f32).powi(-(place as i32 % 40)),
        });
        shaped.map(|value| value * size).collect()
    })
}

/// A shape, a group and weights for them.
pub(crate) fn int4_case() -> impl Strategy<Value = (Shape, Group, Vec<f32>)> {
    int4_shape().prop_flat_map(|(shape, group)| (Just(shape), Just(group), weights(shape.n * shape.k)))
}
