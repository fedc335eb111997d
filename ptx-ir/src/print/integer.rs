//! Instructions of integers that have forms of their own.

use std::fmt::{self, Formatter};

use super::inst::{Dot, Flag, Tail};
use crate::ir::{Op, VideoAction, VideoPart, VideoSecond};

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
        Op::CvtPack { to, dst, a, b, c } => {
            let rest = Flag(c.is_some(), ".b32");
            write!(f, "cvt.pack.sat.{}.s32{rest} {dst}, {a}, {b}{}", to.name(), Tail(*c))
        }
        Op::VideoParts { op, parts, types: [of_dst, of_a, of_b], sat, sums, dst, a, b, c } => {
            let (name, sat, sums) = (op.name(), Flag(*sat, ".sat"), Flag(*sums, ".add"));
            write!(f, "{name}{parts}.{of_dst}.{of_a}.{of_b}{sat}{sums} {dst}, {a}, {b}, {c}")
        }
        Op::Video { action, types: [of_dst, of_a, of_b], sat, second, dst, part, a, b, c } => {
            match action {
                VideoAction::Op(op) => write!(f, "{}.{of_dst}.{of_a}.{of_b}", op.name())?,
                VideoAction::Set(compare) => write!(f, "vset.{of_a}.{of_b}.{}", compare.name())?,
            }
            write!(f, "{}{}", Flag(*sat, ".sat"), Dot(second.map_or("", VideoSecond::name)))?;
            let [of_dst, of_a, of_b] = [*part, a.part, b.part].map(|part| Dot(part.map_or("", VideoPart::name)));
            write!(f, " {dst}{of_dst}, {}{of_a}, {}{of_b}{}", a.operand, b.operand, Tail(*c))
        }
        Op::Pair { op, signed, relu, dst, a, b } => {
            let (relu, sign) = (Flag(*relu, ".relu"), if *signed { 's' } else { 'u' });
            write!(f, "{}{relu}.{sign}16x2 {dst}, {a}, {b}", op.name())
        }
        Op::Rectified { op, dst, a, b } => write!(f, "{}.relu.s32 {dst}, {a}, {b}", op.name()),
        Op::Mul24 { part, ty, dst, a, b } => write!(f, "mul24.{}.{ty} {dst}, {a}, {b}", part.name()),
        Op::Mad24 { part, sat, ty, dst, a, b, c } => {
            write!(f, "mad24.{}{}.{ty} {dst}, {a}, {b}, {c}", part.name(), Flag(*sat, ".sat"))
        }
        Op::Dp2a { high, a_type, b_type, dst, a, b, c } => {
            write!(f, "dp2a.{}.{a_type}.{b_type} {dst}, {a}, {b}, {c}", if *high { "hi" } else { "lo" })
        }
        Op::Permute { mode, dst, a, b, c } => write!(f, "prmt.b32.{} {dst}, {a}, {b}, {c}", mode.name()),
        Op::SelectBySign { ty, sign_type, ftz, dst, a, b, c } => {
            write!(f, "slct{}.{ty}.{sign_type} {dst}, {a}, {b}, {c}", Flag(*ftz, ".ftz"))
        }
        _ => Err(fmt::Error),
    }
}

const fn cc(carry_out: bool) -> Flag {
    Flag(carry_out, ".cc")
}
