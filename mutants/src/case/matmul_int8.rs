//! W8A8 and W8A16 products.

use std::sync::OnceLock;

use half::f16;
use tilewright_matmul_int8::{Operands, Output, ScaledOutput, ScalesOf, Shape, Weight, reference};
use tilewright_quant_pack::{Granularity, Int8, Shape as WeightShape};
use tilewright_testkit::{Bits, Random, Values};
use tilewright_tile::oracle::Expected;

use super::data::{Fill, Number, draw, edges, extents, floats, ramp, with_infinities};
use super::gpu::{same_bits, within};
use super::{Case, Failure, Group};

/// k of whole 16-byte chunks of bytes, and of every remainder of 16.
const WHOLE: [usize; 9] = [16, 128, 144, 272, 1168, 656, 1296, 400, 2192];
const RAGGED: [usize; 32] = [
    1, 130, 259, 132, 389, 262, 135, 392, 265, 138, 11, 396, 269, 14, 143, 272, 1041, 1170, 1043, 1044, 1173, 1046,
    1175, 1160, 1033, 1162, 1035, 1036, 1165, 1038, 1167, 1168,
];
/// The same for halves.
const WHOLE_HALVES: [usize; 9] = [8, 64, 72, 136, 1160, 328, 648, 200, 1352];
const RAGGED_HALVES: [usize; 16] = [1, 66, 131, 196, 261, 70, 7, 72, 1089, 1162, 1091, 1156, 1093, 1030, 1095, 1096];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for odd in [0, 1] {
        for offsets in [[0, 0], [1, 0], [0, 1], [1, 1]] {
            let depths = if offsets == [1, 1] { RAGGED.as_slice() } else { &WHOLE };
            let mut add = |[m, n, k]: [usize; 3]| {
                let shape = Shape { m, n, k };
                cases.push(sums(shape, offsets));
                for each in [[false, false], [false, true], [true, false], [true, true]] {
                    for tie in [None, Some(Tie::Scale), Some(Tie::Sum), Some(Tie::Convert)] {
                        // Ties need one depth only; sums that are no f32 a large one.
                        let wanted = match tie {
                            None => true,
                            Some(Tie::Convert) => [1168, 1163].contains(&k),
                            Some(_) => [144, 141].contains(&k),
                        };
                        if wanted {
                            cases.push(scaled::<f16>(shape, offsets, each, tie));
                            cases.push(scaled::<f32>(shape, offsets, each, tie));
                        }
                    }
                }
            };
            for tile in [[16, 48], [64, 64]] {
                for index in 0..depths.len() {
                    let [m, n, k] = extents(index, tile, depths);
                    add([m, (n.next_multiple_of(2) - odd).max(1), k]);
                }
                for (index, [m, n]) in edges(tile).into_iter().enumerate() {
                    let k = depths.get((index * 5 + 3) % depths.len()).copied().unwrap_or(16);
                    add([m, (n.next_multiple_of(2) - odd).max(1), k]);
                }
                for k in depths {
                    add([tile[0], tile[1] + 2 - odd, *k]);
                }
                add([tile[0], 2 * tile[1] + 2 - odd, if offsets == [1, 1] { 141 } else { 144 }]);
            }
            add([16, 48 * 133 + odd, if offsets == [1, 1] { 141 } else { 144 }]);
            // The last tile has few columns.
            add([16, 64 * 100 + 2 + odd, if offsets == [1, 1] { 141 } else { 144 }]);
            add([13, 48 * 133 + 2 + odd, if offsets == [1, 1] { 1163 } else { 1168 }]);
        }
        for granularity in [Granularity::PerTensor, Granularity::PerChannel] {
            for offset in [0, 1] {
                let depths = if offset == 1 { RAGGED_HALVES.as_slice() } else { &WHOLE_HALVES };
                let mut add = |shape, fill| cases.push(w8a16(shape, granularity, offset, fill));
                for tile in [[16, 48], [64, 64]] {
                    for index in 0..depths.len() {
                        let [m, n, k] = extents(index, tile, depths);
                        let n = (n.next_multiple_of(2) - odd).max(1);
                        add([m, n, k], if index == 0 { Fill::Whole } else { Fill::Infinities });
                    }
                    for (index, [m, n]) in edges(tile).into_iter().enumerate() {
                        let k = depths.get((index * 5 + 3) % depths.len()).copied().unwrap_or(16);
                        add([m, (n.next_multiple_of(2) - odd).max(1), k], Fill::Infinities);
                    }
                    for k in depths {
                        add([tile[0], tile[1] + 2 - odd, *k], Fill::Infinities);
                    }
                    add([tile[0], 2 * tile[1] + 2 - odd, 72 + offset], Fill::Ties);
                }
                add([16, 48 * 133 + odd, 72 + offset], Fill::Ties);
                add([13, 48 * 133 + 2 + odd, 1160 + offset], Fill::Infinities);
                add([8, 48 * 133 + 4 + odd, 136 - offset], Fill::Infinities);
                add([16, 64 * 100 + 2 + odd, 136 - offset], Fill::Infinities);
                if offset == 0 {
                    for n in [4298, 6300, 8498] {
                        add([65, n + odd, 136], Fill::Whole);
                        add([66, n + odd, 328], Fill::Infinities);
                        add([128, n + odd, 72], Fill::Ties);
                    }
                }
            }
        }
    }
    cases
}

/// Whose rounding decides between two results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tie {
    /// That of the product of the scales.
    Scale,
    /// That of the sum times it.
    Sum,
    /// That of the sum times a single scale, the second one.
    One,
    /// That of the sum, which is no f32.
    Convert,
}

struct Bytes {
    x: Vec<i8>,
    w: Vec<i8>,
}

impl Bytes {
    fn new(shape: Shape) -> Self {
        let mut random = Random::new((shape.m * 1000 + shape.n + shape.k) as u64);
        Self { x: random.bytes(shape.m * shape.k), w: random.bytes(shape.n * shape.k) }
    }
}

/// a · b towards zero.
fn towards_zero(a: f32, b: f32) -> f32 {
    let product = a * b;
    let exact = f64::from(a) * f64::from(b);
    if f64::from(product).abs() > exact.abs() { f32::from_bits(product.to_bits() - 1) } else { product }
}

/// Scales for which a product of `sum` with them, rounded to f16 (or f32), shows how `tie` was rounded.
fn tied_scales(exact: i32, tie: Tie, output: Output) -> [f32; 2] {
    #[expect(clippy::cast_precision_loss, reason = "the kernel's conversion")]
    let sum = exact as f32;
    // The f32 below, if the conversion went up.
    let below = if f64::from(sum) > f64::from(exact) { f32::from_bits(sum.to_bits() - 1) } else { sum };
    let round = |value: f32| if output == Output::F16 { f16::from_f32(value).to_f32() } else { value };
    let mut random = Random::new(9);
    for _ in 0..1 << 20 {
        let (x, w) = (1.0 + random.unit().abs(), (1.0 + random.unit().abs()) / 4096.0);
        let wrong = match tie {
            Tie::Scale => sum * towards_zero(x, w),
            Tie::Sum => towards_zero(sum, x * w),
            Tie::One => towards_zero(sum, w),
            Tie::Convert => below * (x * w),
        };
        let x = if tie == Tie::One { 1.0 } else { x };
        if round(wrong).to_bits() != round(sum * (x * w)).to_bits() {
            return [x, w];
        }
    }
    [1.0, 1.0]
}

fn sums(shape: Shape, [x_offset, w_offset]: [usize; 2]) -> Case {
    let Shape { m, n, k } = shape;
    let (inputs, wanted): (OnceLock<Bytes>, OnceLock<Vec<i32>>) = (OnceLock::new(), OnceLock::new());
    let name = format!("w8a8 sums {m}x{n}x{k} at {x_offset}, {w_offset}");
    Case::new(Group::MatmulInt8, name, m * n * k, move |gpu| {
        let bytes = inputs.get_or_init(|| Bytes::new(shape));
        let (x, w) = (gpu.input(&bytes.x, x_offset)?, gpu.input(&bytes.w, w_offset)?);
        let mut y = gpu.output::<i32>(m * n, 0)?;
        let operands = Operands { x: x.slice()?, w: w.slice()? };
        let matmul = gpu.matmul_int8()?;
        matmul.w8a8_sums(gpu.stream(), shape, operands, &mut y.slice_mut()?).map_err(Failure::of)?;
        let wanted = wanted.get_or_init(|| {
            let sums = reference::sums(shape, &bytes.x, &bytes.w);
            sums.into_iter().map(|sum| i32::try_from(sum).unwrap_or(i32::MIN)).collect()
        });
        same_bits("y", &y.download(gpu)?, wanted)?;
        x.unchanged(gpu, &bytes.x)?;
        w.unchanged(gpu, &bytes.w)
    })
}

/// A power of two for each row, so that products with the scales are exact; neighbours differ.
fn powers(count: usize, modulus: usize) -> Vec<f32> {
    (0..count).map(|index| 2f32.powi(-10) * (1.0 + f32::new(ramp(index, modulus)))).collect()
}

fn scaled<T: ScaledOutput + Bits + Number>(
    shape: Shape,
    offsets: [usize; 2],
    [each_x, each_w]: [bool; 2],
    tie: Option<Tie>,
) -> Case {
    let Shape { m, n, k } = shape;
    let output = T::OUTPUT;
    let name = format!("w8a8 {output:?} {m}x{n}x{k} at {offsets:?}, a scale each: {each_x}, {each_w} {tie:?}");
    let inputs: OnceLock<(Bytes, [Vec<f32>; 2])> = OnceLock::new();
    let (expected, exact): (OnceLock<Vec<Expected>>, OnceLock<Vec<T>>) = (OnceLock::new(), OnceLock::new());
    let [x_offset, w_offset] = offsets;
    Case::new(Group::MatmulInt8, name, m * n * k, move |gpu| {
        let (bytes, [x_scale, w_scale]) = inputs.get_or_init(|| {
            let (counts, mut bytes) = ([if each_x { m } else { 1 }, if each_w { n } else { 1 }], Bytes::new(shape));
            let scales = match tie {
                // In f32 too large or small to be multiplied one after the other, and subnormal.
                // In f32 subnormal together, and exact.
                None if output == Output::F32 && n % 3 == 1 => {
                    [vec![2f32.powi(-70); counts[0]], vec![2f32.powi(-70) * 3.0; counts[1]]]
                }
                None if k % 128 == 16 => [vec![2f32.powi(-130); counts[0]], vec![2f32.powi(118) * 3.0; counts[1]]],
                None => [powers(counts[0], 13), powers(counts[1], 11)],
                Some(Tie::Convert) => {
                    bytes.x.fill(127);
                    bytes.w.fill(127);
                    // An odd sum, above an odd multiple of two.
                    let less = if k % 2 == 0 { 3 } else { 0 };
                    bytes.w.iter_mut().step_by(k).for_each(|w| *w -= less);
                    let sum = 127 * (127 * i32::try_from(k).unwrap_or(0) - i32::from(less));
                    let [x, w] = tied_scales(sum, Tie::Convert, output);
                    [vec![x; counts[0]], vec![w; counts[1]]]
                }
                Some(tie) => {
                    bytes.x.fill(77);
                    bytes.w.fill(53);
                    let [x, w] = tied_scales(77 * 53 * i32::try_from(k).unwrap_or(0), tie, output);
                    [vec![x; counts[0]], vec![w; counts[1]]]
                }
            };
            (bytes, scales)
        });
        let (x, w) = (gpu.input(&bytes.x, x_offset)?, gpu.input(&bytes.w, w_offset)?);
        let (x_scales, w_scales) = (gpu.input(x_scale, 0)?, gpu.input(w_scale, 0)?);
        let mut y = gpu.output::<T>(m * n, 0)?;
        let operands = Operands { x: x.slice()?, w: w.slice()? };
        let scales = ScalesOf { x: x_scales.slice()?, w: w_scales.slice()? };
        let matmul = gpu.matmul_int8()?;
        matmul.w8a8(gpu.stream(), shape, operands, scales, &mut y.slice_mut()?).map_err(Failure::of)?;
        let y = y.download(gpu)?;
        let expected = expected.get_or_init(|| reference::w8a8(shape, &bytes.x, &bytes.w, x_scale, w_scale));
        within("y", &y, expected.iter().map(|e| (e.value, reference::w8a8_bound(e, output))))?;
        let exact = exact.get_or_init(|| {
            let sums = reference::sums(shape, &bytes.x, &bytes.w).into_iter().enumerate();
            sums.map(|(at, sum)| {
                let scale = |scales: &[f32], at| scales.get(at).or(scales.first()).copied().unwrap_or(1.0);
                #[expect(clippy::cast_precision_loss, reason = "the kernel's conversion")]
                let value = sum as f32 * (scale(x_scale, at / n) * scale(w_scale, at % n));
                T::new(f64::from(value))
            })
            .collect()
        });
        same_bits("y", &y, exact)?;
        x.unchanged(gpu, &bytes.x)?;
        w.unchanged(gpu, &bytes.w)
    })
}

struct Halves {
    x: Vec<f16>,
    weight: Int8,
    expected: OnceLock<Vec<Expected>>,
}

fn w8a16([m, n, k]: [usize; 3], granularity: Granularity, offset: usize, fill: Fill) -> Case {
    let name = format!("w8a16 {m}x{n}x{k} {granularity:?} at {offset} {fill:?}");
    let inputs: OnceLock<Option<Halves>> = OnceLock::new();
    Case::new(Group::MatmulInt8, name, m * n * k, move |gpu| {
        let made = inputs.get_or_init(|| {
            let mut random = Random::new((m * 1000 + n + k) as u64);
            let mut x: Vec<f16> = draw(&mut random, Values::SmallIntegers, m * k);
            let shape = WeightShape { n, k };
            let mut scales = powers(granularity.scales(shape), 7);
            let mut bytes = random.bytes(n * k);
            if fill == Fill::Infinities {
                with_infinities(&mut x, k, 3);
                // Subnormal scales, which an infinity shows.
                if n % 3 == 1 {
                    scales.iter_mut().for_each(|scale| *scale *= 2f32.powi(-122));
                }
            } else if fill == Fill::Ties {
                x.fill(f16::from_f32(7.0));
                bytes.fill(53);
                let [_, scale] = tied_scales(7 * 53 * i32::try_from(k).unwrap_or(0), Tie::One, Output::F16);
                scales.fill(scale);
            }
            let weight = Int8::from_parts(shape, granularity, bytes, scales).ok()?;
            Some(Halves { x, weight, expected: OnceLock::new() })
        });
        let inputs = made.as_ref().ok_or(Failure::Case("a weight that is none"))?;
        let x = gpu.input(&inputs.x, offset)?;
        let weight = Weight::load(gpu.stream(), &inputs.weight).map_err(Failure::of)?;
        let mut y = gpu.output::<f16>(m * n, 0)?;
        gpu.matmul_int8()?.w8a16(gpu.stream(), m, x.slice()?, &weight, &mut y.slice_mut()?).map_err(Failure::of)?;
        let y = y.download(gpu)?;
        let expected = inputs.expected.get_or_init(|| {
            let (weight, shape) = (&inputs.weight, Shape { m, n, k });
            reference::w8a16(shape, &floats(&inputs.x), weight.values(), weight.scales())
        });
        within("y", &y, expected.iter().map(|e| (e.value, reference::w8a16_bound(e, k))))?;
        // Sums are exact, and the product with the scale is rounded to f32, then to f16.
        #[expect(clippy::cast_possible_truncation, reason = "the kernel's rounding")]
        let wanted: Vec<f16> = expected.iter().map(|e| f16::from_f32(e.value as f32)).collect();
        same_bits("y", &y, &wanted)?;
        x.unchanged(gpu, &inputs.x)
    })
}
