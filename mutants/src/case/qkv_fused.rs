//! Three projections in one launch: every schedule, int4 and int8.

use std::sync::OnceLock;

use half::f16;
use tilewright_ptx_ir::Target;
use tilewright_qkv_fused::{
    Outputs, Plan, Problem, QkvShape, QkvWeights, Scales, Schedule, Weights as Kind, reference,
};
use tilewright_quant_pack::{Granularity, Int4, Int4Affine, Int8, Shape as WeightShape};
use tilewright_testkit::Random;
use tilewright_tile::oracle::Expected;

use super::data::{Affine, Fill, activations, depths, edges, extents, floats, groups, int4, int4_affine};
use super::gpu::{Gpu, same_bits, within};
use super::{Case, Failure, Group, plans};

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
        let ([few, many], size, whole) = match format {
            Format::Int4 { group, .. } => (depths(group), group.max(32), group == 0),
            Format::Int8(_) => (depths(64), 64, false),
        };
        for schedule in Schedule::ALL {
            let mut add = |[m, n_q, n_kv, k]: [usize; 4], offset, fill| {
                cases.push(case(format, schedule, QkvShape { m, n_q, n_kv, k }, offset, fill));
            };
            for (offset, odd) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                // Narrow tiles whose groups are shared out are 32 wide for so few columns.
                let is_shared = !whole && matches!(format, Format::Int4 { .. });
                let narrow = [16, if is_shared { 32 } else { 48 }];
                for (tile, depths) in [(narrow, &few), (narrow, &many), ([64, 64], &few), ([64, 64], &many)] {
                    for index in 0..depths.len() {
                        let [m, n, k] = extents(index, tile, depths);
                        let n_q = (n.next_multiple_of(2) - odd).max(1);
                        let n_kv = [n_q / 2 + 1, n_q + 4, 6, 34][index % 4].next_multiple_of(2) - odd;
                        let fill = if index == 0 { Fill::Whole } else { Fill::Infinities };
                        add([m, n_q, n_kv, k], offset, fill);
                    }
                    for (index, [m, n]) in edges(tile).into_iter().enumerate() {
                        let k = depths.get((index * 5 + 3) % depths.len()).copied().unwrap_or(size);
                        let n_q = (n.next_multiple_of(2) - odd).max(1);
                        let n_kv = ([n / 2, n + 16, 33, n][index % 4].next_multiple_of(2) + 2) - odd;
                        add([m, n_q, n_kv, k], offset, Fill::Infinities);
                    }
                    if !whole {
                        add([tile[0], 66 - odd, 34 - odd, 3 * size], offset, Fill::Ties);
                        add([tile[0], 66 - odd, 34 - odd, 16 * size], offset, Fill::Ties);
                    }
                }
                if schedule != Schedule::Async {
                    continue;
                }
                // So many columns that narrow tiles are 64 wide, or 48 and 96.
                let wide = (48 * 60 + odd, 48 * 37 + odd);
                let columns =
                    if is_shared { [(2150 + odd, 1074 + odd), wide, (4300 + odd, 2100 + odd)] } else { [wide; 3] };
                for index in 0..3 {
                    for depths in [&few, &many] {
                        let k = depths.get((index * 3 + 1) % depths.len()).copied().unwrap_or(size);
                        if k < 1300 {
                            let m = [16, 13, 8][index];
                            let (q, kv) = columns[index];
                            add([m, q + 2 * index, kv + 6 * index, k], offset, Fill::Infinities);
                        }
                    }
                }
                if !whole {
                    for (q, kv) in columns.into_iter().take(if is_shared { 3 } else { 1 }) {
                        add([16, q, kv, 3 * size], offset, Fill::Ties);
                        add([16, q, kv, 8 * size], offset, Fill::Ties);
                    }
                }
                // And the others 128 and more.
                if offset == 0 {
                    let (one, two) = if whole { (120, 128) } else { (size + 40, 328) };
                    add([66, 2150 + odd, 1074 + odd, one], offset, Fill::Whole);
                    add([65, 2150 + odd, 1074 + odd, two], offset, Fill::Infinities);
                    if !whole {
                        add([128, 2150 + odd, 1074 + odd, 3 * size], offset, Fill::Ties);
                    }
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
    expected: OnceLock<[Vec<Expected>; 3]>,
    groups: usize,
}

fn case(format: Format, schedule: Schedule, shape: QkvShape, offset: usize, fill: Fill) -> Case {
    let QkvShape { m, n_q, n_kv, k } = shape;
    let name = format!("qkv {m}x({n_q}, {n_kv})x{k} {format:?} {schedule:?} at {offset} {fill:?}");
    let inputs: OnceLock<Option<Inputs>> = OnceLock::new();
    let planned = |target| {
        let (kind, scales, is_gathered) = match format {
            Format::Int4 { group, affine } => {
                let group = groups(group, k)?;
                let kind = if affine.has_zeros() { Kind::Int4WithZeros(group) } else { Kind::Int4(group) };
                (kind, Scales::Each, affine.is_gathered() && group.count(k) > 1)
            }
            Format::Int8(Granularity::PerTensor) => (Kind::Int8, Scales::One, false),
            Format::Int8(_) => (Kind::Int8, Scales::Each, false),
        };
        let problem = Problem::new(shape, kind).ok()?.gathered(is_gathered);
        Some(Plan::aligned(&problem, target, schedule, scales))
    };
    let each: Option<Vec<Plan>> = Target::ALL.into_iter().map(planned).collect();
    let depths = each.as_ref().filter(|_| schedule == Schedule::Async).and_then(|plans| {
        let geometries: Vec<_> = plans.iter().map(|plan| plan.geometry).collect();
        plans::depths(&geometries, plans.first()?.format)
    });
    // What is not on 16 bytes is copied otherwise, and bytes by rows of any length.
    let plan = each.map(|plans| format!("{plans:?} {offset}"));
    Case::new(Group::QkvFused, name, m * (n_q + 2 * n_kv) * k, move |gpu| {
        let made = inputs.get_or_init(|| Inputs::new(format, shape, fill));
        made.as_ref().ok_or(Failure::Case("weights that are none"))?.check(gpu, schedule, shape, offset)
    })
    .with_depths(depths)
    .with_plan(plan)
}

/// Three weights, all different.
fn three<T>(shape: QkvShape, mut make: impl FnMut([usize; 2]) -> Option<T>) -> Option<[T; 3]> {
    let [q, k, v] = shape.parts().map(|part| make([part.n, part.k]));
    Some([q?, k?, v?])
}

impl Inputs {
    fn new(format: Format, shape: QkvShape, fill: Fill) -> Option<Self> {
        let mut random = Random::new((shape.m * 1000 + shape.n_q + shape.k) as u64);
        let size = match format {
            Format::Int4 { group, .. } => groups(group, shape.k)?.size(shape.k),
            Format::Int8(_) => shape.k,
        };
        let x = activations(&mut random, [shape.m, shape.k], size, fill);
        let (weights, count) = match format {
            Format::Int4 { group, affine: Affine::Symmetric } => {
                let group = groups(group, shape.k)?;
                let weights = three(shape, |nk| int4(&mut random, nk, group, fill))?;
                (Weights::Symmetric(weights), group.count(shape.k))
            }
            Format::Int4 { group, affine } => {
                let group = groups(group, shape.k)?;
                let weights = three(shape, |nk| int4_affine(&mut random, nk, group, affine, fill))?;
                (Weights::Affine(weights), group.count(shape.k))
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
                (Weights::Bytes(weights), 1)
            }
        };
        Some(Self { x, weights, expected: OnceLock::new(), groups: count })
    }

    fn expected(&self, shape: QkvShape) -> &[Vec<Expected>; 3] {
        let x = floats(&self.x);
        self.expected.get_or_init(|| match &self.weights {
            Weights::Symmetric(weights) => reference::qkv_int4(shape, &x, weights.each_ref()),
            Weights::Affine(weights) => reference::qkv_affine(shape, &x, weights.each_ref()),
            Weights::Bytes(weights) => reference::qkv_int8(shape, &x, weights.each_ref()),
        })
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
        for ((name, result), expected) in ["q", "k", "v"].into_iter().zip([q, k, v]).zip(self.expected(shape)) {
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
