//! Attention: where numbers below the normal ones do not show.
//!
//! A score of f16 is 0, or from 2^-48 up to 256 · 65504², below 2^41. So where the scale, or a product with it, is below 2^-126, the scale is below 2^-78, every exponent is below 2^-36 in
//! magnitude, and two to its power is 1: all keys weigh the same, whatever becomes of such numbers.
//!
//! The base b of a query is the largest product of a score and the scale, rounded; the key that it is of weighs 2^e, where |e| is at most half a place of b. Below 2^31 in magnitude
//! that is no less than 2^-64, so that the query's sum is not less either. From there on neighbours are 128 apart and more, so that what was summed for another base is
//! multiplied by 0 (2^-128 is no normal number), and a sum is one of weights, which are normal or 0.

use tilewright_ptx_ir::ir::{
    BinaryOp, Compare, Immediate, Kernel, Op, Operand, Reg, Statement, TernaryOp, Type, UnaryOp,
};

use super::uses::{definition, insts, reads};
use crate::edit::Mutant;

const ZERO: Operand = Operand::Imm(Immediate::F32(0));

/// Why a mutant of an attention kernel cannot matter.
pub(super) fn reason(kernel: &Kernel, mutant: &Mutant) -> Option<&'static str> {
    const EQUAL: &str = "where a number is subnormal here all exponents are so small that every key weighs the same";
    let Some(Statement::Inst(old)) = kernel.body.get(mutant.edit.at) else { return None };
    if !kernel.name.starts_with("attention_") {
        return None;
    }
    let is_half = kernel.name.starts_with("attention_f16_");
    match (mutant.operator, &old.op) {
        // One of the numbers is subnormal, and the other is not so small: the difference is the other. Or both are so small that the difference is.
        ("float-ftz", Op::Binary { op: BinaryOp::Sub, ty: Type::F32, dst, .. }) if only_raises(kernel, *dst) => {
            Some("two to the power of what is below 2^-99 is 1, and beside what is not a subnormal number is lost")
        }
        ("float-ftz", Op::Ternary { op: TernaryOp::Fma, ty: Type::F32, dst, .. })
            if is_half && only_raises(kernel, *dst) =>
        {
            Some(EQUAL)
        }
        ("float-ftz", Op::Binary { op: BinaryOp::Mul, ty: Type::F32, dst, .. }) if is_half && is_peak(kernel, *dst) => {
            Some(EQUAL)
        }
        ("float-ftz", Op::Binary { op: BinaryOp::Max, ty: Type::F32, b: Operand::Reg(scaled), .. })
            if is_half && is_peak(kernel, *scaled) =>
        {
            Some(EQUAL)
        }
        // `Block::make_scale_positive`: of the scale itself.
        (
            "float-ftz",
            Op::SetPredicate {
                compare: Compare::Le | Compare::Eq, ty: Type::F32, a: Operand::Reg(scale), b: ZERO, ..
            },
        ) if is_half && scales_scores(kernel, *scale) => Some(EQUAL),
        // `Softmax::inverse_sums`: over a query's four lanes.
        ("float-ftz", Op::Binary { op: BinaryOp::Add, ty: Type::F32, b: Operand::Reg(other), .. }) => {
            is_shuffled(kernel, *other)
                .then_some("a subnormal number is lost in the sum, which is no less than 2^-64 if there is one")
        }
        ("float-ftz", Op::SetPredicate { compare: Compare::Eq, ty: Type::F32, a: Operand::Reg(sum), b: ZERO, .. }) => {
            let is_sum = matches!(definition(kernel, *sum), Some((_, Op::Binary { op: BinaryOp::Add, b: Operand::Reg(other), .. })) if is_shuffled(kernel, *other));
            is_sum.then_some("the sum is 0, or no less than 2^-64, or one of normal numbers")
        }
        // `Copier::scale`: numbers of 16 bits times 0 or -1.
        ("float-rounding", Op::CvtPair { high, low, .. }) => [high, low]
            .into_iter()
            .all(|half| is_unit_product(kernel, *half))
            .then_some("both are numbers of 16 bits, or zeros"),
        _ => None,
    }
}

/// Whether the register is nothing but an exponent of two.
fn only_raises(kernel: &Kernel, reg: Reg) -> bool {
    let mut readers = insts(kernel).filter(|(_, inst)| reads(inst, reg)).peekable();
    let raises = |op: &Op| matches!(op, Op::Unary { op: UnaryOp::Ex2, ty: Type::F32, .. });
    definition(kernel, reg).is_some() && readers.peek().is_some() && readers.all(|(_, inst)| raises(&inst.op))
}

/// Whether the register is a product, and nothing but one of two of which the larger is the base: the other one is loaded by nobody, it is the base so far.
fn is_peak(kernel: &Kernel, reg: Reg) -> bool {
    let is_product = matches!(definition(kernel, reg), Some((_, Op::Binary { op: BinaryOp::Mul, ty: Type::F32, b: Operand::Reg(scale), .. })) if scales_scores(kernel, *scale));
    let mut readers = insts(kernel).filter(|(_, inst)| reads(inst, reg));
    let is_only = matches!(readers.next(), Some((_, inst)) if matches!(inst.op, Op::Binary { op: BinaryOp::Max, b: Operand::Reg(second), .. } if second == reg));
    is_product && is_only && readers.next().is_none()
}

/// Whether the register is the scale: a factor of the exponents.
fn scales_scores(kernel: &Kernel, reg: Reg) -> bool {
    insts(kernel).any(|(_, inst)| {
        matches!(&inst.op, Op::Ternary { op: TernaryOp::Fma, ty: Type::F32, dst, b: Operand::Reg(factor), .. } if *factor == reg && only_raises(kernel, *dst))
    })
}

/// Whether the register is another lane's number.
fn is_shuffled(kernel: &Kernel, reg: Reg) -> bool {
    matches!(definition(kernel, reg), Some((_, Op::Shuffle { .. })))
}

/// Whether the operand is a product of a number of 16 bits with 0, 1 or -1.
fn is_unit_product(kernel: &Kernel, operand: Operand) -> bool {
    let Some((
        _,
        Op::Binary { op: BinaryOp::Mul, ty: Type::F32, a: Operand::Reg(number), b: Operand::Reg(factor), .. },
    )) = operand.reg().and_then(|reg| definition(kernel, reg))
    else {
        return false;
    };
    let unit = |operand: &Operand| matches!(operand, Operand::Imm(Immediate::F32(bits)) if [0.0, 1.0].contains(&f32::from_bits(*bits).abs()));
    let of_units = matches!(definition(kernel, *factor), Some((_, Op::Select { a, b, .. })) if unit(a) && unit(b));
    let is_short = match definition(kernel, *number) {
        Some((_, Op::Cvt { from: Type::F16, to: Type::F32, .. })) => kernel.name.contains("_f16_"),
        // The upper half of a word is a bf16.
        Some((_, Op::Mov { src: Operand::Reg(word), .. })) => {
            matches!(
                definition(kernel, *word),
                Some((_, Op::Binary { op: BinaryOp::Shl, b: Operand::Imm(Immediate::Int(16)), .. }))
            ) && kernel.name.contains("_bf16_")
        }
        _ => false,
    };
    of_units && is_short
}
