//! Three projections in one launch: every schedule, int4 and int8.

use std::sync::OnceLock;

use half::f16;
use tilewright_qkv_fused::{Outputs, QkvShape, QkvWeights, Schedule, reference};
use tilewright_quant_pack::{Granularity, Int4, Int4Affine, Int8, Shape as WeightShape};
use tilewright_testkit::{Random, Values};
use tilewright_tile::oracle::Expected;

use super::data::{Affine, draw, floats, groups, int4, int4_affine};
use super::gpu::{Gpu, same_bits, within};
use super::{Case, Failure, Group};

/// What the weights are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Int4 { group: usize, affine: Affine },
    Int8(Granularity),
}

pub(super) fn cases() -> Vec<Case> {
    let int4 =
        [32, 96, 64, 128, 0].into_iter().flat_map(|group| Affine::ALL.map(|affine| Format::Int4 { group, affine }));
    let int8 = [Granularity::PerTensor, Granularity::PerChannel].map(Format::Int8);
    let mut cases = Vec::new();
    for format in int4.chain(int8) {
        for schedule in Schedule::ALL {
            for (m, n_q, n_kv, k) in [
                (1, 8, 8, 64),
                (3, 50, 10, 136),
                (16, 66, 34, 200),
                (5, 130, 66, 1096),
                (16, 34, 18, 1360),
                (2, 10, 4, 2632),
                (15, 48 * 60, 48 * 37, 72),
                (16, 48 * 60 + 2, 48 * 37 + 4, 648),
                (17, 64, 32, 64),
                (64, 66, 34, 136),
                (65, 10, 18, 1288),
                (66, 130, 66, 712),
                (3, 7, 9, 72),
                (9, 49, 17, 1096),
                (16, 65, 33, 136),
                (16, 48 * 60 + 1, 48 * 37 + 3, 648),
                (65, 67, 33, 136),
                (66, 65, 19, 712),
                (65, 2150, 1074, 136),
                (66, 2150, 1074, 328),
                (66, 2151, 1073, 200),
            ] {
                let large = n_q > 1000;
                if large && schedule != Schedule::Async {
                    continue;
                }
                for offset in [0, 1] {
                    if offset == 1 && large && m > 16 {
                        continue;
                    }
                    cases.push(case(format, schedule, QkvShape { m, n_q, n_kv, k }, offset));
                }
            }
        }
    }
    cases
}

enum Weights {
    Symmetric([Int4; 3]),
    Affine([Int4Affine; 3]),
    Bytes([Int8; 3]),
}

struct Inputs {
    x: Vec<f16>,
    weights: Weights,
    expected: [Vec<Expected>; 3],
    groups: usize,
}

fn case(format: Format, schedule: Schedule, shape: QkvShape, offset: usize) -> Case {
    let QkvShape { m, n_q, n_kv, k } = shape;
    let name = format!("qkv {m}x({n_q}, {n_kv})x{k} {format:?} {schedule:?} at {offset}");
    let inputs: OnceLock<Option<Inputs>> = OnceLock::new();
    Case::new(Group::QkvFused, name, move |gpu| {
        let made = inputs.get_or_init(|| Inputs::new(format, shape));
        made.as_ref().ok_or(Failure::Case("weights that are none"))?.check(gpu, schedule, shape, offset)
    })
}

/// Three weights, all different.
fn three<T>(shape: QkvShape, mut make: impl FnMut([usize; 2]) -> Option<T>) -> Option<[T; 3]> {
    let [q, k, v] = shape.parts().map(|part| make([part.n, part.k]));
    Some([q?, k?, v?])
}

impl Inputs {
    fn new(format: Format, shape: QkvShape) -> Option<Self> {
        let mut random = Random::new((shape.m * 1000 + shape.n_q + shape.k) as u64);
        let x: Vec<f16> = draw(&mut random, Values::SmallIntegers, shape.m * shape.k);
        let numbers = floats(&x);
        let (weights, expected, count) = match format {
            Format::Int4 { group, affine: Affine::Symmetric } => {
                let group = groups(group, shape.k)?;
                let weights = three(shape, |nk| int4(&mut random, nk, group))?;
                let expected = reference::qkv_int4(shape, &numbers, weights.each_ref());
                (Weights::Symmetric(weights), expected, group.count(shape.k))
            }
            Format::Int4 { group, affine } => {
                let group = groups(group, shape.k)?;
                let weights = three(shape, |nk| int4_affine(&mut random, nk, group, affine))?;
                let expected = reference::qkv_affine(shape, &numbers, weights.each_ref());
                (Weights::Affine(weights), expected, group.count(shape.k))
            }
            Format::Int8(granularity) => {
                let mut seed = 3u8;
                let weights = three(shape, |[n, k]| {
                    seed += 2;
                    let shape = WeightShape { n, k };
                    let scale = |index| f32::from(u8::try_from(index % 5).unwrap_or(0) * 2 + seed) / 1024.0;
                    let scales = (0..granularity.scales(shape)).map(scale).collect();
                    Int8::from_parts(shape, granularity, random.bytes(n * k), scales).ok()
                })?;
                let expected = reference::qkv_int8(shape, &numbers, weights.each_ref());
                (Weights::Bytes(weights), expected, 1)
            }
        };
        Some(Self { x, weights, expected, groups: count })
    }

    fn check(&self, gpu: &Gpu, schedule: Schedule, shape: QkvShape, offset: usize) -> Result<(), Failure> {
        let stream = gpu.stream();
        let x = gpu.input(&self.x, offset)?;
        let weights = match &self.weights {
            Weights::Symmetric(weights) => QkvWeights::load_int4(stream, weights.each_ref()),
            Weights::Affine(weights) => QkvWeights::load_affine(stream, weights.each_ref()),
            Weights::Bytes(weights) => QkvWeights::load_int8(stream, weights.each_ref()),
        };
        let weights = weights.map_err(Failure::of)?;
        let [q, k, v] = shape.parts().map(|part| gpu.output::<f16>(part.m * part.n, 0));
        let [mut q, mut k, mut v] = [q?, k?, v?];
        let outputs = Outputs { q: &mut q.slice_mut()?, k: &mut k.slice_mut()?, v: &mut v.slice_mut()? };
        gpu.qkv(schedule)?.run(stream, shape.m, x.slice()?, &weights, outputs).map_err(Failure::of)?;
        for ((name, result), expected) in ["q", "k", "v"].into_iter().zip([q, k, v]).zip(&self.expected) {
            let result = result.download(gpu)?;
            let bounds = expected.iter().map(|e| (e.value, reference::bound(e, shape.k, self.groups)));
            within(name, &result, bounds)?;
            // Whole numbers times scales of a few bits: every sum is exact until it is stored.
            let wanted: Vec<f16> = expected.iter().map(|e| f16::from_f64(e.value)).collect();
            same_bits(name, &result, &wanted)?;
        }
        x.unchanged(gpu, &self.x)
    }
}
