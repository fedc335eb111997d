//! The layers of a safetensors file.

use anyhow::Result;
use tilewright_quant_pack::formats::Format as Formats;
use tilewright_quant_pack::formats::checkpoint::{Checkpoint, Config, Imported, Layer};
use tilewright_quant_pack::formats::zeros::{Evidence, Verdict, ZeroConvention};

use super::{Findings, Row, original_of};
use crate::arguments::Zeros;
use crate::weights::{Distance, Source, cores, in_parallel};

pub(super) fn find(
    bytes: &[u8],
    config: Option<Config>,
    zeros: Option<Zeros>,
    original: Option<&Source<'_>>,
) -> Result<Findings> {
    let checkpoint = Checkpoint::parse(bytes, config)?;
    let certain = zeros.map(|zeros| match zeros {
        Zeros::Gptq => ZeroConvention::LessOne,
        Zeros::GptqV2 => ZeroConvention::AsIs,
    });
    let layers = checkpoint.layers();
    let rows = in_parallel(layers.len(), cores(), |number| {
        let layer = &layers[number];
        row(layer, &checkpoint.read(layer, certain)?, original)
    })?;
    Ok(Findings { rows, others: checkpoint.others().len() })
}

fn row(layer: &Layer, imported: &Imported, original: Option<&Source<'_>>) -> Result<Row> {
    let weight = &imported.weight;
    let (shape, grouping) = (weight.shape(), weight.grouping());
    let original = original.map(|source| original_of(source, &layer.name, shape)).transpose()?;
    // A scale of 16 bits for each group, and a zero point of 4: only compressed-tensors can do without.
    let has_zeros = weight.zeros().is_some() || imported.format != Formats::CompressedTensors;
    let each = if has_zeros { 20.0 } else { 16.0 };
    let share = (grouping.count() as f64 * each) / shape.k as f64;
    Ok(Row {
        layer: layer.name.clone(),
        format: imported.format.name().to_owned(),
        shape,
        group: grouping.group().size(shape.k),
        zeros: if weight.zeros().is_some() { "zero points" } else { "symmetric" },
        order: if grouping.is_in_order() { "in order" } else { "g_idx" },
        bits: 4.0 + share,
        error: original.map(|original| Distance::between(&original, &weight.dequantize())),
        note: imported.zeros.as_ref().and_then(note),
    })
}

/// What must be said about how zero points were read.
fn note(verdict: &Verdict) -> Option<String> {
    let read = verdict.convention.format();
    match (verdict.false_label, verdict.evidence) {
        (Some(label), _) => Some(format!("the label says {}, the data is {read}; read as {read}", label.format())),
        (None, Evidence::Ambiguous { .. }) => {
            Some(format!("read as {read}, as it is labelled; the data does not tell"))
        }
        _ => None,
    }
}
