//! The products against exact integers and the f64 oracle, on the test device.

use half::f16;
use proptest::prelude::*;
use tilewright_matmul_int8::{Matmul, Operands, Output, ScalesOf, Shape, W8A8_K_LIMIT, Weight, reference};
use tilewright_quant_pack::{Granularity, Int8, ScaleRule, Shape as WeightShape};
use tilewright_testkit::{Guarded, Random, Values, assert_same_bits, assert_within, cases, context, stream};

/// Sizes around the edges of tiles (16, 64, 128), of 16-byte chunks and of mma steps (32).
fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![1..20usize, prop::sample::select(vec![31, 32, 33, 63, 64, 65, 96, 127, 128, 129, 144, 256, 272])]
}

struct Case {
    shape: Shape,
    x: Vec<i8>,
    w: Vec<i8>,
}

impl Case {
    fn new((m, n, k): (usize, usize, usize), seed: u64) -> Self {
        let mut random = Random::new(seed);
        Self { shape: Shape { m, n, k }, x: random.bytes(m * k), w: random.bytes(n * k) }
    }

    fn sums(&self, offset: usize) -> Vec<i32> {
        let stream = stream();
        let (x, w) = (Guarded::upload(&stream, &self.x, offset), Guarded::upload(&stream, &self.w, offset));
        let mut y = Guarded::misaligned(&stream, self.shape.m * self.shape.n, offset);
        let operands = Operands { x: x.as_slice(), w: w.as_slice() };
        Matmul::new(context()).unwrap().w8a8_sums(&stream, self.shape, operands, &mut y.as_slice_mut()).unwrap();
        x.assert_unchanged(&stream, &self.x);
        w.assert_unchanged(&stream, &self.w);
        y.download(&stream)
    }

    fn wanted(&self) -> Vec<i32> {
        reference::sums(self.shape, &self.x, &self.w).into_iter().map(|sum| i32::try_from(sum).unwrap()).collect()
    }
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn w8a8_sums_are_exact(mnk in (sizes(), sizes(), sizes()), offset in 0..20usize, seed: u64) {
        let case = Case::new(mnk, seed);
        assert_same_bits("y", &case.sums(offset), &case.wanted());
    }

    #[test]
    fn scaled_w8a8_is_within_the_bound(
        (m, n, k) in (sizes(), sizes(), sizes()), each_x: bool, each_w: bool, offset in 0..4usize, seed: u64,
    ) {
        let case = Case::new((m, n, k), seed);
        let mut random = Random::new(!seed);
        let mut scales = |each, count| (0..if each { count } else { 1 }).map(|_| random.unit() * 1e-3).collect::<Vec<f32>>();
        let (x_scale, w_scale) = (scales(each_x, m), scales(each_w, n));
        let stream = stream();
        let (x, w) = (Guarded::upload(&stream, &case.x, offset), Guarded::upload(&stream, &case.w, offset));
        let (x_scales, w_scales) = (Guarded::upload(&stream, &x_scale, 0), Guarded::upload(&stream, &w_scale, 0));
        let operands = Operands { x: x.as_slice(), w: w.as_slice() };
        let scales = ScalesOf { x: x_scales.as_slice(), w: w_scales.as_slice() };
        let matmul = Matmul::new(context()).unwrap();
        let expected = reference::w8a8(case.shape, &case.x, &case.w, &x_scale, &w_scale);
        let mut y = Guarded::<f16>::misaligned(&stream, m * n, offset);
        matmul.w8a8(&stream, case.shape, operands, scales, &mut y.as_slice_mut()).unwrap();
        let bounds = |output| expected.iter().map(move |element| (element.value, reference::w8a8_bound(element, output)));
        assert_within("y", &y.download(&stream), bounds(Output::F16));
        let mut y = Guarded::<f32>::misaligned(&stream, m * n, offset);
        matmul.w8a8(&stream, case.shape, operands, scales, &mut y.as_slice_mut()).unwrap();
        assert_within("y", &y.download(&stream), bounds(Output::F32));
    }

    #[test]
    fn w8a16_is_within_the_bound(
        (m, n, k) in (sizes(), sizes(), sizes()), per_channel: bool, offset in 0..4usize, seed: u64,
    ) {
        let mut random = Random::new(seed);
        let x_values = random.halves(Values::Outliers, m * k);
        let granularity = if per_channel { Granularity::PerChannel } else { Granularity::PerTensor };
        let weights = random.floats(Values::Uniform, n * k);
        let quantized = Int8::quantize(&weights, WeightShape { n, k }, granularity, ScaleRule::Max).unwrap();
        let stream = stream();
        let x = Guarded::upload(&stream, &x_values, offset);
        let weight = Weight::load(&stream, &quantized).unwrap();
        let matmul = Matmul::new(context()).unwrap();
        let mut y = Guarded::<f16>::misaligned(&stream, m * n, offset);
        matmul.w8a16(&stream, m, x.as_slice(), &weight, &mut y.as_slice_mut()).unwrap();
        let result = y.download(&stream);
        let floats: Vec<f32> = x_values.iter().map(|x| x.to_f32()).collect();
        let expected = reference::w8a16(Shape { m, n, k }, &floats, quantized.values(), quantized.scales());
        assert_within("y", &result, expected.iter().map(|element| (element.value, reference::w8a16_bound(element, k))));

        // A row alone gives the bits that it gives among others.
        let row = usize::try_from(seed % m as u64).unwrap();
        let alone = stream.upload(&x_values[row * k..(row + 1) * k]).unwrap();
        let mut y = Guarded::<f16>::new(&stream, n);
        matmul.w8a16(&stream, 1, alone.as_slice(), &weight, &mut y.as_slice_mut()).unwrap();
        assert_same_bits("row", &y.download(&stream), &result[row * n..(row + 1) * n]);
    }
}

#[test]
fn the_wide_plans_are_exact() {
    let case = Case::new((1024, 1000, 144), 7);
    assert_same_bits("y", &case.sums(0), &case.wanted());
}

#[test]
fn extremes_fill_the_accumulator_without_leaving_it() {
    let k = 4096;
    for (a, b) in [(-128, -128), (-128, 127), (127, 127)] {
        let case = Case { shape: Shape { m: 2, n: 3, k }, x: vec![a; 2 * k], w: vec![b; 3 * k] };
        assert_eq!(case.sums(0), vec![i32::from(a) * i32::from(b) * 4096; 6]);
    }
}

#[test]
fn a_sum_that_could_leave_i32_is_refused() {
    let (stream, k) = (stream(), W8A8_K_LIMIT + 1);
    let x = stream.upload(&vec![-128i8; k]).unwrap();
    let mut y = stream.alloc::<i32>(1).unwrap();
    let operands = Operands { x: x.as_slice(), w: x.as_slice() };
    let matmul = Matmul::new(context()).unwrap();
    let error =
        matmul.w8a8_sums(&stream, Shape { m: 1, n: 1, k }, operands, &mut y.as_slice_mut()).expect_err("refused");
    assert_eq!(error.to_string(), "k = 131072 is larger than 131071");
    // The longest that is allowed holds the largest sum.
    let k = W8A8_K_LIMIT;
    let operands = Operands { x: x.slice(0..k).unwrap(), w: x.slice(0..k).unwrap() };
    matmul.w8a8_sums(&stream, Shape { m: 1, n: 1, k }, operands, &mut y.as_slice_mut()).unwrap();
    assert_eq!(stream.download(y.as_slice()).unwrap(), [131_071 * 16_384]);
}

#[test]
fn wrong_lengths_are_refused() {
    let stream = stream();
    let matmul = Matmul::new(context()).unwrap();
    let refusal = |x: usize, w: usize, x_scale: usize, w_scale: usize, y: usize| {
        let (x, w) = (stream.upload(&vec![1i8; x]).unwrap(), stream.upload(&vec![1i8; w]).unwrap());
        let (x_scale, w_scale) =
            (stream.upload(&vec![1f32; x_scale]).unwrap(), stream.upload(&vec![1f32; w_scale]).unwrap());
        let mut y = Guarded::<f16>::new(&stream, y);
        let before = y.download(&stream);
        let operands = Operands { x: x.as_slice(), w: w.as_slice() };
        let scales = ScalesOf { x: x_scale.as_slice(), w: w_scale.as_slice() };
        let shape = Shape { m: 2, n: 3, k: 4 };
        let error = matmul.w8a8(&stream, shape, operands, scales, &mut y.as_slice_mut()).expect_err("refused");
        y.assert_unchanged(&stream, &before);
        error.to_string()
    };
    assert_eq!(refusal(7, 12, 1, 1, 6), "tensor `x` has 7 elements, its shape 2 x 4 wants 8");
    assert_eq!(refusal(8, 13, 1, 1, 6), "tensor `w` has 13 elements, its shape 3 x 4 wants 12");
    assert_eq!(refusal(8, 12, 3, 1, 6), "tensor `x_scale` has 3 elements, its shape 2 x 1 wants 2");
    assert_eq!(refusal(8, 12, 2, 2, 6), "tensor `w_scale` has 2 elements, its shape 3 x 1 wants 3");
    assert_eq!(refusal(8, 12, 2, 3, 5), "tensor `y` has 5 elements, its shape 2 x 3 wants 6");
}
