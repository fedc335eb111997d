//! GGUF: the blocks of its tensors, and its files.
//!
//! | type | block | layout | weight |
//! |---|---|---|---|
//! | Q4_0 | 32 in 18 bytes | f16 d; byte j has weight j low, weight j + 16 high | d · (q − 8) |
//! | Q4_1 | 32 in 20 bytes | f16 d, f16 m; as Q4_0 | d · q + m |
//! | Q8_0 | 32 in 34 bytes | f16 d; 32 i8 | d · q |
//! | Q4_K | 256 in 144 bytes | f16 d, f16 dmin; 12 bytes of eight 6-bit scales and minima; 128 bytes | d · scale · q − dmin · minimum |
//! | F32, F16, BF16 | 1 | little-endian | itself |
//!
//! A tensor is [N, K], row-major, and a row is whole blocks.
//!
//! | function | exact | refuses |
//! |---|---|---|
//! | [`decode`] | rounded to f32 once an operation, as ggml's reference does | lengths, rows of partial blocks, scales that are not finite |
//! | [`encode`] | to nearest; scales by least squares (Q4_0, Q4_1), largest (Q8_0) or search (Q4_K) | what quantizers refuse |
//! | [`to_int4`], [`from_int4`] (Q4_0, groups of 32) | yes, both ways | groups of another size |
//! | [`to_affine`], [`from_affine`] (Q4_1, groups of 32) | yes, but for m, which is f16 and so rounds scale · z | minima that are no zero point |
//! | [`to_int8`], [`from_int8`] (Q8_0) | yes | blocks of a row with other scales; a scale that is no f16 |
//!
//! # Source
//! llama.cpp, `ggml/src/ggml-quants.c` and `ggml-common.h`; the file after ggml's `docs/gguf.md`, versions 2 and 3.

mod file;
mod legacy;
mod super_block;
mod write;

pub use file::{Gguf, TensorInfo};
pub use legacy::{from_affine, from_int4, from_int8, to_affine, to_int4, to_int8};
pub use write::{OutputTensor, Value, write};

use half::{bf16, f16};

use super::FormatError;
use crate::affine::Int4Affine;
use crate::error::Error;
use crate::group::Group;
use crate::int4::Int4;
use crate::scale::ScaleRule;
use crate::shape::Shape;
use crate::weight::{self, Weight};

/// A type of tensors in GGUF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// 32 bits.
    F32,
    /// 16 bits.
    F16,
    /// 16 bits, the upper half of f32.
    Bf16,
    /// Symmetric four bits in blocks of 32.
    Q4_0,
    /// Four bits with a minimum, in blocks of 32.
    Q4_1,
    /// Eight bits in blocks of 32.
    Q8_0,
    /// Four bits in eight blocks of 32 with scales of six bits.
    Q4K,
    /// Any other, by its number.
    Other(u32),
}

impl Kind {
    /// That of a number in a file.
    #[must_use]
    pub const fn of(number: u32) -> Self {
        match number {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            8 => Self::Q8_0,
            12 => Self::Q4K,
            30 => Self::Bf16,
            other => Self::Other(other),
        }
    }

    /// Its number in a file.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::Q4_1 => 3,
            Self::Q8_0 => 8,
            Self::Q4K => 12,
            Self::Bf16 => 30,
            Self::Other(number) => number,
        }
    }

    /// Weights of a block and its bytes; none for types that are not read here.
    #[must_use]
    pub const fn block(self) -> Option<(usize, usize)> {
        match self {
            Self::F32 => Some((1, 4)),
            Self::F16 | Self::Bf16 => Some((1, 2)),
            Self::Q4_0 => Some((32, 18)),
            Self::Q4_1 => Some((32, 20)),
            Self::Q8_0 => Some((32, 34)),
            Self::Q4K => Some((256, 144)),
            Self::Other(_) => None,
        }
    }

    /// Bytes of a tensor of `shape`.
    ///
    /// # Errors
    /// A type that is not read here, no weights, or rows of partial blocks.
    pub fn bytes(self, shape: Shape) -> Result<usize, FormatError> {
        let (block, bytes) = self.block().ok_or(self.unknown())?;
        let elements = shape.elements("tensor")?;
        if !shape.k.is_multiple_of(block) {
            return Err(FormatError::PartialBlock { kind: self, k: shape.k, block });
        }
        // A block has fewer bytes than f32 would.
        Ok(elements / block * bytes)
    }

    const fn unknown(self) -> FormatError {
        FormatError::Kind { found: self, wanted: "F32, F16, BF16, Q4_0, Q4_1, Q8_0 or Q4_K" }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::F32 => formatter.write_str("F32"),
            Self::F16 => formatter.write_str("F16"),
            Self::Bf16 => formatter.write_str("BF16"),
            Self::Q4_0 => formatter.write_str("Q4_0"),
            Self::Q4_1 => formatter.write_str("Q4_1"),
            Self::Q8_0 => formatter.write_str("Q8_0"),
            Self::Q4K => formatter.write_str("Q4_K"),
            Self::Other(number) => write!(formatter, "GGUF type {number}"),
        }
    }
}

/// The weights that blocks stand for, row-major [N, K].
///
/// # Errors
/// A type that is not read here, a length that is not that of `shape`, rows of partial blocks, or a scale that is not finite.
///
/// # Example
/// ```
/// use tilewright_quant_pack::formats::gguf::{self, Kind};
/// use tilewright_quant_pack::Shape;
///
/// // d = 1, then weights j and j + 16 in byte j.
/// let mut block = vec![0x00, 0x3c];
/// block.extend((0..16).map(|j| (15 - j) << 4 | j));
/// let weights = gguf::decode(Kind::Q4_0, &block, Shape { n: 1, k: 32 })?;
/// assert_eq!((weights[0], weights[1], weights[16], weights[31]), (-8.0, -7.0, 7.0, -8.0));
/// # Ok::<(), tilewright_quant_pack::formats::FormatError>(())
/// ```
pub fn decode(kind: Kind, bytes: &[u8], shape: Shape) -> Result<Vec<f32>, FormatError> {
    let (block, size) = checked(kind, bytes, shape)?;
    let mut weights = Vec::with_capacity(shape.n * shape.k);
    for (place, bytes) in bytes.chunks_exact(size).enumerate() {
        if kind == Kind::Q4K {
            super_block::decode(bytes, place_of(shape, block, place), &mut weights)?;
        } else {
            legacy::decode(kind, bytes, place_of(shape, block, place), &mut weights)?;
        }
    }
    Ok(weights)
}

/// Quantizes row-major `weights` [N, K] to blocks of `kind`, to nearest. Deterministic.
///
/// # Errors
/// A type that is not written here, rows of partial blocks, a wrong length, a weight that is not finite, or one whose scale or
/// minimum is beyond f16: up to 4,366 all fit.
///
/// # Example
/// ```
/// use tilewright_quant_pack::formats::gguf::{self, Kind};
/// use tilewright_quant_pack::Shape;
///
/// let shape = Shape { n: 2, k: 256 };
/// let weights: Vec<f32> = (0..512_u16).map(|i| (f32::from(i) * 0.7).sin()).collect();
/// for (kind, bound) in [(Kind::Q4_0, 0.15), (Kind::Q4_1, 0.08), (Kind::Q8_0, 0.005), (Kind::Q4K, 0.1)] {
///     let blocks = gguf::encode(kind, &weights, shape)?;
///     let back = gguf::decode(kind, &blocks, shape)?;
///     assert!(weights.iter().zip(&back).all(|(weight, back)| (weight - back).abs() < bound));
/// }
/// # Ok::<(), tilewright_quant_pack::formats::FormatError>(())
/// ```
pub fn encode<W: Weight>(kind: Kind, weights: &[W], shape: Shape) -> Result<Vec<u8>, FormatError> {
    let size = kind.bytes(shape)?;
    weight::check(weights, shape)?;
    let group = Group::new(32)?;
    let exact = || weights.iter().map(|weight| weight.to_f32());
    Ok(match kind {
        Kind::F32 => exact().flat_map(f32::to_le_bytes).collect(),
        Kind::F16 => {
            let halves: Vec<f16> = exact().map(f16::from_f32).collect();
            weight::check(&halves, shape)?;
            halves.into_iter().flat_map(f16::to_le_bytes).collect()
        }
        Kind::Bf16 => {
            let halves: Vec<bf16> = exact().map(bf16::from_f32).collect();
            weight::check(&halves, shape)?;
            halves.into_iter().flat_map(bf16::to_le_bytes).collect()
        }
        Kind::Q4_0 => from_int4(&Int4::quantize(weights, shape, group, ScaleRule::LeastSquares)?)?,
        Kind::Q4_1 => from_affine(&Int4Affine::quantize(weights, shape, group, ScaleRule::LeastSquares)?)?,
        Kind::Q8_0 => {
            let mut bytes = Vec::with_capacity(size);
            for (place, block) in weights.chunks_exact(32).enumerate() {
                legacy::encode_q8_0(block, place_of(shape, 32, place), &mut bytes)?;
            }
            bytes
        }
        Kind::Q4K => {
            let mut bytes = Vec::with_capacity(size);
            for (place, block) in weights.chunks_exact(256).enumerate() {
                super_block::encode(block, place_of(shape, 256, place), &mut bytes)?;
            }
            bytes
        }
        Kind::Other(_) => return Err(kind.unknown()),
    })
}

/// Where a block stands: its row, and its number along K.
#[derive(Clone, Copy, Debug)]
struct Place {
    row: usize,
    block: usize,
}

const fn place_of(shape: Shape, block: usize, number: usize) -> Place {
    let blocks = shape.k / block;
    Place { row: number / blocks, block: number % blocks }
}

/// Weights and bytes of a block, if `bytes` are those of `shape`.
fn checked(kind: Kind, bytes: &[u8], shape: Shape) -> Result<(usize, usize), FormatError> {
    let wanted = kind.bytes(shape)?;
    if bytes.len() != wanted {
        let what = format!("tensor of {} by {} in {kind}", shape.n, shape.k);
        return Err(FormatError::Truncated { what, found: bytes.len() as u64, wanted: wanted as u64 });
    }
    kind.block().ok_or(kind.unknown())
}

/// The f16 that a block has at byte `at`.
fn half_at(bytes: &[u8], at: usize, place: Place) -> Result<f32, FormatError> {
    let value = f16::from_le_bytes([bytes[at], bytes[at + 1]]);
    if value.is_finite() {
        return Ok(value.to_f32());
    }
    Err(Error::ScaleNotFinite { group: place.block, row: place.row, value: value.to_f32() }.into())
}
