//! Q4_K: 256 weights in eight blocks of 32, whose scales and minima are six bits each.
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole numbers of a few bits")]

use half::f16;

use super::{FormatError, Place, half_at};
use crate::error::Error;
use crate::weight::Weight;

/// Blocks of a super-block.
const BLOCKS: usize = 8;
/// Weights of a block.
const BLOCK: usize = 32;
/// The largest scale and minimum: six bits.
const MOST: u8 = 63;
/// How far around the nearest scale and minimum better ones are looked for.
const REACH: u8 = 2;

/// Appends the weights of a super-block.
pub(super) fn decode(bytes: &[u8], place: Place, weights: &mut Vec<f32>) -> Result<(), FormatError> {
    let (d, dmin) = (half_at(bytes, 0, place)?, half_at(bytes, 2, place)?);
    let (scales, quants) = bytes[4..].split_at(12);
    for index in 0..BLOCKS {
        let (scale, minimum) = six_bits(scales, index);
        let (scale, minimum) = (d * f32::from(scale), dmin * f32::from(minimum));
        // Blocks go in pairs: the low nibbles of 32 bytes are one, the high nibbles the next.
        let shift = index % 2 * 4;
        let quants = &quants[index / 2 * BLOCK..][..BLOCK];
        weights.extend(quants.iter().map(|byte| scale * f32::from(byte >> shift & 0xf) - minimum));
    }
    Ok(())
}

/// Scale and minimum of block `index`: four of each in the low six bits of bytes 0 to 3 and 4 to 7; of the others four bits in bytes 8 to 11 and the upper
/// two in the upper two bits of those before.
fn six_bits(bytes: &[u8], index: usize) -> (u8, u8) {
    if index < 4 {
        return (bytes[index] & 0x3f, bytes[index + 4] & 0x3f);
    }
    let low = bytes[index + 4];
    (low & 0xf | bytes[index - 4] >> 6 << 4, low >> 4 | bytes[index] >> 6 << 4)
}

/// The inverse of [`six_bits`] for all eight.
fn pack_six_bits(pairs: [(u8, u8); BLOCKS]) -> [u8; 12] {
    let mut bytes = [0; 12];
    for (index, (scale, minimum)) in pairs.into_iter().enumerate() {
        if index < 4 {
            bytes[index] |= scale;
            bytes[index + 4] |= minimum;
        } else {
            bytes[index + 4] = scale & 0xf | minimum << 4;
            bytes[index - 4] |= scale >> 4 << 6;
            bytes[index] |= minimum >> 4 << 6;
        }
    }
    bytes
}

/// Appends a super-block of 256 weights. Each block gets the scale and the minimum that leave the least squared error, among those within two of what its
/// smallest and largest weight ask for.
pub(super) fn encode<W: Weight>(weights: &[W], place: Place, bytes: &mut Vec<u8>) -> Result<(), FormatError> {
    let exact: Vec<f64> = weights.iter().map(|weight| f64::from(weight.to_f32())).collect();
    // A minimum is taken away, so it cannot lift weights that are all positive: the range has 0 in it.
    let ranges: Vec<(f64, f64)> = exact.chunks_exact(BLOCK).map(range_with_zero).collect();
    let step = |largest: f64| f16::from_f64(largest / f64::from(MOST));
    let d = step(ranges.iter().map(|(low, high)| (high - low) / 15.0).fold(0.0, f64::max));
    let dmin = step(ranges.iter().map(|(low, _)| -low).fold(0.0, f64::max));
    for value in [d, dmin] {
        if !value.is_finite() {
            return Err(Error::ScaleNotFinite { group: place.block, row: place.row, value: value.to_f32() }.into());
        }
    }
    let steps = (f64::from(d.to_f32()), f64::from(dmin.to_f32()));
    let mut pairs = [(0, 0); BLOCKS];
    let mut quants = [0_u8; BLOCKS * BLOCK / 2];
    for (index, (weights, (low, high))) in exact.chunks_exact(BLOCK).zip(&ranges).enumerate() {
        let asked = (nearest((high - low) / 15.0, steps.0, MOST), nearest(-low, steps.1, MOST));
        pairs[index] = best(weights, steps, asked);
        let (scale, minimum) = (steps.0 * f64::from(pairs[index].0), steps.1 * f64::from(pairs[index].1));
        for (byte, weight) in quants[index / 2 * BLOCK..][..BLOCK].iter_mut().zip(weights) {
            *byte |= nearest(weight + minimum, scale, 15) << (index % 2 * 4);
        }
    }
    bytes.extend(d.to_le_bytes());
    bytes.extend(dmin.to_le_bytes());
    bytes.extend(pack_six_bits(pairs));
    bytes.extend(quants);
    Ok(())
}

fn range_with_zero(weights: &[f64]) -> (f64, f64) {
    weights.iter().fold((0.0, 0.0), |(low, high), weight| (weight.min(low), weight.max(high)))
}

/// The whole number of steps nearest to `value`, from 0 to `most`.
fn nearest(value: f64, step: f64, most: u8) -> u8 {
    if step == 0.0 { 0 } else { (value / step).round_ties_even().clamp(0.0, f64::from(most)) as u8 }
}

/// The best scale and minimum around what was asked; the smallest of those as good.
fn best(weights: &[f64], steps: (f64, f64), asked: (u8, u8)) -> (u8, u8) {
    let around = |value: u8| value.saturating_sub(REACH)..=value.saturating_add(REACH).min(MOST);
    let (mut least, mut chosen) = (f64::INFINITY, asked);
    for scale in around(asked.0) {
        for minimum in around(asked.1) {
            let (step, shift) = (steps.0 * f64::from(scale), steps.1 * f64::from(minimum));
            let error = |weight: &f64| (f64::from(nearest(weight + shift, step, 15)) * step - shift - weight).powi(2);
            let error: f64 = weights.iter().map(error).sum();
            if error < least {
                (least, chosen) = (error, (scale, minimum));
            }
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_bits_go_there_and_back() {
        for start in 0..64_u8 {
            let of = |index: usize, step: u8| start.wrapping_add(index as u8 * step) % 64;
            let pairs = std::array::from_fn(|index| (of(index, 7), of(index, 11)));
            let bytes = pack_six_bits(pairs);
            assert_eq!(std::array::from_fn(|index| six_bits(&bytes, index)), pairs);
        }
    }
}
