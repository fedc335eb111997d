//! What lanes and threads do together, and control.

use super::{condition, operand, register, require_type};
use crate::ir::{AtomicOp, BarrierOp, Immediate, Op, Operand, RegClass, Type, VoteMode};
use crate::verify::error::Reason;

pub(super) fn together(op: &Op, report: &mut impl FnMut(Reason)) {
    match op {
        Op::Shuffle { dst, pred, src, lane, clamp, mask, .. } => {
            register("d", *dst, Type::B32, report);
            pred.iter().for_each(|pred| register("p", *pred, Type::Pred, report));
            operand("a", *src, Type::B32, report);
            for (name, value) in [("b", lane), ("c", clamp), ("membermask", mask)] {
                operand(name, *value, Type::U32, report);
            }
        }
        Op::Vote { mode, dst, src, mask, .. } => {
            register("d", *dst, if *mode == VoteMode::Ballot { Type::B32 } else { Type::Pred }, report);
            condition("a", *src, report);
            operand("membermask", *mask, Type::U32, report);
        }
        Op::MatchAny { ty, dst, src, mask } => {
            require_type(*ty, matches!(ty, Type::B32 | Type::B64), report);
            register("d", *dst, Type::B32, report);
            operand("a", *src, *ty, report);
            operand("membermask", *mask, Type::U32, report);
        }
        Op::MatchAll { ty, dst, pred, src, mask } => {
            require_type(*ty, matches!(ty, Type::B32 | Type::B64), report);
            register("d", *dst, Type::B32, report);
            pred.iter().for_each(|pred| register("p", *pred, Type::Pred, report));
            operand("a", *src, *ty, report);
            operand("membermask", *mask, Type::U32, report);
        }
        Op::BarrierReduce { op, dst, id, threads, src, .. } => {
            register("d", *dst, if *op == BarrierOp::PopulationCount { Type::U32 } else { Type::Pred }, report);
            register("c", *src, Type::Pred, report);
            barrier(*id, *threads, report);
        }
        Op::BranchIndexed { index, labels, .. } => {
            register("index", *index, Type::U32, report);
            if labels.is_empty() {
                report(Reason::Count { operand: "labels", found: 0, wanted: 1 });
            }
        }
        Op::Redux { op, ty, dst, src, mask } => {
            let logic = matches!(op, AtomicOp::And | AtomicOp::Or | AtomicOp::Xor) && *ty == Type::B32;
            let number =
                matches!(op, AtomicOp::Add | AtomicOp::Min | AtomicOp::Max) && matches!(ty, Type::U32 | Type::S32);
            require_type(*ty, logic || number, report);
            register("d", *dst, Type::U32, report);
            operand("a", *src, if *ty == Type::B32 { Type::U32 } else { *ty }, report);
            operand("membermask", *mask, Type::U32, report);
        }
        Op::ActiveMask { dst } => register("d", *dst, Type::B32, report),
        Op::WarpSync { mask } => operand("membermask", *mask, Type::U32, report),
        Op::Mma { shape, satfinite, dsts, a, b, c } => {
            if *satfinite && shape.accumulator() != Type::S32 {
                report(Reason::Modifier { what: ".satfinite belongs to integer products" });
            }
            let accumulators = shape.accumulator_registers();
            for (name, registers, wanted, class) in [
                ("d", dsts, accumulators, shape.accumulator_class()),
                ("a", a, shape.a_registers(), RegClass::B32),
                ("b", b, shape.b_registers(), RegClass::B32),
                ("c", c, accumulators, shape.accumulator_class()),
            ] {
                if registers.len() != wanted {
                    report(Reason::Count { operand: name, found: registers.len(), wanted });
                }
                // Accumulators of f32 may live in untyped registers.
                for reg in registers.iter().filter(|reg| {
                    !class.declared().accepts(reg.class) || (class == RegClass::B32 && reg.class != class)
                }) {
                    report(Reason::class(name, *reg, class.declared()));
                }
            }
        }
        Op::BarrierSync { id, threads, .. } => barrier(*id, *threads, report),
        Op::BarrierArrive { id, threads, .. } => barrier(*id, Some(*threads), report),
        Op::Nanosleep { duration } => operand("a", *duration, Type::U32, report),
        _ => {}
    }
}

fn barrier(id: Operand, threads: Option<Operand>, report: &mut impl FnMut(Reason)) {
    operand("a", id, Type::U32, report);
    if matches!(id, Operand::Imm(Immediate::Int(id)) if !(0..16).contains(&id)) {
        report(Reason::Modifier { what: "barriers are numbered 0 to 15" });
    }
    threads.iter().for_each(|threads| operand("b", *threads, Type::U32, report));
    if matches!(threads, Some(Operand::Imm(Immediate::Int(count))) if count <= 0 || count % 32 != 0) {
        report(Reason::Modifier { what: "a barrier counts whole warps" });
    }
}
