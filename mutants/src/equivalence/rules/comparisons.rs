//! Comparisons of integers whose answers never part.

use tilewright_ptx_ir::ir::{BinaryOp, Compare, Immediate, Op, Operand};

use super::Facts;
use crate::equivalence::value::{Value, mask};

/// `lt` and `le` differ where the operands are equal, which these never are; a bound moved by one moves over no value that occurs.
pub(super) fn boundary(facts: &Facts, old: &Op, new: &Op) -> Option<&'static str> {
    let (
        Op::SetPredicate { compare, ty, a, b, combine, dst, ftz },
        Op::SetPredicate { compare: other, ty: other_type, a: c, b: d, combine: other_combine, dst: e, ftz: f },
    ) = (old, new)
    else {
        return None;
    };
    if (a, combine, dst, ftz, ty) != (c, other_combine, e, f, other_type) || !(ty.is_integer() || ty.is_bits()) {
        return None;
    }
    let bits = 8 * ty.bytes();
    let (left, right) = (facts.ranges.operand(*a, bits)?, facts.ranges.operand(*b, bits)?);
    if compare != other {
        let neighbours = matches!(
            (compare, other),
            (Compare::Lt, Compare::Le)
                | (Compare::Le, Compare::Lt)
                | (Compare::Gt, Compare::Ge)
                | (Compare::Ge, Compare::Gt)
        );
        let differs = left.differs(right) || !may_be_apart(facts, *a, *b, bits, 0);
        return (b == d && neighbours && differs).then_some("the operands are never equal");
    }
    // The one value at which the answer changes: between the constants.
    if let (Some(old), Some(new)) = (right.single(), facts.ranges.operand(*d, bits).and_then(Value::single)) {
        let natural = !ty.is_signed() || left.is_natural(bits);
        let (low, high) = (old.min(new), old.max(new));
        let turning = match compare {
            Compare::Lt | Compare::Ge => low,
            Compare::Le | Compare::Gt => high,
            _ => return None,
        };
        let never = Value::constant(turning).differs(left);
        return (natural && high - low == 1 && never).then_some("the value between the bounds never occurs");
    }
    None
}

/// `a < b` and `a < b + 1` differ where a is b or next to it; where both are multiples of a power of two they are never neighbours.
pub(in crate::equivalence) fn moved_bound(facts: &Facts, old: &Op, before: &Op, new: &Op) -> Option<&'static str> {
    let (Op::SetPredicate { compare, ty, a, b, .. }, Op::SetPredicate { compare: other, a: c, .. }) = (old, new) else {
        return None;
    };
    let Op::Binary { op: BinaryOp::Add, b: Operand::Imm(Immediate::Int(by)), .. } = before else { return None };
    if compare != other || a != c || !ty.is_integer() {
        return None;
    }
    let bits = 8 * ty.bytes();
    let (left, right) = (facts.ranges.operand(*a, bits)?, facts.ranges.operand(*b, bits)?);
    // No bound wraps around, and no order is one of negative numbers.
    let natural = left.is_natural(bits) && right.is_natural(bits) && right.high < mask(bits) >> 1;
    let tame = right.low > 0 && right.high < mask(bits) && (natural || !ty.is_signed());
    let apart = |distance: u64| may_be_apart(facts, *a, *b, bits, distance);
    // Where the answers part: a is the bound itself, or its neighbour.
    let (at_bound, at_neighbour) = match (compare, by) {
        (Compare::Lt | Compare::Ge, 1) | (Compare::Le | Compare::Gt, -1) => (true, false),
        (Compare::Lt | Compare::Ge, -1) | (Compare::Le | Compare::Gt, 1) => (false, true),
        _ => (true, true),
    };
    let never =
        (!at_bound || left.differs(right) || !apart(0)) && (!at_neighbour || !apart(by.wrapping_neg().cast_unsigned()));
    (tame && never).then_some("the operands are never what the bounds differ in")
}

/// Whether `a + by` may be `b`, by what is known of their low bits: a sum with a constant has those of the constant where the rest is a multiple of a power of two.
fn may_be_apart(facts: &Facts, a: Operand, b: Operand, bits: u32, by: u64) -> bool {
    let low = |operand: Operand| -> Option<(u64, u32)> {
        if let Some(Op::Binary { op: BinaryOp::Add, a: rest, b: Operand::Imm(Immediate::Int(more)), .. }) =
            operand.reg().and_then(|reg| facts.ranges.definition(reg))
        {
            let rest = facts.ranges.operand(*rest, bits)?;
            return Some((more.cast_unsigned(), rest.possible().trailing_zeros()));
        }
        let value = facts.ranges.operand(operand, bits)?;
        Some(value.single().map_or((0, value.possible().trailing_zeros()), |value| (value, bits)))
    };
    match (low(a), low(b)) {
        (Some((a, a_bits)), Some((b, b_bits))) => (a.wrapping_add(by) ^ b) & mask(a_bits.min(b_bits).min(bits)) == 0,
        _ => true,
    }
}
