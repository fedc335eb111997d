//! Int4 weights in the formats of checkpoints, with zero points and groups in any order.

use anyhow::{Context, Result, bail};
use half::f16;
use tilewright_quant_pack::formats::checkpoint::{Checkpoint, Config};
use tilewright_quant_pack::{Group, Grouping, Int4Affine, Shape as WeightShape};

use super::tensors::{Input, Tensor};
use crate::arguments::CheckpointFormat;

/// What the tensors of a weight in GPTQ's order are called.
pub(super) struct Names {
    pub(super) qweight: &'static str,
    pub(super) scales: &'static str,
    pub(super) qzeros: &'static str,
    pub(super) g_idx: &'static str,
}

impl Names {
    const PLAIN: Self = Self { qweight: "qweight", scales: "scales", qzeros: "qzeros", g_idx: "g_idx" };
    /// Those of q, k and v.
    pub(super) const PROJECTIONS: [Self; 3] = [
        Self { qweight: "q_qweight", scales: "q_scales", qzeros: "q_qzeros", g_idx: "q_g_idx" },
        Self { qweight: "k_qweight", scales: "k_scales", qzeros: "k_qzeros", g_idx: "k_g_idx" },
        Self { qweight: "v_qweight", scales: "v_scales", qzeros: "v_qzeros", g_idx: "v_g_idx" },
    ];
}

/// The weight whose tensors have the names of `format` and no others, for an x of `k` columns.
pub(super) fn of_format(input: &Input<'_>, format: CheckpointFormat, k: usize) -> Result<Int4Affine> {
    if matches!(format, CheckpointFormat::Gptq | CheckpointFormat::GptqV2) {
        return in_gptq_order(input, &Names::PLAIN, format, k);
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
    Ok(weight)
}

/// An int4 weight in GPTQ's order; symmetric without zero points, groups in order without `g_idx`.
pub(super) fn in_gptq_order(
    input: &Input<'_>,
    names: &Names,
    format: CheckpointFormat,
    k: usize,
) -> Result<Int4Affine> {
    let words: Tensor<i32> = input.tensor(names.qweight, 2)?;
    let scales: Tensor<f16> = input.tensor(names.scales, 2)?;
    let n = words.shape[1];
    if !k.is_multiple_of(8) {
        bail!("tensor `x` has K = {k}; int4 weights want a multiple of 8");
    }
    words.expect(&[k / 8, n], "K / 8 of `x`, N")?;
    let groups = scales.shape[0];
    scales.expect(&[groups, n], "groups, N of the weight")?;
    let grouping = grouping(input, names, k, groups)?;
    let zeros = zero_points(input, names.qzeros, format, [groups, n])?;
    Ok(Int4Affine::from_parts(WeightShape { n, k }, grouping, words.values, scales.values, zeros)?)
}

/// The groups that `g_idx` deals the columns to, or groups in order without it.
fn grouping(input: &Input<'_>, names: &Names, k: usize, groups: usize) -> Result<Grouping> {
    let Some(order): Option<Tensor<i32>> = input.optional(names.g_idx, 1)? else {
        return Ok(Grouping::in_order(k, group(names.scales, k, groups)?)?);
    };
    order.expect(&[k], "K of `x`")?;
    let index = order.values.iter().enumerate().map(|(column, group)| {
        u32::try_from(*group).with_context(|| format!("tensor `{}` has {group} at {column}", names.g_idx))
    });
    let index = index.collect::<Result<Vec<_>>>()?;
    Grouping::from_index(&index, groups).with_context(|| format!("tensor `{}` for K = {k}", names.g_idx))
}

/// The group size of so many groups of K.
fn group(scales: &str, k: usize, groups: usize) -> Result<Group> {
    if groups == 1 {
        return Ok(Group::WholeRow);
    }
    let size = if groups == 0 { 0 } else { k.div_ceil(groups).next_multiple_of(32) };
    match Group::new(size) {
        Ok(group) if group.count(k) == groups => Ok(group),
        _ => bail!("tensor `{scales}` has {groups} groups for K = {k}; wanted groups of a multiple of 32, or one"),
    }
}

/// Zero points [groups, n] of a GPTQ file, none if it has none. N that does not fill its words leaves the rest of the last one unread.
fn zero_points(
    input: &Input<'_>,
    name: &'static str,
    format: CheckpointFormat,
    [groups, n]: [usize; 2],
) -> Result<Option<Vec<u8>>> {
    let Some(words): Option<Tensor<i32>> = input.optional(name, 2)? else { return Ok(None) };
    let width = n.div_ceil(8);
    words.expect(&[groups, width], "groups of the scales, N / 8")?;
    // GPTQ's first format stores a zero point less one. Symmetric weights tell which format it is, and a wrong one puts every weight off by a step.
    let (less, symmetric, other) = if format == CheckpointFormat::GptqV2 {
        (0, 0x8888_8888_u32, (0x7777_7777_u32, "gptq"))
    } else {
        (1, 0x7777_7777, (0x8888_8888, "gptq_v2"))
    };
    if words.values.iter().all(|word| word.cast_unsigned() == other.0) {
        bail!(
            "tensor `{name}` holds {:#010x}, wanted {symmetric:#010x} of symmetric weights: this file is --format {}",
            other.0,
            other.1
        );
    }
    let mut zeros = Vec::with_capacity(groups * n);
    for (group, words) in words.values.chunks(width.max(1)).enumerate() {
        for column in 0..n {
            let stored = u8::try_from(words[column / 8].cast_unsigned() >> (column % 8 * 4) & 15)?;
            if stored + less > 15 {
                bail!("tensor `{name}` has zero point 16 at group {group}, column {column}, wanted 0 to 15");
            }
            zeros.push(stored + less);
        }
    }
    Ok(Some(zeros))
}
