//! Weights with zero points and with groups in any order.

use half::f16;
use proptest::prelude::*;
use tilewright_ffi::Context;
use tilewright_matmul_int4::{Matmul, Shape, Weight, reference};
use tilewright_quant_pack::{Group, Grouping, Int4, Int4Affine, ScaleRule, Shape as WeightShape};
use tilewright_testkit::{
    Guarded, Random, Values, assert_bits_of_the_chip, assert_deterministic, assert_same_bits, assert_within, cases,
    context, stream,
};

use crate::support::{depths, sizes, values};

/// One product.
struct Case {
    m: usize,
    x: Vec<f16>,
    weight: Int4Affine,
}

impl Case {
    /// Any q, any zero points, scales from 1/64; groups in any order if `is_shuffled`.
    fn new((m, n, k): (usize, usize, usize), group: Group, is_shuffled: bool, values: Values, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let x = random.halves(values, m * k);
        let mut any = |below: u32, count: usize| -> Vec<u32> {
            let floats = random.floats(Values::Uniform, count);
            floats.iter().map(|float| (float.to_bits() >> 3) % below).collect()
        };
        let bytes = |numbers: Vec<u32>| numbers.into_iter().map(|number| u8::try_from(number).unwrap()).collect();
        let nibbles: Vec<u8> = bytes(any(16, n * k));
        let zeros: Vec<u8> = bytes(any(16, n * group.count(k)));
        let scales = any(64, n * group.count(k)).iter().map(|s| f16::from_f32((1.0 + *s as f32) / 64.0)).collect();
        let places = any(u32::MAX, k);
        let grouping = Grouping::in_order(k, group).unwrap();
        let grouping = if is_shuffled { shuffled(&grouping, &places) } else { grouping };
        let weight = Int4Affine::pack(&nibbles, WeightShape { n, k }, grouping, scales, Some(zeros)).unwrap();
        Self { m, x, weight }
    }

    fn run(&self, offset: usize) -> Vec<f16> {
        self.run_in(context(), offset)
    }

    fn run_in(&self, context: &Context, offset: usize) -> Vec<f16> {
        let stream = context.stream().unwrap();
        let x = Guarded::upload(&stream, &self.x, offset);
        let weight = Weight::load_affine(&stream, &self.weight).unwrap();
        let mut y = Guarded::misaligned(&stream, self.m * weight.n(), offset);
        Matmul::new(context).unwrap().run(&stream, self.m, x.as_slice(), &weight, &mut y.as_slice_mut()).unwrap();
        x.assert_unchanged(&stream, &self.x);
        y.download(&stream)
    }

    fn check(&self, offset: usize) {
        let WeightShape { n, k } = self.weight.shape();
        let x: Vec<f32> = self.x.iter().map(|x| x.to_f32()).collect();
        let expected = reference::matmul_affine(Shape { m: self.m, n, k }, &x, &self.weight);
        let groups = self.weight.grouping().count();
        let bounds = expected.iter().map(|element| (element.value, reference::bound(element, k, groups)));
        assert_within("y", &self.run(offset), bounds);
    }
}

/// The same groups with their columns dealt out by `places`.
fn shuffled(grouping: &Grouping, places: &[u32]) -> Grouping {
    let mut columns: Vec<usize> = (0..grouping.k()).collect();
    columns.sort_by_key(|column| (places[*column], *column));
    let index: Vec<u32> = columns.iter().map(|column| u32::try_from(grouping.of(*column)).unwrap()).collect();
    Grouping::from_index(&index, grouping.count()).unwrap()
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn products_are_within_the_bound(
        m in sizes(), n in sizes(), (k, group) in depths(), shuffled: bool, values in values(), offset in 0..4usize, seed: u64,
    ) {
        Case::new((m, n, k), group, shuffled, values, seed).check(offset);
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn a_row_does_not_depend_on_the_others(
        m in 2..140usize, n in sizes(), (k, group) in depths(), shuffled: bool, offset in 0..4usize, seed: u64,
    ) {
        let case = Case::new((m, n, k), group, shuffled, Values::Outliers, seed);
        let all = case.run(0);
        let row = usize::try_from(seed % m as u64).unwrap();
        let alone = Case { m: 1, x: case.x[row * k..(row + 1) * k].to_vec(), weight: case.weight };
        assert_same_bits("row", &all[row * n..(row + 1) * n], &alone.run(offset));
    }

    /// Groups in another order give the bits of the sorted weight with the columns of x in that order.
    #[test]
    fn the_order_of_the_groups_is_that_of_the_columns(m in sizes(), n in sizes(), (k, group) in depths(), seed: u64) {
        let case = Case::new((m, n, k), group, true, Values::Outliers, seed);
        let (sorted, permutation) = case.weight.clone().sorted().unwrap();
        let x = permutation.map_or_else(|| case.x.clone(), |permutation| permutation.apply(&case.x));
        assert_same_bits("y", &case.run(1), &Case { m, x, weight: sorted }.run(0));
    }

    /// The same zero point everywhere, and q with it: the bits of the symmetric weight, unless q leaves 0 to 15.
    #[test]
    fn a_shift_of_q_and_zero_point_changes_no_bit(m in sizes(), n in sizes(), (k, group) in depths(), zero in 0..16u8, seed: u64) {
        let case = Case::new((m, n, k), group, false, Values::Outliers, seed);
        let shape = WeightShape { n, k };
        let values: Vec<u8> = case.weight.unpack().iter().map(|value| 7 + value % 2).collect();
        let moved = values.iter().map(|value| (value + zero).saturating_sub(8).min(15)).collect::<Vec<_>>();
        prop_assume!((1..15).contains(&zero));
        let pack = |values: &[u8], zero| {
            let (scales, grouping) = (case.weight.scales().to_vec(), case.weight.grouping().clone());
            let zeros = vec![zero; scales.len()];
            Case { m, x: case.x.clone(), weight: Int4Affine::pack(values, shape, grouping, scales, Some(zeros)).unwrap() }
        };
        assert_same_bits("y", &pack(&moved, zero).run(0), &pack(&values, 8).run(1));
    }
}

/// Every difference of a q and a zero point, exactly: small integers, scale 1.
#[test]
fn every_q_meets_every_zero_point() {
    let (n, k) = (16, 32);
    let nibbles: Vec<u8> = (0..n * k).map(|at| u8::try_from(at % 16).unwrap()).collect();
    let zeros: Vec<u8> = (0..16).collect();
    let grouping = Grouping::in_order(k, Group::WholeRow).unwrap();
    let weight = Int4Affine::pack(&nibbles, WeightShape { n, k }, grouping, vec![f16::ONE; n], Some(zeros)).unwrap();
    for m in [1, 17, 32] {
        // Row i of x picks column i.
        let x: Vec<f16> = (0..m * k).map(|at| if at / k == at % k { f16::ONE } else { f16::ZERO }).collect();
        let wanted: Vec<f16> = (0..m * n).map(|at| f16::from_f32((at / n % 16) as f32 - (at % n) as f32)).collect();
        assert_same_bits("y", &Case { m, x, weight: weight.clone() }.run(0), &wanted);
    }
}

/// Every residue of m, n and k modulo the tiles, in different steps.
#[test]
fn every_residue_is_within_the_bound() {
    for step in 0..128usize {
        let (m, n, k) = (1 + step, 1 + step * 37 % 128, 8 * (1 + step * 5 % 16));
        let group = if k > 32 { Group::new(32).unwrap() } else { Group::WholeRow };
        Case::new((m, n, k), group, step % 2 == 1, Values::Outliers, step as u64).check(step % 4);
    }
}

/// What changes nothing costs nothing: the symmetric weight's kernel, and its bits.
#[test]
fn zero_points_of_eight_and_the_order_of_the_columns_are_noticed() {
    let (stream, shape, group) = (stream(), WeightShape { n: 24, k: 128 }, Group::new(32).unwrap());
    let weights = Random::new(5).floats(Values::Uniform, shape.n * shape.k);
    let symmetric = Int4::quantize(&weights, shape, group, ScaleRule::Max).unwrap();
    let index: Vec<u32> = (0..128).map(|column| column / 32).collect();
    let grouping = Grouping::from_index(&index, 4).unwrap();
    let (qweight, scales) = (symmetric.qweight().to_vec(), symmetric.scales().to_vec());
    let weight = Int4Affine::from_parts(shape, grouping, qweight, scales, Some(vec![8; 96])).unwrap();
    let loaded = Weight::load_affine(&stream, &weight).unwrap();
    assert!(!loaded.has_zeros() && !loaded.is_gathered());
    let x = Random::new(6).halves(Values::Uniform, 128);
    let plain = crate::support::Case { m: 1, x: x.clone(), weight: symmetric };
    assert_same_bits("y", &Case { m: 1, x, weight }.run(0), &plain.run(0));
    let other = Weight::load_affine(&stream, &Case::new((1, 24, 128), group, true, Values::Uniform, 7).weight).unwrap();
    assert!(other.has_zeros() && other.is_gathered());
}

#[test]
fn the_bits_are_those_of_the_chip() {
    for (group, k) in [(Group::WholeRow, 200), (Group::new(32).unwrap(), 264), (Group::new(64).unwrap(), 320)] {
        for m in [5, 70] {
            let case = Case::new((m, 67, k), group, m == 5 || k == 264, Values::Outliers, 9);
            assert_bits_of_the_chip("y", |context| case.run_in(context, 1));
            assert_deterministic("y", 8, |context| case.run_in(context, 0));
        }
    }
}
