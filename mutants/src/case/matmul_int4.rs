//! W4A16 products: every grouping, with and without zero points, groups in order and not.

use std::sync::OnceLock;

use half::f16;
use tilewright_matmul_int4::{Shape, Weight, reference};
use tilewright_quant_pack::{Int4, Int4Affine};
use tilewright_testkit::{Random, Values};
use tilewright_tile::oracle::Expected;

use super::data::{Affine, draw, floats, groups};
use super::gpu::{Gpu, same_bits, within};
use super::{Case, Failure, Group};

/// Sizes of groups; 0 is the whole row.
const GROUPS: [usize; 5] = [32, 96, 64, 128, 0];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for group in GROUPS {
        for affine in Affine::ALL {
            // Narrow tiles with few groups and with many, which warps share; the medium tile.
            for (m, n, k) in [
                (1, 8, 64),
                (3, 50, 136),
                (16, 66, 200),
                (5, 130, 1096),
                (16, 66, 1360),
                (7, 52, 680),
                (2, 10, 2632),
                (15, 48 * 133, 72),
                (16, 48 * 133 + 10, 648),
                (17, 64, 64),
                (64, 66, 136),
                (65, 10, 1288),
                (66, 130, 712),
                (130, 18, 328),
                // Odd columns: results are written one by one.
                (3, 7, 72),
                (9, 49, 1096),
                (16, 65, 136),
                (15, 48 * 133 + 1, 648),
                (65, 67, 136),
                (66, 65, 712),
                // Enough columns for the wide tile.
                (65, 4298, 136),
                (66, 4298, 328),
                (66, 4299, 200),
            ] {
                for offset in [0, 1] {
                    if offset == 1 && n > 4000 && m > 16 {
                        continue;
                    }
                    cases.push(case([m, n, k], group, affine, offset));
                }
            }
        }
    }
    cases
}

enum Weights {
    Symmetric(Int4),
    Affine(Int4Affine),
}

struct Inputs {
    x: Vec<f16>,
    weight: Weights,
    expected: Vec<Expected>,
    groups: usize,
}

fn case([m, n, k]: [usize; 3], size: usize, affine: Affine, offset: usize) -> Case {
    let name = format!("w4a16 {m}x{n}x{k} groups of {size}, {affine:?} at {offset}");
    let inputs: OnceLock<Option<Inputs>> = OnceLock::new();
    Case::new(Group::MatmulInt4, name, move |gpu| {
        let made = inputs.get_or_init(|| Inputs::new([m, n, k], size, affine));
        made.as_ref().ok_or(Failure::Case("a weight that is none"))?.check(gpu, [m, n, k], offset)
    })
}

impl Inputs {
    fn new([m, n, k]: [usize; 3], size: usize, affine: Affine) -> Option<Self> {
        let mut random = Random::new((m * 1000 + n + k + size) as u64);
        let x: Vec<f16> = draw(&mut random, Values::SmallIntegers, m * k);
        let group = groups(size, k)?;
        let shape = Shape { m, n, k };
        let (weight, expected) = if affine == Affine::Symmetric {
            let weight = super::data::int4(&mut random, [n, k], group)?;
            let expected = reference::matmul(shape, &floats(&x), &weight);
            (Weights::Symmetric(weight), expected)
        } else {
            let weight = super::data::int4_affine(&mut random, [n, k], group, affine)?;
            let expected = reference::matmul_affine(shape, &floats(&x), &weight);
            (Weights::Affine(weight), expected)
        };
        Some(Self { x, weight, expected, groups: group.count(k) })
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
        within("y", &y, self.expected.iter().map(|e| (e.value, reference::bound(e, k, self.groups))))?;
        // Whole numbers times scales of a few bits: every sum is exact until it is stored.
        let wanted: Vec<f16> = self.expected.iter().map(|e| f16::from_f64(e.value)).collect();
        same_bits("y", &y, &wanted)?;
        x.unchanged(gpu, &self.x)
    }
}
