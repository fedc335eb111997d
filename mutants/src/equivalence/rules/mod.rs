//! The rules, each with its reason. A rule says that the changed instructions leave every register, the memory and control flow as the old one does, given that
//! all was the same before; then nothing is ever different.

mod comparisons;
mod floats;

use tilewright_ptx_ir::ir::{
    Address, Base, BinaryOp, Compare, Immediate, Inst, MulPart, Op, Operand, Reg, Space, Type,
};

use super::Facts;
use super::demanded::has_effect;
use super::range::{Ranges, width};
use super::value::{Value, mask};
use comparisons::boundary;
pub(super) use comparisons::moved_bound;
use floats::{gaps, subnormals};

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

/// Whether an instruction does something beside its result; a load of a parameter does not.
fn acts(op: &Op) -> bool {
    has_effect(op) && !matches!(op, Op::Load { space: Space::Param, address: Address { base: Base::Param(_), .. }, .. })
}

/// The results differ only in bits that reach nothing.
fn undemanded(facts: &Facts, old: &Op, new: &Op) -> Option<&'static str> {
    if acts(old) || acts(new) {
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
