//! Tensors by name, from either kind of file.

use std::borrow::Cow;

use anyhow::{Context, Result, bail};
use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};
use tilewright_quant_pack::formats::gguf::{self, Gguf, Kind};

use super::Mapped;

/// A file of tensors.
pub(crate) struct Source<'f> {
    map: &'f Mapped,
    file: File<'f>,
}

enum File<'f> {
    SafeTensors(SafeTensors<'f>),
    Gguf(Gguf<'f>),
}

/// A tensor of a file.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    /// The type it has when it is copied to a safetensors file.
    pub(crate) dtype: Dtype,
}

impl Entry {
    /// Whether its elements are floats.
    pub(crate) const fn is_float(&self) -> bool {
        matches!(self.dtype, Dtype::F16 | Dtype::BF16 | Dtype::F32)
    }
}

impl<'f> Source<'f> {
    /// Reads the beginning of a file.
    pub(crate) fn parse(map: &'f Mapped) -> Result<Self> {
        let bytes = map.bytes();
        let file = if bytes.starts_with(b"GGUF") {
            File::Gguf(Gguf::parse(bytes)?)
        } else {
            let file = SafeTensors::deserialize(bytes).context("neither a safetensors file nor a GGUF file")?;
            File::SafeTensors(file)
        };
        Ok(Self { map, file })
    }

    /// Lets go of the memory of bytes that [`Source::copy`] gave.
    pub(crate) fn release(&self, bytes: &[u8]) {
        self.map.release(bytes);
    }

    /// All tensors, by name.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = match &self.file {
            File::SafeTensors(file) => file
                .iter()
                .map(|(name, view)| Entry { name: name.to_owned(), shape: view.shape().to_vec(), dtype: view.dtype() })
                .collect(),
            File::Gguf(file) => file
                .tensors()
                .iter()
                .map(|tensor| Entry {
                    name: tensor.name.clone(),
                    shape: tensor.shape.clone(),
                    dtype: match tensor.kind {
                        Kind::F32 => Dtype::F32,
                        Kind::Bf16 => Dtype::BF16,
                        // Blocks have no more precision than this, and safetensors has no blocks.
                        _ => Dtype::F16,
                    },
                })
                .collect(),
        };
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries
    }

    /// A tensor's values.
    pub(crate) fn floats(&self, name: &str) -> Result<Vec<f32>> {
        match &self.file {
            File::SafeTensors(file) => {
                let view = file.tensor(name).with_context(|| format!("there is no tensor `{name}`"))?;
                let data = view.data();
                let values = match view.dtype() {
                    Dtype::F32 => data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
                    Dtype::F16 => data.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
                    Dtype::BF16 => data.chunks_exact(2).map(|b| bf16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
                    other => bail!("tensor `{name}` is {other:?}, wanted F16, BF16 or F32"),
                };
                self.release(data);
                Ok(values)
            }
            File::Gguf(file) => {
                let tensor = file.tensor(name).with_context(|| format!("there is no tensor `{name}`"))?;
                let data = file.data(tensor)?;
                let decoded = gguf::decode(tensor.kind, data, tensor.weight_shape());
                self.release(data);
                decoded.with_context(|| format!("tensor `{name}`"))
            }
        }
    }

    /// A tensor's bytes as its [`Entry::dtype`]: those of the file, where it has them so.
    pub(crate) fn copy(&self, entry: &Entry) -> Result<Cow<'f, [u8]>> {
        match &self.file {
            File::SafeTensors(file) => Ok(Cow::Borrowed(file.tensor(&entry.name)?.data())),
            File::Gguf(_) => {
                let values = self.floats(&entry.name)?;
                Ok(Cow::Owned(match entry.dtype {
                    Dtype::F32 => values.into_iter().flat_map(f32::to_le_bytes).collect(),
                    Dtype::BF16 => values.into_iter().flat_map(|value| bf16::from_f32(value).to_le_bytes()).collect(),
                    _ => {
                        if let Some(value) = values.iter().find(|value| value.abs() > f16::MAX.to_f32()) {
                            bail!("tensor `{}` has {value}, which is beyond f16", entry.name);
                        }
                        values.into_iter().flat_map(|value| f16::from_f32(value).to_le_bytes()).collect()
                    }
                }))
            }
        }
    }
}
