//! The tensors that hold a layer, by name.

use half::f16;
use safetensors::Dtype;

use super::read::full;
use crate::affine::Int4Affine;
use crate::formats::compressed::Always;
use crate::formats::zeros::ZeroConvention;
use crate::formats::{Format, FormatError, awq, compressed, gptq};
use crate::group::Group;
use crate::shape::Shape;

/// A tensor to be written.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LayerTensor {
    /// Its full name.
    pub name: String,
    /// Its type.
    pub dtype: Dtype,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its bytes, little-endian.
    pub data: Vec<u8>,
}

/// A tensor that will be written, before its values are known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorSpec {
    /// Its full name.
    pub name: String,
    /// Its type.
    pub dtype: Dtype,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// The tensors that hold `weight` in `format`, those of layer `layer`. `always` is for compressed-tensors alone.
///
/// # Errors
/// What the format cannot hold, with the layer's name.
pub fn layer_tensors(
    layer: &str,
    weight: &Int4Affine,
    format: Format,
    always: Always,
) -> Result<Vec<LayerTensor>, FormatError> {
    tensors(layer, weight, format, always).map_err(|error| error.of_layer(layer))
}

fn tensors(layer: &str, weight: &Int4Affine, format: Format, always: Always) -> Result<Vec<LayerTensor>, FormatError> {
    let mut output = Output { layer, tensors: Vec::new() };
    match format {
        Format::Gptq | Format::GptqV2 => {
            let is_first = format == Format::Gptq;
            let convention = if is_first { ZeroConvention::LessOne } else { ZeroConvention::AsIs };
            let tensors = gptq::export(weight, convention)?;
            output.words("qweight", &[tensors.qweight.rows(), tensors.qweight.columns()], tensors.qweight.values());
            output.words("qzeros", &[tensors.qzeros.rows(), tensors.qzeros.columns()], tensors.qzeros.values());
            output.halves("scales", &[tensors.scales.rows(), tensors.scales.columns()], tensors.scales.values());
            let g_idx = tensors.g_idx.unwrap_or_default();
            output.words("g_idx", &[g_idx.len()], &g_idx);
        }
        Format::AwqGemm | Format::AwqGemv => {
            let is_gemm = format == Format::AwqGemm;
            let tensors = if is_gemm { awq::export_gemm(weight)? } else { awq::export_gemv(weight)? };
            output.words("qweight", &[tensors.qweight.rows(), tensors.qweight.columns()], tensors.qweight.values());
            output.words("qzeros", &[tensors.qzeros.rows(), tensors.qzeros.columns()], tensors.qzeros.values());
            output.halves("scales", &[tensors.scales.rows(), tensors.scales.columns()], tensors.scales.values());
        }
        Format::CompressedTensors => {
            let tensors = compressed::export(weight, always)?;
            let (packed, scale) = (&tensors.weight_packed, &tensors.weight_scale);
            output.words("weight_packed", &[packed.rows(), packed.columns()], packed.values());
            output.halves("weight_scale", &[scale.rows(), scale.columns()], scale.values());
            if let Some(zeros) = &tensors.weight_zero_point {
                output.words("weight_zero_point", &[zeros.rows(), zeros.columns()], zeros.values());
            }
            if let Some(index) = &tensors.weight_g_idx {
                output.words("weight_g_idx", &[index.len()], index);
            }
            let shape = tensors.weight_shape;
            let data = [shape.n, shape.k].iter().flat_map(|size| (*size as u64).to_le_bytes()).collect();
            output.push("weight_shape", Dtype::I64, &[2], data);
        }
    }
    Ok(output.tensors)
}

/// The tensors that [`layer_tensors`] will give for a weight of `shape` in groups of `group`: what a file's header needs before any layer is quantized. `always.g_idx`
/// says that columns may be in groups by `g_idx`, `always.zero_points` that there may be zero points.
///
/// # Errors
/// What the format cannot hold of any such weight, with the layer's name.
pub fn layer_specs(
    layer: &str,
    shape: Shape,
    group: Group,
    format: Format,
    always: Always,
) -> Result<Vec<TensorSpec>, FormatError> {
    let of_layer = |error: FormatError| error.of_layer(layer);
    let Shape { n, k } = shape;
    shape.elements("weights").map_err(|error| of_layer(error.into()))?;
    group.fit(k).map_err(|error| of_layer(error.into()))?;
    let groups = group.count(k);
    let is_whole = k.is_multiple_of(group.size(k));
    let spec =
        |part: &str, dtype, shape: &[usize]| TensorSpec { name: full(layer, part), dtype, shape: shape.to_vec() };
    if !k.is_multiple_of(8) {
        return Err(of_layer(crate::Error::PartialWord { k }.into()));
    }
    if format != Format::CompressedTensors && !n.is_multiple_of(8) {
        let tensor = if matches!(format, Format::Gptq | Format::GptqV2) { "qzeros" } else { "qweight" };
        return Err(of_layer(FormatError::PartialWordOfRows { tensor, n }));
    }
    if !matches!(format, Format::Gptq | Format::GptqV2) && !is_whole {
        return Err(of_layer(FormatError::RaggedGroup { format, k, size: group.size(k) }));
    }
    if matches!(format, Format::AwqGemm | Format::AwqGemv) && always.g_idx {
        return Err(of_layer(FormatError::ScatteredGroups { format }));
    }
    Ok(match format {
        Format::Gptq | Format::GptqV2 => vec![
            spec("qweight", Dtype::I32, &[k / 8, n]),
            spec("qzeros", Dtype::I32, &[groups, n / 8]),
            spec("scales", Dtype::F16, &[groups, n]),
            spec("g_idx", Dtype::I32, &[k]),
        ],
        Format::AwqGemm => vec![
            spec("qweight", Dtype::I32, &[k, n / 8]),
            spec("qzeros", Dtype::I32, &[groups, n / 8]),
            spec("scales", Dtype::F16, &[groups, n]),
        ],
        Format::AwqGemv => {
            let width = awq::width(k, group).map_err(of_layer)?;
            vec![
                spec("qweight", Dtype::I32, &[n, k / 8]),
                spec("qzeros", Dtype::I32, &[n, width]),
                spec("scales", Dtype::F16, &[n, width * 8]),
            ]
        }
        Format::CompressedTensors => {
            let mut specs = vec![
                spec("weight_packed", Dtype::I32, &[n, k / 8]),
                spec("weight_scale", Dtype::F16, &[n, groups]),
                spec("weight_shape", Dtype::I64, &[2]),
            ];
            if always.zero_points {
                specs.insert(2, spec("weight_zero_point", Dtype::I32, &[n.div_ceil(8), groups]));
            }
            if always.g_idx {
                specs.insert(specs.len() - 1, spec("weight_g_idx", Dtype::I32, &[k]));
            }
            specs
        }
    })
}

struct Output<'l> {
    layer: &'l str,
    tensors: Vec<LayerTensor>,
}

impl Output<'_> {
    fn push(&mut self, part: &str, dtype: Dtype, shape: &[usize], data: Vec<u8>) {
        self.tensors.push(LayerTensor { name: full(self.layer, part), dtype, shape: shape.to_vec(), data });
    }

    fn words(&mut self, part: &str, shape: &[usize], values: &[i32]) {
        self.push(part, Dtype::I32, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect());
    }

    fn halves(&mut self, part: &str, shape: &[usize], values: &[f16]) {
        self.push(part, Dtype::F16, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect());
    }
}
