//! What a register holds at one statement, by the writes that reach it there: a counter in front of its loop.

use tilewright_ptx_ir::ir::{Immediate, Inst, Op, Operand, Reg, Statement};

use super::Facts;
use super::flow::reaching;
use super::value::{Value, mask};
use crate::edit::Mutant;

/// Why the mutant does not matter.
pub(super) fn reason(facts: &Facts, mutant: &Mutant) -> Option<&'static str> {
    let at = mutant.edit.at;
    let Some(Statement::Inst(old)) = facts.kernel.body.get(at) else { return None };
    if mutant.edit.removed != 1 {
        return None;
    }
    match (&old.op, mutant.edit.inserted.as_slice()) {
        (Op::Branch { .. }, inserted) => {
            let goes = |inst: &Inst| match inst.guard {
                None => Some(true),
                Some(guard) => predicate_at(facts, at, guard.pred).map(|value| value != guard.negate),
            };
            let same = match inserted {
                [] => goes(old) == Some(false),
                [Statement::Inst(new)] => new.op == old.op && goes(old).is_some() && goes(old) == goes(new),
                _ => false,
            };
            same.then_some("the branch always goes the same way")
        }
        (Op::SetPredicate { .. }, [Statement::Inst(new)]) if old.guard.is_none() && new.guard.is_none() => {
            let same_place = super::rules::destination(&old.op) == super::rules::destination(&new.op);
            let (before, after) = (answer(facts, at, &old.op), answer(facts, at, &new.op));
            (same_place && before.is_some() && before == after).then_some("both always give the same constant there")
        }
        (Op::Store { .. }, [Statement::Inst(new)]) if old.guard == new.guard => {
            equal_constants(facts, at, &old.op, &new.op).then_some("the elements are the same constant")
        }
        _ => None,
    }
}

/// A store of constants of which each is the one that was stored there.
fn equal_constants(facts: &Facts, at: usize, old: &Op, new: &Op) -> bool {
    let (Op::Store { srcs, .. }, Op::Store { srcs: others, .. }) = (old, new) else { return false };
    let mut plain = new.clone();
    if let Op::Store { srcs: changed, .. } = &mut plain {
        changed.clone_from(srcs);
    }
    let same = |(one, other): (&Operand, &Operand)| {
        one == other || constant(facts, at, *one).is_some_and(|value| constant(facts, at, *other) == Some(value))
    };
    plain == *old && srcs.len() == others.len() && srcs.iter().zip(others).all(same)
}

/// The constant that an operand holds at a statement, if every write that reaches it moves the same one there.
fn constant(facts: &Facts, at: usize, operand: Operand) -> Option<Immediate> {
    let reg = match operand {
        Operand::Imm(value) => return Some(value),
        operand => operand.reg()?,
    };
    let writes = reaching(&facts.kernel, &facts.ranges, at, reg);
    let moved = |place: &usize| match facts.kernel.body.get(*place) {
        Some(Statement::Inst(Inst { guard: None, op: Op::Mov { src: Operand::Imm(value), .. } })) => Some(*value),
        _ => None,
    };
    let first = moved(writes.first()?)?;
    writes.iter().all(|place| moved(place) == Some(first)).then_some(first)
}

/// What a predicate is at a statement, if one comparison alone reaches it, of constants.
fn predicate_at(facts: &Facts, at: usize, pred: Reg) -> Option<bool> {
    let [place] = reaching(&facts.kernel, &facts.ranges, at, pred).try_into().ok()?;
    match facts.kernel.body.get(place) {
        Some(Statement::Inst(Inst { guard: None, op })) => {
            // With what is known there, not at the branch: registers may have been written since.
            answer(&Facts { ranges: facts.ranges.at(place), ..facts.clone() }, place, op)
        }
        _ => None,
    }
}

/// What a comparison answers at a statement, by what its operands are there.
fn answer(facts: &Facts, at: usize, op: &Op) -> Option<bool> {
    let Op::SetPredicate { compare, ty, a, b, combine: None, .. } = op else { return None };
    if !ty.is_integer() && !ty.is_bits() {
        return None;
    }
    let bits = 8 * ty.bytes();
    let value = |operand: Operand| match constant(facts, at, operand) {
        Some(Immediate::Int(value)) => Some(Value::constant(value.cast_unsigned() & mask(bits))),
        _ => written(facts, at, operand, bits).or_else(|| facts.ranges.operand(operand, bits)),
    };
    value(*a)?.compare(*compare, value(*b)?, bits, ty.is_signed())
}

/// All that the writes that reach an operand at a statement give.
fn written(facts: &Facts, at: usize, operand: Operand, bits: u32) -> Option<Value> {
    let reg = operand.reg()?;
    let writes = reaching(&facts.kernel, &facts.ranges, at, reg);
    let value = |place: usize| match facts.kernel.body.get(place) {
        Some(Statement::Inst(Inst { op, .. })) if super::rules::destination(op) == Some(reg) => {
            let there = facts.ranges.at(place);
            there
                .result(op, super::range::width(reg.class)?, &facts.kernel, &facts.domain)
                .filter(|value| value.fits(bits))
        }
        _ => None,
    };
    let values = writes.into_iter().map(value).collect::<Option<Vec<_>>>()?;
    values.into_iter().reduce(Value::join)
}
