//! Attention and rotation against the f64 oracle, on the test device.

use half::{bf16, f16};
use proptest::prelude::*;
use tilewright_attention::rope::{self, Pairs, Rope, RopeProblem, RopeShape};
use tilewright_attention::{Dtype, Layout, Mask, Problem, Shape, reference};
use tilewright_testkit::{Guarded, Random, Values, assert_same_bits, assert_within, cases, context, stream};

use crate::support::{Case, dims, floats, lengths, mask, values};

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn f16_is_within_the_bound(
        (batch, heads_kv, sharers) in (1..3usize, 1..3usize, 1..4usize), (len_q, len_kv, dim) in (lengths(), lengths(), dims()),
        causal: bool, values in values(), offset in 0..3usize, seed: u64,
    ) {
        let shape = Shape { batch, heads_q: heads_kv * sharers, heads_kv, len_q, len_kv, dim };
        Case::<f16>::new(Problem::new(shape, mask(causal)).unwrap(), values, seed).check(offset);
    }

    #[test]
    fn bf16_is_within_the_bound(
        (heads_kv, sharers) in (1..3usize, 1..4usize), (len_q, len_kv, dim) in (lengths(), lengths(), dims()),
        causal: bool, values in values(), offset in 0..3usize, seed: u64,
    ) {
        let shape = Shape { batch: 1, heads_q: heads_kv * sharers, heads_kv, len_q, len_kv, dim };
        Case::<bf16>::new(Problem::new(shape, mask(causal)).unwrap(), values, seed).check(offset);
    }

    #[test]
    fn a_rotation_is_within_the_bound(
        (batch, heads, len) in (1..3usize, 1..4usize, lengths()), half in 1..70usize, interleaved: bool, first_position in 0..5000usize, seed: u64,
    ) {
        let dim = 2 * half;
        let pairs = if interleaved { Pairs::Interleaved } else { Pairs::Halves };
        let tables = rope::Tables::new(rope::Angles { theta: 1e4, first_position, len, dim });
        let values = Random::new(seed).halves(Values::Outliers, batch * heads * len * dim);
        let stream = stream();
        let (x, cos, sin) = (Guarded::upload(&stream, &values, 0), stream.upload(&tables.cos).unwrap(), stream.upload(&tables.sin).unwrap());
        let layout = Layout::heads_first(heads, len, dim);
        let problem = RopeProblem::new(RopeShape { batch, heads, len, dim }, pairs, layout, layout).unwrap();
        let mut y = Guarded::<f16>::new(&stream, values.len());
        let turns = [cos.as_slice(), sin.as_slice()];
        Rope::new(context()).unwrap().run(&stream, &problem, x.as_slice(), turns, &mut y.as_slice_mut()).unwrap();
        let expected: Vec<_> = floats(&values)
            .chunks(len * dim)
            .flat_map(|head| reference::rope(head, (&tables.cos, &tables.sin), dim, pairs, Dtype::F16))
            .map(|expected| (expected.value, expected.bound))
            .collect();
        assert_within("y", &y.download(&stream), expected);
        x.assert_unchanged(&stream, &values);
    }
}

#[test]
fn a_query_that_sees_no_key_gives_zeros() {
    let shape = Shape { batch: 1, heads_q: 1, heads_kv: 1, len_q: 70, len_kv: 3, dim: 32 };
    let o = Case::<f16>::new(Problem::new(shape, Mask::Causal).unwrap(), Values::Uniform, 1).check(0);
    assert!(o[..67 * 32].iter().all(|o| o.to_bits() == 0));
    assert!(o[67 * 32..].iter().any(|o| o.to_bits() != 0));
}

#[test]
fn equal_scores_give_the_mean_and_a_scale_is_applied() {
    let shape = Shape { batch: 1, heads_q: 1, heads_kv: 1, len_q: 1, len_kv: 2, dim: 32 };
    let problem = Problem::new(shape, Mask::None).unwrap().with_scale(0.0).unwrap();
    let mut case = Case::<f16>::new(problem, Values::Uniform, 3);
    case.v = [vec![f16::from_f32(1.0); 32], vec![f16::from_f32(4.0); 32]].concat();
    assert_same_bits("o", &case.run(0), &[f16::from_f32(2.5); 32]);
    // A large score takes all the weight.
    case.problem = problem.with_scale(1.0).unwrap();
    case.q = vec![f16::from_f32(10.0); 32];
    case.k = [vec![f16::ZERO; 32], vec![f16::from_f32(10.0); 32]].concat();
    assert_same_bits("o", &case.run(0), &[f16::from_f32(4.0); 32]);
}

#[test]
fn a_large_head_of_every_size_is_within_the_bound() {
    for dim in (32..=256).step_by(16) {
        let shape = Shape { batch: 1, heads_q: 2, heads_kv: 1, len_q: 65, len_kv: 70, dim };
        Case::<f16>::new(Problem::new(shape, Mask::Causal).unwrap(), Values::Uniform, 7).check(0);
    }
}

#[test]
fn nan_stays_with_its_query() {
    let shape = Shape { batch: 1, heads_q: 1, heads_kv: 1, len_q: 3, len_kv: 20, dim: 32 };
    let mut case = Case::<f16>::new(Problem::new(shape, Mask::None).unwrap(), Values::Uniform, 2);
    case.q[40] = f16::NAN;
    let o = case.run(0);
    assert!(o[32..64].iter().all(|o| o.is_nan()));
    assert!(o[..32].iter().chain(&o[64..]).all(|o| o.is_finite()));
}

/// Every residue of both lengths modulo the tiles, one to eight queries' heads on a head of keys, every head size.
#[test]
fn every_residue_is_within_the_bound() {
    for step in 0..66usize {
        let (heads_q, dim) = (1 + step % 8, 32 + step % 15 * 16);
        let shape = Shape { batch: 1, heads_q, heads_kv: 1, len_q: 1 + step, len_kv: 1 + step * 37 % 66, dim };
        let problem = Problem::new(shape, mask(step % 2 == 0)).unwrap();
        Case::<f16>::new(problem, Values::Uniform, step as u64).check(step % 3);
    }
}

/// The rule by which flash attention is usually judged: at most twice as far from the exact result as the plain computation in the same type, which rounds
/// scores, weights and sums to it.
#[test]
fn errors_are_at_most_twice_those_of_the_plain_computation() {
    for (len_q, len_kv, dim, causal) in
        [(64, 64, 64, true), (33, 129, 128, false), (1, 300, 64, false), (100, 40, 32, true)]
    {
        let shape = Shape { batch: 1, heads_q: 2, heads_kv: 1, len_q, len_kv, dim };
        let case = Case::<f16>::new(Problem::new(shape, mask(causal)).unwrap(), Values::Outliers, 17);
        let (q, k, v) = (floats(&case.q), floats(&case.k), floats(&case.v));
        let exact = reference::attention(&case.problem, Dtype::F16, [&q, &k, &v]);
        let plain = plain(&case);
        let furthest = |results: &[f16]| {
            let error = |(result, exact): (&f16, &reference::Expected)| (result.to_f64() - exact.value).abs();
            results.iter().zip(&exact).map(error).fold(0.0, f64::max)
        };
        let (ours, plain) = (furthest(&case.run(0)), furthest(&plain));
        assert!(ours <= 2.0 * plain, "{shape:?}: {ours:e}, the plain computation {plain:e}");
    }
}

/// softmax(q kᵀ / sqrt(dim)) v with scores, weights and results rounded to f16, as frameworks do it in three steps.
fn plain(case: &Case<f16>) -> Vec<f16> {
    let Shape { heads_q, heads_kv, len_q, len_kv, dim, .. } = case.problem.shape();
    let causal = case.problem.mask() == Mask::Causal;
    let round = |value: f32| f16::from_f32(value).to_f32();
    let dot = |a: &[f16], b: &[f16]| a.iter().zip(b).map(|(a, b)| a.to_f32() * b.to_f32()).sum::<f32>();
    let mut result = Vec::new();
    for row in 0..heads_q * len_q {
        let (query, head) = (row % len_q, row / len_q / (heads_q / heads_kv));
        let keys = if causal { (query + 1 + len_kv).saturating_sub(len_q) } else { len_kv };
        let at = |key: usize| (head * len_kv + key) * dim;
        let scale = 1.0 / f32::from(u16::try_from(dim).unwrap()).sqrt();
        let q = &case.q[row * dim..(row + 1) * dim];
        let scores: Vec<f32> = (0..keys).map(|key| round(dot(q, &case.k[at(key)..at(key) + dim]) * scale)).collect();
        let peak = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers: Vec<f32> = scores.iter().map(|score| (score - peak).exp()).collect();
        let total: f32 = powers.iter().sum();
        let weights: Vec<f32> = powers.iter().map(|power| round(power / total)).collect();
        for column in 0..dim {
            let sum: f32 =
                weights.iter().enumerate().map(|(key, weight)| weight * case.v[at(key) + column].to_f32()).sum();
            result.push(f16::from_f32(sum));
        }
    }
    result
}
