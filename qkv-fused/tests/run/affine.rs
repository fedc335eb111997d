//! Weights with zero points and with groups in any order.

use half::f16;
use proptest::prelude::*;
use tilewright_qkv_fused::{Error, QkvShape, QkvWeights, Schedule, Weights, reference};
use tilewright_quant_pack::{Group, Grouping, Int4Affine, ScaleRule, Shape as WeightShape};
use tilewright_testkit::{
    Random, Values, assert_bits_of_the_chip, assert_deterministic, assert_same_bits, assert_within, cases, context,
    stream,
};

use crate::support::{run_in, sizes, weights};

/// Weights quantized with zero points; all with the groups of `grouping`.
fn quantized(shape: QkvShape, grouping: &Grouping, seed: u64) -> [Int4Affine; 3] {
    let group = grouping.group();
    weights(shape, seed, |w, shape| {
        let raised: Vec<f32> = w.iter().map(|w| w + 0.4).collect();
        let weight = Int4Affine::quantize(&raised, shape, group, ScaleRule::Max).unwrap();
        let (scales, zeros) = (weight.scales().to_vec(), weight.zeros().map(<[u8]>::to_vec));
        Int4Affine::pack(&weight.unpack(), shape, grouping.clone(), scales, zeros).unwrap()
    })
}

/// Groups of k in order, or with their columns dealt out.
fn groups(k: usize, group: Group, seed: Option<u64>) -> Grouping {
    let grouping = Grouping::in_order(k, group).unwrap();
    let Some(seed) = seed else { return grouping };
    let places = Random::new(seed).floats(Values::Uniform, k);
    let mut columns: Vec<usize> = (0..k).collect();
    columns.sort_by_key(|column| (places[*column].to_bits(), *column));
    let index: Vec<u32> = columns.iter().map(|column| u32::try_from(grouping.of(*column)).unwrap()).collect();
    Grouping::from_index(&index, grouping.count()).unwrap()
}

proptest! {
    #![proptest_config(cases(250))]

    /// The shipped schedule is within the bound, and the others give its bits.
    #[test]
    fn projections_are_within_the_bound(
        m in sizes(), n_q in sizes(), n_kv in sizes(), k in 1..26usize, group in 0..5usize, shuffled: bool, offset in 0..4usize, seed: u64,
    ) {
        let shape = QkvShape { m, n_q, n_kv, k: 8 * k };
        let group = if group == 0 || 32 * group > shape.k { Group::WholeRow } else { Group::new(32 * group).unwrap() };
        let x = Random::new(!seed).halves(Values::Outliers, m * shape.k);
        let quantized = quantized(shape, &groups(shape.k, group, shuffled.then_some(seed)), seed);
        let loaded = QkvWeights::load_affine(&stream(), quantized.each_ref()).unwrap();
        let results = run_in(context(), Schedule::Async, shape, &x, &loaded, offset);
        let floats: Vec<f32> = x.iter().map(|x| x.to_f32()).collect();
        let expected = reference::qkv_affine(shape, &floats, quantized.each_ref());
        for ((name, result), expected) in ["q", "k", "v"].iter().zip(&results).zip(&expected) {
            let bounds = expected.iter().map(|e| (e.value, reference::bound(e, shape.k, group.count(shape.k))));
            assert_within(name, result, bounds);
        }
        let schedule = if seed % 2 == 0 { Schedule::SingleSlot } else { Schedule::PingPong };
        let others = run_in(context(), schedule, shape, &x, &loaded, offset);
        for (other, result) in others.iter().zip(&results) {
            assert_same_bits(&format!("{schedule:?}"), other, result);
        }
    }
}

/// One with zero points, two without, as a checkpoint may have them: all keep theirs.
#[test]
fn one_weight_may_have_zero_points_alone() {
    let shape = QkvShape { m: 3, n_q: 24, n_kv: 10, k: 64 };
    let grouping = groups(64, Group::new(32).unwrap(), None);
    let [q, k, v] = quantized(shape, &grouping, 4);
    let plain =
        Int4Affine::pack(&k.unpack(), WeightShape { n: 10, k: 64 }, grouping, k.scales().to_vec(), None).unwrap();
    let loaded = QkvWeights::load_affine(&stream(), [&q, &plain, &v]).unwrap();
    assert_eq!(loaded.quantization(), Weights::Int4WithZeros(Group::new(32).unwrap()));
    let x = Random::new(8).halves(Values::Uniform, 3 * 64);
    let results = run_in(context(), Schedule::Async, shape, &x, &loaded, 0);
    let floats: Vec<f32> = x.iter().map(|x| x.to_f32()).collect();
    let expected = reference::qkv_affine(shape, &floats, [&q, &plain, &v]);
    for (result, expected) in results.iter().zip(&expected) {
        assert_within("projection", result, expected.iter().map(|e| (e.value, reference::bound(e, 64, 2))));
    }
}

#[test]
fn groups_of_other_columns_and_sizes_are_refused() {
    let shape = QkvShape { m: 1, n_q: 8, n_kv: 8, k: 64 };
    let of = |size, seed| quantized(shape, &groups(64, Group::new(size).unwrap(), seed), 1);
    let ([q, k, v], [_, turned, _], [_, _, whole]) = (of(32, Some(1)), of(32, Some(2)), of(64, None));
    let what = |outcome: Result<QkvWeights, Error>| match outcome.unwrap_err() {
        Error::Mismatch { what } => what,
        other => panic!("{other}"),
    };
    assert!(QkvWeights::load_affine(&stream(), [&q, &k, &v]).unwrap().is_gathered());
    assert_eq!(what(QkvWeights::load_affine(&stream(), [&q, &turned, &v])), "the order of the groups");
    assert_eq!(what(QkvWeights::load_affine(&stream(), [&q, &k, &whole])), "the group size");
}

#[test]
fn the_bits_are_those_of_the_chip() {
    for (m, seed) in [(5, None), (70, Some(3))] {
        let shape = QkvShape { m, n_q: 67, n_kv: 30, k: 200 };
        let quantized = quantized(shape, &groups(200, Group::new(32).unwrap(), seed), 6);
        let x: Vec<f16> = Random::new(7).halves(Values::Outliers, m * 200);
        for schedule in Schedule::ALL {
            let run = |context: &tilewright_ffi::Context| {
                let loaded = QkvWeights::load_affine(&context.stream().unwrap(), quantized.each_ref()).unwrap();
                run_in(context, schedule, shape, &x, &loaded, 1).concat()
            };
            assert_bits_of_the_chip("q, k, v", run);
            assert_deterministic("q, k, v", 8, run);
        }
    }
}
