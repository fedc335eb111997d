//! Softmax, norms and reductions of rows.

use anyhow::Result;
use half::f16;
use tilewright_ffi::DeviceSliceMut;
use tilewright_reduce::reference::{self, Expected};
use tilewright_reduce::{Affine, Operation, Plan, Real, RowKernels, Shape};
use tilewright_testkit::{Bits, Random, Values};

use super::{Timed, copies, draw, gather};
use crate::bench::record::Limit;
use crate::bench::{Bench, Work};

/// Rows by columns.
pub(super) const SHAPES: [(usize, usize); 5] =
    [(64, 4096), (32_768, 1024), (16_384, 4096), (4096, 16_384), (1024, 65_536)];
pub(super) const EPSILON: f32 = 1e-5;

pub(super) fn run_softmax(bench: &mut Bench<'_>) -> Result<()> {
    both(bench, Kind::Softmax)
}

pub(super) fn run_rms_norm(bench: &mut Bench<'_>) -> Result<()> {
    both(bench, Kind::RmsNorm)
}

pub(super) fn run_layer_norm(bench: &mut Bench<'_>) -> Result<()> {
    both(bench, Kind::LayerNorm)
}

pub(super) fn run_sum(bench: &mut Bench<'_>) -> Result<()> {
    SHAPES.into_iter().try_for_each(|shape| reduction(bench, Kind::Sum, shape))
}

pub(super) fn run_max(bench: &mut Bench<'_>) -> Result<()> {
    SHAPES.into_iter().try_for_each(|shape| reduction(bench, Kind::Max, shape))
}

pub(super) fn run_min(bench: &mut Bench<'_>) -> Result<()> {
    SHAPES.into_iter().try_for_each(|shape| reduction(bench, Kind::Min, shape))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Softmax,
    RmsNorm,
    LayerNorm,
    Sum,
    Max,
    Min,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::RmsNorm => "rms-norm",
            Self::LayerNorm => "layer-norm",
            Self::Sum => "reduce-sum",
            Self::Max => "reduce-max",
            Self::Min => "reduce-min",
        }
    }
}

/// f16 or f32.
trait Number: Real + Bits {
    const NAME: &'static str;
    fn draw(random: &mut Random, count: usize) -> Vec<Self>;
    fn float(self) -> f32;
}

impl Number for f16 {
    const NAME: &'static str = "f16";
    fn draw(random: &mut Random, count: usize) -> Vec<Self> {
        draw(count, |len| random.halves(Values::Uniform, len))
    }
    fn float(self) -> f32 {
        self.to_f32()
    }
}

impl Number for f32 {
    const NAME: &'static str = "f32";
    fn draw(random: &mut Random, count: usize) -> Vec<Self> {
        random.floats(Values::Uniform, count)
    }
    fn float(self) -> f32 {
        self
    }
}

/// The longest chain of additions in a row's sum, for its bound.
pub(super) fn additions<T: Real>(shape: Shape) -> Result<u32> {
    let problem = shape.check()?;
    Ok(Plan::new(Operation::Sum, T::DTYPE, problem, false).additions(problem.columns()))
}

fn both(bench: &mut Bench<'_>, kind: Kind) -> Result<()> {
    for shape in SHAPES {
        matrix::<f16>(bench, kind, shape)?;
        matrix::<f32>(bench, kind, shape)?;
    }
    Ok(())
}

/// From a matrix to a matrix of the same type, with an f32 weight (and bias) for each column.
fn matrix<T: Number>(bench: &mut Bench<'_>, kind: Kind, (rows, columns): (usize, usize)) -> Result<()> {
    let (stream, kernels) = (&bench.session.stream, RowKernels::new(&bench.session.context)?);
    let shape = Shape { rows, columns };
    let mut random = Random::new(10);
    let (x, weight) = (draw(rows * columns, |len| T::draw(&mut random, len)), random.floats(Values::Uniform, columns));
    let bytes = 2 * rows * columns * size_of::<T>();
    let sets = bench.sets(bytes);
    let (device_x, device_weight) = (copies(stream, &x, sets)?, stream.upload(&weight)?);
    let work = Work {
        operation: kind.name(),
        variant: T::NAME.to_owned(),
        shape: format!("{rows} x {columns}"),
        bytes,
        operations: 0,
        units: Limit::F16,
        memory: Limit::Copy,
    };
    let call = |set: usize, y: &mut DeviceSliceMut<'_, T>| {
        let (x, weight) = (device_x[set].as_slice(), device_weight.as_slice());
        match kind {
            Kind::RmsNorm => kernels.rms_norm(stream, shape, x, weight, EPSILON, y)?,
            Kind::LayerNorm => {
                kernels.layer_norm(stream, shape, x, Affine { weight, bias: Some(weight) }, EPSILON, y)?;
            }
            _ => kernels.softmax(stream, shape, x, y)?,
        }
        Ok(())
    };
    let (additions, dtype) = (additions::<T>(shape)?, T::DTYPE);
    Timed::new(bench, rows, columns)?.run(bench, &work, sets, call, |sample| {
        let mut expected = Vec::new();
        for row in &sample.rows {
            let row: Vec<f32> = gather(&x, columns, &[*row]).iter().map(|x| x.float()).collect();
            let row: Vec<Expected> = match kind {
                Kind::RmsNorm => reference::rms_norm(&row, &weight, EPSILON, additions, dtype),
                Kind::LayerNorm => reference::layer_norm(&row, (&weight, &weight), EPSILON, additions, dtype),
                _ => reference::softmax(&row, additions, dtype),
            };
            expected.extend(sample.columns.iter().map(|column| (row[*column].value, row[*column].bound)));
        }
        Ok(expected)
    })
}

/// From an f32 matrix to one f32 a row.
fn reduction(bench: &mut Bench<'_>, kind: Kind, (rows, columns): (usize, usize)) -> Result<()> {
    let (stream, kernels) = (&bench.session.stream, RowKernels::new(&bench.session.context)?);
    let shape = Shape { rows, columns };
    let x = draw(rows * columns, |len| Random::new(11).floats(Values::Uniform, len));
    let bytes = 4 * (rows * columns + rows);
    let sets = bench.sets(bytes);
    let device_x = copies(stream, &x, sets)?;
    let work = Work {
        operation: kind.name(),
        variant: "f32".to_owned(),
        shape: format!("{rows} x {columns}"),
        bytes,
        operations: 0,
        units: Limit::F16,
        memory: Limit::Read,
    };
    let call = |set: usize, y: &mut DeviceSliceMut<'_, f32>| {
        let x = device_x[set].as_slice();
        match kind {
            Kind::Max => kernels.max(stream, shape, x, y)?,
            Kind::Min => kernels.min(stream, shape, x, y)?,
            _ => kernels.sum(stream, shape, x, y)?,
        }
        Ok(())
    };
    let additions = additions::<f32>(shape)?;
    Timed::new(bench, rows, 1)?.run(bench, &work, sets, call, |sample| {
        let rows = sample.rows.iter().map(|row| &x[row * columns..(row + 1) * columns]);
        Ok(rows
            .map(|row| match kind {
                Kind::Max => (f64::from(reference::max(row)), 0.0),
                Kind::Min => (f64::from(reference::min(row)), 0.0),
                _ => {
                    let expected = reference::sum(row, additions);
                    (expected.value, expected.bound)
                }
            })
            .collect())
    })
}
