//! The products against the f64 oracle, on the test device.

use half::f16;
use proptest::prelude::*;
use tilewright_matmul_int4::{Error, Matmul, Shape, Weight, reference};
use tilewright_quant_pack::{Group, Int4, ScaleRule, Shape as WeightShape};
use tilewright_testkit::{Guarded, Random, Values, assert_same_bits, assert_within, cases, context, stream};

/// Sizes around the edges of tiles (16, 64, 128).
fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![1..20usize, prop::sample::select(vec![31, 33, 63, 64, 65, 96, 127, 128, 129, 192])]
}

/// K and a group that fits it: multiples of 8 around the edges of tiles and groups, last groups ragged or not.
fn depths() -> impl Strategy<Value = (usize, Group)> {
    let depth = prop::sample::select(vec![8, 16, 24, 32, 40, 56, 64, 72, 96, 120, 128, 136, 192, 200, 256, 264]);
    let group = prop::sample::select(vec![0usize, 32, 64, 96, 128]);
    (depth, group).prop_map(|(k, size)| {
        let group = if size == 0 || size > k { Group::WholeRow } else { Group::new(size).unwrap() };
        (k, group)
    })
}

fn values() -> impl Strategy<Value = Values> {
    prop::sample::select(vec![Values::Uniform, Values::SmallIntegers, Values::Outliers, Values::Powers])
}

struct Case {
    m: usize,
    x: Vec<f16>,
    weight: Int4,
}

impl Case {
    fn new((m, n, k): (usize, usize, usize), group: Group, values: Values, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let x = random.halves(values, m * k);
        let weights = random.floats(Values::Uniform, n * k);
        let weight = Int4::quantize(&weights, WeightShape { n, k }, group, ScaleRule::Max).unwrap();
        Self { m, x, weight }
    }

    fn run(&self, offset: usize) -> Vec<f16> {
        let stream = stream();
        let x = Guarded::upload(&stream, &self.x, offset);
        let weight = Weight::load(&stream, &self.weight).unwrap();
        let mut y = Guarded::misaligned(&stream, self.m * weight.n(), offset);
        Matmul::new(context()).unwrap().run(&stream, self.m, x.as_slice(), &weight, &mut y.as_slice_mut()).unwrap();
        x.assert_unchanged(&stream, &self.x);
        y.download(&stream)
    }

    fn check(&self, offset: usize) {
        let WeightShape { n, k } = self.weight.shape();
        let x: Vec<f32> = self.x.iter().map(|x| x.to_f32()).collect();
        let expected = reference::matmul(Shape { m: self.m, n, k }, &x, &self.weight);
        let groups = self.weight.group().count(k);
        let bounds = expected.iter().map(|element| (element.value, reference::bound(element, k, groups)));
        assert_within("y", &self.run(offset), bounds);
    }
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn products_are_within_the_bound(
        m in sizes(), n in sizes(), (k, group) in depths(), values in values(), offset in 0..4usize, seed: u64,
    ) {
        Case::new((m, n, k), group, values, seed).check(offset);
    }

    #[test]
    fn a_row_does_not_depend_on_the_others(
        m in 2..140usize, n in sizes(), (k, group) in depths(), offset in 0..4usize, seed: u64,
    ) {
        let case = Case::new((m, n, k), group, Values::Outliers, seed);
        let all = case.run(0);
        let row = usize::try_from(seed % m as u64).unwrap();
        let alone = Case { m: 1, x: case.x[row * k..(row + 1) * k].to_vec(), weight: case.weight };
        assert_same_bits("row", &all[row * n..(row + 1) * n], &alone.run(offset));
    }
}

/// Integers with scales of 1 are exact, so every nibble must be where it belongs.
#[test]
fn every_nibble_is_where_it_belongs() {
    for (n, k) in [(1, 8), (9, 64), (17, 72), (64, 128), (65, 136)] {
        let values: Vec<i8> = (0..n * k).map(|index| i8::try_from(index * 7 % 16).unwrap() - 8).collect();
        let weight = Int4::pack(&values, WeightShape { n, k }, Group::WholeRow, vec![f16::ONE; n]).unwrap();
        // Row i of x picks column i of the weight.
        let x: Vec<f16> = (0..k * k).map(|index| if index / k == index % k { f16::ONE } else { f16::ZERO }).collect();
        let case = Case { m: k, x, weight };
        let wanted: Vec<f16> = (0..k * n).map(|at| f16::from_f32(f32::from(values[at % n * k + at / n]))).collect();
        assert_same_bits("y", &case.run(0), &wanted);
    }
}

#[test]
fn each_group_has_its_own_scale() {
    let (n, k) = (3, 160);
    let group = Group::new(32).unwrap();
    let scales: Vec<f16> =
        (0..5 * n).map(|index| f16::from_f32(2f32.powi(i32::try_from(index).unwrap() - 7))).collect();
    let weight = Int4::pack(&vec![1; n * k], WeightShape { n, k }, group, scales.clone()).unwrap();
    let x: Vec<f16> = (0..5 * k).map(|at| if at % k / 32 == at / k { f16::ONE } else { f16::ZERO }).collect();
    let wanted: Vec<f16> = scales.iter().map(|scale| f16::from_f32(scale.to_f32() * 32.0)).collect();
    assert_same_bits("y", &Case { m: 5, x, weight }.run(0), &wanted);
}

#[test]
fn the_wide_plan_is_within_the_bound() {
    Case::new((1024, 1000, 72), Group::new(32).unwrap(), Values::Outliers, 3).check(0);
    Case::new((1024, 1000, 128), Group::new(64).unwrap(), Values::Uniform, 4).check(0);
}

#[test]
fn wrong_lengths_and_groups_are_refused() {
    let stream = stream();
    let weights = vec![1f32; 3 * 40];
    let packed =
        |k: usize, group| Int4::quantize(&weights[..3 * k], WeightShape { n: 3, k }, group, ScaleRule::Max).unwrap();
    let weight = Weight::load(&stream, &packed(40, Group::new(32).unwrap())).unwrap();
    let matmul = Matmul::new(context()).unwrap();
    let refusal = |m: usize, x: usize, y: usize| {
        let x = stream.upload(&vec![f16::ONE; x]).unwrap();
        let mut y = Guarded::<f16>::new(&stream, y);
        let before = y.download(&stream);
        let error = matmul.run(&stream, m, x.as_slice(), &weight, &mut y.as_slice_mut()).expect_err("refused");
        y.assert_unchanged(&stream, &before);
        error.to_string()
    };
    assert_eq!(refusal(2, 79, 6), "tensor `x` has 79 elements, its shape 2 x 40 wants 80");
    assert_eq!(refusal(2, 80, 7), "tensor `y` has 7 elements, its shape 2 x 3 wants 6");
    assert_eq!(refusal(0, 0, 0), "m is 0; every dimension must be at least 1");
    assert!(refusal(usize::MAX, 0, 0).starts_with("m = 18446744073709551615 is larger than"));
    let error =
        tilewright_matmul_int4::Problem::new(Shape { m: 1, n: 1, k: 12 }, Group::WholeRow).expect_err("refused");
    assert!(matches!(error, Error::Shape(_)), "{error}");
    assert!(error.to_string().contains("k = 12 is not a multiple of 8"), "{error}");
}
