//! Laws that hold between results.

use half::{bf16, f16};
use proptest::prelude::*;
use tilewright_attention::rope::{Angles, Pairs, Rope, RopeProblem, RopeShape, Tables};
use tilewright_attention::{Layout, Layouts, Mask, Problem, Shape};
use tilewright_testkit::{
    Guarded, Random, Values, assert_bits_of_the_chip, assert_deterministic, assert_same_bits, cases,
};

use crate::support::{Case, Number, dims, lengths, mask};

proptest! {
    #![proptest_config(cases(60))]

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

    /// Each head of each sequence gives alone the bits that it gives among others.
    #[test]
    fn heads_and_sequences_are_independent(
        (batch, heads_kv, sharers) in (1..3usize, 1..3usize, 1..4usize), (len_q, len_kv) in (lengths(), lengths()), causal: bool, seed: u64,
    ) {
        let shape = Shape { batch, heads_q: heads_kv * sharers, heads_kv, len_q, len_kv, dim: 32 };
        let case = Case::<f16>::new(Problem::new(shape, mask(causal)).unwrap(), Values::Outliers, seed);
        let all = case.run(0);
        let one = usize::try_from(seed % (batch * shape.heads_q) as u64).unwrap();
        let (queries, keys) = (len_q * 32, len_kv * 32);
        let problem = Problem::new(Shape { batch: 1, heads_q: 1, heads_kv: 1, ..shape }, mask(causal)).unwrap();
        let of = |tensor: &[f16], index: usize, len: usize| tensor[index * len..(index + 1) * len].to_vec();
        let shared = one / sharers;
        let alone = Case { problem, q: of(&case.q, one, queries), k: of(&case.k, shared, keys), v: of(&case.v, shared, keys) };
        assert_same_bits("head", &of(&all, one, queries), &alone.run(1));
    }

    /// q times a power of two with the scale divided by it gives the same bits; v times a power of two gives results times it.
    #[test]
    fn powers_of_two_move_through(len_q in lengths(), len_kv in lengths(), power in 1..4i32, causal: bool, seed: u64) {
        let shape = Shape { batch: 1, heads_q: 1, heads_kv: 1, len_q, len_kv, dim: 48 };
        let problem = Problem::new(shape, mask(causal)).unwrap().with_scale(0.125).unwrap();
        let case = Case::<f16>::new(problem, Values::SmallIntegers, seed);
        let plain = case.run(0);
        let factor = 2f32.powi(power);
        let times = |tensor: &[f16]| tensor.iter().map(|x| f16::from_f32(x.to_f32() * factor)).collect::<Vec<_>>();
        let scaled = Case {
            problem: problem.with_scale(0.125 / factor).unwrap(),
            q: times(&case.q),
            k: case.k.clone(),
            v: times(&case.v),
        };
        for (plain, scaled) in plain.iter().zip(scaled.run(0)) {
            let rounds_alike = plain.to_f32().abs() >= f16::MIN_POSITIVE.to_f32();
            prop_assert!(!rounds_alike || scaled.to_f32() == plain.to_f32() * factor, "{} and {}", plain, scaled);
        }
    }
}

/// A scale's sign may as well be that of the queries; a scale of 0 gives the results of queries of 0.
#[test]
fn the_sign_of_a_scale_moves_to_the_queries() {
    for (len_q, len_kv, dim) in [(3, 70, 64), (130, 65, 48), (20, 129, 144)] {
        for causal in [false, true] {
            let shape = Shape { batch: 1, heads_q: 2, heads_kv: 1, len_q, len_kv, dim };
            let problem = Problem::new(shape, mask(causal)).unwrap();
            let case = Case::<f16>::new(problem.with_scale(-0.25).unwrap(), Values::Outliers, 11);
            let times = |factor: f32, scale: f32| Case {
                problem: problem.with_scale(scale).unwrap(),
                q: case.q.iter().map(|q| f16::from_f32(q.to_f32() * factor)).collect(),
                k: case.k.clone(),
                v: case.v.clone(),
            };
            for offset in [0, 1] {
                assert_same_bits("negative", &case.check(offset), &times(-1.0, 0.25).run(0));
                assert_same_bits("zero", &times(1.0, 0.0).check(offset), &times(0.0, 0.25).run(0));
            }
        }
    }
}

/// Heads that share keys, and up to 16 queries of each, fill the rows of as many blocks as they need: each gives the bits that it gives alone.
#[test]
fn few_queries_of_many_sharers_are_independent() {
    for (sharers, len_q, dim) in [(8, 1, 128), (5, 7, 80), (16, 2, 256), (3, 16, 48)] {
        for causal in [false, true] {
            let shape = Shape { batch: 2, heads_q: 2 * sharers, heads_kv: 2, len_q, len_kv: 150, dim };
            let case = Case::<f16>::new(Problem::new(shape, mask(causal)).unwrap(), Values::Outliers, 12);
            let all = case.run(0);
            for head in [0, sharers, 4 * sharers - 1] {
                let problem = Problem::new(Shape { batch: 1, heads_q: 1, heads_kv: 1, ..shape }, mask(causal)).unwrap();
                let of = |tensor: &[f16], index: usize, len: usize| tensor[index * len..(index + 1) * len].to_vec();
                let keys = head / sharers;
                let (k, v) = (of(&case.k, keys, 150 * dim), of(&case.v, keys, 150 * dim));
                let alone = Case { problem, q: of(&case.q, head, len_q * dim), k, v };
                assert_same_bits("head", &of(&all, head, len_q * dim), &alone.run(0));
            }
        }
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
fn schedules_and_launches_give_the_same_bits() {
    for (len_q, len_kv, dim) in [(65, 130, 64), (1, 300, 128), (40, 17, 256)] {
        let shape = Shape { batch: 1, heads_q: 2, heads_kv: 1, len_q, len_kv, dim };
        let case = Case::<f16>::new(Problem::new(shape, Mask::Causal).unwrap(), Values::Outliers, 5);
        assert_deterministic(&format!("{shape:?}"), 8, |context| case.run_in(context, 0));
    }
}

/// Attention itself has approximate exponentials; the rotation has none.
fn check_rotated_bits_of_the_chip<T: Number>(pairs: Pairs) {
    let (batch, heads, len, dim) = (2, 3, 65, 80);
    let tables = Tables::new(Angles { theta: 1e4, first_position: 70, len, dim });
    let mut random = Random::new(13);
    let x: Vec<T> = (0..batch * heads * len * dim).map(|_| T::new(random.float(Values::Outliers))).collect();
    let layout = Layout::heads_first(heads, len, dim);
    let problem = RopeProblem::new(RopeShape { batch, heads, len, dim }, pairs, layout, layout).unwrap();
    assert_bits_of_the_chip(&format!("{pairs:?} {:?}", T::DTYPE), |context| {
        let stream = context.stream().unwrap();
        let x = Guarded::upload(&stream, &x, 1);
        let [cos, sin] = [&tables.cos, &tables.sin].map(|table| stream.upload(table).unwrap());
        let mut y = Guarded::<T>::misaligned(&stream, x.as_slice().len(), 1);
        let turns = [cos.as_slice(), sin.as_slice()];
        Rope::new(context).unwrap().run(&stream, &problem, x.as_slice(), turns, &mut y.as_slice_mut()).unwrap();
        y.download(&stream)
    });
}

#[test]
fn rotated_bits_are_those_of_the_chip() {
    for pairs in [Pairs::Interleaved, Pairs::Halves] {
        check_rotated_bits_of_the_chip::<f16>(pairs);
        check_rotated_bits_of_the_chip::<bf16>(pairs);
    }
}
