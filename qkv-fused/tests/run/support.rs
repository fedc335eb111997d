//! What the tests of this crate share.

use half::f16;
use proptest::prelude::*;
use tilewright_ffi::Context;
use tilewright_qkv_fused::{Outputs, QkvFused, QkvShape, QkvWeights, Schedule};
use tilewright_quant_pack::Shape as WeightShape;
use tilewright_testkit::{Guarded, Random, Values};

/// Sizes around the edges of tiles (16, 64).
pub(crate) fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![1..20usize, prop::sample::select(vec![31, 33, 63, 64, 65, 96, 128, 129])]
}

pub(crate) fn weights<T>(shape: QkvShape, seed: u64, quantize: impl Fn(&[f32], WeightShape) -> T) -> [T; 3] {
    let mut random = Random::new(seed);
    shape.parts().map(|part| {
        let shape = WeightShape { n: part.n, k: part.k };
        quantize(&random.floats(Values::Uniform, part.n * part.k), shape)
    })
}

/// The projections in `context`, between guards; x unchanged afterwards.
pub(crate) fn run_in(
    context: &Context,
    schedule: Schedule,
    shape: QkvShape,
    x: &[f16],
    weights: &QkvWeights,
    offset: usize,
) -> [Vec<f16>; 3] {
    let stream = context.stream().unwrap();
    let input = Guarded::upload(&stream, x, offset);
    let [mut q, mut k, mut v] = shape.parts().map(|part| Guarded::misaligned(&stream, part.m * part.n, offset));
    let outputs = Outputs { q: &mut q.as_slice_mut(), k: &mut k.as_slice_mut(), v: &mut v.as_slice_mut() };
    let qkv = QkvFused::new(context).unwrap().with_schedule(schedule);
    qkv.run(&stream, shape.m, input.as_slice(), weights, outputs).unwrap();
    input.assert_unchanged(&stream, x);
    [q, k, v].map(|output| output.download(&stream))
}
