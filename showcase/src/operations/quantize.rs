//! Rows to int8, as they are or normalized.

use anyhow::Result;
use half::f16;
use tilewright_ffi::{DeviceSlice, DeviceSliceMut, Stream};
use tilewright_ptx_ir::Target;
use tilewright_reduce::reference::{self, Expected};
use tilewright_reduce::{Dtype, Error, Operation, Quantized, RowKernels, Shape};
use tilewright_testkit::{Random, Values};

use super::rows::{EPSILON, SHAPES, modules, planned, row};
use super::{Described, floats};
use crate::device::Session;
use crate::table::Row;

type Halves<'a> = DeviceSlice<'a, f16>;

pub(super) fn check(session: &Session) -> Result<Vec<Row>> {
    rows(
        session,
        "quantize-rows",
        |kernels, stream, shape, x, _, y| kernels.quantize(stream, shape, x, y),
        |_, stream, _, x, _, y| stream.copy(x, y).map_err(Error::from),
    )
}

pub(super) fn check_normalized(session: &Session) -> Result<Vec<Row>> {
    rows(
        session,
        "rms-norm-quantize",
        |kernels, stream, shape, x, weight, y| kernels.rms_norm_quantize(stream, shape, x, weight, EPSILON, y),
        |kernels, stream, shape, x, weight, y| kernels.rms_norm(stream, shape, x, weight, EPSILON, y),
    )
}

/// Codes and scales are exactly those of what `norm` makes of x.
fn rows(
    session: &Session,
    name: &str,
    launch: impl Fn(&RowKernels, &Stream, Shape, Halves<'_>, Halves<'_>, &mut Quantized<'_>) -> Result<(), Error>,
    norm: impl Fn(&RowKernels, &Stream, Shape, Halves<'_>, Halves<'_>, &mut DeviceSliceMut<'_, f16>) -> Result<(), Error>,
) -> Result<Vec<Row>> {
    let (kernels, stream) = (RowKernels::new(&session.context)?, &session.stream);
    let mut random = Random::new(12);
    SHAPES
        .into_iter()
        .map(|shape| {
            let x = stream.upload(&random.halves(Values::Outliers, shape.rows * shape.columns))?;
            let weight = stream.upload(&random.halves(Values::Uniform, shape.columns))?;
            let (mut codes, mut scales) = (stream.alloc::<i8>(x.len())?, stream.alloc::<f32>(shape.rows)?);
            let cost = session.measure(|| {
                let mut y = Quantized { codes: codes.as_slice_mut(), scales: scales.as_slice_mut() };
                launch(&kernels, stream, shape, x.as_slice(), weight.as_slice(), &mut y)
            })?;
            let mut y = stream.alloc::<f16>(x.len())?;
            norm(&kernels, stream, shape, x.as_slice(), weight.as_slice(), &mut y.as_slice_mut())?;
            let y = floats(&stream.download(y.as_slice())?);
            let quantized: Vec<_> = y.chunks(shape.columns).map(reference::quantize).collect();
            let wanted = quantized.iter().flat_map(|(codes, _)| codes.iter().map(|code| f32::from(*code)));
            let wanted = wanted.chain(quantized.iter().map(|(_, scale)| *scale));
            let expected: Vec<_> = wanted.map(|value| Expected { value: f64::from(value), bound: 0.0 }).collect();
            let codes = stream.download(codes.as_slice())?.into_iter().map(f32::from);
            let results: Vec<f32> = codes.chain(stream.download(scales.as_slice())?).collect();
            Ok(row(name, shape, &results, &expected, cost))
        })
        .collect()
}

pub(super) fn modules_plain(target: Target) -> Result<Vec<Described>> {
    modules(target, |operation| operation == Operation::Quantize)
}

pub(super) fn modules_normalized(target: Target) -> Result<Vec<Described>> {
    modules(target, |operation| matches!(operation, Operation::RmsNormQuantize { .. }))
}

pub(super) fn planned_plain(target: Target, shape: &[usize]) -> Result<Described> {
    planned(Operation::Quantize, target, shape)
}

pub(super) fn planned_normalized(target: Target, shape: &[usize]) -> Result<Described> {
    planned(Operation::RmsNormQuantize { weight: Dtype::F16 }, target, shape)
}
