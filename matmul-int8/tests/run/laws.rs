//! Laws that hold between products.

use half::f16;
use proptest::prelude::*;
use tilewright_ffi::Context;
use tilewright_matmul_int8::{Matmul, Operands, ScaledOutput, ScalesOf, Shape};
use tilewright_quant_pack::{Granularity, Int8, ScaleRule, Shape as WeightShape};
use tilewright_testkit::{
    Bits, Guarded, Random, Values, assert_bits_of_the_chip, assert_deterministic, assert_same_bits, cases,
};

use crate::support::{Case, sizes, w8a16_in};

proptest! {
    #![proptest_config(cases(100))]

    /// Sums over two parts of k add up to the sum over all of it.
    #[test]
    fn parts_along_k_add_up((m, n, k) in (1..40usize, sizes(), 2..273usize), at in 1..272usize, seed: u64) {
        let case = Case::new((m, n, k), seed);
        let at = at.min(k - 1);
        let part = |from: usize, to: usize| {
            let columns = |tensor: &[i8]| tensor.chunks(k).flat_map(|row| row[from..to].to_vec()).collect();
            Case { shape: Shape { m, n, k: to - from }, x: columns(&case.x), w: columns(&case.w) }.sums(0)
        };
        let sums: Vec<i32> = part(0, at).iter().zip(part(at, k)).map(|(left, right)| left + right).collect();
        assert_same_bits("y", &case.sums(1), &sums);
    }

    /// The transpose of x · wᵀ is w · xᵀ.
    #[test]
    fn operands_change_places((m, n, k) in (sizes(), sizes(), sizes()), offset in 0..17usize, seed: u64) {
        let case = Case::new((m, n, k), seed);
        let turned = Case { shape: Shape { m: n, n: m, k }, x: case.w.clone(), w: case.x.clone() }.sums(offset);
        let transposed: Vec<i32> = (0..m * n).map(|at| turned[at % n * m + at / n]).collect();
        assert_same_bits("y", &case.sums(0), &transposed);
    }
}

#[test]
fn the_bits_are_those_of_the_chip() {
    let (m, n, k) = (70, 67, 200);
    let mut random = Random::new(4);
    let x = random.halves(Values::Outliers, m * k);
    let weights = random.floats(Values::Uniform, n * k);
    for granularity in [Granularity::PerTensor, Granularity::PerChannel] {
        let weight = Int8::quantize(&weights, WeightShape { n, k }, granularity, ScaleRule::Max).unwrap();
        assert_bits_of_the_chip("y", |context| w8a16_in(context, m, &x, &weight, 1));
        assert_deterministic("y", 8, |context| w8a16_in(context, m, &x, &weight, 0));
    }
    // Few rows and many; copies of 16 bytes and of elements; stores of two neighbours and of one.
    for (mnk, offset) in [((m, n, k), 0), ((m, n, k), 1), ((3, n, 272), 0), ((200, 144, 272), 0)] {
        let case = Case::new(mnk, 5);
        assert_bits_of_the_chip("sums", |context| case.sums_in(context, offset));
        for each in [false, true] {
            assert_bits_of_the_chip("scaled, f16", |context| scaled_in::<f16>(context, &case, each, offset));
            assert_bits_of_the_chip("scaled, f32", |context| scaled_in::<f32>(context, &case, each, offset));
        }
    }
    let case = Case::new((m, n, k), 5);
    assert_deterministic("sums", 8, |context| case.sums_in(context, 1));
}

/// The scaled product, with a scale for each row of x and of w or one for all.
fn scaled_in<T: ScaledOutput + Bits>(context: &Context, case: &Case, each: bool, offset: usize) -> Vec<T> {
    let Shape { m, n, .. } = case.shape;
    let mut random = Random::new(6);
    let mut scales = |count| (0..if each { count } else { 1 }).map(|_| random.unit() * 1e-3).collect::<Vec<f32>>();
    let stream = context.stream().unwrap();
    let [x_scales, w_scales] = [m, n].map(|count| Guarded::upload(&stream, &scales(count), 0));
    let (x, w) = (Guarded::upload(&stream, &case.x, offset), Guarded::upload(&stream, &case.w, offset));
    let mut y = Guarded::misaligned(&stream, m * n, offset);
    let operands = Operands { x: x.as_slice(), w: w.as_slice() };
    let scales = ScalesOf { x: x_scales.as_slice(), w: w_scales.as_slice() };
    Matmul::new(context).unwrap().w8a8(&stream, case.shape, operands, scales, &mut y.as_slice_mut()).unwrap();
    y.download(&stream)
}
