//! Moves and conversions.

use super::{operand, register, require_type};
use crate::ir::{Op, Operand, RegClass, Rounding, Space, Type};
use crate::verify::error::Reason;

pub(super) fn movement(op: &Op, report: &mut impl FnMut(Reason)) {
    match op {
        Op::Mov { ty, dst, src } => {
            require_type(
                *ty,
                ty.bytes() != 1 && !matches!(ty, Type::F16 | Type::F16x2 | Type::Bf16 | Type::Bf16x2),
                report,
            );
            register("d", *dst, *ty, report);
            operand("a", *src, *ty, report);
        }
        Op::ReadSpecial { dst, src } => register("d", *dst, if src.is_wide() { Type::U64 } else { Type::U32 }, report),
        Op::SharedAddress { dst, .. } | Op::LocalAddress { dst, .. } => {
            register("d", *dst, if dst.class == RegClass::B64 { Type::U64 } else { Type::U32 }, report)
        }
        Op::SymbolAddress { dst, .. } => register("d", *dst, Type::U64, report),
        Op::Pack { ty, dst, srcs } => {
            register("d", *dst, *ty, report);
            if let Some(part) = part_type(*ty, srcs.len(), report) {
                srcs.iter().for_each(|src| operand("a", *src, part, report));
            }
        }
        Op::Unpack { ty, dsts, src } => {
            register("a", *src, *ty, report);
            if let Some(part) = part_type(*ty, dsts.len(), report) {
                dsts.iter().for_each(|dst| register("d", *dst, part, report));
            }
        }
        Op::Cvta { space, dst, src, .. } => {
            if matches!(space, Space::Generic | Space::Param) {
                report(Reason::Modifier { what: "cvta names global, shared, local or const memory" });
            }
            register("d", *dst, Type::U64, report);
            register("a", *src, Type::U64, report);
        }
        Op::Select { ty, dst, a, b, pred } => {
            require_type(
                *ty,
                ty.bytes() >= 2 && !matches!(ty, Type::F16 | Type::F16x2 | Type::Bf16 | Type::Bf16x2),
                report,
            );
            register("d", *dst, *ty, report);
            operand("a", *a, *ty, report);
            operand("b", *b, *ty, report);
            register("c", *pred, Type::Pred, report);
        }
        _ => {}
    }
}

/// The type of each part when a `ty` is cut into `parts`.
fn part_type(ty: Type, parts: usize, report: &mut impl FnMut(Reason)) -> Option<Type> {
    let part = match (ty, parts) {
        (Type::B32, 2) | (Type::B64, 4) => Some(Type::B16),
        (Type::B64, 2) => Some(Type::B32),
        _ => None,
    };
    if part.is_none() {
        report(Reason::Count { operand: "vector", found: parts, wanted: 2 });
    }
    part
}

pub(super) fn conversion(op: &Op, report: &mut impl FnMut(Reason)) {
    match op {
        Op::Cvt { to, from, rounding, ftz, sat, dst, src } => {
            let packed = |ty: &Type| matches!(ty, Type::F16x2 | Type::Bf16x2 | Type::Pred) || ty.is_bits();
            require_type(*to, !packed(to), report);
            require_type(*from, !packed(from), report);
            let byte = |ty: &Type| ty.bytes() == 1;
            require_type(Type::Bf16, !(byte(to) && *from == Type::Bf16 || byte(from) && *to == Type::Bf16), report);
            let integral = matches!(
                rounding,
                Some(Rounding::IntegerNearest | Rounding::IntegerZero | Rounding::IntegerDown | Rounding::IntegerUp)
            );
            let same_float = to == from && to.is_float();
            let widens = to.is_float() && from.is_float() && to.bytes() > from.bytes();
            let what = match (from.is_float(), to.is_float(), rounding.is_some()) {
                (true, false, _) if !integral => {
                    Some("float to integer wants an integer rounding: .rni, .rzi, .rmi or .rpi")
                }
                (false, true, false) => Some("integer to float wants a rounding: .rn, .rz, .rm or .rp"),
                (false, false, true) => Some("integer to integer takes no rounding"),
                (true, true, false) if !same_float && !widens => {
                    Some("a narrowing conversion of floats wants a rounding")
                }
                (true, true, true) if widens => Some("a widening conversion of floats is exact and takes no rounding"),
                (true, true, true) if same_float && !integral => {
                    Some("a conversion of a float to its own type rounds to an integer or not at all")
                }
                (_, true, true) if integral && !same_float => {
                    Some("an integer rounding belongs to conversions to integers")
                }
                _ => None,
            };
            if let Some(what) = what {
                report(Reason::Modifier { what });
            }
            if *ftz && *to != Type::F32 && *from != Type::F32 {
                report(Reason::Modifier { what: ".ftz belongs to conversions from or to f32" });
            }
            if *sat
                && (*to == Type::Bf16
                    || *from == Type::Bf16
                    || (!to.is_float() && !from.is_float() && contains(*to, *from)))
            {
                report(Reason::Modifier {
                    what: ".sat belongs to f16, f32, f64 and integers that do not hold every source",
                });
            }
            converted("d", (*dst).into(), *to, report);
            converted("a", *src, *from, report);
        }
        Op::CvtFp8Pair { dst, high, low, .. } => {
            register("d", *dst, Type::B16, report);
            operand("a", *high, Type::F32, report);
            operand("b", *low, Type::F32, report);
        }
        Op::CvtFp8 { widens, dst, src, .. } => {
            let (to, from) = if *widens { (Type::F16x2, Type::B16) } else { (Type::B16, Type::F16x2) };
            register("d", *dst, to, report);
            register("a", *src, from, report);
        }
        Op::CvtTf32 { dst, src } => {
            register("d", *dst, Type::B32, report);
            operand("a", *src, Type::F32, report);
        }
        Op::CvtPair { to, rounding, dst, high, low, .. } => {
            require_type(*to, matches!(to, Type::F16x2 | Type::Bf16x2), report);
            if !matches!(rounding, Rounding::Nearest | Rounding::Zero) {
                report(Reason::Modifier { what: "packing floats rounds with .rn or .rz" });
            }
            register("d", *dst, *to, report);
            operand("a", *high, Type::F32, report);
            operand("b", *low, Type::F32, report);
        }
        Op::CvtPackS8 { dst, a, b, c } => {
            register("d", *dst, Type::B32, report);
            operand("a", *a, Type::S32, report);
            operand("b", *b, Type::S32, report);
            operand("c", *c, Type::B32, report);
        }
        _ => {}
    }
}

/// An integer that is converted may live in a wider register.
fn converted(name: &'static str, value: Operand, ty: Type, report: &mut impl FnMut(Reason)) {
    let wider = value.reg().is_some_and(|reg| {
        let untyped = matches!(reg.class, RegClass::B16 | RegClass::B32 | RegClass::B64);
        ty.is_integer() && untyped && reg.class.declared().bytes() >= ty.bytes()
    });
    if !wider {
        operand(name, value, ty, report);
    }
}

/// Whether every integer of type `narrow` is one of type `wide`.
const fn contains(wide: Type, narrow: Type) -> bool {
    match (wide.is_signed(), narrow.is_signed()) {
        (true, true) | (false, false) => wide.bytes() >= narrow.bytes(),
        (true, false) => wide.bytes() > narrow.bytes(),
        (false, true) => false,
    }
}
