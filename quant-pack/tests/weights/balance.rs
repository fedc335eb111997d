//! Factors change how weights are rounded, and nothing else.

use crate::oracle;
use std::num::NonZeroUsize;

use proptest::prelude::*;
use tilewright_quant_pack::balance::{self, Balance};
use tilewright_quant_pack::{Error, Group, Int4, ScaleRule, Shape};

const K: usize = 32;

fn rounded(weights: &[f32], shape: Shape) -> Result<Vec<f32>, Error> {
    Ok(Int4::quantize(weights, shape, Group::WholeRow, ScaleRule::Max)?.dequantize())
}

proptest! {
    #![proptest_config(oracle::config(64))]

    #[test]
    fn factors_follow_their_formula(inputs in oracle::weights(3 * K), weights in oracle::weights(2 * K), exponent in 0.0..=1.0_f64) {
        let shape = Shape { n: 2, k: K };
        let balance = Balance::smooth(&inputs, &[(&weights[..], shape)], exponent).unwrap();
        let largest = |values: &[f32], column: usize| values.chunks(K).fold(0.0_f64, |m, row| m.max(f64::from(row[column].abs())));
        for (column, factor) in balance.factors().iter().enumerate() {
            let (x, w) = (largest(&inputs, column), largest(&weights, column));
            let wanted = if x == 0.0 || w == 0.0 { 1.0 } else { (x.powf(exponent) * w.powf(exponent - 1.0)).clamp(1e-30, 1e30) };
            prop_assert!((f64::from(*factor) / wanted - 1.0).abs() < 1e-6, "{factor} for {wanted}");
        }
        // Times and divided by a factor is the same but for two roundings, where nothing leaves the normal f32.
        let is_plain = |value: &f32| *value == 0.0 || (1e-8..1e8).contains(&value.abs());
        let factors = balance.factors().iter().cycle();
        let kept = |(weight, factor): (&f32, &f32)| if is_plain(weight) && is_plain(factor) { *weight } else { 0.0 };
        let weights: Vec<f32> = weights.iter().zip(factors).map(kept).collect();
        let back = balance.off_weights(&balance.onto_weights(&weights, shape).unwrap(), shape);
        for (weight, back) in weights.iter().zip(back.unwrap()) {
            prop_assert!((weight - back).abs() <= weight.abs() * f32::EPSILON * 1.01, "{weight} became {back}");
        }
    }

    #[test]
    fn the_search_is_never_worse_and_says_the_truth(inputs in prop::collection::vec(-1.0..1.0_f32, 5 * K), weights in prop::collection::vec(-1.0..1.0_f32, 3 * K), loud in 0..K) {
        let shape = Shape { n: 3, k: K };
        let mut inputs = inputs;
        inputs.iter_mut().skip(loud).step_by(K).for_each(|input| *input *= 50.0);
        let found = balance::search(&inputs, &[(&weights[..], shape)], NonZeroUsize::new(8).unwrap(), rounded).unwrap();
        prop_assert!(found.error <= found.plain_error);
        let error = |back: &[f32]| -> f64 {
            let difference: Vec<f64> = weights.iter().zip(back).map(|(a, b)| f64::from(*a) - f64::from(*b)).collect();
            let products = inputs.chunks(K).flat_map(|x| difference.chunks(K).map(move |d| x.iter().zip(d).map(|(x, d)| f64::from(*x) * d).sum::<f64>()));
            products.map(|product| product * product).sum()
        };
        let plain = error(&rounded(&weights, shape).unwrap());
        prop_assert!((found.plain_error - plain).abs() <= 1e-9 * plain);
        let quantized = rounded(&found.balance.onto_weights(&weights, shape).unwrap(), shape).unwrap();
        let best = error(&found.balance.off_weights(&quantized, shape).unwrap());
        prop_assert!((found.error - best).abs() <= 1e-9 * best);
        // The loud column has the largest factor, unless there are none.
        let largest = found.balance.factors().iter().copied().fold(0.0, f32::max);
        prop_assert!(found.exponent == 0.0 || found.balance.factors()[loud] == largest);
    }
}
