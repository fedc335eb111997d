//! What the tests of this crate share.

use half::{bf16, f16};
use proptest::prelude::*;
use tilewright_ffi::Context;
use tilewright_matmul_f16::{Element, Matmul, Shape, reference};
use tilewright_testkit::{Bits, Guarded, Random, Values, assert_within, context};

/// Sizes around the edges of tiles (16, 64, 128), of 16-byte chunks (8) and of mma steps (16).
pub(crate) fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![1..20usize, prop::sample::select(vec![31, 32, 33, 63, 64, 65, 96, 127, 128, 129, 136, 192, 200])]
}

pub(crate) fn values() -> impl Strategy<Value = Values> {
    prop::sample::select(Values::ALL.to_vec())
}

/// One product.
pub(crate) struct Case<T> {
    pub(crate) shape: Shape,
    pub(crate) x: Vec<T>,
    pub(crate) w: Vec<T>,
    pub(crate) bias: Option<Vec<T>>,
}

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

impl<T: Number> Case<T> {
    pub(crate) fn new(shape: Shape, values: Values, with_bias: bool, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let Shape { m, n, k } = shape;
        let mut draw = |count| (0..count).map(|_| T::new(random.float(values))).collect::<Vec<T>>();
        Self { shape, x: draw(m * k), w: draw(n * k), bias: with_bias.then(|| draw(n)) }
    }

    /// Runs it with tensors that start `offset` elements behind an aligned address.
    pub(crate) fn run(&self, offset: usize) -> Vec<T> {
        self.run_in(context(), offset)
    }

    pub(crate) fn run_in(&self, context: &Context, offset: usize) -> Vec<T> {
        let stream = context.stream().unwrap();
        let x = Guarded::upload(&stream, &self.x, offset);
        let w = Guarded::upload(&stream, &self.w, offset);
        let bias = self.bias.as_ref().map(|bias| Guarded::upload(&stream, bias, offset));
        let mut y = Guarded::misaligned(&stream, self.shape.m * self.shape.n, offset);
        let matmul = Matmul::new(context).unwrap();
        let bias_slice = bias.as_ref().map(Guarded::as_slice);
        matmul.run(&stream, self.shape, x.as_slice(), w.as_slice(), bias_slice, &mut y.as_slice_mut()).unwrap();
        let result = y.download(&stream);
        x.assert_unchanged(&stream, &self.x);
        w.assert_unchanged(&stream, &self.w);
        result
    }

    /// The product is within its bound of the oracle's.
    pub(crate) fn check(&self, offset: usize) -> Vec<T> {
        let floats = |values: &[T]| values.iter().map(|value| value.float()).collect::<Vec<_>>();
        let bias = self.bias.as_deref().map(floats).unwrap_or_default();
        let expected = reference::matmul(self.shape, &floats(&self.x), &floats(&self.w), &bias);
        let y = self.run(offset);
        assert_within(
            "y",
            &y,
            expected.iter().map(|element| (element.value, reference::bound(element, self.shape.k, T::DTYPE))),
        );
        y
    }
}
