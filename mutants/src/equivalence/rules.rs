//! The rules, each with its reason. A rule says that the changed instructions leave every register, the memory and control flow as the old one does, given that
//! all was the same before; then nothing is ever different.

use tilewright_ptx_ir::ir::{BinaryOp, Compare, Immediate, Inst, MulPart, Op, Operand, Reg, Type};

use super::Facts;
use super::demanded::has_effect;
use super::range::{Ranges, width};
use super::value::{Value, mask};

type Rule = fn(&Facts, &Op, &Op) -> Option<&'static str>;

/// Why one instruction may stand for another.
pub(super) fn same(facts: &Facts, old: &Inst, new: &Inst) -> Option<&'static str> {
    if old.op == new.op {
        return same_guard(facts, old, new);
    }
    if old.guard != new.guard {
        return None;
    }
    let rules: [Rule; 11] =
        [gaps, lookups, no_shift, undemanded, constant_result, signs, boundary, bits, limits, subnormals, selections];
    rules.into_iter().find_map(|rule| rule(facts, &old.op, &new.op))
}

/// A guard that always holds may go; one that never does may not be turned, but what it guards does not matter.
fn same_guard(facts: &Facts, old: &Inst, new: &Inst) -> Option<&'static str> {
    let holds = |inst: &Inst| match inst.guard {
        None => Some(true),
        Some(guard) => facts.ranges.predicate(guard.pred).map(|value| value != guard.negate),
    };
    let (before, after) = (holds(old), holds(new));
    if before.is_some() && before == after { Some("the guard always says the same") } else { None }
}

/// The register that an instruction writes, if it is one.
pub(super) fn destination(op: &Op) -> Option<Reg> {
    let (mut dst, mut count) = (None, 0);
    op.for_each_write(|reg| {
        dst = Some(reg);
        count += 1;
    });
    dst.filter(|_| count == 1)
}

/// A shift by nothing has no direction.
fn no_shift(_facts: &Facts, old: &Op, new: &Op) -> Option<&'static str> {
    const NOTHING: Operand = Operand::Imm(Immediate::Int(0));
    match (old, new) {
        (
            Op::Binary { op: BinaryOp::Shl | BinaryOp::Shr, dst, a, b: NOTHING, .. },
            Op::Binary { op: BinaryOp::Shl | BinaryOp::Shr, dst: new_dst, a: c, b: NOTHING, .. },
        ) => (dst == new_dst && a == c).then_some("nothing is shifted"),
        _ => None,
    }
}

/// The results differ only in bits that reach nothing.
fn undemanded(facts: &Facts, old: &Op, new: &Op) -> Option<&'static str> {
    if has_effect(old) || has_effect(new) {
        return None;
    }
    let dst = destination(old)?;
    if destination(new) != Some(dst) {
        return None;
    }
    let wanted = facts.demanded.bits(dst);
    if wanted == 0 {
        return Some("nothing reads the result");
    }
    let bits = width(dst.class)?;
    match (old, new) {
        // Only bits that come from the sign.
        (
            Op::Binary { op: BinaryOp::Shr, ty, b: Operand::Imm(Immediate::Int(amount)), .. },
            Op::Binary { op: BinaryOp::Shr, .. },
        ) if new_type_only(old, new) => {
            let own = mask(8 * ty.bytes());
            let amount = u32::try_from(*amount).ok().filter(|amount| *amount < 8 * ty.bytes())?;
            let same = own >> amount | !mask(bits);
            (wanted & !same == 0).then_some("nothing reads the bits that the sign fills")
        }
        (Op::Cvt { from, to, .. }, Op::Cvt { .. })
            if new_type_only(old, new) && from.is_integer() && to.is_integer() =>
        {
            let same = mask(8 * from.bytes());
            (wanted & !same == 0).then_some("nothing reads the bits that the sign fills")
        }
        (
            Op::Binary { op: BinaryOp::And, b: Operand::Imm(Immediate::Int(old)), .. },
            Op::Binary { op: BinaryOp::And, b: Operand::Imm(Immediate::Int(new)), .. },
        ) => ((old ^ new).cast_unsigned() & wanted == 0).then_some("nothing reads the bits that the mask changes"),
        _ => None,
    }
}

/// Whether the two differ in a type alone.
fn new_type_only(old: &Op, new: &Op) -> bool {
    let mut plain = new.clone();
    match (old, &mut plain) {
        (Op::Binary { ty: from, .. }, Op::Binary { ty, .. }) => *ty = *from,
        (Op::Cvt { from: old_from, to: old_to, .. }, Op::Cvt { from, to, .. }) => (*from, *to) = (*old_from, *old_to),
        _ => return false,
    }
    plain == *old
}

/// Both give the same constant.
fn constant_result(facts: &Facts, old: &Op, new: &Op) -> Option<&'static str> {
    if has_effect(old) || has_effect(new) {
        return None;
    }
    let dst = destination(old)?;
    if destination(new) != Some(dst) {
        return None;
    }
    let same = match width(dst.class) {
        Some(bits) => {
            let of = |op: &Op| facts.result(op, bits).and_then(Value::single);
            of(old).is_some() && of(old) == of(new)
        }
        None => {
            let of = |op: &Op| facts.ranges.predicate_of(op);
            of(old).is_some() && of(old) == of(new)
        }
    };
    same.then_some("both always give the same constant")
}

/// What is never negative reads the same signed and unsigned.
fn signs(facts: &Facts, old: &Op, new: &Op) -> Option<&'static str> {
    const REASON: &str = "no operand is ever negative";
    let natural =
        |operand: &Operand, bits| facts.ranges.operand(*operand, bits).is_some_and(|value| value.is_natural(bits));
    match (old, new) {
        (Op::Binary { op: BinaryOp::Shr, ty, a, .. }, Op::Binary { op: BinaryOp::Shr, .. })
            if new_type_only(old, new) =>
        {
            natural(a, 8 * ty.bytes()).then_some(REASON)
        }
        (Op::Cvt { from, src, .. }, Op::Cvt { .. }) if new_type_only(old, new) && from.is_integer() => {
            natural(src, 8 * from.bytes()).then_some(REASON)
        }
        (
            Op::Mul { part: MulPart::Wide | MulPart::Hi, ty, a, b, .. },
            Op::Mul { part: MulPart::Wide | MulPart::Hi, .. },
        )
        | (
            Op::Mad { part: MulPart::Wide | MulPart::Hi, ty, a, b, .. },
            Op::Mad { part: MulPart::Wide | MulPart::Hi, .. },
        ) => (parts(old) == parts(new) && natural(a, 8 * ty.bytes()) && natural(b, 8 * ty.bytes())).then_some(REASON),
        (Op::SetPredicate { compare, ty, a, b, .. }, Op::SetPredicate { compare: other, .. }) if compare == other => {
            let mut plain = new.clone();
            if let Op::SetPredicate { ty: new_type, .. } = &mut plain {
                *new_type = *ty;
            }
            (plain == *old && ty.is_integer() && natural(a, 8 * ty.bytes()) && natural(b, 8 * ty.bytes()))
                .then_some(REASON)
        }
        _ => None,
    }
}

/// The halves and the operands of a product.
fn parts(op: &Op) -> Option<(MulPart, Operand, Operand, Option<Operand>, Reg)> {
    match op {
        Op::Mul { part, dst, a, b, .. } => Some((*part, *a, *b, None, *dst)),
        Op::Mad { part, dst, a, b, c, .. } => Some((*part, *a, *b, Some(*c), *dst)),
        _ => None,
    }
}

/// `lt` and `le` differ where the operands are equal, which these never are; a bound moved by one moves over no value that occurs.
fn boundary(facts: &Facts, old: &Op, new: &Op) -> Option<&'static str> {
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
pub(super) fn moved_bound(facts: &Facts, old: &Op, before: &Op, new: &Op) -> Option<&'static str> {
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
    let tame = left.is_natural(bits) && right.is_natural(bits) && right.high < mask(bits) >> 1 && right.low > 0;
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

/// Entries of a table that no bit of the operands ever looks up: two constants say where they are both set.
fn lookups(facts: &Facts, old: &Op, new: &Op) -> Option<&'static str> {
    let (Op::Lop3 { table, dst, a, b, c }, Op::Lop3 { table: other, dst: new_dst, a: x, b: y, c: z }) = (old, new)
    else {
        return None;
    };
    let same = (dst, a, b, c) == (new_dst, x, y, z);
    let wanted = facts.demanded.bits(*dst);
    let constants = [a, b, c].map(super::demanded::constant);
    let looked_up = (0..32).filter(|bit| wanted >> bit & 1 == 1).any(|bit| {
        (0..8u8).filter(|entry| (table ^ other) >> entry & 1 == 1).any(|entry| {
            let fits = |place: usize, value: Option<u64>| {
                value.is_none_or(|value| value >> bit & 1 == u64::from(entry >> (2 - place) & 1))
            };
            constants.into_iter().enumerate().all(|(place, value)| fits(place, value))
        })
    });
    (same && !looked_up).then_some("no bit ever looks that entry of the table up")
}

/// Bits that no operand has.
fn bits(facts: &Facts, old: &Op, new: &Op) -> Option<&'static str> {
    let (Op::Binary { op: one, ty, dst, a, b, .. }, Op::Binary { op: other, dst: new_dst, a: c, b: d, .. }) =
        (old, new)
    else {
        return None;
    };
    if ty.is_float() || *ty == Type::Pred || (dst, a) != (new_dst, c) {
        return None;
    }
    let width = 8 * ty.bytes();
    let (left, right) = (facts.ranges.operand(*a, width)?, facts.ranges.operand(*b, width)?);
    let wanted = facts.demanded.bits(*dst);
    let is_sum = |op: &BinaryOp| matches!(op, BinaryOp::Or | BinaryOp::Xor | BinaryOp::Add);
    if b == d && is_sum(one) && is_sum(other) && left.possible() & right.possible() == 0 {
        return Some("the operands have no bit in common");
    }
    if b == d && matches!(one, BinaryOp::Or | BinaryOp::Xor) && matches!(other, BinaryOp::Or | BinaryOp::Xor) {
        return (left.possible() & right.possible() & wanted == 0)
            .then_some("nothing reads the bits that both may have");
    }
    if let (BinaryOp::And, BinaryOp::And, Some(old), Some(new)) =
        (one, other, right.single(), facts.ranges.operand(*d, width).and_then(Value::single))
    {
        return ((old ^ new) & left.possible() == 0)
            .then_some("the other operand never has the bits that the mask changes");
    }
    None
}

/// `min` and `max` whose outcome is known.
fn limits(facts: &Facts, old: &Op, new: &Op) -> Option<&'static str> {
    let Op::Binary { op: BinaryOp::Min | BinaryOp::Max, ty, dst, a, b, .. } = old else { return None };
    if ty.is_float() || destination(new) != Some(*dst) {
        return None;
    }
    let bits = 8 * ty.bytes();
    let chosen = |op: &Op| -> Option<Operand> {
        match op {
            Op::Binary { op: how @ (BinaryOp::Min | BinaryOp::Max), a, b, .. } => {
                let at_most = |one: &Operand, other: &Operand| {
                    let (one, other) = (facts.ranges.operand(*one, bits)?, facts.ranges.operand(*other, bits)?);
                    one.compare(Compare::Le, other, bits, ty.is_signed())
                };
                let first = match how {
                    BinaryOp::Min => at_most(a, b) == Some(true),
                    _ => at_most(b, a) == Some(true),
                };
                first.then_some(*a)
            }
            Op::Mov { src, .. } => Some(*src),
            _ => None,
        }
    };
    let _ = (a, b);
    (chosen(old).is_some() && chosen(old) == chosen(new)).then_some("the limit is never reached")
}

/// `.ftz` changes subnormal numbers alone.
fn subnormals(facts: &Facts, old: &Op, new: &Op) -> Option<&'static str> {
    let mut plain = new.clone();
    let operands: Vec<Operand> = match (old, &mut plain) {
        (Op::Binary { ftz: old, a, b, .. }, Op::Binary { ftz, .. }) => {
            *ftz = *old;
            vec![*a, *b]
        }
        (Op::Ternary { ftz: old, a, b, c, .. }, Op::Ternary { ftz, .. }) => {
            *ftz = *old;
            vec![*a, *b, *c]
        }
        (Op::SetPredicate { ftz: old, a, b, .. }, Op::SetPredicate { ftz, .. }) => {
            *ftz = *old;
            vec![*a, *b]
        }
        (
            Op::Unary {
                op: tilewright_ptx_ir::ir::UnaryOp::Neg | tilewright_ptx_ir::ir::UnaryOp::Abs,
                ftz: old,
                a,
                ..
            },
            Op::Unary { ftz, .. },
        ) => {
            *ftz = *old;
            vec![*a]
        }
        _ => return None,
    };
    let result = matches!(old, Op::SetPredicate { .. }) || facts.granules.result(old) >= -126;
    let normal = plain == *old && result && operands.iter().all(|operand| facts.granules.is_normal(*operand));
    normal.then_some("all numbers are multiples of a power of two that is no subnormal")
}

/// Numbers that are multiples of a power of two are never between 0 and it.
fn gaps(facts: &Facts, old: &Op, new: &Op) -> Option<&'static str> {
    let (
        Op::SetPredicate { compare, ty: Type::F32, a, b: Operand::Imm(Immediate::F32(bound)), .. },
        Op::SetPredicate { compare: other, b: Operand::Imm(Immediate::F32(other_bound)), .. },
    ) = (old, new)
    else {
        return None;
    };
    let mut plain = new.clone();
    if let Op::SetPredicate { b, compare: other, .. } = &mut plain {
        (*b, *other) = (Operand::Imm(Immediate::F32(*bound)), *compare);
    }
    let orders = |compare: &Compare| matches!(compare, Compare::Lt | Compare::Le | Compare::Gt | Compare::Ge);
    let less = |compare: &Compare| matches!(compare, Compare::Lt | Compare::Le);
    // Twice the bound, so that a number is not the bound either.
    let inside = |bits: u32| {
        let bound = f32::from_bits(bits);
        bound > 0.0 && facts.granules.is_never_below(*a, 2.0 * bound)
    };
    (plain == *old
        && orders(compare)
        && orders(other)
        && less(compare) == less(other)
        && inside(*bound)
        && inside(*other_bound))
    .then_some("no number lies between 0 and the bounds")
}

/// A choice that is always the same one, or between equals.
fn selections(facts: &Facts, old: &Op, new: &Op) -> Option<&'static str> {
    let Op::Select { dst, .. } = old else { return None };
    if destination(new) != Some(*dst) {
        return None;
    }
    let chosen = |op: &Op| match op {
        Op::Select { a, b, pred, .. } => {
            let value = facts.ranges.predicate(*pred)?;
            Some(if value { *a } else { *b })
        }
        Op::Mov { src, .. } => Some(*src),
        _ => None,
    };
    (chosen(old).is_some() && chosen(old) == chosen(new)).then_some("the condition always says the same")
}

/// The ranges with the value of a register that the mutant adds.
pub(super) fn extended(facts: &Facts, before: &Op) -> Option<Ranges> {
    let reg = destination(before)?;
    let value = facts.result(before, width(reg.class)?)?;
    Some(facts.ranges.with(reg, value))
}
