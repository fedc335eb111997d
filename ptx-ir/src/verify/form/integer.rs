//! Instructions of integers that have forms of their own.

use super::{operand, register, require_type};
use crate::ir::{MulPart, Op, Type};
use crate::verify::error::Reason;

pub(super) fn integer(op: &Op, report: &mut impl FnMut(Reason)) {
    match op {
        Op::CarrySum { carry_in, carry_out, ty, dst, a, b, .. } => {
            carry([*carry_in, *carry_out], *ty, report);
            register("d", *dst, *ty, report);
            operand("a", *a, *ty, report);
            operand("b", *b, *ty, report);
        }
        Op::CarryMad { part, carry_in, carry_out, ty, dst, a, b, c } => {
            carry([*carry_in, *carry_out], *ty, report);
            if *part == MulPart::Wide {
                report(Reason::Modifier { what: "products with a carry are .lo or .hi" });
            }
            register("d", *dst, *ty, report);
            for (name, value) in [("a", a), ("b", b), ("c", c)] {
                operand(name, *value, *ty, report);
            }
        }
        _ => {}
    }
}

fn carry(uses: [bool; 2], ty: Type, report: &mut impl FnMut(Reason)) {
    require_type(ty, ty.is_integer() && ty.bytes() >= 4, report);
    if uses == [false; 2] {
        report(Reason::Modifier { what: "reads the carry flag, writes it, or both" });
    }
}
