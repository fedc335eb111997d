//! What the tests of this crate share.

use half::f16;
use proptest::prelude::*;
use tilewright_ffi::Context;
use tilewright_matmul_int4::{Matmul, Shape, Weight, reference};
use tilewright_quant_pack::{Group, Int4, ScaleRule, Shape as WeightShape};
use tilewright_testkit::{Guarded, Random, Values, assert_within, context};

/// One product.
pub(crate) struct Case {
    pub(crate) m: usize,
    pub(crate) x: Vec<f16>,
    pub(crate) weight: Int4,
}

impl Case {
    pub(crate) fn new((m, n, k): (usize, usize, usize), group: Group, values: Values, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let x = random.halves(values, m * k);
        let weights = random.floats(Values::Uniform, n * k);
        let weight = Int4::quantize(&weights, WeightShape { n, k }, group, ScaleRule::Max).unwrap();
        Self { m, x, weight }
    }

    /// Runs it with tensors that start `offset` elements behind an aligned address, between guards; x unchanged afterwards.
    pub(crate) fn run(&self, offset: usize) -> Vec<f16> {
        self.run_in(context(), offset)
    }

    pub(crate) fn run_in(&self, context: &Context, offset: usize) -> Vec<f16> {
        let stream = context.stream().unwrap();
        let x = Guarded::upload(&stream, &self.x, offset);
        let weight = Weight::load(&stream, &self.weight).unwrap();
        let mut y = Guarded::misaligned(&stream, self.m * weight.n(), offset);
        Matmul::new(context).unwrap().run(&stream, self.m, x.as_slice(), &weight, &mut y.as_slice_mut()).unwrap();
        x.assert_unchanged(&stream, &self.x);
        y.download(&stream)
    }

    /// The product is within its bound of the oracle's.
    pub(crate) fn check(&self, offset: usize) {
        let WeightShape { n, k } = self.weight.shape();
        let x: Vec<f32> = self.x.iter().map(|x| x.to_f32()).collect();
        let expected = reference::matmul(Shape { m: self.m, n, k }, &x, &self.weight);
        let groups = self.weight.group().count(k);
        let bounds = expected.iter().map(|element| (element.value, reference::bound(element, k, groups)));
        assert_within("y", &self.run(offset), bounds);
    }
}

/// Sizes around the edges of tiles (16, 64, 128).
pub(crate) fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![1..20usize, prop::sample::select(vec![31, 33, 63, 64, 65, 96, 127, 128, 129, 192])]
}

/// K and a group that fits it: multiples of 8 around the edges of tiles and groups, last groups ragged or not.
pub(crate) fn depths() -> impl Strategy<Value = (usize, Group)> {
    let depth = prop::sample::select(vec![8, 16, 24, 32, 40, 56, 64, 72, 96, 120, 128, 136, 192, 200, 256, 264]);
    let group = prop::sample::select(vec![0usize, 32, 64, 96, 128]);
    (depth, group).prop_map(|(k, size)| {
        let group = if size == 0 || size > k { Group::WholeRow } else { Group::new(size).unwrap() };
        (k, group)
    })
}

pub(crate) fn values() -> impl Strategy<Value = Values> {
    prop::sample::select(vec![Values::Uniform, Values::SmallIntegers, Values::Outliers, Values::Powers])
}
