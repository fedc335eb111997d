//! W8A8 and W8A16 products.

use std::sync::OnceLock;

use half::f16;
use tilewright_matmul_int8::{Operands, Output, ScaledOutput, ScalesOf, Shape, Weight, reference};
use tilewright_quant_pack::{Granularity, Int8, Shape as WeightShape};
use tilewright_testkit::{Bits, Random, Values};
use tilewright_tile::oracle::Expected;

use super::data::{Number, draw, floats, ramp};
use super::gpu::{same_bits, within};
use super::{Case, Failure, Group};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (m, n, k) in [
        (1, 8, 128),
        (3, 50, 16),
        (16, 66, 1280),
        (5, 130, 2192),
        (15, 48 * 133, 144),
        (17, 64, 128),
        (64, 66, 272),
        (66, 130, 1424),
        (65, 10, 2448),
        (3, 7, 144),
        (16, 65, 144),
        (65, 67, 272),
        (3, 10, 9),
        (16, 66, 131),
        (5, 65, 2179),
        (66, 66, 131),
        (65, 67, 261),
        (65, 66, 1611),
    ] {
        let shape = Shape { m, n, k };
        for offsets in [[0, 0], [1, 0], [0, 1], [1, 1]] {
            cases.push(sums(shape, offsets));
            for each in [[false, false], [false, true], [true, false], [true, true]] {
                cases.push(scaled::<f16>(shape, offsets, each));
                cases.push(scaled::<f32>(shape, offsets, each));
            }
        }
    }
    for (m, n, k) in [
        (1, 8, 64),
        (1, 64, 64),
        (3, 50, 72),
        (16, 66, 640),
        (5, 130, 1352),
        (15, 48 * 133, 72),
        (17, 64, 64),
        (64, 66, 136),
        (66, 130, 712),
        (65, 10, 1224),
        (3, 7, 72),
        (16, 65, 72),
        (65, 67, 136),
        (3, 10, 9),
        (16, 66, 67),
        (5, 65, 1091),
        (66, 66, 67),
        (65, 67, 133),
        (65, 66, 811),
    ] {
        for granularity in [Granularity::PerTensor, Granularity::PerChannel] {
            for offset in [0, 1] {
                for whole in [true, false] {
                    cases.push(w8a16([m, n, k], granularity, offset, whole));
                }
            }
        }
    }
    cases
}

struct Bytes {
    shape: Shape,
    x: Vec<i8>,
    w: Vec<i8>,
}

impl Bytes {
    fn new(shape: Shape) -> Self {
        let mut random = Random::new((shape.m * 1000 + shape.n + shape.k) as u64);
        Self { shape, x: random.bytes(shape.m * shape.k), w: random.bytes(shape.n * shape.k) }
    }
}

fn sums(shape: Shape, [x_offset, w_offset]: [usize; 2]) -> Case {
    let Shape { m, n, k } = shape;
    let inputs: OnceLock<(Bytes, Vec<i32>)> = OnceLock::new();
    Case::new(Group::MatmulInt8, format!("w8a8 sums {m}x{n}x{k} at {x_offset}, {w_offset}"), move |gpu| {
        let (bytes, wanted) = inputs.get_or_init(|| {
            let bytes = Bytes::new(shape);
            let sums = reference::sums(shape, &bytes.x, &bytes.w);
            let wanted = sums.into_iter().map(|sum| i32::try_from(sum).unwrap_or(i32::MIN)).collect();
            (bytes, wanted)
        });
        let (x, w) = (gpu.input(&bytes.x, x_offset)?, gpu.input(&bytes.w, w_offset)?);
        let mut y = gpu.output::<i32>(m * n, 0)?;
        let operands = Operands { x: x.slice()?, w: w.slice()? };
        let matmul = gpu.matmul_int8()?;
        matmul.w8a8_sums(gpu.stream(), shape, operands, &mut y.slice_mut()?).map_err(Failure::of)?;
        same_bits("y", &y.download(gpu)?, wanted)?;
        x.unchanged(gpu, &bytes.x)?;
        w.unchanged(gpu, &bytes.w)
    })
}

/// A power of two for each row, so that products with the scales are exact; neighbours differ.
fn powers(count: usize, modulus: usize) -> Vec<f32> {
    (0..count).map(|index| 2f32.powi(-10) * (1.0 + f32::new(ramp(index, modulus)))).collect()
}

fn scaled<T: ScaledOutput + Bits + Number>(shape: Shape, offsets: [usize; 2], [each_x, each_w]: [bool; 2]) -> Case {
    let Shape { m, n, k } = shape;
    let output = T::OUTPUT;
    let name = format!("w8a8 {output:?} {m}x{n}x{k} at {offsets:?}, a scale each: {each_x}, {each_w}");
    let inputs: OnceLock<(Bytes, [Vec<f32>; 2], Vec<Expected>)> = OnceLock::new();
    let [x_offset, w_offset] = offsets;
    Case::new(Group::MatmulInt8, name, move |gpu| {
        let (bytes, [x_scale, w_scale], expected) = inputs.get_or_init(|| {
            let bytes = Bytes::new(shape);
            let scales = [powers(if each_x { m } else { 1 }, 13), powers(if each_w { n } else { 1 }, 11)];
            let expected = reference::w8a8(shape, &bytes.x, &bytes.w, &scales[0], &scales[1]);
            (bytes, scales, expected)
        });
        let (x, w) = (gpu.input(&bytes.x, x_offset)?, gpu.input(&bytes.w, w_offset)?);
        let (x_scales, w_scales) = (gpu.input(x_scale, 0)?, gpu.input(w_scale, 0)?);
        let mut y = gpu.output::<T>(m * n, 0)?;
        let operands = Operands { x: x.slice()?, w: w.slice()? };
        let scales = ScalesOf { x: x_scales.slice()?, w: w_scales.slice()? };
        let matmul = gpu.matmul_int8()?;
        matmul.w8a8(gpu.stream(), shape, operands, scales, &mut y.slice_mut()?).map_err(Failure::of)?;
        let y = y.download(gpu)?;
        within("y", &y, expected.iter().map(|e| (e.value, reference::w8a8_bound(e, output))))?;
        // Sums below 2^24 times a few bits are exact until they are stored.
        let wanted: Vec<T> = expected.iter().map(|e| T::new(e.value)).collect();
        if output == Output::F16 {
            same_bits("y", &y, &wanted)?;
        }
        x.unchanged(gpu, &bytes.x)?;
        w.unchanged(gpu, &bytes.w)
    })
}

struct Halves {
    x: Vec<f16>,
    weight: Int8,
    expected: Vec<Expected>,
}

fn w8a16([m, n, k]: [usize; 3], granularity: Granularity, offset: usize, whole: bool) -> Case {
    let kind = if whole { "integers" } else { "outliers" };
    let name = format!("w8a16 {m}x{n}x{k} {granularity:?} at {offset} {kind}");
    let inputs: OnceLock<Option<Halves>> = OnceLock::new();
    Case::new(Group::MatmulInt8, name, move |gpu| {
        let made = inputs.get_or_init(|| {
            let mut random = Random::new((m * 1000 + n + k) as u64);
            let values = if whole { Values::SmallIntegers } else { Values::Outliers };
            let x = draw(&mut random, values, m * k);
            let shape = WeightShape { n, k };
            let scales = powers(granularity.scales(shape), 7);
            let weight = Int8::from_parts(shape, granularity, random.bytes(n * k), scales).ok()?;
            let shape = Shape { m, n, k };
            let expected = reference::w8a16(shape, &floats(&x), weight.values(), weight.scales());
            Some(Halves { x, weight, expected })
        });
        let inputs = made.as_ref().ok_or(Failure::Case("a weight that is none"))?;
        let x = gpu.input(&inputs.x, offset)?;
        let weight = Weight::load(gpu.stream(), &inputs.weight).map_err(Failure::of)?;
        let mut y = gpu.output::<f16>(m * n, 0)?;
        gpu.matmul_int8()?.w8a16(gpu.stream(), m, x.slice()?, &weight, &mut y.slice_mut()?).map_err(Failure::of)?;
        let y = y.download(gpu)?;
        within("y", &y, inputs.expected.iter().map(|e| (e.value, reference::w8a16_bound(e, k))))?;
        if whole {
            let wanted: Vec<f16> = inputs.expected.iter().map(|e| f16::from_f64(e.value)).collect();
            same_bits("y", &y, &wanted)?;
        }
        x.unchanged(gpu, &inputs.x)
    })
}
