//! The row kernels against the f64 oracle, on the test device.

use half::{bf16, f16};
use proptest::prelude::*;
use tilewright_reduce::reference::{self, Expected};
use tilewright_reduce::{Affine, Dtype, Error, Operation, Plan, Real, RowKernels, Shape};
use tilewright_testkit::{Bits, Guarded, Random, Values, assert_same_bits, assert_within, cases, context, stream};

/// Row lengths around the edges of steps (4, 8), warps and teams.
fn columns() -> impl Strategy<Value = usize> {
    let edges =
        vec![31, 32, 33, 127, 128, 129, 255, 256, 257, 511, 512, 513, 576, 1023, 1024, 1025, 2048, 4095, 4096, 5000];
    prop_oneof![1..40usize, prop::sample::select(edges)]
}

fn values() -> impl Strategy<Value = Values> {
    prop::sample::select(Values::ALL.to_vec())
}

trait Number: Real + Bits {
    fn new(value: f32) -> Self;
}

impl Number for f32 {
    fn new(value: f32) -> Self {
        value
    }
}

impl Number for f16 {
    fn new(value: f32) -> Self {
        Self::from_f32(value)
    }
}

impl Number for bf16 {
    fn new(value: f32) -> Self {
        Self::from_f32(value)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    Softmax,
    RmsNorm,
    LayerNorm { bias: bool },
    Sum,
    Max,
    Min,
}

struct Case<T> {
    op: Op,
    shape: Shape,
    x: Vec<T>,
    weight: Vec<T>,
    bias: Vec<T>,
    epsilon: f32,
}

enum Results<T> {
    Matrix(Vec<T>),
    Rows(Vec<f32>),
}

#[expect(clippy::cast_possible_truncation, reason = "f64 values of 32-bit and smaller floats")]
fn floats<T: Bits>(values: &[T]) -> Vec<f32> {
    values.iter().map(|value| value.value() as f32).collect()
}

impl<T: Number> Case<T> {
    fn new(op: Op, shape: Shape, values: Values, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let Shape { rows, columns } = shape;
        let mut draw = |values, count| (0..count).map(|_| T::new(random.float(values))).collect::<Vec<T>>();
        let x = draw(values, rows * columns);
        Self {
            op,
            shape,
            x,
            weight: draw(Values::Uniform, columns),
            bias: draw(Values::Uniform, columns),
            epsilon: 1e-5,
        }
    }

    fn run(&self, offset: usize) -> Results<T> {
        let (stream, kernels) = (stream(), RowKernels::new(context()).unwrap());
        let x = Guarded::upload(&stream, &self.x, offset);
        let weight = Guarded::upload(&stream, &self.weight, offset);
        let bias = Guarded::upload(&stream, &self.bias, offset);
        let results = match self.op {
            Op::Softmax | Op::RmsNorm | Op::LayerNorm { .. } => {
                let mut y = Guarded::<T>::misaligned(&stream, self.x.len(), offset);
                let to = &mut y.as_slice_mut();
                match self.op {
                    Op::Softmax => kernels.softmax(&stream, self.shape, x.as_slice(), to),
                    Op::RmsNorm => {
                        kernels.rms_norm(&stream, self.shape, x.as_slice(), weight.as_slice(), self.epsilon, to)
                    }
                    _ => {
                        let bias = (self.op == Op::LayerNorm { bias: true }).then(|| bias.as_slice());
                        let affine = Affine { weight: weight.as_slice(), bias };
                        kernels.layer_norm(&stream, self.shape, x.as_slice(), affine, self.epsilon, to)
                    }
                }
                .unwrap();
                Results::Matrix(y.download(&stream))
            }
            Op::Sum | Op::Max | Op::Min => {
                let mut y = Guarded::<f32>::misaligned(&stream, self.shape.rows, offset);
                let to = &mut y.as_slice_mut();
                match self.op {
                    Op::Sum => kernels.sum(&stream, self.shape, x.as_slice(), to),
                    Op::Max => kernels.max(&stream, self.shape, x.as_slice(), to),
                    _ => kernels.min(&stream, self.shape, x.as_slice(), to),
                }
                .unwrap();
                Results::Rows(y.download(&stream))
            }
        };
        x.assert_unchanged(&stream, &self.x);
        weight.assert_unchanged(&stream, &self.weight);
        results
    }

    fn plan(&self) -> Plan {
        // Team and order of sums depend on the type and the columns alone.
        Plan::new(Operation::Sum, T::DTYPE, self.shape.check().unwrap(), false)
    }

    fn expected(&self) -> Vec<Expected> {
        let additions = self.plan().additions(u32::try_from(self.shape.columns).unwrap());
        let (weight, bias) = (floats(&self.weight), floats(&self.bias));
        let rows = self.x.chunks(self.shape.columns).map(floats);
        let exact = |value: f32| Expected { value: f64::from(value), bound: 0.0 };
        rows.flat_map(|row| match self.op {
            Op::Softmax => reference::softmax(&row, additions, T::DTYPE),
            Op::RmsNorm => reference::rms_norm(&row, &weight, self.epsilon, additions, T::DTYPE),
            Op::LayerNorm { bias: has_bias } => {
                let bias: &[f32] = if has_bias { &bias } else { &[] };
                reference::layer_norm(&row, (&weight, bias), self.epsilon, additions, T::DTYPE)
            }
            Op::Sum => vec![reference::sum(&row, additions)],
            Op::Max => vec![exact(reference::max(&row))],
            Op::Min => vec![exact(reference::min(&row))],
        })
        .collect()
    }

    fn check(&self, offset: usize) {
        let expected = self.expected().into_iter().map(|expected| (expected.value, expected.bound));
        match self.run(offset) {
            Results::Matrix(y) => assert_within("y", &y, expected),
            Results::Rows(y) => assert_within("y", &y, expected),
        }
    }
}

fn op() -> impl Strategy<Value = Op> {
    prop::sample::select(vec![
        Op::Softmax,
        Op::RmsNorm,
        Op::LayerNorm { bias: false },
        Op::LayerNorm { bias: true },
        Op::Sum,
        Op::Max,
        Op::Min,
    ])
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn f32_is_within_the_bound(op in op(), rows in 1..7usize, columns in columns(), values in values(), offset in 0..3usize, seed: u64) {
        Case::<f32>::new(op, Shape { rows, columns }, values, seed).check(offset);
    }

    #[test]
    fn f16_is_within_the_bound(op in op(), rows in 1..7usize, columns in columns(), values in values(), offset in 0..3usize, seed: u64) {
        Case::<f16>::new(op, Shape { rows, columns }, values, seed).check(offset);
    }

    #[test]
    fn bf16_is_within_the_bound(op in op(), rows in 1..7usize, columns in columns(), values in values(), offset in 0..3usize, seed: u64) {
        Case::<bf16>::new(op, Shape { rows, columns }, values, seed).check(offset);
    }

    #[test]
    fn a_row_does_not_depend_on_the_others(op in op(), rows in 2..9usize, columns in columns(), offset in 0..3usize, seed: u64) {
        let case = Case::<f16>::new(op, Shape { rows, columns }, Values::Outliers, seed);
        let row = usize::try_from(seed % rows as u64).unwrap();
        let all = case.run(0);
        let alone = Case {
            shape: Shape { rows: 1, columns },
            x: case.x[row * columns..(row + 1) * columns].to_vec(),
            weight: case.weight.clone(),
            bias: case.bias.clone(),
            ..case
        };
        match (all, alone.run(offset)) {
            (Results::Matrix(all), Results::Matrix(alone)) => {
                assert_same_bits("row", &all[row * columns..(row + 1) * columns], &alone);
            }
            (Results::Rows(all), Results::Rows(alone)) => assert_same_bits("row", &all[row..=row], &alone),
            _ => unreachable!("one operation, one kind of result"),
        }
    }
}

#[test]
fn a_row_that_does_not_fit_registers_is_streamed() {
    for op in [Op::Softmax, Op::RmsNorm, Op::LayerNorm { bias: true }, Op::Sum, Op::Max] {
        Case::<f32>::new(op, Shape { rows: 2, columns: 16_389 }, Values::Uniform, 3).check(0);
    }
}

#[test]
fn large_halves_do_not_overflow_the_mean_square() {
    let mut case = Case::<f16>::new(Op::RmsNorm, Shape { rows: 2, columns: 576 }, Values::Uniform, 9);
    case.x.iter_mut().for_each(|x| *x = f16::from_f32(x.to_f32() * 60_000.0));
    case.check(0);
}

#[test]
fn nan_reaches_sums_and_is_ignored_by_extremes() {
    for (op, wanted) in [(Op::Sum, f32::NAN), (Op::Max, 4.0), (Op::Min, -1.0)] {
        let mut case = Case::<f32>::new(op, Shape { rows: 2, columns: 5 }, Values::Uniform, 1);
        case.x = vec![1.0, f32::NAN, 4.0, -1.0, 0.0, f32::NAN, f32::NAN, f32::NAN, f32::NAN, f32::NAN];
        let Results::Rows(y) = case.run(0) else { unreachable!("a reduction") };
        assert!(y[0] == wanted || (y[0].is_nan() && wanted.is_nan()), "{op:?}: {y:?}");
        assert!(y[1].is_nan(), "{op:?}: {y:?}");
    }
    let mut case = Case::<f32>::new(Op::Softmax, Shape { rows: 2, columns: 4 }, Values::Uniform, 1);
    case.x = vec![1.0, f32::NAN, 4.0, -1.0, f32::NEG_INFINITY, 0.0, f32::NEG_INFINITY, 0.0];
    let Results::Matrix(y) = case.run(0) else { unreachable!("a matrix") };
    assert!(y[..4].iter().all(|y| y.is_nan()), "{y:?}");
    assert_eq!(y[4..], [0.0, 0.5, 0.0, 0.5]);
}

#[test]
fn softmax_of_a_row_sums_to_one_and_keeps_its_order() {
    let case = Case::<f32>::new(Op::Softmax, Shape { rows: 1, columns: 777 }, Values::Outliers, 4);
    let Results::Matrix(y) = case.run(0) else { unreachable!("a matrix") };
    let sum: f64 = y.iter().map(|y| f64::from(*y)).sum();
    assert!((sum - 1.0).abs() < 1e-5, "{sum}");
    for (a, b) in case.x.iter().zip(&y) {
        for (c, d) in case.x.iter().zip(&y).take(20) {
            assert!(a.partial_cmp(c) == b.partial_cmp(d) || b == d, "order of {a} and {c}");
        }
    }
}

#[test]
fn wrong_shapes_are_refused_by_name() {
    let (stream, kernels) = (stream(), RowKernels::new(context()).unwrap());
    let x = stream.upload(&[1f32; 6]).unwrap();
    let weight = stream.upload(&[1f32; 4]).unwrap();
    let mut y = Guarded::<f32>::new(&stream, 6);
    let before = y.download(&stream);
    let shape = Shape { rows: 2, columns: 3 };
    let refused = |result: Result<(), Error>| result.expect_err("refused").to_string();
    let softmax = |shape, y: &mut Guarded<f32>| kernels.softmax(&stream, shape, x.as_slice(), &mut y.as_slice_mut());
    assert_eq!(
        refused(softmax(Shape { rows: 0, columns: 3 }, &mut y)),
        "rows is 0; a matrix has at least one row and one column"
    );
    assert_eq!(
        refused(softmax(Shape { rows: 2, columns: 0 }, &mut y)),
        "columns is 0; a matrix has at least one row and one column"
    );
    assert_eq!(refused(softmax(Shape { rows: 7, columns: 1 }, &mut y)), "tensor `x` has 6 elements, the shape wants 7");
    assert!(refused(softmax(Shape { rows: usize::MAX, columns: 1 }, &mut y)).contains("is larger than 2147483647"));
    let rms = |weight, epsilon, y: &mut Guarded<f32>| {
        kernels.rms_norm(&stream, shape, x.as_slice(), weight, epsilon, &mut y.as_slice_mut())
    };
    assert_eq!(refused(rms(weight.as_slice(), 0.0, &mut y)), "tensor `weight` has 4 elements, the shape wants 3");
    assert_eq!(
        refused(rms(weight.slice(0..3).unwrap(), -1.0, &mut y)),
        "epsilon = -1; it must be finite and not negative"
    );
    assert!(refused(rms(weight.slice(0..3).unwrap(), f32::NAN, &mut y)).starts_with("epsilon = NaN"));
    let sum = kernels.sum(&stream, shape, x.as_slice(), &mut y.as_slice_mut());
    assert_eq!(refused(sum), "tensor `y` has 6 elements, the shape wants 2");
    y.assert_unchanged(&stream, &before);
    assert_eq!(f16::DTYPE, Dtype::F16);
}
