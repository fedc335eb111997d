//! Comparisons with two results, or with results that are no predicates.

use tilewright_ptx_ir::ir::{BoolOp, Compare, Condition, Op, Operand, Type};

use super::Context;
use super::code::Code;
use super::generic::Generic;
use super::operand::Source;
use crate::arith;

pub(super) fn compare(op: &Op, context: &mut Context<'_>) -> Option<Code> {
    match *op {
        Op::SetPredicates { compare, ty, ftz, dst, other, a, b, combine } => {
            let inputs = inputs(context, ty, [a, b], combine)?;
            let (low, high) = Part::of(compare, ty, ftz, combine);
            let first = Generic::new(inputs.clone(), move |v, _| low.holds(v, false).map(u64::from))?;
            let dst = context.slots.destination(dst);
            let Some(other) = other else { return Some(Code::Generic { f: first, dst }) };
            let second = Generic::new(inputs, move |v, _| {
                let holds = high.map_or_else(|| low.holds(v, true), |high| high.holds(v, false));
                holds.map(u64::from)
            })?;
            Some(Code::Both { first, dst, second, other: context.slots.destination(other) })
        }
        Op::Set { compare, to, ty, ftz, dst, a, b, combine } => {
            let inputs = inputs(context, ty, [a, b], combine)?;
            let (low, high) = Part::of(compare, ty, ftz, combine);
            let f = Generic::new(inputs, move |v, _| {
                let low = low.holds(v, false)?;
                let high = match high {
                    Some(high) => Some(high.holds(v, false)?),
                    None => None,
                };
                arith::truth(to, low, high)
            })?;
            Some(Code::Generic { f, dst: context.slots.destination(dst) })
        }
        _ => None,
    }
}

/// What is compared, and the predicate that the answer is combined with, if there is one.
fn inputs(
    context: &mut Context<'_>,
    ty: Type,
    operands: [Operand; 2],
    combine: Option<(BoolOp, Condition)>,
) -> Option<Vec<Source>> {
    let sources = operands.iter().map(|operand| context.slots.source(*operand, ty));
    let mut inputs = sources.collect::<Option<Vec<_>>>()?;
    if let Some((_, Condition::Pred { pred, .. })) = combine {
        inputs.push(context.slots.register(pred));
    }
    Some(inputs)
}

/// The comparison of operands, or of their low or high halves.
#[derive(Clone, Copy)]
struct Part {
    compare: Compare,
    ty: Type,
    ftz: bool,
    shift: u32,
    combine: Option<(BoolOp, Condition)>,
}

impl Part {
    /// The comparison of the low halves and that of the high ones, where there are halves.
    const fn of(compare: Compare, ty: Type, ftz: bool, combine: Option<(BoolOp, Condition)>) -> (Self, Option<Self>) {
        let half = match ty {
            Type::F16x2 => Type::F16,
            Type::Bf16x2 => Type::Bf16,
            _ => return (Self { compare, ty, ftz, shift: 0, combine }, None),
        };
        let low = Self { compare, ty: half, ftz, shift: 0, combine };
        (low, Some(Self { shift: 16, ..low }))
    }

    /// Whether it holds, or does not, combined with what it is combined with.
    fn holds(self, v: &[u64; 4], opposite: bool) -> Option<bool> {
        let holds = arith::compare(self.compare, self.ty, self.ftz, v[0] >> self.shift, v[1] >> self.shift)?;
        let holds = holds != opposite;
        let Some((op, condition)) = self.combine else { return Some(holds) };
        let other = match condition {
            Condition::Pred { negate, .. } => (v[2] != 0) != negate,
            Condition::Constant(other) => other,
        };
        match op {
            BoolOp::And => Some(holds && other),
            BoolOp::Or => Some(holds || other),
            BoolOp::Xor => Some(holds != other),
            _ => None,
        }
    }
}
