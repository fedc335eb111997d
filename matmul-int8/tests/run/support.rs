//! What the tests of this crate share.

use half::f16;
use proptest::prelude::*;
use tilewright_ffi::Context;
use tilewright_matmul_int8::{Matmul, Operands, Shape, Weight, reference};
use tilewright_quant_pack::Int8;
use tilewright_testkit::{Guarded, Random, context};

/// Sizes around the edges of tiles (16, 64, 128), of 16-byte chunks and of mma steps (32).
pub(crate) fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![1..20usize, prop::sample::select(vec![31, 32, 33, 63, 64, 65, 96, 127, 128, 129, 144, 256, 272])]
}

/// One product of bytes.
pub(crate) struct Case {
    pub(crate) shape: Shape,
    pub(crate) x: Vec<i8>,
    pub(crate) w: Vec<i8>,
}

impl Case {
    pub(crate) fn new((m, n, k): (usize, usize, usize), seed: u64) -> Self {
        let mut random = Random::new(seed);
        Self { shape: Shape { m, n, k }, x: random.bytes(m * k), w: random.bytes(n * k) }
    }

    /// The sums, with tensors that start `offset` elements behind an aligned address, between guards; inputs unchanged afterwards.
    pub(crate) fn sums(&self, offset: usize) -> Vec<i32> {
        self.sums_in(context(), offset)
    }

    pub(crate) fn sums_in(&self, context: &Context, offset: usize) -> Vec<i32> {
        let stream = context.stream().unwrap();
        let (x, w) = (Guarded::upload(&stream, &self.x, offset), Guarded::upload(&stream, &self.w, offset));
        let mut y = Guarded::misaligned(&stream, self.shape.m * self.shape.n, offset);
        let operands = Operands { x: x.as_slice(), w: w.as_slice() };
        Matmul::new(context).unwrap().w8a8_sums(&stream, self.shape, operands, &mut y.as_slice_mut()).unwrap();
        x.assert_unchanged(&stream, &self.x);
        w.assert_unchanged(&stream, &self.w);
        y.download(&stream)
    }

    /// The exact sums.
    pub(crate) fn wanted(&self) -> Vec<i32> {
        reference::sums(self.shape, &self.x, &self.w).into_iter().map(|sum| i32::try_from(sum).unwrap()).collect()
    }
}

/// x by int8 weights in `context`, between guards; x unchanged afterwards.
pub(crate) fn w8a16_in(context: &Context, m: usize, x: &[f16], weight: &Int8, offset: usize) -> Vec<f16> {
    let stream = context.stream().unwrap();
    let input = Guarded::upload(&stream, x, offset);
    let weight = Weight::load(&stream, weight).unwrap();
    let mut y = Guarded::misaligned(&stream, m * weight.n(), offset);
    Matmul::new(context).unwrap().w8a16(&stream, m, input.as_slice(), &weight, &mut y.as_slice_mut()).unwrap();
    input.assert_unchanged(&stream, x);
    y.download(&stream)
}
