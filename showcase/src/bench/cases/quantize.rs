//! Rows to int8, as they are or normalized.

use anyhow::Result;
use half::f16;
use tilewright_ffi::DeviceSliceMut;
use tilewright_reduce::reference;
use tilewright_reduce::{Quantized, RowKernels, Shape};
use tilewright_testkit::{Random, Values};

use super::rows::{EPSILON, SHAPES, additions};
use super::{Timed, copies, draw, gather};
use crate::bench::record::Limit;
use crate::bench::{Bench, Work};
use crate::operations::floats;

pub(super) fn run(bench: &mut Bench<'_>) -> Result<()> {
    SHAPES.into_iter().try_for_each(|shape| matrix(bench, "quantize-rows", shape))
}

pub(super) fn run_normalized(bench: &mut Bench<'_>) -> Result<()> {
    SHAPES.into_iter().try_for_each(|shape| matrix(bench, "rms-norm-quantize", shape))
}

/// From f16 to codes and scales; an f32 weight for each column if there is a norm.
fn matrix(bench: &mut Bench<'_>, operation: &'static str, (rows, columns): (usize, usize)) -> Result<()> {
    let (stream, kernels) = (&bench.session.stream, RowKernels::new(&bench.session.context)?);
    let shape = Shape { rows, columns };
    let mut random = Random::new(13);
    let x = draw(rows * columns, |len| random.halves(Values::Outliers, len));
    let weight = random.floats(Values::Uniform, columns);
    let is_plain = operation == "quantize-rows";
    let bytes = 3 * rows * columns + 4 * rows;
    let sets = bench.sets(bytes);
    let (device_x, device_weight) = (copies(stream, &x, sets)?, stream.upload(&weight)?);
    let mut scales = stream.alloc::<f32>(rows)?;
    let work = Work {
        operation,
        variant: "f16".to_owned(),
        shape: format!("{rows} x {columns}"),
        bytes,
        operations: 0,
        units: Limit::F16,
        memory: Limit::Copy,
    };
    let call = |set: usize, codes: &mut DeviceSliceMut<'_, i8>| {
        let x = device_x[set].as_slice();
        let y = &mut Quantized { codes: codes.slice(0..rows * columns)?, scales: scales.as_slice_mut() };
        if is_plain {
            kernels.quantize(stream, shape, x, y)?;
        } else {
            kernels.rms_norm_quantize(stream, shape, x, device_weight.as_slice(), EPSILON, y)?;
        }
        Ok(())
    };
    let additions = additions::<f16>(shape)?;
    Timed::new(bench, rows, columns)?.run(bench, &work, sets, call, |sample| {
        let mut expected = Vec::new();
        for row in &sample.rows {
            let row = floats(&gather(&x, columns, &[*row]));
            let codes = if is_plain {
                reference::quantize(&row).0.into_iter().map(|code| (f64::from(code), 0.0)).collect()
            } else {
                normalized(&reference::rms_norm(&row, &weight, EPSILON, additions, tilewright_reduce::Dtype::F16))
            };
            expected.extend(sample.columns.iter().map(|column| codes[*column]));
        }
        Ok(expected)
    })
}

/// The exact 127 · norm / max |norm|, and how far a code may be from it: by half, and by what the norm and its largest may be off.
fn normalized(norm: &[reference::Expected]) -> Vec<(f64, f64)> {
    let largest = norm.iter().map(|norm| norm.value.abs()).fold(0.0, f64::max);
    let error = norm.iter().map(|norm| norm.bound).fold(0.0, f64::max);
    norm.iter()
        .map(|norm| {
            let code = 127.0 * norm.value / largest;
            let off = (127.0 * norm.bound + code.abs() * error) / (largest - error);
            (code, 0.5 + off + 2f64.powi(-15))
        })
        .collect()
}
