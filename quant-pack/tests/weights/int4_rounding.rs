//! Which integers and scales int4 gets.

use crate::oracle;
use half::{bf16, f16};
use proptest::prelude::*;
use tilewright_quant_pack::{Group, Int4, ScaleRule, Shape};

const RULES: [ScaleRule; 2] = [ScaleRule::Max, ScaleRule::LeastSquares];

fn one_group(weights: &[f32], rule: ScaleRule) -> Int4 {
    Int4::quantize(weights, Shape { n: 1, k: weights.len() }, Group::WholeRow, rule).unwrap()
}

/// Each group's weights, integers and scale.
fn groups<'w>(packed: &Int4, weights: &'w [f32]) -> Vec<(&'w [f32], Vec<i8>, f64)> {
    let Shape { n, k } = packed.shape();
    let (size, values) = (packed.group().size(k), packed.unpack());
    let mut groups = Vec::new();
    for row in 0..n {
        for (index, first) in (0..k).step_by(size).enumerate() {
            let range = row * k + first..row * k + (first + size).min(k);
            let scale = f64::from(packed.scales()[index * n + row].to_f32());
            groups.push((&weights[range.clone()], values[range].to_vec(), scale));
        }
    }
    groups
}

proptest! {
    #![proptest_config(oracle::config(256))]

    /// No other of the sixteen integers is nearer, whatever the rule.
    #[test]
    fn every_integer_is_the_nearest((shape, group, weights) in oracle::int4_case()) {
        for rule in RULES {
            let packed = Int4::quantize(&weights, shape, group, rule).unwrap();
            for (weights, values, scale) in groups(&packed, &weights) {
                for (&weight, &value) in weights.iter().zip(&values) {
                    let weight = f64::from(weight);
                    let distance = (weight - f64::from(value) * scale).abs();
                    prop_assert_eq!(distance, oracle::nearest_level(weight, scale, -8, 7).1);
                    if (-8.5 * scale..=7.5 * scale).contains(&weight) {
                        prop_assert!(distance <= scale / 2.0);
                    }
                }
            }
        }
    }

    #[test]
    fn max_clips_nothing_and_never_gives_minus_eight((shape, group, weights) in oracle::int4_case()) {
        let packed = Int4::quantize(&weights, shape, group, ScaleRule::Max).unwrap();
        for (weights, values, scale) in groups(&packed, &weights) {
            for (&weight, &value) in weights.iter().zip(&values) {
                prop_assert!((f64::from(weight) - f64::from(value) * scale).abs() <= scale / 2.0);
                prop_assert!(value != -8);
            }
        }
    }

    #[test]
    fn integers_are_monotonic_and_keep_signs((shape, group, weights) in oracle::int4_case()) {
        for rule in RULES {
            let packed = Int4::quantize(&weights, shape, group, rule).unwrap();
            for (weights, values, _) in groups(&packed, &weights) {
                let mut pairs: Vec<_> = weights.iter().copied().zip(values).collect();
                pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
                prop_assert!(pairs.is_sorted_by_key(|pair| pair.1));
                prop_assert!(pairs.iter().all(|&(weight, value)| f64::from(weight) * f64::from(value) >= 0.0));
            }
        }
    }

    #[test]
    fn least_squares_is_never_worse_than_max((shape, group, weights) in oracle::int4_case()) {
        let [max, least] = RULES.map(|rule| Int4::quantize(&weights, shape, group, rule).unwrap());
        for (max, least) in groups(&max, &weights).iter().zip(groups(&least, &weights)) {
            let error = |scale| oracle::squared_error(least.0, scale, -8, 7);
            // The two sums are taken in one order here and in the crate, so they compare without slack.
            prop_assert!(error(least.2) <= error(max.2));
        }
    }

    /// What a row becomes does not depend on its neighbours, and what a group becomes not on the other groups.
    #[test]
    fn groups_are_independent((shape, group, weights) in oracle::int4_case()) {
        for rule in RULES {
            let packed = Int4::quantize(&weights, shape, group, rule).unwrap();
            prop_assert_eq!(&packed, &Int4::quantize(&weights, shape, group, rule).unwrap());
            for (weights, values, scale) in groups(&packed, &weights) {
                let alone = one_group(weights, rule);
                prop_assert_eq!(alone.unpack(), values);
                prop_assert_eq!(f64::from(alone.scales()[0].to_f32()), scale);
            }
        }
    }

    #[test]
    fn half_weights_are_their_f32_values(weights in oracle::weights(64)) {
        let shape = Shape { n: 2, k: 32 };
        let group = Group::WholeRow;
        let halves: Vec<f16> = weights.iter().map(|&weight| f16::from_f32(weight.clamp(-6e4, 6e4))).collect();
        let brains: Vec<bf16> = weights.iter().map(|&weight| bf16::from_f32(weight.clamp(-4e5, 4e5))).collect();
        for rule in RULES {
            let exact: Vec<f32> = halves.iter().map(|half| half.to_f32()).collect();
            let [typed, wide] = [Int4::quantize(&halves, shape, group, rule), Int4::quantize(&exact, shape, group, rule)];
            prop_assert_eq!(typed.unwrap(), wide.unwrap());
            let exact: Vec<f32> = brains.iter().map(|brain| brain.to_f32()).collect();
            let [typed, wide] = [Int4::quantize(&brains, shape, group, rule), Int4::quantize(&exact, shape, group, rule)];
            prop_assert_eq!(typed.unwrap(), wide.unwrap());
        }
    }
}

proptest! {
    #![proptest_config(oracle::config(48))]

    #[test]
    fn max_is_the_half_nearest_to_a_seventh(weights in oracle::weights(8)) {
        let absmax = weights.iter().fold(0.0, |peak: f32, weight| peak.max(weight.abs()));
        let nearest = oracle::nearest_half(f64::from(absmax) / 7.0);
        let scale = one_group(&weights, ScaleRule::Max).scales()[0];
        if absmax / 7.0 >= 6.2e-5 || absmax == 0.0 {
            prop_assert_eq!(scale, nearest);
        } else {
            // f16 is coarse here: the one above if the nearest would clip.
            let clips = f64::from(absmax) > 7.5 * f64::from(nearest.to_f32());
            prop_assert_eq!(scale.to_bits(), nearest.to_bits() + u16::from(clips));
        }
    }

    /// No positive f16 does better; all 31,743 are tried.
    #[test]
    fn least_squares_is_the_best_of_all_halves(weights in prop_oneof![oracle::weights(8), oracle::weights(32)]) {
        let (error, best) = error_and_best_of_all_halves(&weights);
        prop_assert!(error <= best, "{error} > {best}");
    }

    /// Weights that are exact multiples of some f16 come back unchanged.
    #[test]
    fn multiples_of_a_half_are_kept(
        bits in 1_u16..0x7bff,
        mut levels in prop::collection::vec(-8..=7_i8, 40),
        with_minus_eight in any::<bool>(),
    ) {
        let scale = f16::from_bits(bits).to_f32();
        levels[17] = 7;
        if !with_minus_eight {
            levels.iter_mut().for_each(|level| *level = (*level).max(-7));
        }
        let weights: Vec<f32> = levels.iter().map(|&level| f32::from(level) * scale).collect();
        // A -8 makes absmax / 7 larger than 65504 for the largest scales; those have a test of their own.
        prop_assume!(weights.iter().all(|weight| weight.abs() <= 7.0 * 65504.0));
        prop_assert_eq!(one_group(&weights, ScaleRule::LeastSquares).dequantize(), weights.clone());
        if !with_minus_eight {
            prop_assert_eq!(one_group(&weights, ScaleRule::Max).dequantize(), weights);
        }
    }
}

/// The squared error with the least-squares scale, and the least that any positive f16 leaves, plus what the rounding of sums of up to 40
/// squares can hide: where two scales are as good but for that, either is right.
fn error_and_best_of_all_halves(weights: &[f32]) -> (f64, f64) {
    let error = |half: f16| oracle::squared_error(weights, f64::from(half.to_f32()), -8, 7);
    let best = oracle::all_halves().map(error).fold(f64::INFINITY, f64::min);
    let energy: f64 = weights.iter().map(|&weight| f64::from(weight).powi(2)).sum();
    (error(one_group(weights, ScaleRule::LeastSquares).scales()[0]), best + energy * 40.0 * f64::EPSILON)
}

/// The lowest point of the parabola lies between the largest f16 and where f16 rounds to infinity, and beyond.
#[test]
fn least_squares_reaches_the_largest_half() {
    for size in [65510.0, 65530.0, 66500.0] {
        let weights = [size, 2.0 * size, -3.0 * size, 5.0 * size, 6.5 * size, 0.0, 0.0, 4.0 * size];
        let (error, best) = error_and_best_of_all_halves(&weights);
        assert!(error <= best, "{error} > {best}");
    }
}

#[test]
fn zeros_have_scale_zero() {
    for rule in RULES {
        for zero in [0.0, -0.0] {
            let packed = one_group(&[zero; 40], rule);
            assert_eq!(packed.scales(), [f16::ZERO]);
            assert_eq!(packed.unpack(), [0; 40]);
            assert!(packed.dequantize().iter().all(|value| value.to_bits() == 0));
        }
    }
}

#[test]
fn tiny_weights_get_the_smallest_half() {
    let step = 2.0_f32.powi(-24);
    for rule in RULES {
        assert_eq!(one_group(&[step * 0.4, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], rule).dequantize(), [0.0; 8]);
        assert_eq!(one_group(&[f32::from_bits(1); 8], rule).dequantize(), [0.0; 8]);
        let three = [step, -step, 3.0 * step, 0.0, 0.0, 0.0, 0.0, 0.0];
        let packed = one_group(&three, rule);
        assert_eq!(packed.scales()[0].to_bits(), 1);
        assert_eq!(packed.dequantize(), three);
    }
}

#[test]
fn least_squares_clips_an_outlier_and_uses_minus_eight() {
    let mut weights: Vec<f32> = (0..64).map(|place| if place % 2 == 0 { 6.0 } else { -6.0 }).collect();
    weights[3] = -8.0;
    let packed = one_group(&weights, ScaleRule::LeastSquares);
    assert_eq!(packed.dequantize(), weights);
    // -8 · 1.0, 6 · 1.0 or -4 · 2.0, 3 · 2.0: both exact.
    assert!([1.0, 2.0].contains(&packed.scales()[0].to_f32()));

    // Integers as weights and one 9 that can only be 7: the best scale for these integers is sum wq / sum q^2.
    let mut weights: Vec<f32> = (0..128_u8).map(|place| f32::from(place % 15) - 7.0).collect();
    weights[5] = 9.0;
    let levels: Vec<f32> = weights.iter().map(|weight| weight.min(7.0)).collect();
    let products: f32 = weights.iter().zip(&levels).map(|(weight, level)| weight * level).sum();
    let squares: f32 = levels.iter().map(|level| level * level).sum();
    let packed = one_group(&weights, ScaleRule::LeastSquares);
    assert_eq!(packed.scales(), [f16::from_f32(products / squares)]);
    assert_eq!(packed.unpack().iter().map(|&value| f32::from(value)).collect::<Vec<_>>(), levels);
}

#[test]
fn the_whole_range_of_scales_works() {
    // 7 · 65520 is where absmax / 7 begins to round to infinity.
    let weights = [458_639.97_f32, -1.0, 0.0, 2e5, 0.0, 0.0, 0.0, 0.0];
    let packed = one_group(&weights, ScaleRule::Max);
    assert_eq!(packed.scales(), [f16::MAX]);
    assert_eq!(packed.unpack(), [7, 0, 0, 3, 0, 0, 0, 0]);
}
