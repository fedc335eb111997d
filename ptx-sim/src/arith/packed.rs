//! Integers side by side in a word.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "instructions are defined by the low bits of their results"
)]

use tilewright_ptx_ir::ir::{BinaryOp, PackedInteger, Type, VideoOp};

use super::VideoForm;

/// The low bits of a word, fewer than 32.
const fn mask(bits: u32) -> u32 {
    (1 << bits) - 1
}

/// The least and the greatest of integers of so many bits.
pub(super) const fn range(bits: u32, signed: bool) -> (i64, i64) {
    if signed { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) }
}

/// The integer in a word's bits from `shift` on.
const fn part(word: u32, shift: u32, bits: u32, signed: bool) -> i64 {
    let unsigned = word >> shift & mask(bits);
    if signed { ((unsigned << (32 - bits)).cast_signed() >> (32 - bits)) as i64 } else { unsigned as i64 }
}

pub(super) fn convert(to: PackedInteger, a: u32, b: u32, c: Option<u32>) -> Option<u32> {
    let bits = to.bits();
    if c.is_some() != (bits < 16) {
        return None;
    }
    let (least, greatest) = range(bits, to.is_signed());
    let saturated = |word: u32| i64::from(word.cast_signed()).clamp(least, greatest) as u32 & mask(bits);
    let rest = c.map_or(0, |c| c << (2 * bits));
    Some(rest | saturated(a) << bits | saturated(b))
}

pub(super) fn video(op: VideoOp, parts: u32, types: [Type; 3], form: VideoForm, [a, b, c]: [u32; 3]) -> Option<u32> {
    let bits = match parts {
        2 => 16,
        4 => 8,
        _ => return None,
    };
    if types.iter().any(|ty| !matches!(ty, Type::U32 | Type::S32)) || (form.sat && form.sums) {
        return None;
    }
    let [of_dst, of_a, of_b] = types.map(Type::is_signed);
    let (least, greatest) = range(bits, of_dst);
    let mut result = if form.sums { c } else { 0 };
    for shift in (0..32).step_by(bits as usize) {
        let value = act(op, part(a, shift, bits, of_a), part(b, shift, bits, of_b))?;
        if form.sums {
            result = result.wrapping_add(value as u32);
            continue;
        }
        let value = if form.sat { value.clamp(least, greatest) } else { value };
        result |= (value as u32 & mask(bits)) << shift;
    }
    Some(result)
}

pub(super) const fn act(op: VideoOp, a: i64, b: i64) -> Option<i64> {
    Some(match op {
        VideoOp::Add => a + b,
        VideoOp::Subtract => a - b,
        // Rounded up, but what is negative down.
        VideoOp::Average => (a + b + (a + b >= 0) as i64) >> 1,
        VideoOp::AbsoluteDifference => (a - b).abs(),
        VideoOp::Minimum => {
            if a < b {
                a
            } else {
                b
            }
        }
        VideoOp::Maximum => {
            if a > b {
                a
            } else {
                b
            }
        }
        _ => return None,
    })
}

pub(super) fn pair(op: BinaryOp, signed: bool, relu: bool, a: u32, b: u32) -> Option<u32> {
    if relu && !(signed && op != BinaryOp::Add) {
        return None;
    }
    let half = |shift: u32| {
        let (a, b) = (part(a, shift, 16, signed), part(b, shift, 16, signed));
        let value = match op {
            BinaryOp::Add => a + b,
            BinaryOp::Min => a.min(b),
            BinaryOp::Max => a.max(b),
            _ => return None,
        };
        Some((if relu { value.max(0) } else { value }) as u32 & 0xFFFF)
    };
    Some(half(16)? << 16 | half(0)?)
}

pub(super) fn rectified(op: BinaryOp, a: u32, b: u32) -> Option<u32> {
    let (a, b) = (a.cast_signed(), b.cast_signed());
    let value = match op {
        BinaryOp::Min => a.min(b),
        BinaryOp::Max => a.max(b),
        _ => return None,
    };
    Some(value.max(0).cast_unsigned())
}
