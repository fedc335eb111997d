//! Arithmetic, logic and comparisons.

use super::{check_ftz, is_float_rounding, operand, register, require_type};
use crate::ir::{BinaryOp, Immediate, MulPart, Op, Operand, Reg, Rounding, TernaryOp, Type, UnaryOp};
use crate::verify::error::Reason;

pub(super) fn arithmetic(op: &Op, report: &mut impl FnMut(Reason)) {
    match op {
        Op::Unary { op, ty, rounding, approx, ftz, dst, a } => {
            require_type(*ty, unary_has(*op, *ty), report);
            let function = !matches!(
                op,
                UnaryOp::Neg
                    | UnaryOp::Abs
                    | UnaryOp::Not
                    | UnaryOp::PopulationCount
                    | UnaryOp::LeadingZeros
                    | UnaryOp::BitReverse
                    | UnaryOp::FindLeading
                    | UnaryOp::FindLeadingShift
                    | UnaryOp::LogicalNot
            );
            let rounds = matches!(op, UnaryOp::Rcp | UnaryOp::Sqrt) && rounding.is_some_and(is_float_rounding);
            if function && (*approx == rounds || (*approx && rounding.is_some())) {
                report(Reason::Modifier { what: "wants .approx, or for rcp and sqrt a rounding" });
            }
            if !function && (*approx || rounding.is_some()) {
                report(Reason::Modifier { what: "takes neither .approx nor a rounding" });
            }
            let double = *ty == Type::F64 && *approx;
            if double && (*op == UnaryOp::Sqrt || (*op == UnaryOp::Rcp && !*ftz)) {
                report(Reason::Modifier { what: "rcp and sqrt of f64 want a rounding, or rcp .approx.ftz" });
            }
            if !double {
                unary_ftz(*op, *ty, *ftz, report);
            }
            let counts = matches!(
                op,
                UnaryOp::PopulationCount | UnaryOp::LeadingZeros | UnaryOp::FindLeading | UnaryOp::FindLeadingShift
            );
            let result = if counts { Type::U32 } else { *ty };
            register("d", *dst, result, report);
            operand("a", *a, *ty, report);
        }
        Op::Binary { op, ty, rounding, ftz, sat, approx, full, nan, dst, a, b } => {
            require_type(*ty, binary_has(*op, *ty), report);
            binary_modifiers(*op, *ty, *rounding, [*approx, *full, *nan, *sat], report);
            check_ftz(*ftz && *op != BinaryOp::CopySign, *ty, report);
            if *ftz && *op == BinaryOp::CopySign {
                report(Reason::Modifier { what: "copysign takes no .ftz" });
            }
            // ptxas takes no floats for a mask's place.
            let masks = matches!(op, BinaryOp::BitMaskClamp | BinaryOp::BitMaskWrap);
            let ty = if masks { Type::U32 } else { *ty };
            register("d", *dst, ty, report);
            operand("a", *a, ty, report);
            let amount = matches!(op, BinaryOp::Shl | BinaryOp::Shr | BinaryOp::ExtendClamp | BinaryOp::ExtendWrap);
            operand("b", *b, if amount { Type::U32 } else { ty }, report);
        }
        Op::Ternary { op, ty, rounding, ftz, sat, relu, dst, a, b, c } => {
            ternary(*op, *ty, *rounding, (*dst, [*a, *b, *c]), report);
            ternary_modifiers(*op, *ty, [*ftz, *sat, *relu], report);
        }
        Op::TestProperty { ty, dst, a, .. } => {
            require_type(*ty, matches!(ty, Type::F32 | Type::F64), report);
            register("p", *dst, Type::Pred, report);
            operand("a", *a, *ty, report);
        }
        Op::IsSpace { space, dst, src } => {
            if matches!(space, crate::ir::Space::Generic) {
                report(Reason::Modifier { what: "isspacep names a memory" });
            }
            register("p", *dst, Type::Pred, report);
            register("a", *src, Type::U64, report);
        }
        _ => {}
    }
}

fn unary_ftz(op: UnaryOp, ty: Type, ftz: bool, report: &mut impl FnMut(Reason)) {
    if op == UnaryOp::Ex2 && matches!(ty, Type::Bf16 | Type::Bf16x2) {
        if !ftz {
            report(Reason::Modifier { what: "ex2 of bf16 wants .ftz" });
        }
    } else if ftz && (op == UnaryOp::Tanh || (op == UnaryOp::Ex2 && ty != Type::F32)) {
        report(Reason::Modifier { what: "tanh and ex2 of f16 take no .ftz" });
    } else {
        check_ftz(ftz, ty, report);
    }
}

const fn unary_has(op: UnaryOp, ty: Type) -> bool {
    match op {
        UnaryOp::Neg | UnaryOp::Abs => {
            matches!(
                ty,
                Type::S16
                    | Type::S32
                    | Type::S64
                    | Type::F16
                    | Type::F16x2
                    | Type::Bf16
                    | Type::Bf16x2
                    | Type::F32
                    | Type::F64
            )
        }
        UnaryOp::LogicalNot => matches!(ty, Type::B16 | Type::B32 | Type::B64),
        UnaryOp::Not => matches!(ty, Type::Pred | Type::B16 | Type::B32 | Type::B64),
        UnaryOp::PopulationCount | UnaryOp::LeadingZeros | UnaryOp::BitReverse => matches!(ty, Type::B32 | Type::B64),
        UnaryOp::FindLeading | UnaryOp::FindLeadingShift => ty.is_integer() && ty.bytes() >= 4,
        UnaryOp::Ex2 | UnaryOp::Tanh => matches!(ty, Type::F16 | Type::F16x2 | Type::Bf16 | Type::Bf16x2 | Type::F32),
        UnaryOp::Rcp | UnaryOp::Sqrt | UnaryOp::Rsqrt => matches!(ty, Type::F32 | Type::F64),
        UnaryOp::Lg2 | UnaryOp::Sin | UnaryOp::Cos => matches!(ty, Type::F32),
    }
}

const fn binary_has(op: BinaryOp, ty: Type) -> bool {
    let number = ty.is_float() || (ty.is_integer() && ty.bytes() >= 2);
    match op {
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Min | BinaryOp::Max => number,
        BinaryOp::Mul => ty.is_float(),
        BinaryOp::CopySign => matches!(ty, Type::F32 | Type::F64),
        BinaryOp::Div => matches!(ty, Type::F32 | Type::F64) || (ty.is_integer() && ty.bytes() >= 2),
        BinaryOp::Rem => ty.is_integer() && ty.bytes() >= 2,
        BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => matches!(ty, Type::Pred | Type::B16 | Type::B32 | Type::B64),
        BinaryOp::BitMaskClamp | BinaryOp::BitMaskWrap => matches!(ty, Type::B32),
        BinaryOp::ExtendClamp | BinaryOp::ExtendWrap => matches!(ty, Type::U32 | Type::S32),
        BinaryOp::Shl => matches!(ty, Type::B16 | Type::B32 | Type::B64),
        BinaryOp::Shr => (ty.is_bits() || ty.is_integer()) && ty.bytes() >= 2,
    }
}

fn binary_modifiers(
    op: BinaryOp,
    ty: Type,
    rounding: Option<Rounding>,
    [approx, full, nan, sat]: [bool; 4],
    report: &mut impl FnMut(Reason),
) {
    let float = ty.is_float();
    let rounds = matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div) && float;
    let half = matches!(ty, Type::F16 | Type::F16x2 | Type::Bf16 | Type::Bf16x2);
    let what = if rounding
        .is_some_and(|rounding| !rounds || !is_float_rounding(rounding) || (half && rounding != Rounding::Nearest))
    {
        Some("this rounding does not belong to the instruction")
    } else if (approx || full) && !(op == BinaryOp::Div && ty == Type::F32) {
        Some(".approx and .full belong to div.f32")
    } else if op == BinaryOp::Div && float && u8::from(approx) + u8::from(full) + u8::from(rounding.is_some()) != 1 {
        Some("div of floats wants exactly one of .approx, .full and a rounding")
    } else if nan
        && !(matches!(op, BinaryOp::Min | BinaryOp::Max)
            && matches!(ty, Type::F16 | Type::F16x2 | Type::Bf16 | Type::Bf16x2 | Type::F32))
    {
        Some(".NaN belongs to min and max of floats")
    } else if sat
        && !(matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul)
            && matches!(ty, Type::F16 | Type::F16x2 | Type::F32)
            || matches!(op, BinaryOp::Add | BinaryOp::Sub) && ty == Type::S32)
    {
        Some(".sat belongs to sums and products of f16 and f32 and to sums of s32")
    } else {
        None
    };
    if let Some(what) = what {
        report(Reason::Modifier { what });
    }
}

fn ternary(
    op: TernaryOp,
    ty: Type,
    rounding: Option<Rounding>,
    (dst, [a, b, c]): (Reg, [Operand; 3]),
    report: &mut impl FnMut(Reason),
) {
    let (known, types) = match op {
        TernaryOp::Fma => (ty.is_float(), [ty; 3]),
        TernaryOp::BitFieldExtract => (ty.is_integer() && ty.bytes() >= 4, [ty, Type::U32, Type::U32]),
        TernaryOp::FindNthSet => (ty == Type::B32, [Type::B32; 3]),
        TernaryOp::BytePermute => (ty == Type::B32, [Type::B32; 3]),
        TernaryOp::FunnelLeft | TernaryOp::FunnelRight => (ty == Type::B32, [Type::B32, Type::B32, Type::U32]),
        TernaryOp::FunnelLeftClamp | TernaryOp::FunnelRightClamp => {
            (ty == Type::B32, [Type::B32, Type::B32, Type::U32])
        }
        TernaryOp::AbsoluteDifference => (ty.is_integer() && ty.bytes() >= 2, [ty; 3]),
        TernaryOp::Dp4aSignedUnsigned => (ty == Type::S32, [Type::S32, Type::U32, Type::S32]),
        TernaryOp::Dp4aUnsignedSigned => (ty == Type::S32, [Type::U32, Type::S32, Type::S32]),
        TernaryOp::Dp4aSigned => (ty == Type::S32, [ty; 3]),
        TernaryOp::Dp4aUnsigned => (ty == Type::U32, [ty; 3]),
    };
    require_type(ty, known, report);
    let half = matches!(ty, Type::F16 | Type::F16x2 | Type::Bf16 | Type::Bf16x2);
    let fits = match (op, rounding) {
        (TernaryOp::Fma, Some(rounding)) => is_float_rounding(rounding) && (!half || rounding == Rounding::Nearest),
        (TernaryOp::Fma, None) | (_, Some(_)) => false,
        (_, None) => true,
    };
    if !fits {
        report(Reason::Modifier { what: "fma wants a rounding (.rn for 16-bit types), the others take none" });
    }
    register("d", dst, ty, report);
    for (name, (value, ty)) in ["a", "b", "c"].into_iter().zip([a, b, c].into_iter().zip(types)) {
        operand(name, value, ty, report);
    }
    if op == TernaryOp::BitFieldExtract {
        bit_positions([b, c], report);
    }
}

fn ternary_modifiers(op: TernaryOp, ty: Type, [ftz, sat, relu]: [bool; 3], report: &mut impl FnMut(Reason)) {
    check_ftz(ftz, ty, report);
    let what = match op {
        TernaryOp::Fma if sat && (relu || !matches!(ty, Type::F16 | Type::F16x2 | Type::F32)) => {
            Some(".sat belongs to fma of f16 and f32, without .relu")
        }
        TernaryOp::Fma if relu && !matches!(ty, Type::F16 | Type::F16x2 | Type::Bf16 | Type::Bf16x2) => {
            Some(".relu belongs to fma of 16-bit floats")
        }
        TernaryOp::Fma => None,
        _ if ftz || sat || relu => Some(".ftz, .sat and .relu belong to fma"),
        _ => None,
    };
    if let Some(what) = what {
        report(Reason::Modifier { what });
    }
}

/// Literal positions and lengths of bit fields.
fn bit_positions(values: [Operand; 2], report: &mut impl FnMut(Reason)) {
    for value in values {
        if matches!(value, Operand::Imm(Immediate::Int(value)) if !(0..256).contains(&value)) {
            report(Reason::Modifier { what: "bit positions and lengths are 0 to 255" });
        }
    }
}

pub(super) fn integers(op: &Op, report: &mut impl FnMut(Reason)) {
    match op {
        Op::Mul { part, ty, dst, a, b } => {
            let wide = product_type(*part, *ty, report);
            register("d", *dst, wide, report);
            operand("a", *a, *ty, report);
            operand("b", *b, *ty, report);
        }
        Op::Mad { part, ty, dst, a, b, c } => {
            let wide = product_type(*part, *ty, report);
            register("d", *dst, wide, report);
            operand("a", *a, *ty, report);
            operand("b", *b, *ty, report);
            operand("c", *c, wide, report);
        }
        Op::Lop3 { dst, a, b, c, .. } => {
            register("d", *dst, Type::B32, report);
            for (name, value) in [("a", a), ("b", b), ("c", c)] {
                operand(name, *value, Type::B32, report);
            }
        }
        Op::BitFieldInsert { ty, dst, a, b, start, length } => {
            require_type(*ty, matches!(ty, Type::B32 | Type::B64), report);
            register("d", *dst, *ty, report);
            operand("a", *a, *ty, report);
            operand("b", *b, *ty, report);
            operand("c", *start, Type::U32, report);
            operand("d", *length, Type::U32, report);
            bit_positions([*start, *length], report);
        }
        _ => {}
    }
}

fn product_type(part: MulPart, ty: Type, report: &mut impl FnMut(Reason)) -> Type {
    require_type(ty, ty.is_integer() && ty.bytes() >= 2, report);
    match (part, ty) {
        (MulPart::Wide, Type::U16) => Type::U32,
        (MulPart::Wide, Type::S16) => Type::S32,
        (MulPart::Wide, Type::U32) => Type::U64,
        (MulPart::Wide, Type::S32) => Type::S64,
        (MulPart::Wide, _) => {
            report(Reason::Modifier { what: ".wide products are of 16 or 32 bits" });
            ty
        }
        _ => ty,
    }
}
