//! Types, register classes, literals, modifiers and counts of each instruction.

mod arithmetic;
mod cache;
mod compare;
mod integer;
mod matrix;
mod mbarrier;
mod memory;
mod movement;
mod together;

use super::error::Reason;
use crate::ir::{Condition, Immediate, Inst, Op, Operand, Reg, Rounding, Type};

pub(super) fn check(inst: &Inst, report: &mut impl FnMut(Reason)) {
    if let Some(guard) = inst.guard {
        register("guard", guard.pred, Type::Pred, report);
    }
    match &inst.op {
        Op::Mov { .. }
        | Op::ReadSpecial { .. }
        | Op::SharedAddress { .. }
        | Op::LocalAddress { .. }
        | Op::SymbolAddress { .. }
        | Op::Pack { .. }
        | Op::Unpack { .. }
        | Op::Cvta { .. }
        | Op::Select { .. } => {
            movement::movement(&inst.op, report);
        }
        Op::Cvt { .. }
        | Op::CvtPair { .. }
        | Op::CvtFp8Pair { .. }
        | Op::CvtFp8 { .. }
        | Op::CvtPackS8 { .. }
        | Op::CvtTf32 { .. } => movement::conversion(&inst.op, report),
        Op::Unary { .. } | Op::Binary { .. } | Op::Ternary { .. } | Op::TestProperty { .. } | Op::IsSpace { .. } => {
            arithmetic::arithmetic(&inst.op, report)
        }
        Op::SetPredicate { .. } | Op::SetPredicates { .. } | Op::Set { .. } => compare::compare(&inst.op, report),
        Op::Mul { .. } | Op::Mad { .. } | Op::Lop3 { .. } | Op::BitFieldInsert { .. } => {
            arithmetic::integers(&inst.op, report)
        }
        Op::CarrySum { .. }
        | Op::CarryMad { .. }
        | Op::CvtPack { .. }
        | Op::VideoParts { .. }
        | Op::Video { .. }
        | Op::Pair { .. }
        | Op::Rectified { .. }
        | Op::Mul24 { .. }
        | Op::Mad24 { .. }
        | Op::Dp2a { .. }
        | Op::Permute { .. }
        | Op::SelectBySign { .. } => integer::integer(&inst.op, report),
        Op::Load { .. }
        | Op::Store { .. }
        | Op::Atomic { .. }
        | Op::AtomicVector { .. }
        | Op::CpAsync { .. }
        | Op::Fence { .. }
        | Op::LdMatrix { .. } => {
            memory::memory(&inst.op, report);
        }
        Op::MmaForm { .. } | Op::MoveMatrix { .. } | Op::StMatrix { .. } | Op::Elect { .. } => {
            matrix::matrix(&inst.op, report)
        }
        Op::CreatePolicy { .. }
        | Op::CreatePolicyRange { .. }
        | Op::CreatePolicyFrom { .. }
        | Op::Prefetch { .. }
        | Op::ApplyPriority { .. }
        | Op::Discard { .. }
        | Op::PerformanceEvent { .. } => cache::cache(&inst.op, report),
        Op::MbarrierInit { .. }
        | Op::MbarrierInvalidate { .. }
        | Op::MbarrierArrive { .. }
        | Op::MbarrierWait { .. }
        | Op::MbarrierPendingCount { .. }
        | Op::CpAsyncMbarrierArrive { .. } => mbarrier::mbarrier(&inst.op, report),
        other => together::together(other, report),
    }
}

fn register(operand: &'static str, reg: Reg, ty: Type, report: &mut impl FnMut(Reason)) {
    if !ty.accepts(reg.class) {
        report(Reason::class(operand, reg, ty));
    }
}

fn operand(name: &'static str, value: Operand, ty: Type, report: &mut impl FnMut(Reason)) {
    let fits = match value {
        Operand::Reg(reg) => return register(name, reg, ty, report),
        Operand::Imm(Immediate::Int(value)) => {
            ty.is_integer() || ty.is_bits() || (ty == Type::Pred && matches!(value, -1..=1))
        }
        Operand::Imm(Immediate::F32(_)) => matches!(ty, Type::F32 | Type::B32),
        Operand::Imm(Immediate::F64(_)) => matches!(ty, Type::F64 | Type::B64),
    };
    if !fits {
        report(Reason::Literal { operand: name, ty });
    }
}

fn condition(name: &'static str, value: Condition, report: &mut impl FnMut(Reason)) {
    if let Some(pred) = value.reg() {
        register(name, pred, Type::Pred, report);
    }
}

fn require_type(ty: Type, known: bool, report: &mut impl FnMut(Reason)) {
    if !known {
        report(Reason::NoSuchType { ty });
    }
}

fn check_ftz(ftz: bool, ty: Type, report: &mut impl FnMut(Reason)) {
    if ftz && !matches!(ty, Type::F32 | Type::F16 | Type::F16x2) {
        report(Reason::Modifier { what: ".ftz belongs to f32 and f16" });
    }
}

const fn is_float_rounding(rounding: Rounding) -> bool {
    matches!(rounding, Rounding::Nearest | Rounding::Zero | Rounding::Down | Rounding::Up)
}
