//! The three projections against the f64 oracle, on the test device.

mod support;

use half::f16;
use proptest::prelude::*;
use support::{run_in, sizes, weights};
use tilewright_qkv_fused::{Outputs, QkvFused, QkvShape, QkvWeights, Schedule, reference};
use tilewright_quant_pack::{Granularity, Group, Int4, Int8, ScaleRule, Shape as WeightShape};
use tilewright_testkit::{Guarded, Random, Values, assert_same_bits, assert_within, cases, context, stream};

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

/// Weights of 1, 2 and 3: a projection that took another's weights or wrote to another's place would show.
#[test]
fn the_projections_do_not_mix() {
    for (m, n_q, n_kv) in [(1, 64, 64), (17, 130, 65), (5, 1, 3), (70, 64, 128)] {
        let shape = QkvShape { m, n_q, n_kv, k: 64 };
        let parts = shape.parts();
        let weight = |index: usize| {
            let part = parts[index];
            let value = i8::try_from(index + 1).unwrap();
            let weight_shape = WeightShape { n: part.n, k: 64 };
            Int4::pack(&vec![value; part.n * 64], weight_shape, Group::WholeRow, vec![f16::ONE; part.n]).unwrap()
        };
        let quantized = [weight(0), weight(1), weight(2)];
        let loaded = QkvWeights::load_int4(&stream(), quantized.each_ref()).unwrap();
        let results = run(shape, &vec![f16::ONE; m * 64], &loaded, 0);
        for (index, result) in results.iter().enumerate() {
            let wanted = f16::from_f32(64.0 * f32::from(u8::try_from(index + 1).unwrap()));
            assert_same_bits("projection", result, &vec![wanted; m * parts[index].n]);
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

#[test]
fn weights_that_do_not_go_together_are_refused() {
    let stream = stream();
    let weight = |n: usize, k: usize, group| {
        Int4::quantize(&vec![1f32; n * k], WeightShape { n, k }, group, ScaleRule::Max).unwrap()
    };
    let (small, large) = (Group::new(32).unwrap(), Group::new(64).unwrap());
    let refusal =
        |q: &Int4, k: &Int4, v: &Int4| QkvWeights::load_int4(&stream, [q, k, v]).expect_err("refused").to_string();
    let (q, kv) = (weight(8, 64, small), weight(4, 64, small));
    assert_eq!(refusal(&q, &kv, &weight(4, 64, large)), "the group size of the three weights differs");
    assert!(refusal(&q, &weight(4, 72, small), &kv).contains("tensor `w_k`"));
    assert!(refusal(&q, &kv, &weight(5, 64, small)).contains("tensor `w_v`"));

    let loaded = QkvWeights::load_int4(&stream, [&q, &kv, &kv]).unwrap();
    let qkv = QkvFused::new(context()).unwrap();
    let x = stream.upload(&vec![f16::ONE; 128]).unwrap();
    let lengths = |m: usize, q: usize, k: usize, v: usize| {
        let [mut q, mut k, mut v] = [q, k, v].map(|len| Guarded::<f16>::new(&stream, len));
        let before = q.download(&stream);
        let outputs = Outputs { q: &mut q.as_slice_mut(), k: &mut k.as_slice_mut(), v: &mut v.as_slice_mut() };
        let error = qkv.run(&stream, m, x.as_slice(), &loaded, outputs).expect_err("refused").to_string();
        q.assert_unchanged(&stream, &before);
        error
    };
    assert_eq!(lengths(3, 24, 12, 12), "tensor `x` has 128 elements, its shape 3 x 64 wants 192");
    assert_eq!(lengths(2, 15, 8, 8), "tensor `q` has 15 elements, its shape 2 x 8 wants 16");
    assert_eq!(lengths(2, 16, 9, 8), "tensor `k` has 9 elements, its shape 2 x 4 wants 8");
    assert_eq!(lengths(2, 16, 8, 7), "tensor `v` has 7 elements, its shape 2 x 4 wants 8");
    assert_eq!(lengths(0, 0, 0, 0), "m is 0; every dimension must be at least 1");
}
