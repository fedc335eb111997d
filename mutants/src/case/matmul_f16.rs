//! y = x · wᵀ + bias in f16 and bf16.

use std::sync::OnceLock;

use half::{bf16, f16};
use tilewright_matmul_f16::{Element, Shape, reference};
use tilewright_testkit::{Random, Values};
use tilewright_tile::oracle::Expected;

use super::data::{Number, draw, floats, ramp};
use super::gpu::{Gpu, same_bits, within};
use super::{Case, Failure, Group};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    add_of::<f16>(&mut cases);
    add_of::<bf16>(&mut cases);
    cases
}

/// Rows and columns around the edges of the narrow tiles and of the medium one, and the k that wrap their rings.
fn shapes() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for (m, n, k) in [
        (1, 8, 64),
        (1, 64, 72),
        (3, 50, 8),
        (16, 66, 640),
        (5, 130, 1096),
        (15, 48 * 133, 72),
        (16, 48 * 133 + 10, 136),
        (17, 64, 64),
        (64, 66, 136),
        (63, 62, 8),
        (66, 130, 712),
        (65, 10, 1224),
        (130, 18, 200),
        // Odd columns: results are written one by one.
        (3, 7, 72),
        (16, 65, 72),
        (65, 67, 136),
        // k that no 16-byte copy can read.
        (3, 10, 9),
        (16, 66, 67),
        (5, 65, 1091),
        (66, 66, 67),
        (65, 67, 133),
        (65, 66, 811),
    ] {
        shapes.push(Shape { m, n, k });
    }
    shapes
}

fn add_of<T: Number + Element>(cases: &mut Vec<Case>) {
    for shape in shapes() {
        for bias in [false, true] {
            for (x_offset, w_offset) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                for whole in [true, false] {
                    cases.push(case::<T>(shape, bias, [x_offset, w_offset], whole));
                }
            }
        }
    }
}

fn case<T: Number + Element>(shape: Shape, has_bias: bool, offsets: [usize; 2], whole: bool) -> Case {
    let Shape { m, n, k } = shape;
    let bias = if has_bias { " bias" } else { "" };
    let name =
        format!("{:?} {m}x{n}x{k}{bias} at {offsets:?} {}", T::DTYPE, if whole { "integers" } else { "outliers" });
    let inputs: OnceLock<Inputs<T>> = OnceLock::new();
    Case::new(Group::MatmulF16, name, move |gpu| {
        inputs.get_or_init(|| Inputs::new(shape, has_bias, whole)).check(gpu, offsets)
    })
}

struct Inputs<T> {
    shape: Shape,
    x: Vec<T>,
    w: Vec<T>,
    bias: Option<Vec<T>>,
    /// Whether every sum is exact in f32.
    whole: bool,
    expected: Vec<Expected>,
}

impl<T: Number + Element> Inputs<T> {
    fn new(shape: Shape, has_bias: bool, whole: bool) -> Self {
        let mut random = Random::new((shape.m * 1000 + shape.n + shape.k) as u64);
        let values = if whole { Values::SmallIntegers } else { Values::Outliers };
        let x: Vec<T> = draw(&mut random, values, shape.m * shape.k);
        let w: Vec<T> = draw(&mut random, values, shape.n * shape.k);
        // Another value in every column; large enough that sums are rounded when they are stored.
        let bias: Option<Vec<T>> =
            has_bias.then(|| (0..shape.n).map(|column| T::new(ramp(column * 7, 251) - 125.0)).collect());
        let expected =
            reference::matmul(shape, &floats(&x), &floats(&w), &bias.as_deref().map(floats).unwrap_or_default());
        Self { shape, x, w, bias, whole, expected }
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
        let bounds = self.expected.iter().map(|e| (e.value, reference::bound(e, self.shape.k, T::DTYPE)));
        within("y", &y, bounds)?;
        if self.whole {
            let wanted: Vec<T> = self.expected.iter().map(|expected| T::new(expected.value)).collect();
            same_bits("y", &y, &wanted)?;
        }
        x.unchanged(gpu, &self.x)?;
        w.unchanged(gpu, &self.w)
    }
}
