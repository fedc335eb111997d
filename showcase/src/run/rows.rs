//! Operations on rows.

use anyhow::{Result, bail};
use half::{bf16, f16};
use safetensors::Dtype;
use tilewright_reduce::{Affine, Quantized, Real, RowKernels, Shape};

use super::tensors::{Element, Input, Output, Tensor};
use crate::arguments::RunOptions;
use crate::device::Session;

/// What is added to a mean square or a variance unless told otherwise.
const EPSILON: f32 = 1e-5;

#[derive(Clone, Copy)]
enum Operation {
    Softmax,
    RmsNorm,
    LayerNorm,
    Quantize,
    RmsNormQuantize,
}

pub(crate) fn softmax(session: &Session, input: &Input<'_>, options: &RunOptions) -> Result<Output> {
    by_type(Operation::Softmax, session, input, options)
}

pub(crate) fn rms_norm(session: &Session, input: &Input<'_>, options: &RunOptions) -> Result<Output> {
    by_type(Operation::RmsNorm, session, input, options)
}

pub(crate) fn layer_norm(session: &Session, input: &Input<'_>, options: &RunOptions) -> Result<Output> {
    by_type(Operation::LayerNorm, session, input, options)
}

pub(crate) fn quantize(session: &Session, input: &Input<'_>, options: &RunOptions) -> Result<Output> {
    by_type(Operation::Quantize, session, input, options)
}

pub(crate) fn rms_norm_quantize(session: &Session, input: &Input<'_>, options: &RunOptions) -> Result<Output> {
    by_type(Operation::RmsNormQuantize, session, input, options)
}

fn by_type(operation: Operation, session: &Session, input: &Input<'_>, options: &RunOptions) -> Result<Output> {
    match input.dtype("x")? {
        Dtype::F16 => by_weight::<f16>(operation, session, input, options),
        Dtype::BF16 => by_weight::<bf16>(operation, session, input, options),
        Dtype::F32 => by_weight::<f32>(operation, session, input, options),
        other => bail!("tensor `x` is {other:?}, wanted F16, BF16 or F32"),
    }
}

fn by_weight<T: Real + Element>(
    operation: Operation,
    session: &Session,
    input: &Input<'_>,
    options: &RunOptions,
) -> Result<Output> {
    let is_weighted = !matches!(operation, Operation::Softmax | Operation::Quantize);
    if is_weighted && input.dtype("weight")? == Dtype::F32 {
        return matrix::<T, f32>(operation, session, input, options);
    }
    matrix::<T, T>(operation, session, input, options)
}

fn matrix<T: Real + Element, W: Real + Element>(
    operation: Operation,
    session: &Session,
    input: &Input<'_>,
    options: &RunOptions,
) -> Result<Output> {
    let x: Tensor<T> = input.tensor("x", 2)?;
    let (rows, columns) = (x.shape[0], x.shape[1]);
    let shape = Shape { rows, columns };
    let epsilon = options.eps.unwrap_or(EPSILON);
    let (kernels, stream) = (RowKernels::new(&session.context)?, &session.stream);
    shape.check()?;
    let device_x = stream.upload(&x.values)?;
    let mut y = stream.alloc::<T>(x.values.len())?;
    let mut codes = stream.alloc::<i8>(x.values.len())?;
    let mut scales = stream.alloc::<f32>(rows)?;
    let mut quantized = Quantized { codes: codes.as_slice_mut(), scales: scales.as_slice_mut() };
    let vector = |tensor: Option<Tensor<W>>| -> Result<_> {
        let Some(tensor) = tensor else { return Ok(None) };
        tensor.expect(&[columns], "C of `x`")?;
        Ok(Some(stream.upload(&tensor.values)?))
    };
    match operation {
        Operation::Softmax => kernels.softmax(stream, shape, device_x.as_slice(), &mut y.as_slice_mut())?,
        Operation::RmsNorm => {
            let Some(weight) = vector(Some(input.tensor("weight", 1)?))? else { bail!("there is no tensor `weight`") };
            kernels.rms_norm(stream, shape, device_x.as_slice(), weight.as_slice(), epsilon, &mut y.as_slice_mut())?;
        }
        Operation::LayerNorm => {
            let Some(weight) = vector(Some(input.tensor("weight", 1)?))? else { bail!("there is no tensor `weight`") };
            let bias = vector(input.optional("bias", 1)?)?;
            let bias = bias.as_ref().map(tilewright_ffi::DeviceBuffer::as_slice);
            let affine = Affine { weight: weight.as_slice(), bias };
            kernels.layer_norm(stream, shape, device_x.as_slice(), affine, epsilon, &mut y.as_slice_mut())?;
        }
        Operation::Quantize => kernels.quantize(stream, shape, device_x.as_slice(), &mut quantized)?,
        Operation::RmsNormQuantize => {
            let Some(weight) = vector(Some(input.tensor("weight", 1)?))? else { bail!("there is no tensor `weight`") };
            let weight = weight.as_slice();
            kernels.rms_norm_quantize(stream, shape, device_x.as_slice(), weight, epsilon, &mut quantized)?;
        }
    }
    let output = Output::default();
    Ok(match operation {
        Operation::Quantize | Operation::RmsNormQuantize => output
            .with("y", &[rows, columns], &stream.download(codes.as_slice())?)
            .with("y_scale", &[rows], &stream.download(scales.as_slice())?),
        _ => output.with("y", &[rows, columns], &stream.download(y.as_slice())?),
    })
}

macro_rules! reductions {
    ($($name:ident = $method:ident;)+) => {
        $(pub(crate) fn $name(session: &Session, input: &Input<'_>, _: &RunOptions) -> Result<Output> {
            let x: Tensor<f32> = input.tensor("x", 2)?;
            let shape = Shape { rows: x.shape[0], columns: x.shape[1] };
            shape.check()?;
            let (kernels, stream) = (RowKernels::new(&session.context)?, &session.stream);
            let device_x = stream.upload(&x.values)?;
            let mut y = stream.alloc::<f32>(shape.rows)?;
            kernels.$method(stream, shape, device_x.as_slice(), &mut y.as_slice_mut())?;
            Ok(Output::default().with("y", &[shape.rows], &stream.download(y.as_slice())?))
        })+
    };
}

reductions! {
    reduce_sum = sum;
    reduce_max = max;
    reduce_min = min;
}
