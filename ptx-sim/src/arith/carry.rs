//! Sums with the carry flag.

use tilewright_ptx_ir::ir::{MulPart, Type};

use super::integer;

/// Bits of a type that has such instructions.
const fn width(ty: Type) -> Option<u32> {
    match ty {
        Type::U32 | Type::S32 => Some(32),
        Type::U64 | Type::S64 => Some(64),
        _ => None,
    }
}

/// Signed and unsigned sums have the same bits, and the same carry. A difference is the sum with the other number's complement: the flag says that nothing was
/// borrowed.
pub(super) fn sum(subtracts: bool, ty: Type, a: u64, b: u64, carry: bool) -> Option<(u64, bool)> {
    let width = width(ty)?;
    let [a, b] = [a, b].map(|bits| u128::from(integer::truncated(width, bits)));
    let b = if subtracts { b ^ (u128::MAX >> (128 - width)) } else { b };
    let whole = a + b + u128::from(carry);
    #[expect(clippy::cast_possible_truncation, reason = "the low bits are the result")]
    let result = integer::truncated(width, whole as u64);
    Some((result, whole >> width & 1 == 1))
}

pub(super) fn multiply_add(part: MulPart, ty: Type, [a, b, c]: [u64; 3], carry: bool) -> Option<(u64, bool)> {
    width(ty)?;
    if part == MulPart::Wide {
        return None;
    }
    sum(false, ty, integer::multiply(part, ty, a, b)?, c, carry)
}
