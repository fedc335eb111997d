//! Comparisons.

use super::{check_ftz, condition, operand, register, require_type};
use crate::ir::{BoolOp, Compare, Condition, Op, Operand, Type};
use crate::verify::error::Reason;

pub(super) fn compare(op: &Op, report: &mut impl FnMut(Reason)) {
    match op {
        Op::SetPredicate { compare, ty, ftz, dst, a, b, combine } => {
            compared(*compare, *ty, *ftz, [*a, *b], report);
            require_type(*ty, !is_packed(*ty), report);
            register("d", *dst, Type::Pred, report);
            if let Some((_, pred)) = combine {
                register("c", *pred, Type::Pred, report);
            }
        }
        Op::SetPredicates { compare, ty, ftz, dst, other, a, b, combine } => {
            compared(*compare, *ty, *ftz, [*a, *b], report);
            register("d", *dst, Type::Pred, report);
            other.iter().for_each(|other| register("q", *other, Type::Pred, report));
            combined(*combine, [*ty, *ty], report);
            if other.is_some() && matches!(ty, Type::F16 | Type::Bf16) {
                report(Reason::Modifier { what: "setp of f16 and bf16 has one result" });
            }
            let simple = matches!(combine, None | Some((_, Condition::Pred { negate: false, .. })));
            if other.is_none() && simple && !is_packed(*ty) {
                report(Reason::Modifier { what: "is a setp of one predicate" });
            }
        }
        Op::Set { compare, to, ty, ftz, dst, a, b, combine } => {
            compared(*compare, *ty, *ftz, [*a, *b], report);
            require_type(*to, answers(*to, *ty), report);
            if *ftz && *to == Type::Bf16 {
                report(Reason::Modifier { what: "set to bf16 takes no .ftz" });
            }
            register("d", *dst, *to, report);
            combined(*combine, [*to, *ty], report);
        }
        _ => {}
    }
}

const fn is_packed(ty: Type) -> bool {
    matches!(ty, Type::F16x2 | Type::Bf16x2)
}

/// What the answer is combined with. ptxas takes no constants where a bf16 is compared or written.
fn combined(combine: Option<(BoolOp, Condition)>, types: [Type; 2], report: &mut impl FnMut(Reason)) {
    let Some((_, with)) = combine else { return };
    condition("c", with, report);
    if matches!(with, Condition::Constant(_)) && types.iter().any(|ty| matches!(ty, Type::Bf16 | Type::Bf16x2)) {
        report(Reason::Modifier { what: "comparisons with bf16 combine with predicates that are no constants" });
    }
}

/// What is compared, and how.
fn compared(compare: Compare, ty: Type, ftz: bool, operands: [Operand; 2], report: &mut impl FnMut(Reason)) {
    let ordered = matches!(compare, Compare::Eq | Compare::Ne | Compare::Lt | Compare::Le | Compare::Gt | Compare::Ge);
    let bits = ty.is_bits() && matches!(compare, Compare::Eq | Compare::Ne);
    let known = ty != Type::Pred && ty.bytes() > 1 && (bits || ty.is_float() || (ty.is_integer() && ordered));
    require_type(ty, known, report);
    check_ftz(ftz, ty, report);
    let [a, b] = operands;
    operand("a", a, ty, report);
    operand("b", b, ty, report);
}

/// Whether `set` gives a `to` for a comparison of `ty`.
const fn answers(to: Type, ty: Type) -> bool {
    match to {
        Type::U32 | Type::S32 => true,
        Type::U16 | Type::S16 => matches!(ty, Type::F16 | Type::Bf16),
        Type::F32 => !matches!(ty, Type::F16 | Type::Bf16) && !is_packed(ty),
        Type::F16 => !matches!(ty, Type::Bf16) && !is_packed(ty),
        Type::Bf16 => !is_packed(ty),
        Type::F16x2 => matches!(ty, Type::F16x2),
        Type::Bf16x2 => matches!(ty, Type::Bf16x2),
        _ => false,
    }
}
