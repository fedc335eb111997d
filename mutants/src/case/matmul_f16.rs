//! y = x · wᵀ + bias in f16 and bf16.

use std::sync::OnceLock;

use half::{bf16, f16};
use tilewright_matmul_f16::{Dtype, Element, Shape, reference};
use tilewright_testkit::{Random, Values};
use tilewright_tile::oracle::Expected;

use super::data::{Fill, Number, draw, edges, extents, floats, ramp, with_infinities};
use super::gpu::{Gpu, same_bits, within};
use super::{Case, Failure, Group};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    add_of::<f16>(&mut cases);
    add_of::<bf16>(&mut cases);
    cases
}

/// k of whole 16-byte chunks, up to where every ring has come round more than once.
const WHOLE: [usize; 11] = [8, 64, 72, 136, 584, 328, 648, 200, 392, 1096, 520];
/// k of every remainder of 8.
const RAGGED: [usize; 16] = [1, 66, 131, 196, 261, 70, 7, 72, 577, 650, 579, 1092, 581, 454, 1095, 584];

fn add_of<T: Number + Element>(cases: &mut Vec<Case>) {
    let mut add = |shape: [usize; 3], bias, offsets, fill| cases.push(case::<T>(shape, bias, offsets, fill));
    for bias in [false, true] {
        for paired in [true, false] {
            for offsets in [[0, 0], [1, 0], [0, 1], [1, 1]] {
                let depths = if offsets == [1, 1] { RAGGED.as_slice() } else { &WHOLE };
                for tile in [[16, 48], [64, 64]] {
                    for index in 0..depths.len() {
                        let [m, n, k] = extents(index, tile, depths);
                        let n = (n.next_multiple_of(2) - usize::from(!paired)).max(1);
                        let fill = if index == 0 { Fill::Whole } else { Fill::Infinities };
                        add([m, n, k], bias, offsets, fill);
                    }
                    for (index, [m, n]) in edges(tile).into_iter().enumerate() {
                        let k = depths.get((index * 5 + 3) % depths.len()).copied().unwrap_or(8);
                        let n = (n.next_multiple_of(2) - usize::from(!paired)).max(1);
                        add([m, n, k], bias, offsets, Fill::Infinities);
                    }
                    for k in depths {
                        add([tile[0], tile[1] + 2 - usize::from(!paired), *k], bias, offsets, Fill::Infinities);
                    }
                    add([tile[0], tile[1] * 2 + 2 - usize::from(!paired), 72], bias, offsets, Fill::Ties);
                    add([tile[0], tile[1] * 2 + 2 - usize::from(!paired), 24], bias, offsets, Fill::Tiny);
                }
                // So many columns that narrow tiles are 64 wide.
                for index in 0..10 {
                    let Some(k) = depths.get(index * 3 % depths.len()) else { continue };
                    let m = [16, 3, 13, 8][index % 4];
                    add([m, 48 * 133 + 2 * index + usize::from(!paired), *k], bias, offsets, Fill::Infinities);
                }
                // The last tile has few columns.
                let k = depths.get(2).copied().unwrap_or(72);
                add([16, 64 * 100 + 2 + usize::from(!paired), k], bias, offsets, Fill::Infinities);
                add([16, 48 * 133 + usize::from(!paired), 24], bias, offsets, Fill::Ties);
                add([16, 48 * 133 + usize::from(!paired), 16], bias, offsets, Fill::Tiny);
            }
        }
    }
}

fn case<T: Number + Element>([m, n, k]: [usize; 3], has_bias: bool, offsets: [usize; 2], fill: Fill) -> Case {
    let shape = Shape { m, n, k };
    let bias = if has_bias { " bias" } else { "" };
    let name = format!("{:?} {m}x{n}x{k}{bias} at {offsets:?} {fill:?}", T::DTYPE);
    let inputs: OnceLock<Inputs<T>> = OnceLock::new();
    Case::new(Group::MatmulF16, name, m * n * k, move |gpu| {
        inputs.get_or_init(|| Inputs::new(shape, has_bias, fill)).check(gpu, offsets)
    })
}

struct Inputs<T> {
    shape: Shape,
    x: Vec<T>,
    w: Vec<T>,
    bias: Option<Vec<T>>,
    expected: OnceLock<Vec<Expected>>,
}

impl<T: Number + Element> Inputs<T> {
    fn new(shape: Shape, has_bias: bool, fill: Fill) -> Self {
        let Shape { m, n, k } = shape;
        let mut random = Random::new((m * 1000 + n + k) as u64);
        let mut x: Vec<T> = draw(&mut random, Values::SmallIntegers, m * k);
        let mut w: Vec<T> = draw(&mut random, Values::SmallIntegers, n * k);
        // Another value in every column; large enough that sums are rounded when they are stored.
        let mut bias: Vec<T> = (0..n).map(|column| T::new(ramp(column * 7, 251) - 125.0)).collect();
        match fill {
            Fill::Whole => {}
            Fill::Infinities => {
                with_infinities(&mut x, k, 3);
                with_infinities(&mut w, k, 5);
            }
            // Of bf16 subnormal sums; f16 has none.
            Fill::Tiny => {
                for (at, x) in x.iter_mut().enumerate() {
                    *x = T::new(if at % k == 0 { 2f64.powi(-70) } else { 0.0 });
                }
                w.fill(T::new(2f64.powi(-60)));
                bias.fill(T::new(2f64.powi(-131)));
            }
            Fill::Ties => {
                // Half of a place of the result, above an even one and an odd one, and three quarters of a place of f32.
                let (half, little) = if T::DTYPE == Dtype::F16 { (2048.0, -14) } else { (256.0, -17) };
                for (at, x) in x.iter_mut().enumerate() {
                    let odd = if at / k % 2 == 0 { 0.0 } else { 2.0 };
                    *x = T::new([half + odd, 1.0].get(at % k).copied().unwrap_or(0.0));
                }
                w.fill(T::new(1.0));
                bias.fill(T::new(3.0 * 2f64.powi(little)));
            }
        }
        let bias = has_bias.then_some(bias);
        Self { shape, x, w, bias, expected: OnceLock::new() }
    }

    fn expected(&self) -> &[Expected] {
        self.expected.get_or_init(|| {
            let bias = self.bias.as_deref().map(floats).unwrap_or_default();
            reference::matmul(self.shape, &floats(&self.x), &floats(&self.w), &bias)
        })
    }

    fn check(&self, gpu: &Gpu, [x_offset, w_offset]: [usize; 2]) -> Result<(), Failure> {
        let x = gpu.input(&self.x, x_offset)?;
        let w = gpu.input(&self.w, w_offset)?;
        let bias = self.bias.as_ref().map(|bias| gpu.input(bias, 0)).transpose()?;
        let bias_slice = bias.as_ref().map(|bias| bias.slice()).transpose()?;
        let mut y = gpu.output::<T>(self.shape.m * self.shape.n, 0)?;
        let matmul = gpu.matmul_f16()?;
        matmul
            .run(gpu.stream(), self.shape, x.slice()?, w.slice()?, bias_slice, &mut y.slice_mut()?)
            .map_err(Failure::of)?;
        let y = y.download(gpu)?;
        let bounds = self.expected().iter().map(|e| (e.value, reference::bound(e, self.shape.k, T::DTYPE)));
        within("y", &y, bounds)?;
        let wanted: Vec<T> = self.expected().iter().map(|expected| T::new(expected.value)).collect();
        same_bits("y", &y, &wanted)?;
        x.unchanged(gpu, &self.x)?;
        w.unchanged(gpu, &self.w)
    }
}
