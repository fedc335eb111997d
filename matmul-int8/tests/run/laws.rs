//! Laws that hold between products.

use proptest::prelude::*;
use tilewright_matmul_int8::Shape;
use tilewright_quant_pack::{Granularity, Int8, ScaleRule, Shape as WeightShape};
use tilewright_testkit::{Random, Values, assert_bits_of_the_chip, assert_deterministic, assert_same_bits, cases};

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
    let case = Case::new((m, n, k), 5);
    assert_deterministic("sums", 8, |context| case.sums_in(context, 1));
}
