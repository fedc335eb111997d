//! The less common instructions of integers and of the bits of floats.
#![expect(clippy::cast_possible_truncation, reason = "operands are cut to their width")]

use tilewright_ptx_ir::ir::{FloatTest, Type, UnaryOp};

use super::integer::{truncated, value, width};

/// `bfind`: the place of the highest bit that differs from the sign, or how far it is from the top.
pub(super) fn find_leading(op: UnaryOp, ty: Type, a: u64) -> Option<u64> {
    let width = width(ty).filter(|_| ty.is_integer() && ty.bytes() >= 4)?;
    let a = truncated(width, a);
    let negative = ty.is_signed() && a >> (width - 1) == 1;
    let bits = truncated(width, if negative { !a } else { a });
    let Some(place) = bits.checked_ilog2() else { return Some(u64::from(u32::MAX)) };
    Some(u64::from(if op == UnaryOp::FindLeadingShift { width - 1 - place } else { place }))
}

/// `copysign`: the magnitude of `b` with the sign of `a`.
pub(super) const fn copy_sign(ty: Type, a: u64, b: u64) -> Option<u64> {
    let sign = match ty {
        Type::F32 => 1 << 31,
        Type::F64 => 1 << 63,
        _ => return None,
    };
    Some(b & (sign - 1) | a & sign)
}

/// `sad`: |a - b| + c.
pub(super) fn absolute_difference(ty: Type, a: u64, b: u64, c: u64) -> Option<u64> {
    let width = width(ty).filter(|_| ty.is_integer() && ty.bytes() >= 2)?;
    let distance = value(ty, width, a).abs_diff(value(ty, width, b));
    Some(truncated(width, (distance as u64).wrapping_add(c)))
}

/// `shf.clamp`: amounts past 32 count as 32.
pub(super) const fn funnel_shift_clamped(left: bool, a: u32, b: u32, amount: u32) -> u32 {
    let pair = (b as u64) << 32 | a as u64;
    let amount = if amount > 32 { 32 } else { amount };
    if left { ((pair as u128) << amount >> 32) as u32 } else { (pair >> amount) as u32 }
}

/// `dp4a` whose operands may differ in being signed.
pub(super) fn dot_product_of_bytes(a_is_signed: bool, b_is_signed: bool, a: u32, b: u32, c: u32) -> u32 {
    let part = |byte: u8, is_signed: bool| if is_signed { i32::from(byte.cast_signed()) } else { i32::from(byte) };
    let pairs = a.to_le_bytes().into_iter().zip(b.to_le_bytes());
    pairs.fold(c, |sum, (a, b)| sum.wrapping_add((part(a, a_is_signed) * part(b, b_is_signed)).cast_unsigned()))
}

/// `cvt.rna.tf32.f32`: ties away from zero; the low 13 bits are zeros, also of what is not a number, of which an infinity is left if that was all.
pub(super) const fn tf32(a: u32) -> u32 {
    if a & 0x7F80_0000 == 0x7F80_0000 {
        return a & !0x1FFF;
    }
    // A carry goes into the exponent, and past the largest one makes an infinity.
    (a + 0x1000) & !0x1FFF
}

/// `testp`; a zero counts as normal.
pub(super) const fn test(test: FloatTest, ty: Type, a: u64) -> Option<bool> {
    let (exponent, fraction, special_exponent) = match ty {
        Type::F32 => ((a >> 23) & 0xFF, a & 0x7F_FFFF, 0xFF),
        Type::F64 => ((a >> 52) & 0x7FF, a & ((1 << 52) - 1), 0x7FF),
        _ => return None,
    };
    let special = exponent == special_exponent;
    Some(match test {
        FloatTest::Finite => !special,
        FloatTest::Infinite => special && fraction == 0,
        FloatTest::Number => !(special && fraction != 0),
        FloatTest::NotANumber => special && fraction != 0,
        FloatTest::Normal => !special && (exponent != 0 || fraction == 0),
        FloatTest::Subnormal => exponent == 0 && fraction != 0,
        _ => return None,
    })
}
