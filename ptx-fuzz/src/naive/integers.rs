//! Integers, bits, predicates and moves.

use tilewright_ptx_ir::ir::{AtomicOp, BinaryOp, BoolOp, Compare, MulPart, Op, TernaryOp, Type, UnaryOp};

use super::lane::{Lane, bits_of};

/// The value of the low `width` bits, as a signed number, as 64 bits.
pub(super) const fn extended(bits: u64, width: u32) -> u64 {
    let shift = 64 - width;
    ((bits << shift).cast_signed() >> shift).cast_unsigned()
}

/// The number that the bits of `ty` stand for.
pub(super) const fn number(bits: u64, ty: Type) -> i128 {
    if ty.is_signed() { extended(bits, 8 * ty.bytes()).cast_signed() as i128 } else { bits as i128 }
}

/// The least and the greatest number of `ty`.
pub(super) const fn range(ty: Type) -> (i128, i128) {
    let width = 8 * ty.bytes();
    if ty.is_signed() { (-(1 << (width - 1)), (1 << (width - 1)) - 1) } else { (0, (1 << width) - 1) }
}

/// Executes an instruction of integers; `None` if it is none.
pub(super) fn execute(op: &Op, lane: &mut Lane) -> Option<()> {
    let (dst, value) = match op {
        Op::Mov { ty, dst, src } => (*dst, lane.operand(*src, *ty)),
        Op::Pack { dst, srcs, ty } => {
            let part = bits_of(*ty) / u32::try_from(srcs.len()).ok()?;
            let ty = if part == 16 { Type::B16 } else { Type::B32 };
            (*dst, srcs.iter().rev().fold(0, |value, src| value << part | lane.operand(*src, ty)))
        }
        Op::Unpack { ty, dsts, src } => {
            let (part, value) = (bits_of(*ty) / u32::try_from(dsts.len()).ok()?, lane.read(*src));
            for (dst, index) in dsts.iter().zip(0..) {
                lane.write(*dst, value >> (index * part));
            }
            return Some(());
        }
        Op::Select { ty, dst, a, b, pred } => (*dst, lane.operand(if lane.is_true(*pred) { *a } else { *b }, *ty)),
        Op::Unary { op, ty, dst, a, .. } if !ty.is_float() => (*dst, unary(*op, *ty, lane.operand(*a, *ty))?),
        Op::Binary { op, ty, sat, dst, a, b, .. } if !ty.is_float() => {
            let amount = if matches!(op, BinaryOp::Shl | BinaryOp::Shr) { Type::U32 } else { *ty };
            (*dst, binary(*op, *ty, *sat, lane.operand(*a, *ty), lane.operand(*b, amount))?)
        }
        Op::Ternary { op, ty, dst, a, b, c, .. } if *op != TernaryOp::Fma => {
            let other = if *op == TernaryOp::BitFieldExtract { Type::U32 } else { *ty };
            let words = [lane.operand(*a, *ty), lane.operand(*b, other), lane.operand(*c, other)];
            (*dst, ternary(*op, *ty, words)?)
        }
        Op::Mul { part, ty, dst, a, b } => (*dst, product(*part, *ty, lane.operand(*a, *ty), lane.operand(*b, *ty))),
        Op::Mad { part, ty, dst, a, b, c } => {
            let wide = if *part == MulPart::Wide && ty.bytes() == 4 {
                Type::B64
            } else if *part == MulPart::Wide {
                Type::B32
            } else {
                *ty
            };
            let product = product(*part, *ty, lane.operand(*a, *ty), lane.operand(*b, *ty));
            (*dst, product.wrapping_add(lane.operand(*c, wide)))
        }
        Op::Lop3 { table, dst, a, b, c } => {
            let [a, b, c] = [a, b, c].map(|word| lane.operand(*word, Type::B32));
            let bit = |index: u32| {
                let row = (a >> index & 1) << 2 | (b >> index & 1) << 1 | (c >> index & 1);
                u64::from(table >> row & 1) << index
            };
            (*dst, (0..32).map(bit).sum())
        }
        Op::BitFieldInsert { ty, dst, a, b, start, length } => {
            let [start, length] = [start, length].map(|place| lane.operand(*place, Type::U32) & 0xFF);
            let (a, mut value) = (lane.operand(*a, *ty), lane.operand(*b, *ty));
            for index in 0..length {
                let place = start + index;
                if place < u64::from(bits_of(*ty)) {
                    value = value & !(1 << place) | bit(a, index) << place;
                }
            }
            (*dst, value)
        }
        Op::SetPredicate { compare, ty, dst, a, b, combine, .. } if !ty.is_float() => {
            let [a, b] = [a, b].map(|operand| number(lane.operand(*operand, *ty), *ty));
            (*dst, u64::from(combined(compares(*compare, a, b)?, *combine, lane)?))
        }
        _ => return None,
    };
    lane.write(dst, value);
    Some(())
}

/// Whether a comparison holds.
pub(super) const fn compares(compare: Compare, a: i128, b: i128) -> Option<bool> {
    Some(match compare {
        Compare::Eq => a == b,
        Compare::Ne => a != b,
        Compare::Lt => a < b,
        Compare::Le => a <= b,
        Compare::Gt => a > b,
        Compare::Ge => a >= b,
        _ => return None,
    })
}

/// A comparison with what it combines with.
pub(super) fn combined(holds: bool, with: Option<(BoolOp, tilewright_ptx_ir::ir::Reg)>, lane: &Lane) -> Option<bool> {
    let Some((op, pred)) = with else { return Some(holds) };
    let other = lane.is_true(pred);
    match op {
        BoolOp::And => Some(holds && other),
        BoolOp::Or => Some(holds || other),
        BoolOp::Xor => Some(holds != other),
        _ => None,
    }
}

/// Bit `index`, 0 past the top.
const fn bit(bits: u64, index: u64) -> u64 {
    if index < 64 { bits >> index & 1 } else { 0 }
}

fn unary(op: UnaryOp, ty: Type, a: u64) -> Option<u64> {
    let width = bits_of(ty);
    Some(match op {
        UnaryOp::Neg => number(a, ty).wrapping_neg() as u64,
        UnaryOp::Abs => number(a, ty).unsigned_abs() as u64,
        UnaryOp::LogicalNot => u64::from(a == 0),
        UnaryOp::Not => !a,
        UnaryOp::PopulationCount => (0..64).map(|index| bit(a, index)).sum(),
        UnaryOp::LeadingZeros => (0..width).rev().take_while(|index| bit(a, (*index).into()) == 0).count() as u64,
        UnaryOp::BitReverse => (0..width).map(|index| bit(a, index.into()) << (width - 1 - index)).sum(),
        UnaryOp::FindLeading | UnaryOp::FindLeadingShift => {
            let a = if number(a, ty) < 0 { !a } else { a };
            match (0..width).rev().find(|index| bit(a, (*index).into()) == 1) {
                Some(place) if op == UnaryOp::FindLeadingShift => u64::from(width - 1 - place),
                Some(place) => place.into(),
                None => 0xFFFF_FFFF,
            }
        }
        _ => return None,
    })
}

fn binary(op: BinaryOp, ty: Type, sat: bool, a: u64, b: u64) -> Option<u64> {
    let (x, y) = (number(a, ty), number(b, ty));
    let (least, greatest) = range(ty);
    let sum = |value: i128| if sat { value.clamp(least, greatest) as u64 } else { value as u64 };
    Some(match op {
        BinaryOp::Add => sum(x + y),
        BinaryOp::Sub => sum(x - y),
        BinaryOp::Min => x.min(y) as u64,
        BinaryOp::Max => x.max(y) as u64,
        BinaryOp::Div => x.checked_div(y)? as u64,
        BinaryOp::Rem => x.checked_rem(y)? as u64,
        BinaryOp::And => a & b,
        BinaryOp::Or => a | b,
        BinaryOp::Xor => a ^ b,
        // As the ISA computes it: masks that are shifted and put together.
        BinaryOp::BitMaskClamp | BinaryOp::BitMaskWrap => {
            let (from, count) = (a & 31, b & 31);
            let clamps = op == BinaryOp::BitMaskClamp;
            let below = if clamps && a >= 32 { 0 } else { 0xFFFF_FFFF << from };
            let above = if from + count >= 32 || (clamps && (a >= 32 || b >= 32)) {
                0
            } else {
                0xFFFF_FFFFu64 << (from + count)
            };
            below & !above
        }
        BinaryOp::ExtendClamp | BinaryOp::ExtendWrap => {
            let count = if op == BinaryOp::ExtendClamp { b.min(32) } else { b & 31 };
            let sign = if ty.is_signed() && count > 0 { bit(a, count - 1) } else { 0 };
            (0..32).map(|index| (if index < count { bit(a, index) } else { sign }) << index).sum()
        }
        // Amounts above the width count as the width.
        BinaryOp::Shl => {
            let amount = (b as u32).min(bits_of(ty));
            ((a as u128) << amount) as u64
        }
        BinaryOp::Shr => {
            let amount = (b as u32).min(bits_of(ty));
            (x >> amount) as u64
        }
        _ => return None,
    })
}

/// The part of a product that is kept.
fn product(part: MulPart, ty: Type, a: u64, b: u64) -> u64 {
    // Two unsigned numbers of 64 bits need 128: the same bits without a sign.
    let whole = number(a, ty).wrapping_mul(number(b, ty)).cast_unsigned();
    let width = bits_of(ty);
    match part {
        MulPart::Hi => (whole >> width) as u64,
        _ => whole as u64,
    }
}

fn ternary(op: TernaryOp, ty: Type, [a, b, c]: [u64; 3]) -> Option<u64> {
    Some(match op {
        TernaryOp::BitFieldExtract => {
            let (top, start, length) = (u64::from(bits_of(ty) - 1), b & 0xFF, c & 0xFF);
            let sign = if !ty.is_signed() || length == 0 { 0 } else { bit(a, (start + length - 1).min(top)) };
            let place = |index: u64| if index < length && start + index <= top { bit(a, start + index) } else { sign };
            (0..=top).map(|index| place(index) << index).sum()
        }
        TernaryOp::BytePermute => {
            let bytes = b << 32 | a;
            let byte = |index: u64| {
                let selector = c >> (4 * index) & 0xF;
                let byte = bytes >> (8 * (selector & 7)) & 0xFF;
                (if selector & 8 == 0 { byte } else { 0xFF * (byte >> 7) }) << (8 * index)
            };
            (0..4).map(byte).sum()
        }
        TernaryOp::FunnelLeft | TernaryOp::FunnelLeftClamp => {
            let amount = if op == TernaryOp::FunnelLeft { c & 31 } else { c.min(32) };
            (b << amount | a >> (32 - amount)) & 0xFFFF_FFFF
        }
        TernaryOp::FunnelRight | TernaryOp::FunnelRightClamp => {
            let amount = if op == TernaryOp::FunnelRight { c & 31 } else { c.min(32) };
            (b << (32 - amount) | a >> amount) & 0xFFFF_FFFF
        }
        // Bit by bit, as the ISA has it.
        TernaryOp::FindNthSet => {
            let offset = number(c, Type::S32);
            let (mut place, mut left) = (i128::from(b), offset.abs().max(1));
            while (0..32).contains(&place) {
                left -= i128::from(bit(a, place as u64));
                if left == 0 {
                    return Some(place as u64);
                }
                if offset == 0 {
                    break;
                }
                place += offset.signum();
            }
            0xFFFF_FFFF
        }
        TernaryOp::AbsoluteDifference => {
            let (x, y) = (number(a, ty), number(b, ty));
            let distance = if x < y { y - x } else { x - y };
            (distance + i128::from(c)) as u64
        }
        TernaryOp::Dp4aSigned => dot(a, b, c, true, true),
        TernaryOp::Dp4aUnsigned => dot(a, b, c, false, false),
        TernaryOp::Dp4aSignedUnsigned => dot(a, b, c, true, false),
        TernaryOp::Dp4aUnsignedSigned => dot(a, b, c, false, true),
        _ => return None,
    })
}

/// What an atomic operation leaves in memory.
pub(super) fn changed(op: AtomicOp, ty: Type, before: u64, a: u64, b: u64) -> Option<u64> {
    Some(match op {
        AtomicOp::Add => before.wrapping_add(a),
        AtomicOp::Min if number(before, ty) <= number(a, ty) => before,
        AtomicOp::Max if number(before, ty) >= number(a, ty) => before,
        AtomicOp::Min | AtomicOp::Max | AtomicOp::Exchange => a,
        AtomicOp::And => before & a,
        AtomicOp::Or => before | a,
        AtomicOp::Xor => before ^ a,
        AtomicOp::CompareSwap => {
            if before == a {
                b
            } else {
                before
            }
        }
        AtomicOp::Increment => {
            if before >= a {
                0
            } else {
                before + 1
            }
        }
        AtomicOp::Decrement => {
            if before == 0 || before > a {
                a
            } else {
                before - 1
            }
        }
        _ => return None,
    })
}

/// c and the products of four pairs of bytes.
fn dot(a: u64, b: u64, c: u64, a_is_signed: bool, b_is_signed: bool) -> u64 {
    let byte = |word: u64, index: u32, is_signed: bool| {
        number(word >> (8 * index) & 0xFF, if is_signed { Type::S8 } else { Type::U8 })
    };
    let sum: i128 = (0..4).map(|index| byte(a, index, a_is_signed) * byte(b, index, b_is_signed)).sum();
    (sum + i128::from(c)) as u64
}
