//! Integer and bit instructions.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "instructions are defined by the low bits of their results"
)]

use tilewright_ptx_ir::ir::{AtomicOp, BinaryOp, Compare, MulPart, Type, UnaryOp};

/// Bits of an integer or untyped value; predicates count as one bit.
pub(super) const fn width(ty: Type) -> Option<u32> {
    match ty {
        Type::Pred => Some(1),
        _ if ty.is_integer() || ty.is_bits() => Some(8 * ty.bytes()),
        _ => None,
    }
}

/// The low `width` bits.
pub(super) const fn truncated(width: u32, bits: u64) -> u64 {
    if width >= 64 { bits } else { bits & ((1 << width) - 1) }
}

/// The value of a pattern of `ty`.
pub(super) const fn value(ty: Type, width: u32, bits: u64) -> i128 {
    if ty.is_signed() {
        (((bits << (64 - width)) as i64) >> (64 - width)) as i128
    } else {
        truncated(width, bits) as i128
    }
}

/// The least and greatest value of `ty`.
pub(super) const fn range(ty: Type, width: u32) -> (i128, i128) {
    if ty.is_signed() { (-(1 << (width - 1)), (1 << (width - 1)) - 1) } else { (0, (1 << width) - 1) }
}

/// Whether arithmetic instructions take `ty`: integers of 16, 32 and 64 bits.
const fn is_arithmetic(ty: Type) -> bool {
    ty.is_integer() && ty.bytes() >= 2
}

pub(super) fn unary(op: UnaryOp, ty: Type, a: u64) -> Option<u64> {
    let width = width(ty)?;
    let a = truncated(width, a);
    let signed = ty.is_signed() && ty.bytes() >= 2;
    let counted = matches!(ty, Type::B32 | Type::B64);
    let result = match op {
        UnaryOp::Neg if signed => a.wrapping_neg(),
        UnaryOp::Abs if signed => value(ty, width, a).unsigned_abs() as u64,
        UnaryOp::Not if matches!(ty, Type::Pred | Type::B16) || counted => !a,
        UnaryOp::PopulationCount if counted => u64::from(a.count_ones()),
        UnaryOp::LeadingZeros if counted => u64::from(a.leading_zeros() - (64 - width)),
        UnaryOp::BitReverse if counted => a.reverse_bits() >> (64 - width),
        _ => return None,
    };
    Some(truncated(width, result))
}

/// Division by zero gives all ones, as quotient and as remainder: what the chip's instruction sequence leaves.
pub(super) fn binary(op: BinaryOp, ty: Type, sat: bool, a: u64, b: u64) -> Option<u64> {
    let width = width(ty)?;
    match op {
        BinaryOp::Shl | BinaryOp::Shr => return shift(op, ty, width, a, b as u32),
        BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => {
            if !matches!(ty, Type::Pred | Type::B16 | Type::B32 | Type::B64) {
                return None;
            }
            return Some(truncated(
                width,
                match op {
                    BinaryOp::And => a & b,
                    BinaryOp::Or => a | b,
                    _ => a ^ b,
                },
            ));
        }
        _ => {}
    }
    if !is_arithmetic(ty) || (sat && !(ty == Type::S32 && matches!(op, BinaryOp::Add | BinaryOp::Sub))) {
        return None;
    }
    let (a, b) = (value(ty, width, a), value(ty, width, b));
    let (least, greatest) = range(ty, width);
    let result = match op {
        BinaryOp::Add if sat => (a + b).clamp(least, greatest),
        BinaryOp::Sub if sat => (a - b).clamp(least, greatest),
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Div => a.checked_div(b).unwrap_or(-1),
        BinaryOp::Rem => a.checked_rem(b).unwrap_or(-1),
        BinaryOp::Min => a.min(b),
        BinaryOp::Max => a.max(b),
        _ => return None,
    };
    Some(truncated(width, result as u64))
}

fn shift(op: BinaryOp, ty: Type, width: u32, a: u64, amount: u32) -> Option<u64> {
    if !matches!(ty.bytes(), 2 | 4 | 8) || (op == BinaryOp::Shl && !ty.is_bits()) {
        return None;
    }
    let amount = amount.min(width);
    let a = value(ty, width, a);
    Some(truncated(width, (if op == BinaryOp::Shl { a << amount } else { a >> amount }) as u64))
}

/// The product of two values as wide as needed, and the width of the part that is kept.
fn product(part: MulPart, ty: Type, a: u64, b: u64) -> Option<(i128, u32)> {
    let width = width(ty)?;
    if !is_arithmetic(ty) {
        return None;
    }
    let product = value(ty, width, a).wrapping_mul(value(ty, width, b));
    match part {
        MulPart::Lo => Some((product, width)),
        // The product of two u64 fills 128 bits: shifted as such, its high half is right for either sign.
        MulPart::Hi => Some(((product as u128 >> width) as i128, width)),
        MulPart::Wide if width <= 32 => Some((product, 2 * width)),
        _ => None,
    }
}

pub(super) fn multiply(part: MulPart, ty: Type, a: u64, b: u64) -> Option<u64> {
    let (product, width) = product(part, ty, a, b)?;
    Some(truncated(width, product as u64))
}

pub(super) fn multiply_add(part: MulPart, ty: Type, a: u64, b: u64, c: u64) -> Option<u64> {
    let (product, width) = product(part, ty, a, b)?;
    Some(truncated(width, (product as u64).wrapping_add(c)))
}

/// `bfe`: bits past the top repeat the sign, which is 0 for unsigned types.
pub(super) fn bit_field_extract(ty: Type, a: u64, start: u64, length: u64) -> Option<u64> {
    let width = match ty {
        Type::U32 | Type::S32 => 32,
        Type::U64 | Type::S64 => 64,
        _ => return None,
    };
    let (start, length) = ((start & 0xFF) as u32, (length & 0xFF) as u32);
    if length == 0 {
        return Some(0);
    }
    let a = value(ty, width, a);
    let field = a >> start.min(width);
    // Where the field reaches past the top, the shift has filled in the sign already.
    if start + length >= width {
        return Some(truncated(width, field as u64));
    }
    let unused = 128 - length;
    let field =
        if ty.is_signed() { (field << unused) >> unused } else { ((field as u128) << unused >> unused) as i128 };
    Some(truncated(width, field as u64))
}

pub(super) fn bit_field_insert(ty: Type, a: u64, b: u64, start: u32, length: u32) -> Option<u64> {
    let width = match ty {
        Type::B32 => 32,
        Type::B64 => 64,
        _ => return None,
    };
    let (start, length) = (start & 0xFF, length & 0xFF);
    let field = if start >= width { 0 } else { truncated(length, u64::MAX) << start };
    let placed = if start >= width { 0 } else { a << start };
    Some(truncated(width, (b & !field) | (placed & field)))
}

/// `prmt`: byte i is the byte of (b, a) that nibble i of the selector names; its top bit asks for eight copies of that byte's sign.
pub(super) const fn byte_permute(a: u32, b: u32, selector: u32) -> u32 {
    let bytes = (b as u64) << 32 | a as u64;
    let mut result = 0;
    let mut position = 0;
    while position < 4 {
        let nibble = selector >> (4 * position) & 0xF;
        let byte = (bytes >> (8 * (nibble & 7))) as u8;
        let byte = if nibble & 8 == 0 {
            byte
        } else if byte & 0x80 == 0 {
            0
        } else {
            0xFF
        };
        result |= (byte as u32) << (8 * position);
        position += 1;
    }
    result
}

/// `shf.l.wrap` and `shf.r.wrap` of the pair (b, a).
pub(super) const fn funnel_shift(left: bool, a: u32, b: u32, amount: u32) -> u32 {
    let pair = (b as u64) << 32 | a as u64;
    let amount = amount & 31;
    if left { (pair << amount >> 32) as u32 } else { (pair >> amount) as u32 }
}

/// Four byte products and `c`, wrapping.
pub(super) fn dot_product_of_bytes(signed: bool, a: u32, b: u32, c: u32) -> u32 {
    a.to_le_bytes().into_iter().zip(b.to_le_bytes()).fold(c, |sum, (a, b)| {
        let product = if signed { i32::from(a as i8) * i32::from(b as i8) } else { i32::from(a) * i32::from(b) };
        sum.wrapping_add(product as u32)
    })
}

/// Comparisons of integers; untyped values are only equal or not.
pub(super) fn compare(compare: Compare, ty: Type, a: u64, b: u64) -> Option<bool> {
    let width = width(ty)?;
    if !matches!(ty.bytes(), 2 | 4 | 8) {
        return None;
    }
    let (a, b) = (value(ty, width, a), value(ty, width, b));
    match compare {
        Compare::Eq => Some(a == b),
        Compare::Ne => Some(a != b),
        _ if ty.is_bits() => None,
        Compare::Lt => Some(a < b),
        Compare::Le => Some(a <= b),
        Compare::Gt => Some(a > b),
        Compare::Ge => Some(a >= b),
        _ => None,
    }
}

/// Read-modify-write operations on integers and untyped values of 32 and 64 bits; a compare-and-swap also takes 16.
pub(super) fn atomic(op: AtomicOp, ty: Type, old: u64, a: u64, b: u64) -> Option<u64> {
    let width = width(ty)?;
    let wide = matches!(width, 32 | 64);
    let (old, a, b) = (truncated(width, old), truncated(width, a), truncated(width, b));
    let ordered = |least: bool| {
        let a_is_less = value(ty, width, a) < value(ty, width, old);
        if a_is_less == least { a } else { old }
    };
    let result = match op {
        AtomicOp::Exchange if wide && ty.is_bits() => a,
        AtomicOp::CompareSwap if (wide || width == 16) && ty.is_bits() => {
            if old == a {
                b
            } else {
                old
            }
        }
        AtomicOp::And if wide && ty.is_bits() => old & a,
        AtomicOp::Or if wide && ty.is_bits() => old | a,
        AtomicOp::Xor if wide && ty.is_bits() => old ^ a,
        AtomicOp::Add if wide && ty.is_integer() => old.wrapping_add(a),
        AtomicOp::Min if wide && ty.is_integer() => ordered(true),
        AtomicOp::Max if wide && ty.is_integer() => ordered(false),
        AtomicOp::Increment if ty == Type::U32 => {
            if old >= a {
                0
            } else {
                old + 1
            }
        }
        AtomicOp::Decrement if ty == Type::U32 => {
            if old == 0 || old > a {
                a
            } else {
                old - 1
            }
        }
        _ => return None,
    };
    Some(truncated(width, result))
}
