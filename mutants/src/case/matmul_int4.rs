//! W4A16 products: every grouping, with and without zero points, groups in order and not.

use std::sync::OnceLock;

use half::f16;
use tilewright_matmul_int4::{Plan, Problem, Shape, Weight, reference};
use tilewright_ptx_ir::Target;
use tilewright_quant_pack::{Int4, Int4Affine};
use tilewright_testkit::Random;
use tilewright_tile::oracle::Expected;

use super::data::{Affine, Fill, activations, depths, edges, extents, floats, groups};
use super::gpu::{Gpu, same_bits, within};
use super::{Case, Failure, Group, plans};

/// Sizes of groups; 0 is the whole row.
const GROUPS: [usize; 6] = [32, 96, 64, 128, 0, 1152];
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for group in GROUPS {
        for affine in Affine::ALL {
            let [few, many] = depths(group);
            let (whole, long, size) = (group == 0, group > 1000, group.max(32));
            let mut add = |shape, offset, fill| cases.push(case(shape, group, affine, offset, fill));
            for offset in [0, 1] {
                for odd in [0, 1] {
                    // Narrow tiles whose groups are shared out are 32 wide for so few columns.
                    let narrow = [16, if whole { 48 } else { 32 }];
                    for (tile, depths) in [(narrow, &few), (narrow, &many), ([64, 64], &few), ([64, 64], &many)] {
                        for index in 0..depths.len() {
                            let [m, n, k] = extents(index, tile, depths);
                            let n = (n.next_multiple_of(2) - odd).max(1);
                            let fill = if index == 0 { Fill::Whole } else { Fill::Infinities };
                            add([m, n, k], offset, fill);
                        }
                        for (index, [m, n]) in edges(tile).into_iter().enumerate() {
                            let k = depths.get((index * 5 + 3) % depths.len()).copied().unwrap_or(size);
                            add([m, (n.next_multiple_of(2) - odd).max(1), k], offset, Fill::Infinities);
                        }
                        if !whole {
                            add([tile[0], tile[1] * 2 + 2 - odd, 3 * size], offset, Fill::Ties);
                        }
                        if !whole && !long {
                            add([tile[0], tile[1] * 2 + 2 - odd, 16 * size], offset, Fill::Ties);
                        }
                    }
                    if whole {
                        // A group of one K tile and of three: another kernel than that of two.
                        for depths in [[8, 16, 24, 32, 40, 48, 56, 64], [136, 144, 152, 160, 168, 176, 184, 192]] {
                            for (tile, index) in
                                [narrow, [64, 64]].into_iter().flat_map(|tile| (0..8).map(move |index| (tile, index)))
                            {
                                let [m, n, k] = extents(index, tile, &depths);
                                let n = (n.next_multiple_of(2) - odd).max(1);
                                add([m, n, k], offset, if index == 0 { Fill::Whole } else { Fill::Infinities });
                            }
                        }
                    }
                    if long {
                        continue;
                    }
                    // So many columns that narrow tiles are 64 wide, or 48 and 96.
                    let columns = if whole { [48 * 133; 4] } else { [4300, 48 * 133, 8500, 48 * 133] };
                    for index in 0..4 {
                        for depths in [&few, &many] {
                            let k = depths.get((index * 3 + 1) % depths.len()).copied().unwrap_or(size);
                            let m = [16, 13, 8, 3][index];
                            if k < 1300 {
                                add([m, columns[index] + 2 * index + odd, k], offset, Fill::Infinities);
                            }
                        }
                    }
                    if !whole {
                        for columns in &columns[..3] {
                            add([16, columns + odd, 3 * size], offset, Fill::Ties);
                            add([16, columns + odd, 8 * size], offset, Fill::Ties);
                        }
                    }
                    // Every remainder of rows, of columns and of rounds in them, and rings that come round more than once.
                    if is_shared(group) {
                        for (wide, start) in [4230, 6340, 8452].into_iter().enumerate() {
                            for (index, (m, k)) in wide_edges(group).into_iter().enumerate() {
                                let n = start + [0, 6, 14, 22, 30, 38, 46, 54][(index * 3 + wide) % 8] + odd;
                                add([m, n, k], offset, if index % 3 == 0 { Fill::Whole } else { Fill::Infinities });
                            }
                        }
                    }
                    // And the others 128.
                    if offset == 0 {
                        let (one, two) = if whole { (120, 128) } else { (size + 40, 328) };
                        add([65, 4298 + odd, one], offset, Fill::Whole);
                        add([66, 4298 + odd, two], offset, Fill::Infinities);
                        if !whole {
                            add([128, 4298 + odd, 3 * size], offset, Fill::Ties);
                        }
                    }
                }
            }
        }
    }
    cases
}

/// Whether warps share out groups of this size where there are several.
const fn is_shared(group: usize) -> bool {
    group == 32 || (group > 0 && group.is_multiple_of(64))
}

/// Rows and depths for tiles of which a shape has many: two or three groups, then four and more, of which the last is short.
fn wide_edges(size: usize) -> [(usize, usize); 9] {
    // Five stages of four parts, and a round more.
    let long = 21 * size.max(64) + 8;
    [
        (1, 3 * size),
        (5, 2 * size + 8),
        (16, 3 * size - 8),
        (13, size + 24),
        (1, long),
        (1, 4 * size),
        (5, 5 * size + 8),
        (13, 7 * size - 24),
        (16, 10 * size + 16),
    ]
}

enum Weights {
    Symmetric(Int4),
    Affine(Int4Affine),
}

struct Inputs {
    x: Vec<f16>,
    weight: Weights,
    expected: OnceLock<Vec<Expected>>,
    groups: usize,
}

fn case([m, n, k]: [usize; 3], size: usize, affine: Affine, offset: usize, fill: Fill) -> Case {
    let name = format!("w4a16 {m}x{n}x{k} groups of {size}, {affine:?} at {offset} {fill:?}");
    let inputs: OnceLock<Option<Inputs>> = OnceLock::new();
    let problem = groups(size, k).and_then(|group| {
        let problem = Problem::new(Shape { m, n, k }, group).ok()?;
        Some(problem.with(affine.has_zeros(), affine.is_gathered() && group.count(k) > 1))
    });
    let planned = |target| problem.map(|problem| Plan::aligned(&problem, target));
    let each: Option<Vec<Plan>> = Target::ALL.into_iter().map(planned).collect();
    let depths = each.as_ref().and_then(|plans| {
        let geometries: Vec<_> = plans.iter().map(|plan| plan.geometry).collect();
        plans::depths(&geometries, plans.first()?.format)
    });
    let plan = each.map(|plans| format!("{plans:?} {offset}"));
    Case::new(Group::MatmulInt4, name, m * n * k, move |gpu| {
        let made = inputs.get_or_init(|| Inputs::new([m, n, k], size, affine, fill));
        made.as_ref().ok_or(Failure::Case("a weight that is none"))?.check(gpu, [m, n, k], offset)
    })
    .with_depths(depths)
    .with_plan(plan)
}

impl Inputs {
    fn new([m, n, k]: [usize; 3], size: usize, affine: Affine, fill: Fill) -> Option<Self> {
        let mut random = Random::new((m * 1000 + n + k + size) as u64);
        let group = groups(size, k)?;
        let x = activations(&mut random, [m, k], group.size(k), fill);
        let weight = if affine == Affine::Symmetric {
            Weights::Symmetric(super::data::int4(&mut random, [n, k], group, fill)?)
        } else {
            Weights::Affine(super::data::int4_affine(&mut random, [n, k], group, affine, fill)?)
        };
        Some(Self { x, weight, expected: OnceLock::new(), groups: group.count(k) })
    }

    fn expected(&self, shape: Shape) -> &[Expected] {
        self.expected.get_or_init(|| match &self.weight {
            Weights::Symmetric(weight) => reference::matmul(shape, &floats(&self.x), weight),
            Weights::Affine(weight) => reference::matmul_affine(shape, &floats(&self.x), weight),
        })
    }

    fn check(&self, gpu: &Gpu, [m, n, k]: [usize; 3], offset: usize) -> Result<(), Failure> {
        let x = gpu.input(&self.x, offset)?;
        let weight = match &self.weight {
            Weights::Symmetric(weight) => Weight::load(gpu.stream(), weight),
            Weights::Affine(weight) => Weight::load_affine(gpu.stream(), weight),
        };
        let weight = weight.map_err(Failure::of)?;
        let mut y = gpu.output::<f16>(m * n, 0)?;
        gpu.matmul_int4()?.run(gpu.stream(), m, x.slice()?, &weight, &mut y.slice_mut()?).map_err(Failure::of)?;
        let y = y.download(gpu)?;
        let expected = self.expected(Shape { m, n, k });
        within("y", &y, expected.iter().map(|e| (e.value, reference::bound(e, k, self.groups))))?;
        // Whole numbers times scales of a few bits: every sum is exact until it is stored.
        let wanted: Vec<f16> = expected.iter().map(|e| f16::from_f64(e.value)).collect();
        same_bits("y", &y, &wanted)?;
        x.unchanged(gpu, &self.x)
    }
}
