//! Matrix products, projections and attention.

use anyhow::{Result, bail};
use half::{bf16, f16};
use safetensors::Dtype;
use tilewright_attention::{Attention, Mask, Problem};
use tilewright_ffi::DeviceBuffer;
use tilewright_matmul_int8::{Operands, ScalesOf};
use tilewright_qkv_fused::{Outputs, QkvFused, QkvWeights};
use tilewright_quant_pack::{Granularity, Int8, Shape as WeightShape};
use tilewright_tile::Shape;

use super::int4;
use super::tensors::{Element, Input, Output, Tensor};
use crate::arguments::{CheckpointFormat, Output as OutputType, RunOptions};
use crate::device::Session;

pub(crate) fn matmul_f16(session: &Session, input: &Input<'_>, _: &RunOptions) -> Result<Output> {
    match input.dtype("x")? {
        Dtype::F16 => product::<f16>(session, input),
        Dtype::BF16 => product::<bf16>(session, input),
        other => bail!("tensor `x` is {other:?}, wanted F16 or BF16"),
    }
}

fn product<T: tilewright_matmul_f16::Element + Element>(session: &Session, input: &Input<'_>) -> Result<Output> {
    let (x, w): (Tensor<T>, Tensor<T>) = (input.tensor("x", 2)?, input.tensor("w", 2)?);
    let shape = Shape { m: x.shape[0], n: w.shape[0], k: x.shape[1] };
    w.expect(&[shape.n, shape.k], "N, and K of `x`")?;
    let bias: Option<Tensor<T>> = input.optional("bias", 1)?;
    if let Some(bias) = &bias {
        bias.expect(&[shape.n], "N of `w`")?;
    }
    shape.check()?;
    let stream = &session.stream;
    let (device_x, device_w) = (stream.upload(&x.values)?, stream.upload(&w.values)?);
    let device_bias = bias.map(|bias| stream.upload(&bias.values)).transpose()?;
    let mut y = stream.alloc::<T>(shape.m * shape.n)?;
    tilewright_matmul_f16::Matmul::new(&session.context)?.run(
        stream,
        shape,
        device_x.as_slice(),
        device_w.as_slice(),
        device_bias.as_ref().map(DeviceBuffer::as_slice),
        &mut y.as_slice_mut(),
    )?;
    Ok(Output::default().with("y", &[shape.m, shape.n], &stream.download(y.as_slice())?))
}

/// A tensor of scales, one for all or one for each of `rows`.
fn scales(input: &Input<'_>, name: &'static str, rows: usize, why: &str) -> Result<Tensor<f32>> {
    let scales: Tensor<f32> = input.tensor(name, 1)?;
    if scales.shape[0] != 1 {
        scales.expect(&[rows], why)?;
    }
    Ok(scales)
}

pub(crate) fn matmul_int8(session: &Session, input: &Input<'_>, options: &RunOptions) -> Result<Output> {
    let (x, w): (Tensor<i8>, Tensor<i8>) = (input.tensor("x", 2)?, input.tensor("w", 2)?);
    let shape = Shape { m: x.shape[0], n: w.shape[0], k: x.shape[1] };
    w.expect(&[shape.n, shape.k], "N, and K of `x`")?;
    let stream = &session.stream;
    let matmul = tilewright_matmul_int8::Matmul::new(&session.context)?;
    tilewright_matmul_int8::Problem::new(tilewright_matmul_int8::Operation::W8A8, shape)?;
    let (device_x, device_w) = (stream.upload(&x.values)?, stream.upload(&w.values)?);
    let operands = Operands { x: device_x.as_slice(), w: device_w.as_slice() };
    let size = [shape.m, shape.n];
    let out = options.out.unwrap_or(OutputType::F16);
    if out == OutputType::I32 {
        let mut y = stream.alloc::<i32>(shape.m * shape.n)?;
        matmul.w8a8_sums(stream, shape, operands, &mut y.as_slice_mut())?;
        return Ok(Output::default().with("y", &size, &stream.download(y.as_slice())?));
    }
    let x_scale = stream.upload(&scales(input, "x_scale", shape.m, "1, or M of `x`")?.values)?;
    let w_scale = stream.upload(&scales(input, "w_scale", shape.n, "1, or N of `w`")?.values)?;
    let scales = ScalesOf { x: x_scale.as_slice(), w: w_scale.as_slice() };
    if out == OutputType::F32 {
        let mut y = stream.alloc::<f32>(shape.m * shape.n)?;
        matmul.w8a8(stream, shape, operands, scales, &mut y.as_slice_mut())?;
        return Ok(Output::default().with("y", &size, &stream.download(y.as_slice())?));
    }
    let mut y = stream.alloc::<f16>(shape.m * shape.n)?;
    matmul.w8a8(stream, shape, operands, scales, &mut y.as_slice_mut())?;
    Ok(Output::default().with("y", &size, &stream.download(y.as_slice())?))
}

/// An int8 weight with its scales.
fn int8(input: &Input<'_>, name: &'static str, scale: &'static str, k: usize) -> Result<Int8> {
    let w: Tensor<i8> = input.tensor(name, 2)?;
    let n = w.shape[0];
    w.expect(&[n, k], "N, and K of `x`")?;
    let scales = scales(input, scale, n, "1, or N of the weight")?.values;
    let granularity = if scales.len() == 1 { Granularity::PerTensor } else { Granularity::PerChannel };
    Ok(Int8::from_parts(WeightShape { n, k }, granularity, w.values, scales)?)
}

pub(crate) fn matmul_w8a16(session: &Session, input: &Input<'_>, _: &RunOptions) -> Result<Output> {
    let x: Tensor<f16> = input.tensor("x", 2)?;
    let (m, k) = (x.shape[0], x.shape[1]);
    let weight = int8(input, "w", "w_scale", k)?;
    let stream = &session.stream;
    let weight = tilewright_matmul_int8::Weight::load(stream, &weight)?;
    let device_x = stream.upload(&x.values)?;
    let mut y = stream.alloc::<f16>(m * weight.n())?;
    let matmul = tilewright_matmul_int8::Matmul::new(&session.context)?;
    matmul.w8a16(stream, m, device_x.as_slice(), &weight, &mut y.as_slice_mut())?;
    Ok(Output::default().with("y", &[m, weight.n()], &stream.download(y.as_slice())?))
}

pub(crate) fn matmul_int4(session: &Session, input: &Input<'_>, options: &RunOptions) -> Result<Output> {
    let x: Tensor<f16> = input.tensor("x", 2)?;
    let (m, k) = (x.shape[0], x.shape[1]);
    let weight = int4::of_format(input, options.format.unwrap_or(CheckpointFormat::Gptq), k)?;
    let stream = &session.stream;
    let weight = tilewright_matmul_int4::Weight::load_affine(stream, &weight)?;
    let device_x = stream.upload(&x.values)?;
    let mut y = stream.alloc::<f16>(m * weight.n())?;
    let matmul = tilewright_matmul_int4::Matmul::new(&session.context)?;
    matmul.run(stream, m, device_x.as_slice(), &weight, &mut y.as_slice_mut())?;
    Ok(Output::default().with("y", &[m, weight.n()], &stream.download(y.as_slice())?))
}

pub(crate) fn qkv_int8(session: &Session, input: &Input<'_>, _: &RunOptions) -> Result<Output> {
    let x: Tensor<f16> = input.tensor("x", 2)?;
    let k = x.shape[1];
    let weights =
        [int8(input, "w_q", "scale_q", k)?, int8(input, "w_k", "scale_k", k)?, int8(input, "w_v", "scale_v", k)?];
    project(session, &x, &QkvWeights::load_int8(&session.stream, weights.each_ref())?)
}

pub(crate) fn qkv_int4(session: &Session, input: &Input<'_>, options: &RunOptions) -> Result<Output> {
    let x: Tensor<f16> = input.tensor("x", 2)?;
    let k = x.shape[1];
    let format = options.format.unwrap_or(CheckpointFormat::Gptq);
    if !matches!(format, CheckpointFormat::Gptq | CheckpointFormat::GptqV2) {
        bail!("qkv-int4 takes three weights in GPTQ's order: --format gptq or gptq_v2");
    }
    let [q, k, v] = int4::Names::PROJECTIONS.map(|names| int4::in_gptq_order(input, &names, format, k));
    project(session, &x, &QkvWeights::load_affine(&session.stream, [&q?, &k?, &v?])?)
}

fn project(session: &Session, x: &Tensor<f16>, weights: &QkvWeights) -> Result<Output> {
    let stream = &session.stream;
    let m = x.shape[0];
    let shape = weights.shape(m);
    let device_x = stream.upload(&x.values)?;
    let [mut q, mut k, mut v] =
        [stream.alloc(m * shape.n_q)?, stream.alloc(m * shape.n_kv)?, stream.alloc(m * shape.n_kv)?];
    let outputs = Outputs { q: &mut q.as_slice_mut(), k: &mut k.as_slice_mut(), v: &mut v.as_slice_mut() };
    QkvFused::new(&session.context)?.run(stream, m, device_x.as_slice(), weights, outputs)?;
    let download = |buffer: &DeviceBuffer<f16>| stream.download(buffer.as_slice());
    Ok(Output::default().with("q", &[m, shape.n_q], &download(&q)?).with("k", &[m, shape.n_kv], &download(&k)?).with(
        "v",
        &[m, shape.n_kv],
        &download(&v)?,
    ))
}

pub(crate) fn attention(session: &Session, input: &Input<'_>, options: &RunOptions) -> Result<Output> {
    match input.dtype("q")? {
        Dtype::F16 => attend::<f16>(session, input, options),
        Dtype::BF16 => attend::<bf16>(session, input, options),
        other => bail!("tensor `q` is {other:?}, wanted F16 or BF16"),
    }
}

fn attend<T: tilewright_attention::Element + Element>(
    session: &Session,
    input: &Input<'_>,
    options: &RunOptions,
) -> Result<Output> {
    let [q, k, v]: [Tensor<T>; 3] = [input.tensor("q", 4)?, input.tensor("k", 4)?, input.tensor("v", 4)?];
    let (batch, heads_q, len_q, dim) = (q.shape[0], q.shape[1], q.shape[2], q.shape[3]);
    let (heads_kv, len_kv) = (k.shape[1], k.shape[2]);
    k.expect(&[batch, heads_kv, len_kv, dim], "B and D of `q`")?;
    v.expect(&k.shape, "as `k`")?;
    let shape = tilewright_attention::Shape { batch, heads_q, heads_kv, len_q, len_kv, dim };
    let mut problem = Problem::new(shape, if options.causal { Mask::Causal } else { Mask::None })?;
    if let Some(scale) = options.scale {
        problem = problem.with_scale(scale)?;
    }
    let stream = &session.stream;
    let (device_q, device_k) = (stream.upload(&q.values)?, stream.upload(&k.values)?);
    let device_v = stream.upload(&v.values)?;
    let mut o = stream.alloc::<T>(q.values.len())?;
    let inputs = [device_q.as_slice(), device_k.as_slice(), device_v.as_slice()];
    Attention::new(&session.context)?.run(stream, &problem, inputs, &mut o.as_slice_mut())?;
    Ok(Output::default().with("o", &q.shape, &stream.download(o.as_slice())?))
}
