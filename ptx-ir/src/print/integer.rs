//! Instructions of integers that have forms of their own.

use std::fmt::{self, Formatter};

use super::inst::Flag;
use crate::ir::Op;

pub(super) fn integer(f: &mut Formatter<'_>, op: &Op) -> fmt::Result {
    match op {
        Op::CarrySum { subtracts, carry_in, carry_out, ty, dst, a, b } => {
            let (name, carry, cc) = (if *subtracts { "sub" } else { "add" }, Flag(*carry_in, "c"), cc(*carry_out));
            write!(f, "{name}{carry}{cc}.{ty} {dst}, {a}, {b}")
        }
        Op::CarryMad { part, carry_in, carry_out, ty, dst, a, b, c } => {
            let (carry, cc) = (Flag(*carry_in, "c"), cc(*carry_out));
            write!(f, "mad{carry}.{}{cc}.{ty} {dst}, {a}, {b}, {c}", part.name())
        }
        _ => Err(fmt::Error),
    }
}

const fn cc(carry_out: bool) -> Flag {
    Flag(carry_out, ".cc")
}
