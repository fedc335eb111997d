//! From activations to a W8A8 product without leaving the device: normalize and quantize in one launch, multiply in a second.

use half::f16;
use tilewright_ffi::{DeviceBuffer, Stream};
use tilewright_matmul_int8::{Matmul, Operands, Output, ScalesOf, reference as product};
use tilewright_quant_pack::{Granularity, Int8, ScaleRule, Shape as WeightShape};
use tilewright_reduce::{Dtype, Operation, Plan, Quantized, RowKernels, Shape as RowShape, reference};
use tilewright_testkit::{Random, Values, assert_same_bits, assert_within, context, stream};
use tilewright_tile::Shape;

const EPSILON: f32 = 1e-5;

/// Rows of x and a weight of the norm in f16, an int8 weight with a scale for each row.
struct Chain {
    shape: Shape,
    x: Vec<f16>,
    norm_weight: Vec<f16>,
    w: Int8,
}

/// What the device makes of it.
struct Results {
    norm: Vec<f16>,
    codes: Vec<i8>,
    scales: Vec<f32>,
    y: Vec<f16>,
}

impl Chain {
    fn new(shape: Shape, seed: u64) -> Self {
        let Shape { m, n, k } = shape;
        let mut random = Random::new(seed);
        let weights = random.floats(Values::Uniform, n * k);
        let w = Int8::quantize(&weights, WeightShape { n, k }, Granularity::PerChannel, ScaleRule::Max).unwrap();
        Self { shape, x: random.halves(Values::Outliers, m * k), norm_weight: random.halves(Values::Uniform, k), w }
    }

    fn rows(&self) -> RowShape {
        RowShape { rows: self.shape.m, columns: self.shape.k }
    }

    fn run(&self) -> Results {
        let (stream, kernels) = (stream(), RowKernels::new(context()).unwrap());
        let Shape { m, n, k } = self.shape;
        let (x, weight) = (stream.upload(&self.x).unwrap(), stream.upload(&self.norm_weight).unwrap());
        let (mut codes, mut scales) = (poisoned::<i8>(&stream, m * k), poisoned::<f32>(&stream, m));
        let mut quantized = Quantized { codes: codes.as_slice_mut(), scales: scales.as_slice_mut() };
        kernels
            .rms_norm_quantize(&stream, self.rows(), x.as_slice(), weight.as_slice(), EPSILON, &mut quantized)
            .unwrap();

        let (w, w_scales) = (stream.upload(self.w.values()).unwrap(), stream.upload(self.w.scales()).unwrap());
        let mut y = poisoned::<f16>(&stream, m * n);
        let operands = Operands { x: codes.as_slice(), w: w.as_slice() };
        let of = ScalesOf { x: scales.as_slice(), w: w_scales.as_slice() };
        Matmul::new(context()).unwrap().w8a8(&stream, self.shape, operands, of, &mut y.as_slice_mut()).unwrap();

        let mut norm = poisoned::<f16>(&stream, m * k);
        let to = &mut norm.as_slice_mut();
        kernels.rms_norm(&stream, self.rows(), x.as_slice(), weight.as_slice(), EPSILON, to).unwrap();
        Results {
            norm: stream.download(norm.as_slice()).unwrap(),
            codes: stream.download(codes.as_slice()).unwrap(),
            scales: stream.download(scales.as_slice()).unwrap(),
            y: stream.download(y.as_slice()).unwrap(),
        }
    }
}

fn poisoned<T: bytemuck::Pod>(stream: &Stream, len: usize) -> DeviceBuffer<T> {
    let mut buffer = stream.alloc(len).unwrap();
    stream.fill_bytes(&mut buffer.as_slice_mut(), 0xFF).unwrap();
    buffer
}

fn wide(values: &[f16]) -> Vec<f32> {
    values.iter().map(|value| value.to_f32()).collect()
}

/// One row, the rows of a tile, and past its edges; depths that are no multiple of anything.
const SHAPES: [Shape; 5] = [
    Shape { m: 1, n: 65, k: 256 },
    Shape { m: 16, n: 64, k: 128 },
    Shape { m: 65, n: 33, k: 201 },
    Shape { m: 3, n: 9, k: 1 },
    Shape { m: 2, n: 7, k: 5000 },
];

/// Each step from what the step before gave: codes and scales exactly, the product within its bound.
#[test]
fn each_step_is_that_of_its_oracle() {
    for (shape, seed) in SHAPES.into_iter().zip(1..) {
        let chain = Chain::new(shape, seed);
        let results = chain.run();
        let rows: Vec<_> = results.norm.chunks(shape.k).map(|row| reference::quantize(&wide(row))).collect();
        let codes: Vec<i8> = rows.iter().flat_map(|(codes, _)| codes).copied().collect();
        assert!(results.codes == codes, "{shape:?}");
        assert_same_bits("scales", &results.scales, &rows.iter().map(|(_, scale)| *scale).collect::<Vec<_>>());
        let expected = product::w8a8(shape, &codes, chain.w.values(), &results.scales, chain.w.scales());
        assert_within("y", &results.y, expected.iter().map(|e| (e.value, product::w8a8_bound(e, Output::F16))));
    }
}

/// The whole against f64 from x on: off by what the norm may be off and half a scale in each term, and by the roundings of the product.
#[test]
fn the_whole_is_within_half_a_scale_a_term() {
    for (shape, seed) in SHAPES.into_iter().zip(11..) {
        let chain = Chain::new(shape, seed);
        let results = chain.run();
        let problem = chain.rows().check().unwrap();
        let plan = Plan::new(Operation::RmsNorm { weight: Dtype::F16 }, Dtype::F16, problem, true);
        let additions = plan.additions(problem.columns());
        let (weight, w) = (wide(&chain.norm_weight), chain.w.dequantize());
        let mut expected = Vec::new();
        for (row, x) in chain.x.chunks(shape.k).enumerate() {
            let norm = reference::rms_norm(&wide(x), &weight, EPSILON, additions, Dtype::F16);
            let largest = norm.iter().map(|norm| norm.value.abs() + norm.bound).fold(0.0, f64::max);
            // A division of the scale, a rounding of the quotient: see `reference::quantize`.
            let half = largest / 127.0 * (0.5 + 2f64.powi(-16));
            for w in w.chunks(shape.k) {
                let value: f64 = norm.iter().zip(w).map(|(norm, w)| norm.value * f64::from(*w)).sum();
                let terms: f64 = norm.iter().zip(w).map(|(norm, w)| (norm.bound + half) * f64::from(w.abs())).sum();
                // `dequantize` rounds each weight to f32, and the product rounds its scales and its result.
                let magnitude: f64 = norm.iter().zip(w).map(|(norm, w)| (norm.value * f64::from(*w)).abs()).sum();
                let roundings = (value.abs() + terms) * 2f64.powi(-11) + (magnitude + terms) * 2f64.powi(-22);
                expected.push((value, terms + roundings + 2f64.powi(-25)));
            }
            assert!(results.scales[row].is_finite());
        }
        assert_within("y", &results.y, expected);
    }
}

/// A scale says what its row was: zeros give zeros, and what is no number gives NaN, in its own row alone.
#[test]
fn rows_that_are_no_numbers_stay_apart() {
    let shape = Shape { m: 5, n: 9, k: 72 };
    let mut chain = Chain::new(shape, 31);
    chain.x[shape.k..2 * shape.k].fill(f16::ZERO);
    chain.x[2 * shape.k + 5] = f16::NAN;
    chain.x[3 * shape.k + 7] = f16::NEG_INFINITY;
    let results = chain.run();
    for (row, y) in results.y.chunks(shape.n).enumerate() {
        match row {
            1 => assert!(results.scales[row] == 0.0 && y.iter().all(|y| *y == f16::ZERO)),
            2 | 3 => assert!(results.scales[row].is_nan() && y.iter().all(|y| y.is_nan())),
            _ => assert!(y.iter().all(|y| y.is_finite()) && y.iter().any(|y| *y != f16::ZERO)),
        }
    }
}

/// An infinity reaches the scale as it is, and the product as NaN, whatever the weights are.
#[test]
fn an_infinite_scale_reaches_the_product() {
    let stream = stream();
    let (x, kernels) =
        (stream.upload(&[1.0f32, f32::INFINITY, -3.0, 2.0]).unwrap(), RowKernels::new(context()).unwrap());
    let (mut codes, mut scales) = (poisoned::<i8>(&stream, 4), poisoned::<f32>(&stream, 1));
    let mut quantized = Quantized { codes: codes.as_slice_mut(), scales: scales.as_slice_mut() };
    kernels.quantize(&stream, RowShape { rows: 1, columns: 4 }, x.as_slice(), &mut quantized).unwrap();
    let (w, w_scale) = (stream.upload(&[1i8, 2, 3, 4, 0, 0, 0, 0]).unwrap(), stream.upload(&[1.0f32]).unwrap());
    let mut y = poisoned::<f32>(&stream, 2);
    let operands = Operands { x: codes.as_slice(), w: w.as_slice() };
    let of = ScalesOf { x: scales.as_slice(), w: w_scale.as_slice() };
    let shape = Shape { m: 1, n: 2, k: 4 };
    Matmul::new(context()).unwrap().w8a8(&stream, shape, operands, of, &mut y.as_slice_mut()).unwrap();
    assert_eq!(stream.download(scales.as_slice()).unwrap(), [f32::INFINITY]);
    assert!(stream.download(y.as_slice()).unwrap().iter().all(|y| y.is_nan()));
}

/// Activations and weights are quantized alike: the same scales, and the same codes but where the quotient lies, but for its rounding, between two.
#[test]
fn codes_are_those_of_quantized_weights() {
    let (rows, k) = (64, 300);
    let x = Random::new(5).floats(Values::Outliers, rows * k);
    let weights = Int8::quantize(&x, WeightShape { n: rows, k }, Granularity::PerChannel, ScaleRule::Max).unwrap();
    for (row, x) in x.chunks(k).enumerate() {
        let (codes, scale) = reference::quantize(x);
        assert_eq!(scale.to_bits(), weights.scales()[row].to_bits());
        for ((x, code), other) in x.iter().zip(codes).zip(&weights.values()[row * k..]) {
            let quotient = f64::from(*x) / f64::from(scale);
            let is_between = (quotient.abs().fract() - 0.5).abs() <= 2f64.powi(-17);
            assert!(code == *other || (is_between && code.abs_diff(*other) == 1), "{x} / {scale}: {code} and {other}");
        }
    }
}
