//! Instructions of integers that have forms of their own.

use super::{operand, register, require_type};
use crate::ir::{BinaryOp, Compare, MulPart, Op, Operand, PackedInteger, Reg, Selected, Type, VideoAction, VideoOp};
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
            all(*dst, [*a, *b, *c], [*ty; 4], report);
        }
        Op::CvtPack { to, dst, a, b, c } => {
            if *to == PackedInteger::S8 || c.is_some() != (to.bits() < 16) {
                report(Reason::Modifier {
                    what: "cvt.pack to 16 bits has two operands, to fewer three; that to s8 is CvtPackS8",
                });
            }
            register("d", *dst, Type::U32, report);
            operand("a", *a, Type::S32, report);
            operand("b", *b, Type::S32, report);
            c.iter().for_each(|c| operand("c", *c, Type::B32, report));
        }
        Op::VideoParts { parts, types, sat, sums, dst, a, b, c, .. } => {
            for ty in types {
                require_type(*ty, matches!(ty, Type::U32 | Type::S32), report);
            }
            if !matches!(parts, 2 | 4) || (*sat && *sums) {
                report(Reason::Modifier { what: "two or four parts, and not both .sat and .add" });
            }
            for (name, reg) in [("d", dst), ("a", a), ("b", b), ("c", c)] {
                register(name, *reg, Type::U32, report);
            }
        }
        Op::Video { action, types, sat, second, dst, part, a, b, c } => {
            for ty in types {
                require_type(*ty, matches!(ty, Type::U32 | Type::S32), report);
            }
            if let Some(what) = video_form(*action, types[0], *sat, (second.is_some(), part.is_some(), c.is_some())) {
                report(Reason::Modifier { what });
            }
            register("d", *dst, Type::U32, report);
            for (name, Selected { operand: value, part }) in [("a", a), ("b", b)] {
                operand(name, *value, Type::U32, report);
                if part.is_some() && value.reg().is_none() {
                    report(Reason::Modifier { what: "literals have no parts" });
                }
            }
            c.iter().for_each(|c| operand("c", *c, Type::U32, report));
        }
        Op::Pair { op, signed, relu, dst, a, b } => {
            let extremum = matches!(op, BinaryOp::Min | BinaryOp::Max);
            if !(extremum || *op == BinaryOp::Add) || (*relu && !(extremum && *signed)) {
                report(Reason::Modifier { what: "add, min and max of pairs; .relu belongs to min and max of s16x2" });
            }
            for (name, reg) in [("d", dst), ("a", a), ("b", b)] {
                register(name, *reg, Type::U32, report);
            }
        }
        Op::Rectified { op, dst, a, b } => {
            if !matches!(op, BinaryOp::Min | BinaryOp::Max) {
                report(Reason::Modifier { what: ".relu belongs to min and max of s32" });
            }
            register("d", *dst, Type::S32, report);
            operand("a", *a, Type::S32, report);
            operand("b", *b, Type::S32, report);
        }
        Op::Mul24 { part, ty, dst, a, b } => {
            short_product(*part, *ty, report);
            register("d", *dst, *ty, report);
            operand("a", *a, *ty, report);
            operand("b", *b, *ty, report);
        }
        Op::Mad24 { part, sat, ty, dst, a, b, c } => {
            short_product(*part, *ty, report);
            if *sat && (*part != MulPart::Hi || *ty != Type::S32) {
                report(Reason::Modifier { what: ".sat belongs to mad24.hi.s32" });
            }
            all(*dst, [*a, *b, *c], [*ty; 4], report);
        }
        Op::Dp2a { a_type, b_type, dst, a, b, c, .. } => {
            for ty in [*a_type, *b_type] {
                require_type(ty, matches!(ty, Type::U32 | Type::S32), report);
            }
            let sum = if *a_type == *b_type { *a_type } else { Type::S32 };
            all(*dst, [*a, *b, *c], [sum, *a_type, *b_type, sum], report);
        }
        Op::Permute { dst, a, b, c, .. } => all(*dst, [*a, *b, *c], [Type::B32; 4], report),
        Op::SelectBySign { ty, sign_type, ftz, dst, a, b, c } => {
            let half = matches!(ty, Type::F16 | Type::F16x2 | Type::Bf16 | Type::Bf16x2);
            require_type(*ty, ty.bytes() >= 2 && !half, report);
            require_type(*sign_type, matches!(sign_type, Type::S32 | Type::F32), report);
            if *ftz && *sign_type != Type::F32 {
                report(Reason::Modifier { what: ".ftz belongs to slct by an f32" });
            }
            all(*dst, [*a, *b, *c], [*ty, *ty, *ty, *sign_type], report);
        }
        _ => {}
    }
}

/// What is wrong with a video instruction's modifiers, if something is: whether there are a second operation, a part that is written, and a third operand.
fn video_form(
    action: VideoAction,
    of_dst: Type,
    sat: bool,
    (has_second, has_part, has_third): (bool, bool, bool),
) -> Option<&'static str> {
    let wrong = match action {
        VideoAction::Op(op) => op == VideoOp::Average,
        VideoAction::Set(compare) => {
            let ordered =
                matches!(compare, Compare::Eq | Compare::Ne | Compare::Lt | Compare::Le | Compare::Gt | Compare::Ge);
            !ordered || of_dst != Type::U32 || sat
        }
    };
    if wrong {
        Some("vavrg has several parts; vset compares integers, and takes no .sat")
    } else if has_second && has_part {
        Some("a second operation, or a part that is written, not both")
    } else if has_third != (has_second || has_part) {
        Some("the third operand belongs to a second operation or to a part that is written")
    } else {
        None
    }
}

/// Result and three operands, each of its type.
fn all(dst: Reg, operands: [Operand; 3], [of_dst, types @ ..]: [Type; 4], report: &mut impl FnMut(Reason)) {
    register("d", dst, of_dst, report);
    for ((name, value), ty) in ["a", "b", "c"].into_iter().zip(operands).zip(types) {
        operand(name, value, ty, report);
    }
}

fn short_product(part: MulPart, ty: Type, report: &mut impl FnMut(Reason)) {
    require_type(ty, matches!(ty, Type::U32 | Type::S32), report);
    if part == MulPart::Wide {
        report(Reason::Modifier { what: "products of 24 bits are .lo or .hi" });
    }
}

fn carry(uses: [bool; 2], ty: Type, report: &mut impl FnMut(Reason)) {
    require_type(ty, ty.is_integer() && ty.bytes() >= 4, report);
    if uses == [false; 2] {
        report(Reason::Modifier { what: "reads the carry flag, writes it, or both" });
    }
}
