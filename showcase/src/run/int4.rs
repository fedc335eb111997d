//! Int4 weights in the formats of checkpoints. What is symmetric and has its groups in order is taken: the product has no other weights.

use anyhow::{Context, Result, bail};
use half::f16;
use tilewright_quant_pack::formats::checkpoint::{Checkpoint, Config};
use tilewright_quant_pack::{Group, Int4, Int4Affine, MIDDLE, Shape as WeightShape};

use super::tensors::{Input, Tensor};
use crate::arguments::CheckpointFormat;

/// The weight whose tensors have the names of `format` and no others, for an x of `k` columns.
pub(super) fn of_format(input: &Input<'_>, format: CheckpointFormat, k: usize) -> Result<Int4> {
    if matches!(format, CheckpointFormat::Gptq | CheckpointFormat::GptqV2) {
        let weight = in_gptq_order(input, "qweight", "scales", k)?;
        check_zero_points(input, format)?;
        check_order(input, &weight)?;
        return Ok(weight);
    }
    let config = Config::of(format.format());
    // A file that says the same format may say more about it.
    let said = Checkpoint::parse(input.bytes(), None).ok().and_then(|file| file.config().cloned());
    let config = said.filter(|said| said.format == config.format).unwrap_or(config);
    let checkpoint = Checkpoint::parse(input.bytes(), Some(config.clone()))?;
    let layer = checkpoint.layers().iter().find(|layer| layer.name.is_empty());
    let layer = layer.with_context(|| format!("there are no tensors of an int4 weight in {}", config.format.name()))?;
    if layer.format != config.format {
        bail!("the weight's tensors are those of {}, not of {}", layer.format.name(), config.format.name());
    }
    let weight = checkpoint.read(layer, None)?.weight;
    if weight.shape().k != k {
        bail!("the weight has K = {}, wanted {k} as of tensor `x`", weight.shape().k);
    }
    symmetric(&weight, if format == CheckpointFormat::CompressedTensors { "weight_zero_point" } else { "qzeros" })
}

/// The weight without what the kernels do not have, which is refused.
fn symmetric(weight: &Int4Affine, zeros: &str) -> Result<Int4> {
    let n = weight.shape().n;
    let other = weight.zeros().unwrap_or_default().iter().enumerate().find(|(_, zero)| **zero != MIDDLE);
    if let Some((place, zero)) = other {
        bail!(
            "tensor `{zeros}` has zero point {zero} at group {}, row {}, wanted {MIDDLE}: only symmetric weights are supported",
            place / n,
            place % n
        );
    }
    weight.to_symmetric().context("tensor `weight_g_idx` scatters the groups: only groups in order are supported")
}

/// A symmetric int4 weight in GPTQ's order.
pub(super) fn in_gptq_order(input: &Input<'_>, qweight: &'static str, scales: &'static str, k: usize) -> Result<Int4> {
    let words: Tensor<i32> = input.tensor(qweight, 2)?;
    let scales: Tensor<f16> = input.tensor(scales, 2)?;
    let n = words.shape[1];
    if !k.is_multiple_of(8) {
        bail!("tensor `x` has K = {k}; int4 weights want a multiple of 8");
    }
    words.expect(&[k / 8, n], "K / 8 of `x`, N")?;
    let groups = scales.shape[0];
    scales.expect(&[groups, n], "groups, N of the weight")?;
    Ok(Int4::from_parts(WeightShape { n, k }, group(k, groups)?, words.values, scales.values)?)
}

/// The group size of so many groups of K.
fn group(k: usize, groups: usize) -> Result<Group> {
    if groups == 1 {
        return Ok(Group::WholeRow);
    }
    let size = if groups == 0 { 0 } else { k.div_ceil(groups).next_multiple_of(32) };
    match Group::new(size) {
        Ok(group) if group.count(k) == groups => Ok(group),
        _ => bail!("tensor `scales` has {groups} groups for K = {k}; wanted groups of a multiple of 32, or one"),
    }
}

/// Zero points other than 8 are refused: the kernels are symmetric.
fn check_zero_points(input: &Input<'_>, format: CheckpointFormat) -> Result<()> {
    let Some(zeros): Option<Tensor<i32>> = input.optional("qzeros", 2)? else { return Ok(()) };
    // GPTQ's first format stores a zero point less one.
    let symmetric = if format == CheckpointFormat::Gptq { 0x7777_7777 } else { 0x8888_8888 };
    match zeros.values.iter().find(|word| word.cast_unsigned() != symmetric) {
        None => Ok(()),
        Some(word) => {
            bail!("tensor `qzeros` holds {word:#010x}, wanted {symmetric:#010x}: only symmetric weights are supported")
        }
    }
}

/// An order of groups other than the natural one is refused.
fn check_order(input: &Input<'_>, weight: &Int4) -> Result<()> {
    let Some(order): Option<Tensor<i32>> = input.optional("g_idx", 1)? else { return Ok(()) };
    let (k, size) = (weight.shape().k, weight.group().size(weight.shape().k));
    order.expect(&[k], "K of `x`")?;
    match order.values.iter().enumerate().find(|(index, group)| usize::try_from(**group) != Ok(index / size)) {
        None => Ok(()),
        Some((index, group)) => {
            bail!("tensor `g_idx` has {group} at {index}, wanted {}: only groups in order are supported", index / size)
        }
    }
}
