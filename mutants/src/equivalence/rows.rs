//! Row kernels: elements past the end of a row are 0, and what is rounded to an integer or squared does not show everything.

use tilewright_ptx_ir::ir::{
    Access, BinaryOp, Compare, Immediate, Inst, Kernel, Op, Operand, Reg, Rounding, Statement, TernaryOp, Type, UnaryOp,
};

use super::Facts;
use crate::edit::Mutant;

/// Why a mutant of a row kernel cannot matter.
pub(super) fn reason(facts: &Facts, mutant: &Mutant) -> Option<&'static str> {
    const FOLDED: &str = "an absent element is 0, which changes neither a sum of squares nor a largest magnitude";
    let (kernel, at) = (&facts.kernel, mutant.edit.at);
    let Statement::Inst(old) = kernel.body.get(at)? else { return None };
    let new = match mutant.edit.inserted.as_slice() {
        [Statement::Inst(new)] => Some(&new.op),
        _ => None,
    };
    match (mutant.operator, &old.op) {
        // More is folded than there is: `Step::update`, of what is loaded or copied under a guard of its own.
        ("compare-boundary" | "bound-plus", Op::SetPredicate { compare: Compare::Lt, ty: Type::U32, dst, .. }) => {
            only_folds(kernel, *dst).then_some(FOLDED)
        }
        ("immediate-minus", Op::Binary { op: BinaryOp::Add, ty: Type::U32, dst, .. }) => {
            let mut readers = readers(kernel, *dst);
            let is_it = matches!(readers.next(), Some(Inst { op: Op::SetPredicate { compare: Compare::Lt, ty: Type::U32, a, dst: pred, .. }, .. })
                if *a == Operand::Reg(*dst) && only_folds(kernel, *pred));
            (is_it && readers.next().is_none() && definition(kernel, *dst).is_some()).then_some(FOLDED)
        }
        ("drop-guard", Op::Mov { ty: Type::F32, src: Operand::Reg(folded), .. }) if is_fold(kernel, *folded) => {
            Some(FOLDED)
        }
        // A distance that is only squared has no sign: rounded to nearest, so is the difference the other way round.
        (
            "operand-swap",
            Op::Binary { op: BinaryOp::Sub, ty: Type::F32, rounding: Some(Rounding::Nearest), dst, .. },
        ) => {
            let squares = |inst: &Inst| {
                matches!(&inst.op, Op::Ternary { op: TernaryOp::Fma, a, b, c, .. }
                if [*a, *b] == [Operand::Reg(*dst); 2] && *c != Operand::Reg(*dst))
            };
            (definition(kernel, *dst).is_some() && readers(kernel, *dst).all(squares))
                .then_some("the difference is only squared")
        }
        // `exp_below`: what is below 2^-125 in magnitude is 0 to `ex2`, or its result is 1.
        (
            "float-ftz",
            Op::Binary { op: BinaryOp::Mul, ty: Type::F32, dst, b: Operand::Imm(Immediate::F32(factor)), .. },
        ) if *factor == std::f32::consts::LOG2_E.to_bits() => {
            let raises = |inst: &Inst| matches!(inst.op, Op::Unary { op: UnaryOp::Ex2, ty: Type::F32, .. });
            (definition(kernel, *dst).is_some() && readers(kernel, *dst).all(raises))
                .then_some("two to the power of a subnormal number, or of half as much again, is 1")
        }
        // `quantize::write`: codes. Neither number is subnormal, and a quotient that is rounds to 0.
        ("float-ftz", Op::Binary { op: BinaryOp::Div, ty: Type::F32, dst, a, b: Operand::Reg(divisor), .. }) => {
            let rounds = |inst: &Inst| matches!(&inst.op, Op::Cvt { to, from: Type::F32, rounding: Some(Rounding::IntegerNearest), .. } if to.is_integer());
            let is_quotient = matches!(new, Some(Op::Binary { op: BinaryOp::Div, .. }));
            (is_quotient
                && definition(kernel, *dst).is_some()
                && readers(kernel, *dst).all(rounds)
                && facts.granules.is_normal(*a)
                && is_normal_or_none(kernel, *divisor))
            .then_some("neither number is subnormal, and a quotient that is rounds to 0")
        }
        _ => None,
    }
}

fn insts(kernel: &Kernel) -> impl Iterator<Item = &Inst> {
    kernel.body.iter().filter_map(|statement| match statement {
        Statement::Inst(inst) => Some(inst),
        _ => None,
    })
}

fn readers(kernel: &Kernel, reg: Reg) -> impl Iterator<Item = &Inst> {
    insts(kernel).filter(move |inst| {
        let mut is_it = false;
        inst.for_each_register(|other, access| is_it |= other == reg && access == Access::Read);
        is_it
    })
}

/// The one instruction that writes a register, if it has no guard.
fn definition(kernel: &Kernel, reg: Reg) -> Option<&Op> {
    let mut writes = insts(kernel).filter(|inst| {
        let mut is_it = false;
        inst.op.for_each_write(|other| is_it |= other == reg);
        is_it
    });
    let first = writes.next().filter(|inst| inst.guard.is_none())?;
    writes.next().is_none().then_some(&first.op)
}

/// Whether the predicate guards nothing but one step of a fold that an absent element does not change.
fn only_folds(kernel: &Kernel, pred: Reg) -> bool {
    let mut readers = readers(kernel, pred);
    let is_it = match readers.next() {
        Some(Inst { guard: Some(guard), op: Op::Mov { ty: Type::F32, src: Operand::Reg(folded), .. } }) => {
            guard.pred == pred && !guard.negate && is_fold(kernel, *folded)
        }
        _ => false,
    };
    is_it && readers.next().is_none()
}

/// Whether the register is a square more than a sum, or the larger of a number and a magnitude.
///
/// The elements are x. Those of a quantized norm are x · scale · weight, where the scale is infinite only without an epsilon, of a row whose squares vanish: those of
/// f16 do only if all are 0, and then all are NaN.
fn is_fold(kernel: &Kernel, reg: Reg) -> bool {
    let starts = |name: &str| kernel.name.starts_with(name);
    match definition(kernel, reg) {
        // Every row has an element whose square is no -0, so that no sum is one.
        Some(Op::Ternary { op: TernaryOp::Fma, ty: Type::F32, a, b, c, .. }) => {
            starts("rms_norm_") && a == b && a != c && a.reg().is_some()
        }
        Some(Op::Binary { op: BinaryOp::Max, ty: Type::F32, b: Operand::Reg(magnitude), .. }) => {
            (starts("quantize_") || starts("rms_norm_quantize_f16_"))
                && matches!(definition(kernel, *magnitude), Some(Op::Unary { op: UnaryOp::Abs, .. }))
        }
        _ => false,
    }
}

/// Whether the register is infinite or another one, which is 0 where a number is below the normal ones, and otherwise that number.
fn is_normal_or_none(kernel: &Kernel, reg: Reg) -> bool {
    let infinity = Operand::Imm(Immediate::F32(f32::INFINITY.to_bits()));
    let Some(Op::Select { a, b: Operand::Reg(scale), .. }) = definition(kernel, reg) else { return false };
    let Some(Op::Select { a: none, b: number, pred, .. }) = definition(kernel, *scale) else { return false };
    let zero = Operand::Imm(Immediate::F32(0));
    let least = Operand::Imm(Immediate::F32(f32::MIN_POSITIVE.to_bits()));
    // Magnitudes: none is below 0.
    let is_below = matches!(definition(kernel, *pred), Some(Op::SetPredicate { compare: Compare::Lt, ty: Type::F32, a, b, combine: None, .. })
        if a == number && *b == least);
    *a == infinity && *none == zero && is_below && kernel.name.contains("quantize_")
}
