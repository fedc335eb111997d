//! What the tests of this crate share.

use half::{bf16, f16};
use proptest::prelude::*;
use tilewright_attention::{Attention, Element, Mask, Problem, Shape, reference};
use tilewright_ffi::Context;
use tilewright_testkit::{Bits, Guarded, Random, Values, assert_within, context};

pub(crate) trait Number: Element + Bits {
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

pub(crate) fn floats<T: Number>(values: &[T]) -> Vec<f32> {
    values.iter().map(|value| value.float()).collect()
}

/// Lengths around the edges of tiles of queries (16, 32, 64, 128) and keys (64).
pub(crate) fn lengths() -> impl Strategy<Value = usize> {
    prop_oneof![1..20usize, prop::sample::select(vec![31, 32, 33, 48, 63, 64, 65, 80, 127, 128, 129])]
}

pub(crate) fn dims() -> impl Strategy<Value = usize> {
    (2..=16usize).prop_map(|steps| 16 * steps)
}

pub(crate) fn mask(causal: bool) -> Mask {
    if causal { Mask::Causal } else { Mask::None }
}

/// One problem with its tensors.
pub(crate) struct Case<T> {
    pub(crate) problem: Problem,
    pub(crate) q: Vec<T>,
    pub(crate) k: Vec<T>,
    pub(crate) v: Vec<T>,
}

impl<T: Number> Case<T> {
    pub(crate) fn new(problem: Problem, values: Values, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let Shape { batch, heads_q, heads_kv, len_q, len_kv, dim } = problem.shape();
        let mut draw = |count| (0..count).map(|_| T::new(random.float(values))).collect::<Vec<T>>();
        let keys = batch * heads_kv * len_kv * dim;
        Self { problem, q: draw(batch * heads_q * len_q * dim), k: draw(keys), v: draw(keys) }
    }

    /// Runs it with tensors that start `offset` elements behind an aligned address, between guards; inputs unchanged afterwards.
    pub(crate) fn run(&self, offset: usize) -> Vec<T> {
        self.run_in(context(), offset)
    }

    pub(crate) fn run_in(&self, context: &Context, offset: usize) -> Vec<T> {
        let stream = context.stream().unwrap();
        let [q, k, v] = [&self.q, &self.k, &self.v].map(|tensor| Guarded::upload(&stream, tensor, offset));
        let mut o = Guarded::misaligned(&stream, self.q.len(), offset);
        let inputs = [q.as_slice(), k.as_slice(), v.as_slice()];
        Attention::new(context).unwrap().run(&stream, &self.problem, inputs, &mut o.as_slice_mut()).unwrap();
        q.assert_unchanged(&stream, &self.q);
        k.assert_unchanged(&stream, &self.k);
        v.assert_unchanged(&stream, &self.v);
        o.download(&stream)
    }

    /// Every element is within its bound of the oracle's.
    pub(crate) fn check(&self, offset: usize) -> Vec<T> {
        let (q, k, v) = (floats(&self.q), floats(&self.k), floats(&self.v));
        let expected = reference::attention(&self.problem, T::DTYPE, [&q, &k, &v]);
        let o = self.run(offset);
        assert_within("o", &o, expected.iter().map(|expected| (expected.value, expected.bound)));
        o
    }
}

pub(crate) fn values() -> impl Strategy<Value = Values> {
    prop::sample::select(vec![Values::Uniform, Values::SmallIntegers, Values::Outliers, Values::Tiny])
}
