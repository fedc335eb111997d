//! Finding and reading the layers of a safetensors file.

use std::collections::BTreeMap;

use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::{CONFIG, Config};
use crate::affine::{Int4Affine, MIDDLE};
use crate::error::Error;
use crate::formats::zeros::{Claim, Verdict, ZeroConvention};
use crate::formats::{Format, FormatError, Grid, awq, compressed, gptq};
use crate::shape::Shape;

/// What AutoGPTQ's and AWQ's layers have.
const WORDS: [&str; 5] = ["qweight", "qzeros", "scales", "g_idx", "bias"];
/// What compressed-tensors' layers have.
const PACKED: [&str; 6] =
    ["weight_packed", "weight_scale", "weight_zero_point", "weight_g_idx", "weight_shape", "bias"];

/// A safetensors file with quantized layers.
#[derive(Debug)]
pub struct Checkpoint<'f> {
    file: SafeTensors<'f>,
    config: Option<Config>,
    layers: Vec<Layer>,
    others: Vec<String>,
}

/// A quantized layer of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Layer {
    /// What its tensors' names have in common, without the dot; empty if they have no more than their own names.
    pub name: String,
    /// Its format. Whether it is the first or the second of GPTQ's is decided when it is read.
    pub format: Format,
}

/// A layer that was read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Imported {
    /// The weight.
    pub weight: Int4Affine,
    /// The format it was found to be in.
    pub format: Format,
    /// How zero points were read; of GPTQ's formats.
    pub zeros: Option<Verdict>,
}

impl<'f> Checkpoint<'f> {
    /// Finds the layers of a file. `config` is what `config.json` or `quantize_config.json` say; without it the file's own metadata are asked.
    ///
    /// # Errors
    /// No safetensors file, one that ends early, a configuration that is refused, a layer without the tensors it needs, with tensors that its format does not have, or with shapes of
    /// no format.
    pub fn parse(bytes: &'f [u8], config: Option<Config>) -> Result<Self, FormatError> {
        let damaged =
            |error: safetensors::SafeTensorError| FormatError::NotA { kind: "safetensors", why: error.to_string() };
        let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        let said = metadata.metadata().as_ref().and_then(|metadata| metadata.get(CONFIG));
        let config = match (config, said) {
            (None, Some(text)) => Some(Config::parse(text)?),
            (config, _) => config,
        };
        let mut parts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for name in file.names() {
            let (layer, part) = name.rsplit_once('.').unwrap_or(("", name));
            parts.entry(layer).or_default().push(part);
        }
        let (mut layers, mut others) = (Vec::new(), Vec::new());
        for (name, parts) in parts {
            let of_layer = |error: FormatError| error.of_layer(name);
            let known: &[&str] = if parts.contains(&"weight_packed") || parts.contains(&"weight_scale") {
                &PACKED
            } else if parts.contains(&"qweight") || parts.contains(&"qzeros") {
                &WORDS
            } else {
                others.extend(parts.iter().map(|part| full(name, part)));
                continue;
            };
            let format = format_of(&file, name, known, config.as_ref()).map_err(of_layer)?;
            // Tensors without a name of their own may stand beside others, such as x.
            let unknown = parts.iter().find(|part| !known.contains(*part) && !name.is_empty());
            if let Some(part) = unknown {
                let known = if known.len() == WORDS.len() {
                    "qweight, qzeros, scales, g_idx and bias"
                } else {
                    "weight_packed, weight_scale, weight_zero_point, weight_g_idx, weight_shape and bias"
                };
                return Err(of_layer(FormatError::Unknown { tensor: (*part).to_owned(), format, known }));
            }
            others.extend(
                parts.iter().filter(|part| **part == "bias" || !known.contains(*part)).map(|part| full(name, part)),
            );
            layers.push(Layer { name: name.to_owned(), format });
        }
        Ok(Self { file, config, layers, others })
    }

    /// The quantized layers, by name.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The names of all other tensors.
    #[must_use]
    pub fn others(&self) -> &[String] {
        &self.others
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> Option<&Config> {
        self.config.as_ref()
    }

    /// Reads a layer. Zero points are read as the label says (the configuration's), unless the data shows that it is wrong; `certain` overrules both.
    ///
    /// # Errors
    /// Whatever the layer's format refuses, with the layer's name.
    pub fn read(&self, layer: &Layer, certain: Option<ZeroConvention>) -> Result<Imported, FormatError> {
        self.import(layer, certain).map_err(|error| error.of_layer(&layer.name))
    }

    fn import(&self, layer: &Layer, certain: Option<ZeroConvention>) -> Result<Imported, FormatError> {
        let parts = Parts { file: &self.file, layer: &layer.name, format: layer.format };
        let group = self.config.as_ref().and_then(|config| config.group);
        let (weight, format, zeros) = match layer.format {
            Format::Gptq | Format::GptqV2 => {
                let tensors = gptq::Tensors {
                    qweight: parts.grid("qweight")?,
                    qzeros: parts.grid("qzeros")?,
                    scales: parts.scales("scales")?,
                    g_idx: parts.index("g_idx")?,
                };
                let label = match self.config.as_ref().map(|config| config.format) {
                    Some(Format::Gptq) => Claim::Label(ZeroConvention::LessOne),
                    Some(Format::GptqV2) => Claim::Label(ZeroConvention::AsIs),
                    _ => Claim::None,
                };
                let claim = certain.map_or(label, Claim::Certain);
                let (weight, verdict) = gptq::import(tensors, claim, group)?;
                (weight, verdict.convention.format(), Some(verdict))
            }
            Format::AwqGemm | Format::AwqGemv => {
                let (qweight, qzeros) = (parts.grid("qweight")?, parts.grid("qzeros")?);
                let tensors = awq::Tensors { qweight, qzeros, scales: parts.scales("scales")? };
                let weight = match layer.format {
                    Format::AwqGemm => awq::import_gemm(&tensors)?,
                    _ => awq::import_gemv(&tensors, group)?,
                };
                (weight, layer.format, None)
            }
            Format::CompressedTensors => {
                let tensors = compressed::Tensors {
                    weight_packed: parts.grid("weight_packed")?,
                    weight_scale: parts.scales("weight_scale")?,
                    weight_zero_point: parts.optional("weight_zero_point", Parts::grid)?,
                    weight_g_idx: parts.index("weight_g_idx")?,
                    weight_shape: parts.shape("weight_shape")?,
                };
                (compressed::import(tensors)?, layer.format, None)
            }
        };
        if self.config.as_ref().and_then(|config| config.symmetric) == Some(true) {
            expect_symmetric(&weight)?;
        }
        if let Some(wanted) = group.map(|group| group.count(weight.shape().k)) {
            let count = weight.grouping().count();
            if count != wanted {
                return Err(FormatError::GroupCount { k: weight.shape().k, count, wanted });
            }
        }
        Ok(Imported { weight, format, zeros })
    }
}

fn expect_symmetric(weight: &Int4Affine) -> Result<(), FormatError> {
    let n = weight.shape().n;
    let zeros = weight.zeros().unwrap_or_default();
    match zeros.iter().enumerate().find(|(_, zero)| **zero != MIDDLE) {
        None => Ok(()),
        Some((place, &zero)) => Err(FormatError::NotSymmetric { group: place / n, row: place % n, zero }),
    }
}

/// The full name of a layer's tensor.
pub(super) fn full(layer: &str, part: &str) -> String {
    if layer.is_empty() { part.to_owned() } else { format!("{layer}.{part}") }
}

/// The format of a layer, by its tensors and their shapes.
fn format_of(
    file: &SafeTensors<'_>,
    layer: &str,
    known: &[&str],
    config: Option<&Config>,
) -> Result<Format, FormatError> {
    if known.contains(&"weight_packed") {
        return Ok(Format::CompressedTensors);
    }
    // What the error says if something is missing.
    let format = config.map_or(Format::Gptq, |config| config.format);
    let parts = Parts { file, layer, format };
    let [words, scales, _] = ["qweight", "scales", "qzeros"].map(|part| parts.matrix(part));
    let (words, scales) = (words?, scales?);
    parts.matrix("qzeros")?;
    let is_gptq = words.1 == scales.1 && scales.0.saturating_mul(32) <= words.0.saturating_mul(8).next_multiple_of(32);
    let is_gemm = words.1.saturating_mul(8) == scales.1 && scales.0 <= words.0.div_ceil(32);
    let is_gemv = words.0 == scales.0;
    let fits = |format| match format {
        Format::Gptq | Format::GptqV2 => is_gptq,
        Format::AwqGemm => is_gemm,
        Format::AwqGemv => is_gemv,
        Format::CompressedTensors => false,
    };
    let said = config.map(|config| config.format).filter(|format| *format != Format::CompressedTensors);
    let possible = [Format::Gptq, Format::AwqGemm, Format::AwqGemv];
    match said {
        Some(said) if fits(said) => Ok(said),
        Some(_) => Err(shapes(words, scales)),
        None => match possible.into_iter().filter(|format| fits(*format)).collect::<Vec<_>>()[..] {
            [format] => Ok(format),
            _ => Err(shapes(words, scales)),
        },
    }
}

fn shapes(words: (usize, usize), scales: (usize, usize)) -> FormatError {
    FormatError::NoFormat { words: [words.0, words.1], scales: [scales.0, scales.1] }
}

/// The tensors of one layer.
struct Parts<'p, 'f> {
    file: &'p SafeTensors<'f>,
    layer: &'p str,
    format: Format,
}

impl<'f> Parts<'_, 'f> {
    fn view(&self, part: &'static str) -> Result<TensorView<'f>, FormatError> {
        let missing = |_| FormatError::Missing { tensor: part, format: self.format };
        self.file.tensor(&full(self.layer, part)).map_err(missing)
    }

    fn optional<T>(
        &self,
        part: &'static str,
        read: impl Fn(&Self, &'static str) -> Result<T, FormatError>,
    ) -> Result<Option<T>, FormatError> {
        // `tensor` fails for no other reason than that there is none.
        if self.view(part).is_ok() { read(self, part).map(Some) } else { Ok(None) }
    }

    fn of_type(&self, part: &'static str, dtype: Dtype, wanted: &'static str) -> Result<TensorView<'f>, FormatError> {
        let view = self.view(part)?;
        if view.dtype() == dtype { Ok(view) } else { Err(wrong_type(part, &view, wanted)) }
    }

    fn matrix(&self, part: &'static str) -> Result<(usize, usize), FormatError> {
        dimensions(part, &self.view(part)?)
    }

    fn grid(&self, part: &'static str) -> Result<Grid<i32>, FormatError> {
        let view = self.of_type(part, Dtype::I32, "I32")?;
        let (rows, columns) = dimensions(part, &view)?;
        Grid::new(part, rows, columns, words(view.data()))
    }

    /// Scales as f16, whatever they are stored as; what is no f16 is refused.
    fn scales(&self, part: &'static str) -> Result<Grid<f16>, FormatError> {
        let view = self.view(part)?;
        let (rows, columns) = dimensions(part, &view)?;
        let data = view.data();
        let values: Vec<f32> = match view.dtype() {
            Dtype::F16 => {
                let halves = data.chunks_exact(2).map(|bytes| f16::from_le_bytes([bytes[0], bytes[1]]));
                return Grid::new(part, rows, columns, halves.collect());
            }
            Dtype::BF16 => {
                data.chunks_exact(2).map(|bytes| bf16::from_le_bytes([bytes[0], bytes[1]]).to_f32()).collect()
            }
            Dtype::F32 => words(data).into_iter().map(|word| f32::from_bits(word.cast_unsigned())).collect(),
            _ => return Err(wrong_type(part, &view, "F16, or BF16 or F32 whose values are f16")),
        };
        let halves: Vec<f16> = values.iter().map(|value| f16::from_f32(*value)).collect();
        let inexact = halves.iter().zip(&values).position(|(half, value)| half.to_f32() != *value);
        if let Some(place) = inexact {
            let (first, second) = (place / columns, place % columns);
            let (group, row) = if self.format == Format::CompressedTensors { (second, first) } else { (first, second) };
            return Err(FormatError::ScaleNotHalf { tensor: part, group, row, value: values[place] });
        }
        Grid::new(part, rows, columns, halves)
    }

    fn index(&self, part: &'static str) -> Result<Option<Vec<i32>>, FormatError> {
        self.optional(part, |parts, part| {
            let view = parts.of_type(part, Dtype::I32, "I32")?;
            match view.shape() {
                [_] => Ok(words(view.data())),
                found => Err(FormatError::Dimensions { tensor: part.to_owned(), found: found.to_vec(), wanted: 1 }),
            }
        })
    }

    fn shape(&self, part: &'static str) -> Result<Shape, FormatError> {
        let view = self.view(part)?;
        let data = view.data();
        let values: Vec<i64> = match view.dtype() {
            Dtype::I64 => {
                let array = |bytes: &[u8]| std::array::from_fn(|place| bytes[place]);
                data.chunks_exact(8).map(|bytes| i64::from_le_bytes(array(bytes))).collect()
            }
            Dtype::I32 => words(data).into_iter().map(i64::from).collect(),
            _ => return Err(wrong_type(part, &view, "I64 or I32")),
        };
        let [n, k] = values[..] else {
            let (found, wanted) = (view.shape().to_vec(), vec![2]);
            return Err(FormatError::Shape { tensor: part, found, wanted, why: "N and K" });
        };
        let size = |place, value: i64| {
            usize::try_from(value).map_err(|_| FormatError::Negative { tensor: part, place, value })
        };
        Ok(Shape { n: size(0, n)?, k: size(1, k)? })
    }
}

fn words(data: &[u8]) -> Vec<i32> {
    data.chunks_exact(4).map(|bytes| i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect()
}

fn dimensions(part: &'static str, view: &TensorView<'_>) -> Result<(usize, usize), FormatError> {
    match *view.shape() {
        [0, _] => Err(Error::ZeroDimension { tensor: part, dimension: "rows" }.into()),
        [_, 0] => Err(Error::ZeroDimension { tensor: part, dimension: "columns" }.into()),
        [rows, columns] => Ok((rows, columns)),
        _ => Err(FormatError::Dimensions { tensor: part.to_owned(), found: view.shape().to_vec(), wanted: 2 }),
    }
}

fn wrong_type(part: &str, view: &TensorView<'_>, wanted: &'static str) -> FormatError {
    FormatError::Type { tensor: part.to_owned(), found: format!("{:?}", view.dtype()), wanted }
}
