//! Matrices in the lanes of a warp.

use super::{operand, register};
use crate::ir::{Op, Type};
use crate::verify::error::Reason;

pub(super) fn matrix(op: &Op, report: &mut impl FnMut(Reason)) {
    match op {
        Op::MmaForm { form, satfinite, dsts, a, b, c } => {
            if *satfinite && !form.saturates() {
                report(Reason::Modifier { what: ".satfinite belongs to integer products" });
            }
            let (ty, sums) = (if form.is_f64() { Type::F64 } else { Type::S32 }, form.accumulator_registers());
            let operands =
                [("d", dsts, sums), ("a", a, form.a_registers()), ("b", b, form.b_registers()), ("c", c, sums)];
            for (name, registers, wanted) in operands {
                if registers.len() != wanted {
                    report(Reason::Count { operand: name, found: registers.len(), wanted });
                }
                registers.iter().for_each(|reg| register(name, *reg, ty, report));
            }
        }
        Op::MoveMatrix { dst, src } => {
            register("d", *dst, Type::U32, report);
            register("a", *src, Type::U32, report);
        }
        Op::StMatrix { srcs, .. } => {
            if !matches!(srcs.len(), 1 | 2 | 4) {
                report(Reason::Count { operand: "r", found: srcs.len(), wanted: 4 });
            }
            srcs.iter().for_each(|src| register("r", *src, Type::U32, report));
        }
        Op::Elect { dst, pred, mask } => {
            register("d", *dst, Type::U32, report);
            register("p", *pred, Type::Pred, report);
            operand("membermask", *mask, Type::U32, report);
        }
        _ => {}
    }
}
