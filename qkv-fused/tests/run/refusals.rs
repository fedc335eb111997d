//! Bad input: a typed error with the numbers in it, nothing launched, nothing written.

use half::f16;
use tilewright_qkv_fused::{Outputs, Problem, QkvFused, QkvShape, QkvWeights, Weights};
use tilewright_quant_pack::{Granularity, Group, Int4, Int8, ScaleRule, Shape};
use tilewright_testkit::{Guarded, Refusals, context, other_context, stream};

fn int4(n: usize, k: usize, group: usize) -> Int4 {
    Int4::quantize(&vec![1f32; n * k], Shape { n, k }, Group::new(group).unwrap(), ScaleRule::Max).unwrap()
}

fn int8(n: usize, k: usize, granularity: Granularity) -> Int8 {
    Int8::quantize(&vec![1f32; n * k], Shape { n, k }, granularity, ScaleRule::Max).unwrap()
}

#[test]
fn bad_input_is_refused() {
    let mut refusals = Refusals::of("tilewright-qkv-fused");
    let stream = stream();
    let (q, kv) = (int4(8, 64, 32), int4(4, 64, 32));
    let mut load = |class: &str, q: &Int4, k: &Int4, v: &Int4| {
        refusals.add(class, QkvWeights::load_int4(&stream, [q, k, v]));
    };
    load("groups of another size", &q, &kv, &int4(4, 64, 64));
    load("w_k with another k", &q, &int4(4, 72, 32), &kv);
    load("w_v with other columns than w_k", &q, &kv, &int4(5, 64, 32));
    let (per_channel, per_tensor) = (Granularity::PerChannel, Granularity::PerTensor);
    let eight = [int8(8, 64, per_channel), int8(4, 64, per_channel), int8(4, 64, per_tensor)];
    refusals.add("int8 scales of another granularity", QkvWeights::load_int8(&stream, eight.each_ref()));

    let weights = QkvWeights::load_int4(&stream, [&q, &kv, &kv]).unwrap();
    let qkv = QkvFused::new(context()).unwrap();
    let mut run = |class: &str, m: usize, lengths: [usize; 4]| {
        let x = stream.upload(&vec![f16::ONE; lengths[0]]).unwrap();
        let [mut q, mut k, mut v] = [1, 2, 3].map(|index| Guarded::<f16>::new(&stream, lengths[index]));
        let before = [q.download(&stream), k.download(&stream), v.download(&stream)];
        let outputs = Outputs { q: &mut q.as_slice_mut(), k: &mut k.as_slice_mut(), v: &mut v.as_slice_mut() };
        refusals.add(class, qkv.run(&stream, m, x.as_slice(), &weights, outputs));
        for (output, before) in [q, k, v].iter().zip(&before) {
            output.assert_unchanged(&stream, before);
        }
    };
    run("x one element short", 2, [127, 16, 8, 8]);
    run("x one element long", 2, [129, 16, 8, 8]);
    run("q one element short", 2, [128, 15, 8, 8]);
    run("q one element long", 2, [128, 17, 8, 8]);
    run("k one element short", 2, [128, 16, 7, 8]);
    run("k one element long", 2, [128, 16, 9, 8]);
    run("v one element short", 2, [128, 16, 8, 7]);
    run("v one element long", 2, [128, 16, 8, 9]);
    run("no rows", 0, [0, 0, 0, 0]);
    run("more rows than can be indexed", usize::MAX, [128, 16, 8, 8]);

    let good = QkvShape { m: 1, n_q: 8, n_kv: 4, k: 64 };
    let mut problem = |class: &str, shape, weights| refusals.add(class, Problem::new(shape, weights));
    problem("no columns of q", QkvShape { n_q: 0, ..good }, Weights::Int8);
    problem("no columns of k and v", QkvShape { n_kv: 0, ..good }, Weights::Int8);
    problem("k of zero", QkvShape { k: 0, ..good }, Weights::Int8);
    problem("int4 k that does not fill its words", QkvShape { k: 12, ..good }, Weights::Int4(Group::WholeRow));
    problem("more columns than a grid has blocks for", QkvShape { n_q: 1 << 21, n_kv: 1 << 21, ..good }, Weights::Int8);

    let x = stream.upload(&[f16::ONE; 64]).unwrap();
    let other = other_context().stream().unwrap();
    let other_x = other.upload(&[f16::ONE; 64]).unwrap();
    let other_weights = QkvWeights::load_int4(&other, [&q, &kv, &kv]).unwrap();
    let [mut q, mut k, mut v] = [8, 4, 4].map(|len| stream.alloc::<f16>(len).unwrap());
    let mut foreign = |class: &str, stream, x, weights| {
        let outputs = Outputs { q: &mut q.as_slice_mut(), k: &mut k.as_slice_mut(), v: &mut v.as_slice_mut() };
        refusals.add(&format!("{class} of another context"), qkv.run(stream, 1, x, weights, outputs));
    };
    foreign("a stream", &other, x.as_slice(), &weights);
    foreign("x", &stream, other_x.as_slice(), &weights);
    foreign("weights", &stream, x.as_slice(), &other_weights);
    refusals.assert_table("tests/refusals.md");
}
