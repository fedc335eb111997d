//! The schedules: how many barriers each takes, and that none changes a bit.

use crate::support::{run_in, sizes, weights};
use half::f16;
use proptest::prelude::*;
use tilewright_ffi::Context;
use tilewright_ptx_ir::Target;
use tilewright_qkv_fused::{Plan, QkvShape, QkvWeights, Schedule, module};
use tilewright_quant_pack::{Granularity, Group, Int4, Int8, ScaleRule, Shape as WeightShape};
use tilewright_testkit::{
    Random, Values, assert_bits_of_the_chip, assert_deterministic, assert_same_bits, cases, context, is_simulated,
    stream,
};
use tilewright_tile::Geometry;

/// Barriers stand in the loop over K and nowhere else, so the text holds as many as a trip passes. A trip is a K step, but for `Async` it may be several, and
/// where warps share out the groups of a column their sums meet behind a second barrier.
#[test]
fn each_schedule_has_its_number_of_barriers() {
    let mut seen = Vec::new();
    for plan in Plan::all() {
        let text = module(&plan, Target::Sm80).unwrap().to_string();
        let barriers = text.lines().filter(|line| line.contains("bar.sync")).count();
        let Geometry { block_m, warps_k, stage_tiles, .. } = plan.geometry;
        let is_ahead = plan.schedule == Schedule::Async && warps_k == 1 && block_m > 16;
        // Fragments that are made a step ahead wait for the first stage once, before the loop.
        let before = usize::from(is_ahead);
        let wanted = if warps_k > 1 { 2 } else { plan.schedule.barriers_per_step() as usize };
        assert_eq!(barriers - before, wanted, "{plan:?}");
        let steps = (warps_k * stage_tiles) as usize;
        assert!(wanted <= plan.schedule.barriers_per_step() as usize * steps, "{plan:?}");
        seen.push((plan.schedule, wanted));
    }
    for wanted in [(Schedule::SingleSlot, 7), (Schedule::PingPong, 4), (Schedule::Async, 1)] {
        assert!(seen.contains(&wanted), "{wanted:?}");
    }
}

fn int4(shape: QkvShape, group: Group, seed: u64) -> [Int4; 3] {
    weights(shape, seed, |w, shape| Int4::quantize(w, shape, group, ScaleRule::Max).unwrap())
}

fn load(context: &Context, weights: &[Int4; 3]) -> QkvWeights {
    QkvWeights::load_int4(&context.stream().unwrap(), weights.each_ref()).unwrap()
}

fn assert_all_alike(shape: QkvShape, x: &[f16], weights: &QkvWeights, offset: usize) {
    let shipped = run_in(context(), Schedule::Async, shape, x, weights, offset);
    for schedule in [Schedule::SingleSlot, Schedule::PingPong] {
        let results = run_in(context(), schedule, shape, x, weights, offset);
        for ((name, result), shipped) in ["q", "k", "v"].iter().zip(&results).zip(&shipped) {
            assert_same_bits(&format!("{schedule:?}, {name}"), result, shipped);
        }
    }
}

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn no_schedule_changes_a_bit_of_int4(
        m in sizes(), n_q in sizes(), n_kv in sizes(), k in 1..26usize, group in 0..5usize, offset in 0..4usize, seed: u64,
    ) {
        let shape = QkvShape { m, n_q, n_kv, k: 8 * k };
        let group = if group == 0 || 32 * group > shape.k { Group::WholeRow } else { Group::new(32 * group).unwrap() };
        let x = Random::new(!seed).halves(Values::Outliers, m * shape.k);
        assert_all_alike(shape, &x, &load(context(), &int4(shape, group, seed)), offset);
    }

    #[test]
    fn no_schedule_changes_a_bit_of_int8(
        m in sizes(), n_q in sizes(), n_kv in sizes(), k in sizes(), per_channel: bool, offset in 0..4usize, seed: u64,
    ) {
        let shape = QkvShape { m, n_q, n_kv, k };
        let granularity = if per_channel { Granularity::PerChannel } else { Granularity::PerTensor };
        let x = Random::new(!seed).halves(Values::Outliers, m * k);
        let quantized = weights(shape, seed, |w, shape| Int8::quantize(w, shape, granularity, ScaleRule::Max).unwrap());
        assert_all_alike(shape, &x, &QkvWeights::load_int8(&stream(), quantized.each_ref()).unwrap(), offset);
    }
}

/// The weight `value(projection, k)` in every column, int4 with scales of 1.
fn constant_weights(shape: QkvShape, value: impl Fn(usize, usize) -> i8) -> [Int4; 3] {
    let mut index = 0;
    shape.parts().map(|part| {
        let values: Vec<i8> = (0..part.n * part.k).map(|at| value(index, at % part.k)).collect();
        index += 1;
        let ones = vec![f16::ONE; part.n];
        Int4::pack(&values, WeightShape { n: part.n, k: part.k }, Group::WholeRow, ones).unwrap()
    })
}

/// Results that are the same in every element of a projection.
fn assert_constant(schedule: Schedule, shape: QkvShape, weights: &[Int4; 3], wanted: [f32; 3]) {
    let x = vec![f16::ONE; shape.m * shape.k];
    let results = run_in(context(), schedule, shape, &x, &load(context(), weights), 0);
    for ((result, wanted), part) in results.iter().zip(wanted).zip(shape.parts()) {
        assert_same_bits(&format!("{schedule:?}, {shape:?}"), result, &vec![f16::from_f32(wanted); part.m * part.n]);
    }
}

/// Weights of 1, 2 and 3: a slot that held another projection's weights, or another step's, would show.
#[test]
fn slots_hold_the_weights_of_their_projection() {
    for schedule in Schedule::ALL {
        for (steps, m, n_q, n_kv) in
            [(1u8, 1, 64, 64), (2, 17, 130, 65), (3, 5, 33, 31), (4, 70, 64, 128), (5, 64, 32, 32)]
        {
            let shape = QkvShape { m, n_q, n_kv, k: 64 * usize::from(steps) };
            let weights = constant_weights(shape, |projection, _| i8::try_from(projection + 1).unwrap());
            let k = 64.0 * f32::from(steps);
            assert_constant(schedule, shape, &weights, [k, 2.0 * k, 3.0 * k]);
            // The projections change places from step to step: sums differ only if each step's weights are its own.
            let turning = constant_weights(shape, |projection, k| i8::try_from((projection + k / 64) % 3).unwrap());
            let sum = |projection: u8| (0..steps).map(|step| 64.0 * f32::from((projection + step) % 3)).sum();
            assert_constant(schedule, shape, &turning, [sum(0), sum(1), sum(2)]);
        }
    }
}

/// All weights -8 (stored 0): a nibble without its sign would be 8 or 0.
#[test]
fn the_lowest_weight_keeps_its_sign() {
    for schedule in Schedule::ALL {
        let shape = QkvShape { m: 18, n_q: 24, n_kv: 18, k: 128 };
        assert_constant(schedule, shape, &constant_weights(shape, |_, _| -8), [-1024.0; 3]);
        let lowest = weights(shape, 0, |_, shape| {
            Int8::from_parts(shape, Granularity::PerTensor, vec![-128; shape.n * shape.k], vec![1.0]).unwrap()
        });
        let loaded = QkvWeights::load_int8(&stream(), lowest.each_ref()).unwrap();
        let x = vec![f16::from_f32(0.5); shape.m * shape.k];
        for (result, part) in run_in(context(), schedule, shape, &x, &loaded, 0).iter().zip(shape.parts()) {
            assert_same_bits("int8", result, &vec![f16::from_f32(-8192.0); part.m * part.n]);
        }
    }
}

/// Another power of two for each (projection, group, column), picked out by rows of x that are ones in one group: a scale slot that two projections or groups
/// shared would show.
#[test]
fn every_projection_and_group_has_its_own_scales() {
    for size in [32usize, 64, 96, 128] {
        let (groups, group) = (5usize, Group::new(size).unwrap());
        let shape = QkvShape { m: groups, n_q: 34, n_kv: 19, k: size * groups };
        let scale = |projection: usize, group: usize, column: usize| {
            f16::from_f32(2f32.powi(i32::try_from((projection * 5 + group * 3 + column * 7) % 15).unwrap() - 8))
        };
        let mut index = 0;
        let weights = shape.parts().map(|part| {
            let scales = (0..groups * part.n).map(|at| scale(index, at / part.n, at % part.n)).collect();
            index += 1;
            Int4::pack(&vec![1; part.n * part.k], WeightShape { n: part.n, k: part.k }, group, scales).unwrap()
        });
        let x: Vec<f16> = (0..groups * shape.k)
            .map(|at| if at % shape.k / size == at / shape.k { f16::ONE } else { f16::ZERO })
            .collect();
        for schedule in Schedule::ALL {
            let results = run_in(context(), schedule, shape, &x, &load(context(), &weights), 0);
            for (projection, (result, part)) in results.iter().zip(shape.parts()).enumerate() {
                let wanted: Vec<f16> = (0..groups * part.n)
                    .map(|at| scale(projection, at / part.n, at % part.n))
                    .map(|scale| f16::from_f32(scale.to_f32() * f32::from(u8::try_from(size).unwrap())))
                    .collect();
                assert_same_bits(&format!("{schedule:?}, group {size}, projection {projection}"), result, &wanted);
            }
        }
    }
}

/// On a GPU 100 launches at sizes that fill it; on the simulator small shapes under 8 schedules.
#[test]
fn launches_and_schedules_give_the_same_bits() {
    let (shapes, runs) = if is_simulated() {
        (vec![[9, 40, 24, 264], [65, 96, 33, 200]], 8)
    } else {
        (vec![[256, 512, 512, 1024], [2048, 512, 512, 4096]], 100)
    };
    for [m, n_q, n_kv, k] in shapes {
        let shape = QkvShape { m, n_q, n_kv, k };
        let x = Random::new(3).halves(Values::Outliers, m * k);
        let weights = int4(shape, Group::new(32).unwrap(), 4);
        for schedule in Schedule::ALL {
            assert_deterministic(&format!("{schedule:?}"), runs, |context| {
                run_in(context, schedule, shape, &x, &load(context, &weights), 0).concat()
            });
        }
    }
}

#[test]
fn the_bits_are_those_of_the_chip() {
    let shape = QkvShape { m: 33, n_q: 70, n_kv: 40, k: 328 };
    let x = Random::new(5).halves(Values::Outliers, shape.m * shape.k);
    let weights = int4(shape, Group::new(96).unwrap(), 6);
    for schedule in Schedule::ALL {
        assert_bits_of_the_chip(&format!("{schedule:?}"), |context| {
            run_in(context, schedule, shape, &x, &load(context, &weights), 1).concat()
        });
    }
}
