//! The beginning of a sum: what is added to a zero is not rounded, and the zero may be left out.

use tilewright_ptx_ir::ir::{
    BinaryOp, Immediate, Inst, Op, Operand, Reg, Rounding, Statement, TernaryOp, Type, UnaryOp,
};

use super::Facts;
use super::flow::reaching;

/// Why `new` may stand for `old` at statement `at`.
pub(super) fn same(facts: &Facts, at: usize, old: &Op, new: &Op) -> Option<&'static str> {
    exact(facts, at, old, new).or_else(|| dropped(facts, at, old, new))
}

/// What `operand` may be at `at`, if that is zeros alone: whether one of them is +0.
fn zero(facts: &Facts, at: usize, operand: Operand) -> Option<bool> {
    let of_constant = |operand: &Operand| match operand {
        Operand::Imm(Immediate::F32(bits)) if bits << 1 == 0 => Some(*bits == 0),
        _ => None,
    };
    let Operand::Reg(reg) = operand else { return of_constant(&operand) };
    let writes = reaching(&facts.kernel, &facts.ranges, at, reg);
    if writes.is_empty() {
        return None;
    }
    let each = writes.into_iter().map(|place| match facts.kernel.body.get(place) {
        Some(Statement::Inst(Inst { op: Op::Mov { ty: Type::F32, src, .. }, .. })) => of_constant(src),
        _ => None,
    });
    each.collect::<Option<Vec<bool>>>().map(|positive| positive.contains(&true))
}

/// Whether the register is an f16 wherever it is read: a product of two such has 22 bits, and none is below 2^-48.
fn is_half(facts: &Facts, operand: Operand) -> bool {
    let definition = operand.reg().and_then(|reg: Reg| facts.ranges.definition(reg));
    matches!(definition, Some(Op::Cvt { from: Type::F16, to: Type::F32, .. }))
}

/// Rounded to nearest or towards zero: a sum with a zero, or a product of two f16 that is added to one, is exact.
fn exact(facts: &Facts, at: usize, old: &Op, new: &Op) -> Option<&'static str> {
    let mut plain = new.clone();
    let is_known = |rounding: &Rounding| matches!(rounding, Rounding::Nearest | Rounding::Zero);
    let addends: &[Operand] = match (old, &mut plain) {
        (
            Op::Binary { op: BinaryOp::Add, ty: Type::F32, rounding: Some(was), a, b, .. },
            Op::Binary { rounding: Some(rounding), .. },
        ) if is_known(was) && is_known(rounding) => {
            *rounding = *was;
            &[*a, *b]
        }
        (
            Op::Ternary { op: TernaryOp::Fma, ty: Type::F32, rounding: Some(was), a, b, c, .. },
            Op::Ternary { rounding: Some(rounding), .. },
        ) if is_known(was) && is_known(rounding) && is_half(facts, *a) && is_half(facts, *b) => {
            *rounding = *was;
            &[*c]
        }
        _ => return None,
    };
    let begins = addends.iter().any(|addend| zero(facts, at, *addend).is_some());
    (plain == *old && begins).then_some("the first addend of a sum is not rounded")
}

/// A product that is added to -0, or a square that is added to a zero: the product alone is the same.
fn dropped(facts: &Facts, at: usize, old: &Op, new: &Op) -> Option<&'static str> {
    let Op::Ternary { op: TernaryOp::Fma, ty: Type::F32, rounding, ftz, sat, dst, a, b, c, .. } = old else {
        return None;
    };
    let is_product = matches!(new, Op::Binary { op: BinaryOp::Mul, ty: Type::F32, rounding: r, ftz: f, sat: s, dst: d, a: x, b: y, .. }
        if (r, f, s, d, x, y) == (rounding, ftz, sat, dst, a, b));
    let is_positive = zero(facts, at, *c)?;
    (is_product && (a == b || !is_positive)).then_some("the addend is the zero that the sum starts from")
}

/// A square is never -0, so that the sign of a zero that is added to it does not matter.
pub(super) fn negated(facts: &Facts, at: usize, old: &Op, before: &Op, new: &Op) -> Option<&'static str> {
    let Op::Ternary { op: TernaryOp::Fma, ty: Type::F32, a, b, c, .. } = old else { return None };
    let mut plain = new.clone();
    match &mut plain {
        Op::Ternary { c: other, .. } => *other = *c,
        _ => return None,
    }
    let negates = matches!(before, Op::Unary { op: UnaryOp::Neg, a: whole, .. } if whole == c);
    (plain == *old && negates && a == b && zero(facts, at, *c).is_some())
        .then_some("the addend is a zero, and a square is never -0")
}
