//! Floats that are multiples of a power of two.

use tilewright_ptx_ir::ir::{Compare, Immediate, Op, Operand, Type, UnaryOp};

use super::Facts;

/// `.ftz` changes subnormal numbers alone.
pub(super) fn subnormals(facts: &Facts, old: &Op, new: &Op) -> Option<&'static str> {
    let mut plain = new.clone();
    let operands: Vec<Operand> = match (old, &mut plain) {
        (Op::Binary { ftz: old, a, b, .. }, Op::Binary { ftz, .. }) => {
            *ftz = *old;
            vec![*a, *b]
        }
        (Op::Ternary { ftz: old, a, b, c, .. }, Op::Ternary { ftz, .. }) => {
            *ftz = *old;
            vec![*a, *b, *c]
        }
        (Op::SetPredicate { ftz: old, a, b, .. }, Op::SetPredicate { ftz, .. }) => {
            *ftz = *old;
            vec![*a, *b]
        }
        (Op::Unary { op: UnaryOp::Neg | UnaryOp::Abs, ftz: old, a, .. }, Op::Unary { ftz, .. }) => {
            *ftz = *old;
            vec![*a]
        }
        _ => return None,
    };
    let result = matches!(old, Op::SetPredicate { .. }) || facts.granules.result(old) >= -126;
    let normal = plain == *old && result && operands.iter().all(|operand| facts.granules.is_normal(*operand));
    normal.then_some("all numbers are multiples of a power of two that is no subnormal")
}

/// Numbers that are multiples of a power of two are never between 0 and it.
pub(super) fn gaps(facts: &Facts, old: &Op, new: &Op) -> Option<&'static str> {
    let (
        Op::SetPredicate { compare, ty: Type::F32, a, b: Operand::Imm(Immediate::F32(bound)), .. },
        Op::SetPredicate { compare: other, b: Operand::Imm(Immediate::F32(other_bound)), .. },
    ) = (old, new)
    else {
        return None;
    };
    let mut plain = new.clone();
    if let Op::SetPredicate { b, compare: other, .. } = &mut plain {
        (*b, *other) = (Operand::Imm(Immediate::F32(*bound)), *compare);
    }
    let orders = |compare: &Compare| matches!(compare, Compare::Lt | Compare::Le | Compare::Gt | Compare::Ge);
    let less = |compare: &Compare| matches!(compare, Compare::Lt | Compare::Le);
    // Twice the bound, so that a number is not the bound either.
    let inside = |bits: u32| {
        let bound = f32::from_bits(bits);
        bound > 0.0 && facts.granules.is_never_below(*a, 2.0 * bound)
    };
    (plain == *old
        && orders(compare)
        && orders(other)
        && less(compare) == less(other)
        && inside(*bound)
        && inside(*other_bound))
    .then_some("no number lies between 0 and the bounds")
}
