//! Masks, extensions, choices of bytes and operands, and products of parts of words.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "instructions are defined by the low bits of their results"
)]

use tilewright_ptx_ir::ir::{BinaryOp, MulPart, PermuteMode, Type};

use super::integer::{truncated, width};

pub(super) fn logical_not(ty: Type, a: u64) -> Option<u64> {
    let width = width(ty).filter(|_| matches!(ty, Type::B16 | Type::B32 | Type::B64))?;
    Some((truncated(width, a) == 0).into())
}

/// So many ones from the lowest bit on.
const fn ones(count: u32) -> u32 {
    match u32::MAX.checked_shl(count) {
        Some(others) => !others,
        None => u32::MAX,
    }
}

/// `bmsk` and `szext`.
pub(super) fn bits(op: BinaryOp, ty: Type, a: u32, b: u32) -> Option<u32> {
    let wraps = matches!(op, BinaryOp::BitMaskWrap | BinaryOp::ExtendWrap);
    let limited = |place: u32| if wraps { place % 32 } else { place.min(32) };
    match (op, ty) {
        (BinaryOp::BitMaskClamp | BinaryOp::BitMaskWrap, Type::B32) => {
            Some(ones(limited(b)).checked_shl(limited(a)).unwrap_or(0))
        }
        (BinaryOp::ExtendClamp | BinaryOp::ExtendWrap, Type::U32 | Type::S32) => {
            let mask = ones(limited(b));
            let is_negative = ty == Type::S32 && a & (mask ^ mask >> 1) != 0;
            Some(if is_negative { a | !mask } else { a & mask })
        }
        _ => None,
    }
}

/// `fns`; a base past 31, which the PTX ISA does not define, finds nothing.
pub(super) fn find_nth_set(mask: u32, base: u32, offset: i32) -> u32 {
    let is_set = |place: &u32| mask >> place & 1 == 1;
    let nth = offset.unsigned_abs().saturating_sub(1) as usize;
    let found = match offset {
        _ if base > 31 => None,
        0 => Some(base).filter(is_set),
        1.. => (base..32).filter(is_set).nth(nth),
        _ => (0..=base).rev().filter(is_set).nth(nth),
    };
    found.unwrap_or(u32::MAX)
}

pub(super) fn permute(mode: PermuteMode, a: u32, b: u32, selector: u32) -> Option<u32> {
    let chosen = (selector & 3) as usize;
    let [a0, a1, a2, a3] = a.to_le_bytes();
    let [b0, b1, b2, b3] = b.to_le_bytes();
    let pair = [a0, a1, a2, a3, b0, b1, b2, b3];
    let byte = |place: usize| pair[place % 8];
    // By the place in the result.
    let place = |index: usize| match mode {
        PermuteMode::Forward4 => Some(chosen + index),
        PermuteMode::Backward4 => Some(chosen + 8 - index),
        PermuteMode::Replicate8 => Some(chosen),
        PermuteMode::EdgeLeft => Some(index.max(chosen)),
        PermuteMode::EdgeRight => Some(index.min(chosen)),
        PermuteMode::Replicate16 => Some(chosen % 2 * 2 + index % 2),
        _ => None,
    };
    let places = [place(0)?, place(1)?, place(2)?, place(3)?];
    Some(u32::from_le_bytes(places.map(byte)))
}

pub(super) fn selects_first(sign_type: Type, ftz: bool, c: u32) -> Option<bool> {
    match sign_type {
        Type::S32 if !ftz => Some(c.cast_signed() >= 0),
        Type::F32 => {
            // A subnormal that is flushed is a zero, which is not below zero whatever its sign.
            let is_flushed = ftz && c & 0x7F80_0000 == 0;
            Some(is_flushed || f32::from_bits(c) >= 0.0)
        }
        _ => None,
    }
}

/// The product of the low 24 bits, and the part of it that is kept.
fn product_24(part: MulPart, ty: Type, a: u32, b: u32) -> Option<i64> {
    let value = |word: u32| match ty {
        Type::U32 => Some(i64::from(word & 0xFF_FFFF)),
        Type::S32 => Some(i64::from((word << 8).cast_signed() >> 8)),
        _ => None,
    };
    let product = value(a)? * value(b)?;
    match part {
        MulPart::Lo => Some(product),
        MulPart::Hi => Some(product >> 16),
        _ => None,
    }
}

pub(super) fn multiply_24(part: MulPart, ty: Type, a: u32, b: u32) -> Option<u32> {
    product_24(part, ty, a, b).map(|product| product as u32)
}

pub(super) fn multiply_add_24(part: MulPart, sat: bool, ty: Type, [a, b, c]: [u32; 3]) -> Option<u32> {
    let product = product_24(part, ty, a, b)?;
    if !sat {
        return Some((product as u32).wrapping_add(c));
    }
    if part != MulPart::Hi || ty != Type::S32 {
        return None;
    }
    let sum = product + i64::from(c.cast_signed());
    Some(sum.clamp(i32::MIN.into(), i32::MAX.into()) as u32)
}

pub(super) fn dp2a(high: bool, [a_type, b_type]: [Type; 2], [a, b, c]: [u32; 3]) -> Option<u32> {
    if [a_type, b_type].iter().any(|ty| !matches!(ty, Type::U32 | Type::S32)) {
        return None;
    }
    let half = |shift: u32| match a_type {
        Type::S32 => i32::from(((a >> shift) as u16).cast_signed()),
        _ => i32::from((a >> shift) as u16),
    };
    let byte = |shift: u32| match b_type {
        Type::S32 => i32::from(((b >> shift) as u8).cast_signed()),
        _ => i32::from((b >> shift) as u8),
    };
    let first = if high { 16 } else { 0 };
    let products = [half(0) * byte(first), half(16) * byte(first + 8)];
    Some(products.iter().fold(c, |sum, product| sum.wrapping_add(product.cast_unsigned())))
}
