//! softmax, the norms and the reductions of rows.

use anyhow::{Result, bail};
use half::f16;
use tilewright_ptx_ir::Target;
use tilewright_reduce::reference::{self, Expected};
use tilewright_reduce::{Affine, Dtype, Operation, Plan, RowKernels, Shape, module, plans};
use tilewright_testkit::{Bits, Random, Values};

use super::{Described, floats};
use crate::device::Session;
use crate::table::{Row, Worst};

/// Rows beside, on and past the edges of warps and blocks.
pub(super) const SHAPES: [Shape; 3] =
    [Shape { rows: 5, columns: 33 }, Shape { rows: 96, columns: 576 }, Shape { rows: 3, columns: 5000 }];
pub(super) const EPSILON: f32 = 1e-5;

fn additions(dtype: Dtype, shape: Shape) -> Result<u32> {
    // The order of sums depends on the type and the columns alone.
    let problem = shape.check()?;
    Ok(Plan::new(Operation::Sum, dtype, problem, false).additions(problem.columns()))
}

pub(super) fn row<T: Bits>(
    operation: &str,
    shape: Shape,
    results: &[T],
    expected: &[Expected],
    cost: crate::device::Cost,
) -> Row {
    let worst = Worst::of(results, expected.iter().map(|e| (e.value, e.bound)));
    Row { operation: operation.to_owned(), shape: format!("{} x {}", shape.rows, shape.columns), worst, cost }
}

pub(super) fn check_softmax(session: &Session) -> Result<Vec<Row>> {
    matrix(
        session,
        "softmax",
        |kernels, stream, shape, x, _, y| kernels.softmax(stream, shape, x, y),
        |x, _, additions| reference::softmax(x, additions, Dtype::F16),
    )
}

pub(super) fn check_rms_norm(session: &Session) -> Result<Vec<Row>> {
    matrix(
        session,
        "rms-norm",
        |kernels, stream, shape, x, weight, y| kernels.rms_norm(stream, shape, x, weight, EPSILON, y),
        |x, weight, additions| reference::rms_norm(x, weight, EPSILON, additions, Dtype::F16),
    )
}

pub(super) fn check_layer_norm(session: &Session) -> Result<Vec<Row>> {
    matrix(
        session,
        "layer-norm",
        |kernels, stream, shape, x, weight, y| {
            let affine = Affine { weight, bias: Some(weight) };
            kernels.layer_norm(stream, shape, x, affine, EPSILON, y)
        },
        |x, weight, additions| reference::layer_norm(x, (weight, weight), EPSILON, additions, Dtype::F16),
    )
}

type Launched<'s> = tilewright_ffi::DeviceSlice<'s, f16>;

/// An operation from a matrix in f16 and an f32 weight for each column to a matrix in f16.
fn matrix(
    session: &Session,
    name: &str,
    launch: impl Fn(
        &RowKernels,
        &tilewright_ffi::Stream,
        Shape,
        Launched<'_>,
        tilewright_ffi::DeviceSlice<'_, f32>,
        &mut tilewright_ffi::DeviceSliceMut<'_, f16>,
    ) -> Result<(), tilewright_reduce::Error>,
    reference: impl Fn(&[f32], &[f32], u32) -> Vec<Expected>,
) -> Result<Vec<Row>> {
    let (kernels, stream) = (RowKernels::new(&session.context)?, &session.stream);
    let mut random = Random::new(9);
    SHAPES
        .into_iter()
        .map(|shape| {
            let x = random.halves(Values::Outliers, shape.rows * shape.columns);
            let weight = random.floats(Values::Uniform, shape.columns);
            let (device_x, device_weight) = (stream.upload(&x)?, stream.upload(&weight)?);
            let mut y = stream.alloc::<f16>(x.len())?;
            let cost = session.measure(|| {
                launch(&kernels, stream, shape, device_x.as_slice(), device_weight.as_slice(), &mut y.as_slice_mut())
            })?;
            let additions = additions(Dtype::F16, shape)?;
            let x = floats(&x);
            let expected: Vec<_> = x.chunks(shape.columns).flat_map(|row| reference(row, &weight, additions)).collect();
            Ok(row(name, shape, &stream.download(y.as_slice())?, &expected, cost))
        })
        .collect()
}

pub(super) fn check_sum(session: &Session) -> Result<Vec<Row>> {
    reduction(session, "reduce-sum", Operation::Sum)
}

pub(super) fn check_max(session: &Session) -> Result<Vec<Row>> {
    reduction(session, "reduce-max", Operation::Max)
}

pub(super) fn check_min(session: &Session) -> Result<Vec<Row>> {
    reduction(session, "reduce-min", Operation::Min)
}

fn reduction(session: &Session, name: &str, operation: Operation) -> Result<Vec<Row>> {
    let (kernels, stream) = (RowKernels::new(&session.context)?, &session.stream);
    let mut random = Random::new(10);
    SHAPES
        .into_iter()
        .map(|shape| {
            let x = random.floats(Values::Outliers, shape.rows * shape.columns);
            let device_x = stream.upload(&x)?;
            let mut y = stream.alloc::<f32>(shape.rows)?;
            let cost = session.measure(|| {
                let (x, y) = (device_x.as_slice(), &mut y.as_slice_mut());
                match operation {
                    Operation::Max => kernels.max(stream, shape, x, y),
                    Operation::Min => kernels.min(stream, shape, x, y),
                    _ => kernels.sum(stream, shape, x, y),
                }
            })?;
            let additions = additions(Dtype::F32, shape)?;
            let exact = |value: f32| Expected { value: f64::from(value), bound: 0.0 };
            let expected: Vec<_> = x
                .chunks(shape.columns)
                .map(|row| match operation {
                    Operation::Max => exact(reference::max(row)),
                    Operation::Min => exact(reference::min(row)),
                    _ => reference::sum(row, additions),
                })
                .collect();
            Ok(row(name, shape, &stream.download(y.as_slice())?, &expected, cost))
        })
        .collect()
}

pub(super) fn modules_softmax(target: Target) -> Result<Vec<Described>> {
    modules(target, |operation| operation == Operation::Softmax)
}

pub(super) fn modules_rms_norm(target: Target) -> Result<Vec<Described>> {
    modules(target, |operation| matches!(operation, Operation::RmsNorm { .. }))
}

pub(super) fn modules_layer_norm(target: Target) -> Result<Vec<Described>> {
    modules(target, |operation| matches!(operation, Operation::LayerNorm { .. }))
}

pub(super) fn modules_sum(target: Target) -> Result<Vec<Described>> {
    modules(target, |operation| operation == Operation::Sum)
}

pub(super) fn modules_max(target: Target) -> Result<Vec<Described>> {
    modules(target, |operation| operation == Operation::Max)
}

pub(super) fn modules_min(target: Target) -> Result<Vec<Described>> {
    modules(target, |operation| operation == Operation::Min)
}

pub(super) fn modules(target: Target, wanted: impl Fn(Operation) -> bool) -> Result<Vec<Described>> {
    plans()
        .iter()
        // What a launch on the target would not choose needs no budget there.
        .filter(|plan| wanted(plan.operation) && plan.within(target.shared_bytes_per_block()) == **plan)
        .map(|plan| {
            let (module, shared_bytes) = (module(plan, target)?, plan.shared_bytes());
            Ok(Described { plan: format!("{plan:?}"), module, shared_bytes })
        })
        .collect()
}

pub(super) fn planned_softmax(target: Target, shape: &[usize]) -> Result<Described> {
    planned(Operation::Softmax, target, shape)
}

pub(super) fn planned_rms_norm(target: Target, shape: &[usize]) -> Result<Described> {
    planned(Operation::RmsNorm { weight: Dtype::F16 }, target, shape)
}

pub(super) fn planned_layer_norm(target: Target, shape: &[usize]) -> Result<Described> {
    planned(Operation::LayerNorm { weight: Dtype::F16, bias: true }, target, shape)
}

pub(super) fn planned_sum(target: Target, shape: &[usize]) -> Result<Described> {
    planned(Operation::Sum, target, shape)
}

pub(super) fn planned_max(target: Target, shape: &[usize]) -> Result<Described> {
    planned(Operation::Max, target, shape)
}

pub(super) fn planned_min(target: Target, shape: &[usize]) -> Result<Described> {
    planned(Operation::Min, target, shape)
}

pub(super) fn planned(operation: Operation, target: Target, shape: &[usize]) -> Result<Described> {
    let &[rows, columns] = shape else { bail!("a shape of two numbers is wanted") };
    // What the command line takes: reductions of f32, the others in f16.
    let dtype =
        if matches!(operation, Operation::Sum | Operation::Max | Operation::Min) { Dtype::F32 } else { Dtype::F16 };
    let plan = Plan::new(operation, dtype, Shape { rows, columns }.check()?, true);
    let (module, shared_bytes) = (module(&plan, target)?, plan.shared_bytes());
    Ok(Described { plan: format!("{plan:?}"), module, shared_bytes })
}
