//! The quantized tensors of a GGUF file.

use anyhow::{Context, Result};
use tilewright_quant_pack::formats::gguf::{self, Gguf, Kind, TensorInfo};

use super::{Findings, Row, original_of};
use crate::weights::{Distance, Source, cores, in_parallel, layer_of};

pub(super) fn find(bytes: &[u8], original: Option<&Source<'_>>) -> Result<Findings> {
    let file = Gguf::parse(bytes)?;
    let is_plain = |tensor: &&TensorInfo| matches!(tensor.kind, Kind::F32 | Kind::F16 | Kind::Bf16);
    let (others, layers): (Vec<_>, Vec<_>) = file.tensors().iter().partition(is_plain);
    let rows = in_parallel(layers.len(), cores(), |number| {
        let tensor = layers[number];
        row(&file, tensor, original).with_context(|| format!("tensor `{}`", tensor.name))
    })?;
    Ok(Findings { rows, others: others.len() })
}

fn row(file: &Gguf<'_>, tensor: &TensorInfo, original: Option<&Source<'_>>) -> Result<Row> {
    let shape = tensor.weight_shape();
    let data = file.data(tensor)?;
    let error = original
        .map(|source| {
            let original = original_of(source, layer_of(&tensor.name), shape)?;
            anyhow::Ok(Distance::between(&original, &gguf::decode(tensor.kind, data, shape)?))
        })
        .transpose()?;
    Ok(Row {
        layer: layer_of(&tensor.name).to_owned(),
        format: format!("GGUF {}", tensor.kind),
        shape,
        group: 32,
        zeros: if matches!(tensor.kind, Kind::Q4_1 | Kind::Q4K) { "minima" } else { "symmetric" },
        order: "in order",
        bits: data.len() as f64 * 8.0 / (shape.n as f64 * shape.k as f64),
        error,
        note: None,
    })
}
