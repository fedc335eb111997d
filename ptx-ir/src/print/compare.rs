//! Comparisons.

use std::fmt::{self, Formatter};

use super::inst::{Dot, Flag, Tail};
use crate::ir::{BoolOp, Op};

pub(super) fn compare(f: &mut Formatter<'_>, op: &Op) -> fmt::Result {
    match op {
        Op::SetPredicate { compare, ty, ftz, dst, a, b, combine } => {
            let (op, pred) = parts(*combine);
            write!(f, "setp.{}{op}{}.{ty} {dst}, {a}, {b}{pred}", compare.name(), Flag(*ftz, ".ftz"))
        }
        Op::SetPredicates { compare, ty, ftz, dst, other, a, b, combine } => {
            let (op, condition) = parts(*combine);
            write!(f, "setp.{}{op}{}.{ty} {dst}", compare.name(), Flag(*ftz, ".ftz"))?;
            other.map_or(Ok(()), |other| write!(f, "|{other}"))?;
            write!(f, ", {a}, {b}{condition}")
        }
        Op::Set { compare, to, ty, ftz, dst, a, b, combine } => {
            let (op, condition) = parts(*combine);
            write!(f, "set.{}{op}{}.{to}.{ty} {dst}, {a}, {b}{condition}", compare.name(), Flag(*ftz, ".ftz"))
        }
        _ => Err(fmt::Error),
    }
}

/// What a comparison combines with: the modifier, and the operand.
fn parts<T>(combine: Option<(BoolOp, T)>) -> (Dot, Tail<T>) {
    combine.map_or((Dot(""), Tail(None)), |(op, condition)| (Dot(op.name()), Tail(Some(condition))))
}
