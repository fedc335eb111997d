//! `set`, and `setp` with two results.

use tilewright_ptx_ir::ir::{BoolOp, Condition, Op, Type};

use super::floats::comparison;
use super::integers::{compares, number};
use super::lane::Lane;

/// Executes such an instruction; `None` if it is none.
pub(super) fn execute(op: &Op, lane: &mut Lane) -> Option<()> {
    let (Op::SetPredicates { compare, ty, ftz, a, b, combine, .. } | Op::Set { compare, ty, ftz, a, b, combine, .. }) =
        op
    else {
        return None;
    };
    let [a, b] = [a, b].map(|word| lane.operand(*word, *ty));
    let answer = |a: u64, b: u64, ty: Type| {
        if ty.is_float() {
            comparison(*compare, ty, *ftz, a, b)
        } else {
            compares(*compare, number(a, ty), number(b, ty))
        }
    };
    // One comparison, or two of halves.
    let answers = match ty {
        Type::F16x2 | Type::Bf16x2 => {
            let half = if *ty == Type::F16x2 { Type::F16 } else { Type::Bf16 };
            vec![answer(a & 0xFFFF, b & 0xFFFF, half)?, answer(a >> 16, b >> 16, half)?]
        }
        _ => vec![answer(a, b, *ty)?],
    };
    let finally = |answer: bool| {
        let Some((op, condition)) = combine else { return answer };
        let other = holds(*condition, lane);
        match op {
            BoolOp::And => answer & other,
            BoolOp::Or => answer | other,
            _ => answer ^ other,
        }
    };
    match op {
        Op::SetPredicates { dst, other, .. } => {
            let first = finally(answers[0]);
            let second = finally(*answers.get(1).unwrap_or(&!answers[0]));
            lane.write(*dst, first.into());
            if let Some(other) = other {
                lane.write(*other, second.into());
            }
        }
        Op::Set { to, dst, .. } => {
            let one = match to {
                Type::F16 | Type::F16x2 => 0x3C00,
                Type::Bf16 | Type::Bf16x2 => 0x3F80,
                Type::F32 => 0x3F80_0000,
                _ if answers.len() == 2 || to.bytes() == 2 => 0xFFFF,
                _ => 0xFFFF_FFFFu64,
            };
            let value = answers.iter().rev().fold(0, |value, answer| (value << 16) + one * u64::from(finally(*answer)));
            lane.write(*dst, value);
        }
        _ => return None,
    }
    Some(())
}

/// Whether a condition holds.
pub(super) fn holds(condition: Condition, lane: &Lane) -> bool {
    match condition {
        Condition::Pred { pred, negate } => lane.is_true(pred) != negate,
        Condition::Constant(holds) => holds,
    }
}
