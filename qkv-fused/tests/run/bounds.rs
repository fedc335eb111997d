//! The three projections against the f64 oracle, on the test device.

use crate::support::{run_in, sizes, weights};
use half::f16;
use proptest::prelude::*;
use tilewright_qkv_fused::{QkvShape, QkvWeights, Schedule, reference};
use tilewright_quant_pack::{Granularity, Group, Int4, Int8, ScaleRule};
use tilewright_testkit::{Random, Values, assert_within, cases, context, stream};

fn run(shape: QkvShape, x: &[f16], weights: &QkvWeights, offset: usize) -> [Vec<f16>; 3] {
    run_in(context(), Schedule::default(), shape, x, weights, offset)
}

fn floats(x: &[f16]) -> Vec<f32> {
    x.iter().map(|x| x.to_f32()).collect()
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn int4_is_within_the_bound(
        m in sizes(), n_q in sizes(), n_kv in sizes(), k in 1..26usize, group in 0..5usize, offset in 0..4usize, seed: u64,
    ) {
        let shape = QkvShape { m, n_q, n_kv, k: 8 * k };
        let group = if group == 0 || 32 * group > shape.k { Group::WholeRow } else { Group::new(32 * group).unwrap() };
        let x = Random::new(!seed).halves(Values::Outliers, m * shape.k);
        let quantized = weights(shape, seed, |w, shape| Int4::quantize(w, shape, group, ScaleRule::Max).unwrap());
        let loaded = QkvWeights::load_int4(&stream(), quantized.each_ref()).unwrap();
        let results = run(shape, &x, &loaded, offset);
        let expected = reference::qkv_int4(shape, &floats(&x), quantized.each_ref());
        let groups = group.count(shape.k);
        for ((name, result), expected) in ["q", "k", "v"].iter().zip(&results).zip(&expected) {
            assert_within(name, result, expected.iter().map(|e| (e.value, reference::bound(e, shape.k, groups))));
        }
    }

    #[test]
    fn int8_is_within_the_bound(
        m in sizes(), n_q in sizes(), n_kv in sizes(), k in sizes(), per_channel: bool, offset in 0..4usize, seed: u64,
    ) {
        let shape = QkvShape { m, n_q, n_kv, k };
        let granularity = if per_channel { Granularity::PerChannel } else { Granularity::PerTensor };
        let x = Random::new(!seed).halves(Values::Uniform, m * k);
        let quantized = weights(shape, seed, |w, shape| Int8::quantize(w, shape, granularity, ScaleRule::Max).unwrap());
        let loaded = QkvWeights::load_int8(&stream(), quantized.each_ref()).unwrap();
        let results = run(shape, &x, &loaded, offset);
        let expected = reference::qkv_int8(shape, &floats(&x), quantized.each_ref());
        for ((name, result), expected) in ["q", "k", "v"].iter().zip(&results).zip(&expected) {
            assert_within(name, result, expected.iter().map(|e| (e.value, reference::bound(e, k, 1))));
        }
    }
}

/// Every residue of m, n_q, n_kv and k modulo the tiles, in different steps.
#[test]
fn every_residue_is_within_the_bound() {
    for step in 0..64usize {
        let shape = QkvShape { m: 1 + step, n_q: 1 + step * 37 % 64, n_kv: 1 + step * 11 % 64, k: 8 * (1 + step % 16) };
        let group = if shape.k > 32 { Group::new(32).unwrap() } else { Group::WholeRow };
        let x = Random::new(step as u64).halves(Values::Outliers, shape.m * shape.k);
        let quantized = weights(shape, 1, |w, shape| Int4::quantize(w, shape, group, ScaleRule::Max).unwrap());
        let loaded = QkvWeights::load_int4(&stream(), quantized.each_ref()).unwrap();
        let expected = reference::qkv_int4(shape, &floats(&x), quantized.each_ref());
        let groups = group.count(shape.k);
        for schedule in Schedule::ALL {
            let results = run_in(context(), schedule, shape, &x, &loaded, step % 4);
            for (result, expected) in results.iter().zip(&expected) {
                let bounds = expected.iter().map(|e| (e.value, reference::bound(e, shape.k, groups)));
                assert_within(&format!("{schedule:?}, {shape:?}"), result, bounds);
            }
        }
    }
}

#[test]
fn the_wide_plan_is_within_the_bound() {
    let shape = QkvShape { m: 1024, n_q: 576, n_kv: 192, k: 64 };
    let group = Group::new(64).unwrap();
    let x = Random::new(2).halves(Values::Uniform, shape.m * shape.k);
    let quantized = weights(shape, 8, |w, shape| Int4::quantize(w, shape, group, ScaleRule::Max).unwrap());
    let loaded = QkvWeights::load_int4(&stream(), quantized.each_ref()).unwrap();
    let results = run(shape, &x, &loaded, 0);
    let expected = reference::qkv_int4(shape, &floats(&x), quantized.each_ref());
    for (result, expected) in results.iter().zip(&expected) {
        assert_within("projection", result, expected.iter().map(|e| (e.value, reference::bound(e, shape.k, 1))));
    }
}
