//! Blocks of 32 with one scale: Q4_0, Q4_1, Q8_0; and plain floats.
#![expect(clippy::cast_possible_wrap, clippy::cast_sign_loss, reason = "bytes hold nibbles and signed integers")]

use half::{bf16, f16};

use super::{FormatError, Kind, Place, checked, half_at, place_of};
use crate::affine::Int4Affine;
use crate::error::Error;
use crate::group::Group;
use crate::grouping::Grouping;
use crate::int4::Int4;
use crate::int8::{Granularity, Int8};
use crate::shape::Shape;
use crate::weight::Weight;

/// Weights of a block.
const BLOCK: usize = 32;

/// Appends the weights of a block of any type but Q4_K.
pub(super) fn decode(kind: Kind, bytes: &[u8], place: Place, weights: &mut Vec<f32>) -> Result<(), FormatError> {
    match kind {
        Kind::Q4_0 => {
            let d = half_at(bytes, 0, place)?;
            weights.extend(nibbles(&bytes[2..]).map(|q| d * (f32::from(q) - 8.0)));
        }
        Kind::Q4_1 => {
            let (d, m) = (half_at(bytes, 0, place)?, half_at(bytes, 2, place)?);
            weights.extend(nibbles(&bytes[4..]).map(|q| d * f32::from(q) + m));
        }
        Kind::Q8_0 => {
            let d = half_at(bytes, 0, place)?;
            weights.extend(bytes[2..].iter().map(|&q| d * f32::from(q as i8)));
        }
        Kind::F32 => weights.push(f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])),
        Kind::F16 => weights.push(f16::from_le_bytes([bytes[0], bytes[1]]).to_f32()),
        Kind::Bf16 => weights.push(bf16::from_le_bytes([bytes[0], bytes[1]]).to_f32()),
        Kind::Q4K | Kind::Other(_) => return Err(kind.unknown()),
    }
    Ok(())
}

/// The nibbles of sixteen bytes: the low ones are weights 0 to 15, the high ones 16 to 31.
fn nibbles(bytes: &[u8]) -> impl Iterator<Item = u8> + '_ {
    bytes.iter().map(|byte| byte & 0xf).chain(bytes.iter().map(|byte| byte >> 4))
}

/// The weight of Q4_0 `blocks`, exactly: int4 in groups of 32.
///
/// # Errors
/// As [`decode`](super::decode()).
pub fn to_int4(blocks: &[u8], shape: Shape) -> Result<Int4, FormatError> {
    let (mut values, mut scales) = (Vec::new(), vec![f16::ZERO; shape.n * (shape.k / BLOCK)]);
    for_each_block(Kind::Q4_0, blocks, shape, |place, bytes| {
        scales[place.block * shape.n + place.row] = f16::from_f32(half_at(bytes, 0, place)?);
        values.extend(nibbles(&bytes[2..]).map(|q| q as i8 - 8));
        Ok(())
    })?;
    Ok(Int4::pack(&values, shape, group(shape)?, scales)?)
}

/// Q4_0 blocks that hold `weight`, exactly.
///
/// # Errors
/// Groups of another size than 32, or rows that are no whole blocks.
pub fn from_int4(weight: &Int4) -> Result<Vec<u8>, FormatError> {
    let shape = weight.shape();
    let size = expect_group(Kind::Q4_0, shape, weight.group())?;
    let values = weight.unpack();
    let mut bytes = Vec::with_capacity(size);
    for (number, values) in values.chunks_exact(BLOCK).enumerate() {
        let place = place_of(shape, BLOCK, number);
        bytes.extend(weight.scales()[place.block * shape.n + place.row].to_le_bytes());
        bytes.extend(packed(|index| (values[index] + 8) as u8));
    }
    Ok(bytes)
}

/// The weight of Q4_1 `blocks` as int4 with zero points in groups of 32, if every minimum is −d · z, rounded to f16, for a whole z from 0 to 15.
/// Blocks that other programs wrote are usually not so; [`decode`](super::decode()) takes them all.
///
/// # Errors
/// [`FormatError::NoZeroPoint`], and those of [`decode`](super::decode()).
pub fn to_affine(blocks: &[u8], shape: Shape) -> Result<Int4Affine, FormatError> {
    let groups = shape.n * (shape.k / BLOCK);
    let (mut values, mut scales, mut zeros) = (Vec::new(), vec![f16::ZERO; groups], vec![0; groups]);
    for_each_block(Kind::Q4_1, blocks, shape, |place, bytes| {
        let (scale, minimum) = (half_at(bytes, 0, place)?, half_at(bytes, 2, place)?);
        // Where the scale is 0 every zero point gives 0; 8 is the one of symmetric weights.
        let candidates = std::iter::once(8).chain(0..16_u8);
        let zero = candidates.into_iter().find(|zero| minimum_of(scale, *zero).to_f32() == minimum);
        let Place { row, block } = place;
        let zero = zero.ok_or(FormatError::NoZeroPoint { row, block, scale, minimum })?;
        (scales[block * shape.n + row], zeros[block * shape.n + row]) = (f16::from_f32(scale), zero);
        values.extend(nibbles(&bytes[4..]));
        Ok(())
    })?;
    let grouping = Grouping::in_order(shape.k, group(shape)?)?;
    Ok(Int4Affine::pack(&values, shape, grouping, scales, Some(zeros))?)
}

/// Q4_1 blocks that hold `weight`. Minima are f16, so each is within 2^-11 of itself of −scale · z; [`to_affine`] still finds z.
///
/// # Errors
/// Groups of another size than 32 or not side by side, rows that are no whole blocks, or a minimum beyond f16.
pub fn from_affine(weight: &Int4Affine) -> Result<Vec<u8>, FormatError> {
    let shape = weight.shape();
    let size = expect_group(Kind::Q4_1, shape, weight.grouping().group())?;
    if !weight.grouping().is_in_order() {
        return Err(FormatError::ScatteredBlocks { kind: Kind::Q4_1 });
    }
    let values = weight.unpack();
    let mut bytes = Vec::with_capacity(size);
    for (number, values) in values.chunks_exact(BLOCK).enumerate() {
        let Place { row, block } = place_of(shape, BLOCK, number);
        let scale = weight.scales()[block * shape.n + row];
        let minimum = minimum_of(scale.to_f32(), weight.zero(block, row));
        if !minimum.is_finite() {
            return Err(Error::ScaleNotFinite { group: block, row, value: minimum.to_f32() }.into());
        }
        bytes.extend(scale.to_le_bytes());
        bytes.extend(minimum.to_le_bytes());
        bytes.extend(packed(|index| values[index]));
    }
    Ok(bytes)
}

/// The weight of Q8_0 `blocks` as int8 with a scale a row, if all blocks of a row have the same scale.
///
/// # Errors
/// [`FormatError::NoRowScale`], and those of [`decode`](super::decode()).
pub fn to_int8(blocks: &[u8], shape: Shape) -> Result<Int8, FormatError> {
    let (mut values, mut scales) = (Vec::new(), Vec::new());
    for_each_block(Kind::Q8_0, blocks, shape, |place, bytes| {
        let Place { row, block } = place;
        let found = half_at(bytes, 0, place)?;
        if block == 0 {
            scales.push(found);
        }
        let wanted = scales[row];
        if found != wanted {
            return Err(FormatError::NoRowScale { row, block, found, wanted });
        }
        values.extend(bytes[2..].iter().map(|&q| q as i8));
        Ok(())
    })?;
    Ok(Int8::from_parts(shape, Granularity::PerChannel, values, scales)?)
}

/// Q8_0 blocks that hold `weight`, exactly.
///
/// # Errors
/// A scale that is no f16, or rows that are no whole blocks.
pub fn from_int8(weight: &Int8) -> Result<Vec<u8>, FormatError> {
    let shape = weight.shape();
    let mut bytes = Vec::with_capacity(Kind::Q8_0.bytes(shape)?);
    for (number, values) in weight.values().chunks_exact(BLOCK).enumerate() {
        let row = place_of(shape, BLOCK, number).row;
        let value = weight.scale(row);
        let scale = f16::from_f32(value);
        if scale.to_f32() != value {
            return Err(FormatError::ScaleNotHalf { tensor: "scales", group: 0, row, value });
        }
        bytes.extend(scale.to_le_bytes());
        bytes.extend(values.iter().map(|&q| q as u8));
    }
    Ok(bytes)
}

/// Appends a block of Q8_0: scale absmax / 127 as f16, every weight to nearest.
pub(super) fn encode_q8_0<W: Weight>(weights: &[W], place: Place, bytes: &mut Vec<u8>) -> Result<(), FormatError> {
    let absmax = weights.iter().map(|weight| weight.to_f32().abs()).fold(0.0, f32::max);
    let scale = f16::from_f32(absmax / 127.0);
    if !scale.is_finite() {
        return Err(Error::ScaleNotFinite { group: place.block, row: place.row, value: scale.to_f32() }.into());
    }
    let step = f64::from(scale.to_f32());
    bytes.extend(scale.to_le_bytes());
    bytes.extend(weights.iter().map(|weight| crate::level::INT8.quantize(f64::from(weight.to_f32()), step) as u8));
    Ok(())
}

/// −scale · zero as Q4_1 stores it.
fn minimum_of(scale: f32, zero: u8) -> f16 {
    f16::from_f32(-scale * f32::from(zero))
}

/// Sixteen bytes of the 32 values: j low, j + 16 high.
fn packed(value: impl Fn(usize) -> u8) -> [u8; BLOCK / 2] {
    std::array::from_fn(|index| value(index) | value(index + BLOCK / 2) << 4)
}

/// Groups of 32, or the whole row where it is that long.
fn group(shape: Shape) -> Result<Group, Error> {
    if shape.k == BLOCK { Ok(Group::WholeRow) } else { Group::new(BLOCK) }
}

/// Bytes of the blocks, if groups are blocks.
fn expect_group(kind: Kind, shape: Shape, group: Group) -> Result<usize, FormatError> {
    let bytes = kind.bytes(shape)?;
    let size = group.size(shape.k);
    if size == BLOCK { Ok(bytes) } else { Err(FormatError::GroupIsNoBlock { kind, size, block: BLOCK }) }
}

fn for_each_block(
    kind: Kind,
    blocks: &[u8],
    shape: Shape,
    mut act: impl FnMut(Place, &[u8]) -> Result<(), FormatError>,
) -> Result<(), FormatError> {
    let (block, size) = checked(kind, blocks, shape)?;
    for (number, bytes) in blocks.chunks_exact(size).enumerate() {
        act(place_of(shape, block, number), bytes)?;
    }
    Ok(())
}
