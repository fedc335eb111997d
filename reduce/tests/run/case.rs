//! One call of a row operation: its inputs, its results, what they should be.

use std::sync::OnceLock;

use half::{bf16, f16};
use tilewright_ffi::Stream;
use tilewright_reduce::reference::{self, Expected};
use tilewright_reduce::{Affine, Operation, Plan, Real, RowKernels, Shape};
use tilewright_testkit::{Bits, Guarded, Random, Values, assert_same_bits, assert_within, context, stream};

pub(crate) trait Number: Real + Bits {
    fn new(value: f32) -> Self;
}

macro_rules! numbers {
    ($($ty:ty: $new:expr;)+) => {
        $(impl Number for $ty {
            fn new(value: f32) -> Self {
                let new: fn(f32) -> Self = $new;
                new(value)
            }
        })+
    };
}

numbers! {
    f32: |value| value;
    f16: Self::from_f32;
    bf16: Self::from_f32;
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op {
    Softmax,
    RmsNorm,
    LayerNorm { bias: bool },
    Sum,
    Max,
    Min,
}

pub(crate) const OPS: [Op; 7] =
    [Op::Softmax, Op::RmsNorm, Op::LayerNorm { bias: false }, Op::LayerNorm { bias: true }, Op::Sum, Op::Max, Op::Min];

/// The weights are of x's type, or f32 where `wide_weight` says so.
#[derive(Clone, Debug)]
pub(crate) struct Case<T> {
    pub(crate) op: Op,
    pub(crate) shape: Shape,
    pub(crate) x: Vec<T>,
    pub(crate) weight: Vec<T>,
    pub(crate) bias: Vec<T>,
    pub(crate) epsilon: f32,
    pub(crate) wide_weight: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Results<T> {
    Matrix(Vec<T>),
    Rows(Vec<f32>),
}

#[expect(clippy::cast_possible_truncation, reason = "f64 values of 32-bit and smaller floats")]
pub(crate) fn floats<T: Bits>(values: &[T]) -> Vec<f32> {
    values.iter().map(|value| value.value() as f32).collect()
}

/// The kernels that all tests share, so that each is built once.
pub(crate) fn kernels() -> &'static RowKernels {
    static KERNELS: OnceLock<RowKernels> = OnceLock::new();
    KERNELS.get_or_init(|| RowKernels::new(context()).unwrap())
}

impl<T: Number> Case<T> {
    pub(crate) fn new(op: Op, shape: Shape, values: Values, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let Shape { rows, columns } = shape;
        let mut draw = |values, count| (0..count).map(|_| T::new(random.float(values))).collect::<Vec<T>>();
        let x = draw(values, rows * columns);
        let (weight, bias) = (draw(Values::Uniform, columns), draw(Values::Uniform, columns));
        Self { op, shape, x, weight, bias, epsilon: 1e-5, wide_weight: seed & 1 == 1 }
    }

    /// The same with other elements of x.
    pub(crate) fn with(&self, x: Vec<T>) -> Self {
        let rows = x.len() / self.shape.columns;
        Self { x, shape: Shape { rows, ..self.shape }, ..self.clone() }
    }

    /// Row `row`, alone.
    pub(crate) fn row(&self, row: usize) -> Self {
        self.with(self.x.chunks(self.shape.columns).nth(row).unwrap().to_vec())
    }

    /// What x becomes by `map`.
    pub(crate) fn map(&self, map: impl Fn(f32) -> f32) -> Self {
        self.with(floats(&self.x).into_iter().map(|x| T::new(map(x))).collect())
    }

    /// Runs it on tensors that start `offset` elements behind 16-byte boundaries. The inputs are as they were afterwards, and nothing around the output
    /// was written.
    pub(crate) fn run(&self, offset: usize) -> Results<T> {
        self.run_with(kernels(), &stream(), offset)
    }

    /// The same with kernels of any context.
    pub(crate) fn run_with(&self, kernels: &RowKernels, stream: &Stream, offset: usize) -> Results<T> {
        if self.wide_weight && T::DTYPE.bytes() == 2 {
            self.run_weighted((kernels, stream), &floats(&self.weight), &floats(&self.bias), offset)
        } else {
            self.run_weighted((kernels, stream), &self.weight, &self.bias, offset)
        }
    }

    fn run_weighted<W: Real>(
        &self,
        (kernels, stream): (&RowKernels, &Stream),
        weights: &[W],
        biases: &[W],
        offset: usize,
    ) -> Results<T> {
        let x = Guarded::upload(stream, &self.x, offset);
        let weight = Guarded::upload(stream, weights, offset);
        let bias = Guarded::upload(stream, biases, offset);
        let results = match self.op {
            Op::Softmax | Op::RmsNorm | Op::LayerNorm { .. } => {
                let mut y = Guarded::<T>::misaligned(stream, self.x.len(), offset);
                let to = &mut y.as_slice_mut();
                match self.op {
                    Op::Softmax => kernels.softmax(stream, self.shape, x.as_slice(), to),
                    Op::RmsNorm => {
                        kernels.rms_norm(stream, self.shape, x.as_slice(), weight.as_slice(), self.epsilon, to)
                    }
                    _ => {
                        let bias = (self.op == Op::LayerNorm { bias: true }).then(|| bias.as_slice());
                        let affine = Affine { weight: weight.as_slice(), bias };
                        kernels.layer_norm(stream, self.shape, x.as_slice(), affine, self.epsilon, to)
                    }
                }
                .unwrap();
                Results::Matrix(y.download(stream))
            }
            Op::Sum | Op::Max | Op::Min => {
                let mut y = Guarded::<f32>::misaligned(stream, self.shape.rows, offset);
                let to = &mut y.as_slice_mut();
                match self.op {
                    Op::Sum => kernels.sum(stream, self.shape, x.as_slice(), to),
                    Op::Max => kernels.max(stream, self.shape, x.as_slice(), to),
                    _ => kernels.min(stream, self.shape, x.as_slice(), to),
                }
                .unwrap();
                Results::Rows(y.download(stream))
            }
        };
        x.assert_unchanged(stream, &self.x);
        weight.assert_unchanged(stream, weights);
        bias.assert_unchanged(stream, biases);
        results
    }

    pub(crate) fn additions(&self) -> u32 {
        // Team and order of sums depend on the type and the columns alone.
        let problem = self.shape.check().unwrap();
        Plan::new(Operation::Sum, T::DTYPE, problem, false).additions(problem.columns())
    }

    pub(crate) fn expected(&self) -> Vec<Expected> {
        let additions = self.additions();
        let (weight, bias) = (floats(&self.weight), floats(&self.bias));
        let exact = |value: f32| Expected { value: f64::from(value), bound: 0.0 };
        let rows = self.x.chunks(self.shape.columns).map(floats);
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

    /// Every result is within its bound; the extremes have the very bits.
    pub(crate) fn check(&self, offset: usize) {
        let (results, expected) = (self.run(offset), self.expected());
        let what = format!("{:?} {} of {:?}, offset {offset}", self.op, T::DTYPE, self.shape);
        if let (Op::Max | Op::Min, Results::Rows(y)) = (self.op, &results) {
            #[expect(clippy::cast_possible_truncation, reason = "they come from f32")]
            let wanted: Vec<f32> = expected.iter().map(|expected| expected.value as f32).collect();
            return assert_same_bits(&what, y, &wanted);
        }
        let expected = expected.into_iter().map(|expected| (expected.value, expected.bound));
        match results {
            Results::Matrix(y) => assert_within(&what, &y, expected),
            Results::Rows(y) => assert_within(&what, &y, expected),
        }
    }
}

impl<T: Number> Results<T> {
    /// All results, as f32.
    pub(crate) fn floats(&self) -> Vec<f32> {
        match self {
            Self::Matrix(y) => floats(y),
            Self::Rows(y) => y.clone(),
        }
    }

    /// The results that belong to row `row` of a matrix of so many columns.
    pub(crate) fn row(&self, row: usize, columns: usize) -> Self {
        match self {
            Self::Matrix(y) => Self::Matrix(y[row * columns..(row + 1) * columns].to_vec()),
            Self::Rows(y) => Self::Rows(vec![y[row]]),
        }
    }

    pub(crate) fn assert_same_bits(&self, what: &str, other: &Self) {
        match (self, other) {
            (Self::Matrix(left), Self::Matrix(right)) => assert_same_bits(what, left, right),
            (Self::Rows(left), Self::Rows(right)) => assert_same_bits(what, left, right),
            _ => panic!("{what}: a matrix and a column"),
        }
    }
}
