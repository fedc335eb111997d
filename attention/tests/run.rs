//! Attention and rotation against the f64 oracle, on the test device.

use half::{bf16, f16};
use proptest::prelude::*;
use tilewright_attention::rope::{self, Pairs, Rope, RopeProblem, RopeShape};
use tilewright_attention::{Attention, Element, Layout, Layouts, Mask, Problem, Shape, reference};
use tilewright_testkit::{Bits, Guarded, Random, Values, assert_same_bits, assert_within, cases, context, stream};

trait Number: Element + Bits {
    fn new(value: f32) -> Self;
    fn float(self) -> f32;
}

impl Number for f16 {
    fn new(value: f32) -> Self {
        Self::from_f32(value)
    }
    fn float(self) -> f32 {
        self.to_f32()
    }
}

impl Number for bf16 {
    fn new(value: f32) -> Self {
        Self::from_f32(value)
    }
    fn float(self) -> f32 {
        self.to_f32()
    }
}

fn floats<T: Number>(values: &[T]) -> Vec<f32> {
    values.iter().map(|value| value.float()).collect()
}

/// Lengths around the edges of tiles of queries (16, 64) and keys (16, 32, 64).
fn lengths() -> impl Strategy<Value = usize> {
    prop_oneof![1..20usize, prop::sample::select(vec![31, 32, 33, 48, 63, 64, 65, 80, 127, 128, 129])]
}

fn dims() -> impl Strategy<Value = usize> {
    (2..=16usize).prop_map(|steps| 16 * steps)
}

fn mask(causal: bool) -> Mask {
    if causal { Mask::Causal } else { Mask::None }
}

struct Case<T> {
    problem: Problem,
    q: Vec<T>,
    k: Vec<T>,
    v: Vec<T>,
}

impl<T: Number> Case<T> {
    fn new(problem: Problem, values: Values, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let Shape { batch, heads_q, heads_kv, len_q, len_kv, dim } = problem.shape();
        let mut draw = |count| (0..count).map(|_| T::new(random.float(values))).collect::<Vec<T>>();
        let keys = batch * heads_kv * len_kv * dim;
        Self { problem, q: draw(batch * heads_q * len_q * dim), k: draw(keys), v: draw(keys) }
    }

    fn run(&self, offset: usize) -> Vec<T> {
        let stream = stream();
        let [q, k, v] = [&self.q, &self.k, &self.v].map(|tensor| Guarded::upload(&stream, tensor, offset));
        let mut o = Guarded::misaligned(&stream, self.q.len(), offset);
        let inputs = [q.as_slice(), k.as_slice(), v.as_slice()];
        Attention::new(context()).unwrap().run(&stream, &self.problem, inputs, &mut o.as_slice_mut()).unwrap();
        q.assert_unchanged(&stream, &self.q);
        k.assert_unchanged(&stream, &self.k);
        v.assert_unchanged(&stream, &self.v);
        o.download(&stream)
    }

    fn check(&self, offset: usize) -> Vec<T> {
        let (q, k, v) = (floats(&self.q), floats(&self.k), floats(&self.v));
        let expected = reference::attention(&self.problem, T::DTYPE, [&q, &k, &v]);
        let o = self.run(offset);
        assert_within("o", &o, expected.iter().map(|expected| (expected.value, expected.bound)));
        o
    }
}

fn values() -> impl Strategy<Value = Values> {
    prop::sample::select(vec![Values::Uniform, Values::SmallIntegers, Values::Outliers, Values::Tiny])
}

proptest! {
    #![proptest_config(cases(48))]

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

    /// The last query alone, under either mask, gives the bits that it gives among others.
    #[test]
    fn a_query_does_not_depend_on_the_others(
        len_q in 2..100usize, len_kv in lengths(), dim in dims(), causal: bool, offset in 0..3usize, seed: u64,
    ) {
        let shape = Shape { batch: 1, heads_q: 1, heads_kv: 1, len_q, len_kv, dim };
        let case = Case::<f16>::new(Problem::new(shape, mask(causal)).unwrap(), Values::Outliers, seed);
        let all = case.run(0);
        let problem = Problem::new(Shape { len_q: 1, ..shape }, mask(causal)).unwrap();
        let last = (len_q - 1) * dim;
        let alone = Case { problem, q: case.q[last..].to_vec(), k: case.k, v: case.v };
        assert_same_bits("last query", &all[last..], &alone.run(offset));
    }

    /// [batch, len, heads, dim] gives the bits of [batch, heads, len, dim].
    #[test]
    fn a_layout_changes_no_result(
        (batch, heads_kv, sharers) in (1..3usize, 1..3usize, 1..3usize), (len_q, len_kv) in (lengths(), lengths()), causal: bool, seed: u64,
    ) {
        let heads_q = heads_kv * sharers;
        let shape = Shape { batch, heads_q, heads_kv, len_q, len_kv, dim: 48 };
        let plain = Case::<f16>::new(Problem::new(shape, mask(causal)).unwrap(), Values::Uniform, seed);
        let (queries, keys) = (Layout::tokens_first(len_q, heads_q, 48), Layout::tokens_first(len_kv, heads_kv, 48));
        let layouts = Layouts { q: queries, k: keys, v: keys, o: queries };
        let moved = Case {
            problem: plain.problem.with_layouts(layouts).unwrap(),
            q: moved(&plain.q, [batch, heads_q, len_q]),
            k: moved(&plain.k, [batch, heads_kv, len_kv]),
            v: moved(&plain.v, [batch, heads_kv, len_kv]),
        };
        assert_same_bits("o", &moved.run(0), &self::moved(&plain.run(0), [batch, heads_q, len_q]));
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
            .flat_map(|head| reference::rope(head, (&tables.cos, &tables.sin), dim, pairs, f16::DTYPE))
            .map(|expected| (expected.value, expected.bound))
            .collect();
        assert_within("y", &y.download(&stream), expected);
        x.assert_unchanged(&stream, &values);
    }
}

/// From [batch, heads, len, 48] to [batch, len, heads, 48].
fn moved(values: &[f16], [batch, heads, len]: [usize; 3]) -> Vec<f16> {
    let mut result = Vec::with_capacity(values.len());
    for sequence in 0..batch {
        for row in 0..len {
            for head in 0..heads {
                let start = ((sequence * heads + head) * len + row) * 48;
                result.extend_from_slice(&values[start..start + 48]);
            }
        }
    }
    result
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

#[test]
fn wrong_shapes_are_refused_by_name() {
    let good = Shape { batch: 1, heads_q: 4, heads_kv: 2, len_q: 3, len_kv: 5, dim: 64 };
    let refusal = |shape| Problem::new(shape, Mask::None).expect_err("refused").to_string();
    let limit = 1 << 30;
    assert_eq!(refusal(Shape { batch: 0, ..good }), "batch = 0, wanted 1 to 65535");
    assert_eq!(refusal(Shape { batch: 65_536, ..good }), "batch = 65536, wanted 1 to 65535");
    assert_eq!(refusal(Shape { len_q: 0, ..good }), format!("len_q = 0, wanted 1 to {limit}"));
    assert_eq!(
        refusal(Shape { len_kv: usize::MAX, ..good }),
        format!("len_kv = 18446744073709551615, wanted 1 to {limit}")
    );
    for dim in [0, 16, 40, 272] {
        assert_eq!(refusal(Shape { dim, ..good }), format!("dim = {dim}, wanted a multiple of 16 from 32 to 256"));
    }
    assert_eq!(refusal(Shape { heads_kv: 3, ..good }), "heads_q = 4 is not a multiple of heads_kv = 3");
    let problem = Problem::new(good, Mask::None).unwrap();
    assert_eq!(problem.with_scale(f32::NAN).expect_err("refused").to_string(), "scale = NaN; it must be finite");
    let mut layouts = problem.layouts();
    layouts.o.row_stride = 63;
    let overlap = problem.with_layouts(layouts).expect_err("refused").to_string();
    assert_eq!(overlap, "tensor `o`: row stride 63, wanted at least 64");
    layouts.o = Layout { head_stride: 1 << 31, ..problem.layouts().o };
    assert!(problem.with_layouts(layouts).expect_err("refused").to_string().contains("head stride 2147483648"));

    let stream = stream();
    let attention = Attention::new(context()).unwrap();
    let lengths = |q: usize, k: usize, v: usize, o: usize| {
        let [q, k, v] = [q, k, v].map(|len| stream.upload(&vec![f16::ONE; len]).unwrap());
        let mut o = Guarded::<f16>::new(&stream, o);
        let before = o.download(&stream);
        let inputs = [q.as_slice(), k.as_slice(), v.as_slice()];
        let error = attention.run(&stream, &problem, inputs, &mut o.as_slice_mut()).expect_err("refused").to_string();
        o.assert_unchanged(&stream, &before);
        error
    };
    let want =
        |tensor, found, wanted| format!("tensor `{tensor}` has {found} elements, its shape and layout want {wanted}");
    assert_eq!(lengths(767, 640, 640, 768), want("q", 767, 768));
    assert_eq!(lengths(768, 641, 640, 768), want("k", 641, 640));
    assert_eq!(lengths(768, 640, 639, 768), want("v", 639, 640));
    assert_eq!(lengths(768, 640, 640, 769), want("o", 769, 768));

    let layout = Layout::heads_first(1, 4, 6);
    let shape = RopeShape { batch: 1, heads: 1, len: 4, dim: 6 };
    let refusal = |shape| RopeProblem::new(shape, Pairs::Halves, layout, layout).expect_err("refused").to_string();
    assert_eq!(refusal(RopeShape { dim: 5, ..shape }), "dim = 5, wanted an even number from 2 to 65536");
    assert_eq!(refusal(RopeShape { len: 0, ..shape }), format!("len = 0, wanted 1 to {limit}"));
}
