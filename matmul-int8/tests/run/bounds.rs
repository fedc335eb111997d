//! The products against exact integers and the f64 oracle, on the test device.

use half::f16;
use proptest::prelude::*;
use tilewright_matmul_int8::{Matmul, Operands, Output, ScalesOf, Shape, reference};
use tilewright_quant_pack::{Granularity, Int8, ScaleRule, Shape as WeightShape};
use tilewright_testkit::{Guarded, Random, Values, assert_same_bits, assert_within, cases, context, stream};

use crate::support::{Case, sizes, w8a16_in};

proptest! {
    #![proptest_config(cases(500))]

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
        let result = w8a16_in(context(), m, &x_values, &quantized, offset);
        let floats: Vec<f32> = x_values.iter().map(|x| x.to_f32()).collect();
        let expected = reference::w8a16(Shape { m, n, k }, &floats, quantized.values(), quantized.scales());
        assert_within("y", &result, expected.iter().map(|element| (element.value, reference::w8a16_bound(element, k))));

        // A row alone gives the bits that it gives among others.
        let row = usize::try_from(seed % m as u64).unwrap();
        let alone = w8a16_in(context(), 1, &x_values[row * k..(row + 1) * k], &quantized, 0);
        assert_same_bits("row", &alone, &result[row * n..(row + 1) * n]);
    }
}

/// 64 tiles, each with a multiprocessor for itself, and then 144: too many for that, too few for larger ones.
#[test]
fn the_wide_plans_are_exact() {
    for shape in [(1024, 1000, 656), (1536, 1410, 144)] {
        let case = Case::new(shape, 7);
        assert_same_bits("y", &case.sums(0), &case.wanted());
    }
}

/// Every residue of m, n and k modulo the tiles, the three in different steps.
#[test]
fn every_residue_is_exact() {
    for step in 0..128usize {
        let case = Case::new((1 + step, 1 + step * 37 % 128, 1 + step * 53 % 128), step as u64);
        assert_same_bits("y", &case.sums(step % 17), &case.wanted());
    }
}
