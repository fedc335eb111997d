//! Rules that look at what becomes of a result, and at where an operand comes from.

use tilewright_ptx_ir::ir::{
    Access, BinaryOp, Compare, Immediate, Inst, Kernel, Op, Operand, Reg, Statement, TernaryOp, Type, UnaryOp,
};

use super::Facts;
use super::demanded::has_effect;
use super::flow::reaching;
use super::rules::destination;
use super::value::mask;

const ZERO: Operand = Operand::Imm(Immediate::Int(0));

/// Why `new` may stand for `old` at statement `at`.
pub(super) fn same(facts: &Facts, at: usize, old: &Op, new: &Op) -> Option<&'static str> {
    unread(facts, at, old, new)
        .or_else(|| unchosen(facts, at, old, new))
        .or_else(|| product_with_zero(facts, old, new))
        .or_else(|| compared(facts, at, old, new))
        .or_else(|| difference(facts, old, new))
        .or_else(|| exact(facts, old, new))
        .or_else(|| no_addend(facts, old, new))
        .or_else(|| equal_accumulators(facts, at, old, new))
}

pub(super) fn insts(kernel: &Kernel) -> impl Iterator<Item = (usize, &Inst)> {
    kernel.body.iter().enumerate().filter_map(|(at, statement)| match statement {
        Statement::Inst(inst) => Some((at, inst)),
        _ => None,
    })
}

/// The one instruction that writes a register, if it has no guard.
pub(super) fn definition(kernel: &Kernel, reg: Reg) -> Option<(usize, &Op)> {
    let mut writes = insts(kernel).filter(|(_, inst)| {
        let mut is_it = false;
        inst.op.for_each_write(|other| is_it |= other == reg);
        is_it
    });
    let (at, inst) = writes.next()?;
    (inst.guard.is_none() && writes.next().is_none()).then_some((at, &inst.op))
}

pub(super) fn reads(inst: &Inst, reg: Reg) -> bool {
    let mut is_it = false;
    inst.for_each_register(|other, access| is_it |= other == reg && access == Access::Read);
    is_it
}

/// A choice whose other value is only ever where nothing is read: the address of a copy of no bytes, or of a load that does not take place.
fn unread(facts: &Facts, at: usize, old: &Op, new: &Op) -> Option<&'static str> {
    let Op::Select { dst, a, pred, .. } = old else { return None };
    let same_if_true = match new {
        Op::Select { dst: other, a: first, pred: condition, .. } => (other, first, condition) == (dst, a, pred),
        Op::Mov { dst: other, src, .. } => (other, src) == (dst, a),
        _ => false,
    };
    let before = definition(&facts.kernel, *pred)?.0 < at;
    (same_if_true
        && before
        && definition(&facts.kernel, *dst)?.0 == at
        && matters_only_if(&facts.kernel, *pred, *dst, at))
    .then_some("where the value differs nothing is read")
}

/// A value that stands in for another one where nothing is read.
fn unchosen(facts: &Facts, at: usize, old: &Op, new: &Op) -> Option<&'static str> {
    let dst = destination(old)?;
    let is_it = destination(new) == Some(dst)
        && !has_effect(old)
        && !has_effect(new)
        && definition(&facts.kernel, dst)?.0 == at
        && is_never_read(&facts.kernel, dst, at);
    is_it.then_some("the value is chosen only where nothing is read")
}

fn is_never_read(kernel: &Kernel, reg: Reg, from: usize) -> bool {
    insts(kernel).filter(|(_, inst)| reads(inst, reg)).all(|(at, inst)| match &inst.op {
        _ if at <= from => false,
        Op::Select { dst, a, b, pred, .. } if *a != Operand::Reg(reg) && *b == Operand::Reg(reg) => {
            definition(kernel, *dst).is_some_and(|(place, _)| place == at)
                && definition(kernel, *pred).is_some_and(|(place, _)| place < at)
                && matters_only_if(kernel, *pred, *dst, at)
        }
        op if is_integer_arithmetic(op) => destination(op).is_some_and(|dst| {
            definition(kernel, dst).is_some_and(|(place, _)| place == at) && is_never_read(kernel, dst, at)
        }),
        _ => false,
    })
}

const fn is_integer_arithmetic(op: &Op) -> bool {
    match op {
        Op::Mad { .. } | Op::Mul { .. } | Op::Mov { .. } => true,
        Op::Binary { ty, .. } => !ty.is_float(),
        Op::Cvt { to, from, .. } => to.is_integer() && from.is_integer(),
        _ => false,
    }
}

/// A number that is only compared, with the same answer.
fn compared(facts: &Facts, at: usize, old: &Op, new: &Op) -> Option<&'static str> {
    let dst = destination(old)?;
    let bits = super::range::width(dst.class)?;
    if destination(new) != Some(dst) || has_effect(old) || has_effect(new) || definition(&facts.kernel, dst)?.0 != at {
        return None;
    }
    let value = facts.result(new, bits)?;
    let same = |reader: usize, inst: &Inst| {
        let there = facts.ranges.at(reader);
        let (before, after) = (there.predicate_of(&inst.op), there.with(dst, value).predicate_of(&inst.op));
        (before.is_some() && before == after) || in_one_chunk(facts, inst, dst, old, new)
    };
    let mut readers = insts(&facts.kernel).filter(|(_, inst)| reads(inst, dst)).peekable();
    readers.peek()?;
    readers.all(|(reader, inst)| same(reader, inst)).then_some("it is only compared, and the answer is the same")
}

/// `i + c < end` and `i + d < end`, where i and the end are multiples of a power of two, and no multiple of it lies between c and d.
fn in_one_chunk(facts: &Facts, inst: &Inst, dst: Reg, old: &Op, new: &Op) -> bool {
    let Op::SetPredicate { compare: Compare::Lt | Compare::Ge, ty, a, b, combine: None, .. } = &inst.op else {
        return false;
    };
    let part = |op: &Op| match op {
        Op::Binary { op: BinaryOp::Add, ty, a, b: Operand::Imm(Immediate::Int(part)), .. } if !ty.is_float() => {
            Some((*a, u64::try_from(*part).ok()?))
        }
        _ => None,
    };
    let (Some((start, one)), Some((other_start, other))) = (part(old), part(new)) else { return false };
    let bits = 8 * ty.bytes();
    let (Some(start_value), Some(end)) = (facts.ranges.operand(start, bits), facts.ranges.operand(*b, bits)) else {
        return false;
    };
    let zeros = start_value.possible().trailing_zeros().min(end.possible().trailing_zeros()).min(bits - 1);
    let fits = start_value.high.checked_add(one.max(other)).is_some_and(|high| high <= mask(bits) >> 1);
    !ty.is_signed() && fits && start == other_start && *a == Operand::Reg(dst) && one >> zeros == other >> zeros
}

/// A product that is 0 either way, added to the same.
fn product_with_zero(facts: &Facts, old: &Op, new: &Op) -> Option<&'static str> {
    let (Op::Mad { ty, dst, c, .. }, Op::Mad { ty: other_type, dst: other, c: other_addend, .. }) = (old, new) else {
        return None;
    };
    let is_zero = |op: &Op| match op {
        Op::Mad { ty, a, b, .. } => [a, b].into_iter().any(|factor| {
            facts.ranges.operand(*factor, 8 * ty.bytes()).and_then(super::value::Value::single) == Some(0)
        }),
        _ => false,
    };
    (ty.bytes() == other_type.bytes() && (dst, c) == (other, other_addend) && is_zero(old) && is_zero(new))
        .then_some("the product is 0 either way")
}

/// Whether `reg` is looked at only where `pred` holds.
fn matters_only_if(kernel: &Kernel, pred: Reg, reg: Reg, from: usize) -> bool {
    insts(kernel).filter(|(_, inst)| reads(inst, reg)).all(|(at, inst)| {
        if at <= from {
            return false;
        }
        let guarded = inst.guard.is_some_and(|guard| !guard.negate && implies(kernel, guard.pred, pred));
        match &inst.op {
            Op::CpAsync { dst, source_bytes: Some(Operand::Reg(bytes)), .. } if dst.reg() != Some(reg) && *bytes != reg => {
                matches!(definition(kernel, *bytes), Some((_, Op::Select { b, pred: present, .. })) if *b == ZERO && implies(kernel, *present, pred))
            }
            Op::Load { .. } if guarded => true,
            Op::Select { a, b, pred: chosen, .. } if *b != Operand::Reg(reg) && *a == Operand::Reg(reg) => {
                implies(kernel, *chosen, pred) || follow(kernel, pred, &inst.op, at)
            }
            Op::Mad { .. } | Op::Mul { .. } | Op::Mov { .. } | Op::Cvt { .. } => follow(kernel, pred, &inst.op, at),
            Op::Binary { ty, .. } if !ty.is_float() => follow(kernel, pred, &inst.op, at),
            _ => false,
        }
    })
}

fn follow(kernel: &Kernel, pred: Reg, op: &Op, at: usize) -> bool {
    destination(op).is_some_and(|dst| {
        definition(kernel, dst).is_some_and(|(place, _)| place == at) && matters_only_if(kernel, pred, dst, at)
    })
}

/// Whether `one` never holds without `other`: it is the same, or a conjunction with it.
fn implies(kernel: &Kernel, one: Reg, other: Reg) -> bool {
    one == other
        || match definition(kernel, one) {
            Some((_, Op::Binary { op: BinaryOp::And, ty: Type::Pred, a, b, .. })) => {
                [a, b].into_iter().filter_map(|part| part.reg()).any(|part| implies(kernel, part, other))
            }
            _ => false,
        }
}

/// `b < a ? a - b : 0` that is only compared with 0: `b - a` is as good, and so is `a + b`, which is no smaller.
fn difference(facts: &Facts, old: &Op, new: &Op) -> Option<&'static str> {
    let Op::Binary { op: BinaryOp::Sub, ty, dst, a, b, .. } = old else { return None };
    let Op::Binary { op, dst: other, a: c, b: d, .. } = new else { return None };
    let bits = 8 * ty.bytes();
    let swapped = *op == BinaryOp::Sub && (c, d) == (b, a);
    let added = *op == BinaryOp::Add && (c, d) == (a, b) && {
        let (a, b) = (facts.ranges.operand(*a, bits)?, facts.ranges.operand(*b, bits)?);
        a.high.checked_add(b.high)? <= mask(bits)
    };
    if ty.is_float() || dst != other || !(swapped || added) || definition(&facts.kernel, *dst).is_none() {
        return None;
    }
    let is_compared = |reg: Reg| {
        insts(&facts.kernel).filter(|(_, inst)| reads(inst, reg)).all(|(_, inst)| {
            matches!(&inst.op, Op::SetPredicate { compare: Compare::Gt, ty, a, b, combine: None, .. }
                if !ty.is_signed() && *a == Operand::Reg(reg) && *b == ZERO)
        })
    };
    let is_choice = |inst: &Inst| match &inst.op {
        Op::Select { dst: chosen, a: kept, b: otherwise, pred, .. } => {
            let less = matches!(definition(&facts.kernel, *pred), Some((_, Op::SetPredicate { compare: Compare::Lt, ty, a: low, b: high, combine: None, .. }))
                if !ty.is_signed() && (low, high) == (b, a));
            less && *kept == Operand::Reg(*dst)
                && *otherwise == ZERO
                && definition(&facts.kernel, *chosen).is_some()
                && is_compared(*chosen)
        }
        _ => false,
    };
    insts(&facts.kernel)
        .filter(|(_, inst)| reads(inst, *dst))
        .all(|(_, inst)| is_choice(inst))
        .then_some("only whether the difference is 0 matters")
}

/// A product with 0, 1 or -1 is exact, however it would be rounded.
fn exact(facts: &Facts, old: &Op, new: &Op) -> Option<&'static str> {
    let (Op::Binary { op: BinaryOp::Mul, ty: Type::F32, rounding: Some(was), a, b, .. }, mut plain) =
        (old, new.clone())
    else {
        return None;
    };
    match &mut plain {
        Op::Binary { rounding: rounding @ Some(_), .. } => *rounding = Some(*was),
        _ => return None,
    }
    let unit = |operand: &Operand| match operand {
        Operand::Imm(Immediate::F32(bits)) => [0.0, 1.0].contains(&f32::from_bits(*bits).abs()),
        _ => false,
    };
    let of_units = |operand: &Operand| {
        unit(operand)
            || operand.reg().and_then(|reg| definition(&facts.kernel, reg)).is_some_and(|(_, op)| match op {
                Op::Select { a, b, .. } => unit(a) && unit(b),
                Op::Mov { src, .. } => unit(src),
                _ => false,
            })
    };
    (plain == *old && (of_units(a) || of_units(b))).then_some("a product with 0, 1 or -1 is exact")
}

/// An addend that is always -0 changes nothing.
fn no_addend(facts: &Facts, old: &Op, new: &Op) -> Option<&'static str> {
    const MINUS_ZERO: u64 = 0x8000_0000;
    let Op::Ternary { op: TernaryOp::Fma, ty: Type::F32, rounding, ftz, sat, dst, a, b, c, .. } = old else {
        return None;
    };
    let addend = facts.ranges.operand(*c, 32)?.single()?;
    let dropped = matches!(new, Op::Binary { op: BinaryOp::Mul, ty: Type::F32, rounding: r, ftz: f, sat: s, dst: d, a: x, b: y, .. }
        if (r, f, s, d, x, y) == (rounding, ftz, sat, dst, a, b));
    (dropped && addend == MINUS_ZERO).then_some("the addend is the zero that the sum starts from")
}

/// A square is never -0, so that the sign of a zero that is added to it does not matter.
pub(super) fn negated_addend(facts: &Facts, old: &Op, before: &Op, new: &Op) -> Option<&'static str> {
    let Op::Ternary { op: TernaryOp::Fma, ty: Type::F32, a, b, c, .. } = old else { return None };
    let addend = facts.ranges.operand(*c, 32)?.single()?;
    let mut plain = new.clone();
    match &mut plain {
        Op::Ternary { c: other, .. } => *other = *c,
        _ => return None,
    }
    let negates = matches!(before, Op::Unary { op: UnaryOp::Neg, a: whole, .. } if whole == c);
    (plain == *old && negates && a == b && addend & 0x7FFF_FFFF == 0)
        .then_some("the addend is a zero, and a square is never -0")
}

/// The accumulators of a product that begins a sum are all zero, in whatever order.
fn equal_accumulators(facts: &Facts, at: usize, old: &Op, new: &Op) -> Option<&'static str> {
    let Op::Mma { c, .. } = old else { return None };
    let mut plain = new.clone();
    match &mut plain {
        Op::Mma { c: other, .. } => other.clone_from(c),
        _ => return None,
    }
    let is_zero = |reg: &Reg| {
        let writes = reaching(&facts.kernel, &facts.ranges, at, *reg);
        !writes.is_empty()
            && writes.into_iter().all(|place| {
                matches!(facts.kernel.body.get(place), Some(Statement::Inst(Inst { op: Op::Mov { src, .. }, .. }))
                    if matches!(src, Operand::Imm(Immediate::F32(0) | Immediate::Int(0))))
            })
    };
    (plain == *old && c.iter().all(is_zero)).then_some("all accumulators are zero there")
}
