//! The layouts of checkpoints, both ways: AutoGPTQ (v1 and v2), AWQ (GEMM and GEMV), compressed-tensors pack-quantized, and the blocks of GGUF.
//!
//! | module | tensors of a layer | what it becomes |
//! |---|---|---|
//! | [`gptq`] | `qweight`, `qzeros`, `scales`, optional `g_idx` | [`Int4Affine`](crate::Int4Affine) |
//! | [`awq`] | `qweight`, `qzeros`, `scales` | [`Int4Affine`](crate::Int4Affine) |
//! | [`compressed`] | `weight_packed`, `weight_scale`, `weight_shape`, optional `weight_zero_point`, `weight_g_idx` | [`Int4Affine`](crate::Int4Affine) |
//! | [`gguf`] | one tensor of blocks | [`Int4`](crate::Int4), [`Int4Affine`](crate::Int4Affine), [`Int8`](crate::Int8) or f32 |
//!
//! These modules know words and blocks, not files; they need no other crate. With the feature `safetensors` the module `checkpoint` finds the layers of a
//! safetensors file, reads them by name and names the tensors to write.
//!
//! Whatever a layout cannot hold, or a file has that is not known here, is a [`FormatError`]; nothing is rounded, guessed or left at zero in silence.

pub mod awq;
#[cfg(feature = "safetensors")]
pub mod checkpoint;
pub mod compressed;
pub mod gguf;
pub mod gptq;
pub mod zeros;

mod error;
mod grid;

pub use error::FormatError;
pub use grid::Grid;

use crate::error::Error;
use crate::group::Group;

/// How a file holds int4 weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// AutoGPTQ's first: zero points are stored less one.
    Gptq,
    /// AutoGPTQ's second: zero points are stored as they are.
    GptqV2,
    /// AutoAWQ's for its matrix kernels: words along N, interleaved.
    AwqGemm,
    /// AutoAWQ's for its vector kernels: words along K in their order.
    AwqGemv,
    /// compressed-tensors, `pack-quantized`.
    CompressedTensors,
}

impl Format {
    /// The name by which the format's own configuration files call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gptq => "gptq",
            Self::GptqV2 => "gptq_v2",
            Self::AwqGemm => "awq",
            Self::AwqGemv => "awq gemv",
            Self::CompressedTensors => "compressed-tensors",
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The group of rows of `k` in `count` groups: the one that is `said`, or the only one that is possible.
pub(crate) fn group_of(k: usize, count: usize, said: Option<Group>) -> Result<Group, FormatError> {
    if let Some(group) = said {
        let found = group.count(k);
        return if found == count { Ok(group) } else { Err(FormatError::GroupCount { k, count, wanted: found }) };
    }
    if count == 1 {
        return Ok(Group::WholeRow);
    }
    let sizes = (1..=k / 32).map(|size| size * 32).filter(|size| k.div_ceil(*size) == count);
    let sizes: Vec<usize> = sizes.collect();
    match sizes[..] {
        [size] => Ok(Group::new(size)?),
        _ => Err(FormatError::GroupAmbiguous { k, count, sizes }),
    }
}

/// Refuses groups that do not fill rows of `k`.
pub(crate) fn expect_whole_groups(format: Format, k: usize, group: Group) -> Result<(), FormatError> {
    let size = group.size(k);
    if k.is_multiple_of(size) { Ok(()) } else { Err(FormatError::RaggedGroup { format, k, size }) }
}

/// Refuses rows that do not fill words of eight.
pub(crate) const fn expect_whole_words(tensor: &'static str, n: usize) -> Result<(), FormatError> {
    if n.is_multiple_of(8) { Ok(()) } else { Err(FormatError::PartialWordOfRows { tensor, n }) }
}

/// K of a tensor that holds it in words of eight.
pub(crate) fn columns_of_words(tensor: &'static str, words: usize, n: usize) -> Result<usize, Error> {
    words.checked_mul(8).ok_or(Error::Overflow { tensor, n, k: words })
}
