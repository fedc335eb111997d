//! Types, register classes, literals, modifiers and counts of each instruction.

use super::error::Reason;
use crate::ir::{
    AtomicOp, BinaryOp, Cache, Immediate, Inst, MulPart, Op, Operand, Reg, RegClass, Rounding, Space, TernaryOp, Type,
    UnaryOp, VoteMode,
};

pub(super) fn check(inst: &Inst, report: &mut impl FnMut(Reason)) {
    if let Some(guard) = inst.guard {
        register("guard", guard.pred, Type::Pred, report);
    }
    match &inst.op {
        Op::Mov { .. }
        | Op::ReadSpecial { .. }
        | Op::SharedAddress { .. }
        | Op::Pack { .. }
        | Op::Unpack { .. }
        | Op::Cvta { .. }
        | Op::Select { .. } => {
            movement(&inst.op, report);
        }
        Op::Cvt { .. } | Op::CvtPair { .. } | Op::CvtPackS8 { .. } => conversion(&inst.op, report),
        Op::Unary { .. } | Op::Binary { .. } | Op::Ternary { .. } | Op::SetPredicate { .. } => {
            arithmetic(&inst.op, report)
        }
        Op::Mul { .. } | Op::Mad { .. } | Op::Lop3 { .. } | Op::BitFieldInsert { .. } => integers(&inst.op, report),
        Op::Load { .. }
        | Op::Store { .. }
        | Op::Atomic { .. }
        | Op::CpAsync { .. }
        | Op::CreatePolicy { .. }
        | Op::LdMatrix { .. } => {
            memory(&inst.op, report);
        }
        other => together(other, report),
    }
}

fn movement(op: &Op, report: &mut impl FnMut(Reason)) {
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
        Op::SharedAddress { dst, .. } => {
            register("d", *dst, if dst.class == RegClass::B64 { Type::U64 } else { Type::U32 }, report)
        }
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

fn conversion(op: &Op, report: &mut impl FnMut(Reason)) {
    match op {
        Op::Cvt { to, from, rounding, ftz, dst, src, .. } => {
            let packed = |ty: &Type| matches!(ty, Type::F16x2 | Type::Bf16x2 | Type::Pred) || ty.is_bits();
            require_type(*to, !packed(to), report);
            require_type(*from, !packed(from), report);
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
            register("d", *dst, *to, report);
            operand("a", *src, *from, report);
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

fn arithmetic(op: &Op, report: &mut impl FnMut(Reason)) {
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
            );
            let rounds = matches!(op, UnaryOp::Rcp | UnaryOp::Sqrt) && rounding.is_some_and(is_float_rounding);
            if function && !(*approx ^ rounds) {
                report(Reason::Modifier { what: "wants .approx, or for rcp and sqrt a rounding" });
            }
            if !function && (*approx || rounding.is_some()) {
                report(Reason::Modifier { what: "takes neither .approx nor a rounding" });
            }
            check_ftz(*ftz, *ty, report);
            let result = if matches!(op, UnaryOp::PopulationCount | UnaryOp::LeadingZeros) { Type::U32 } else { *ty };
            register("d", *dst, result, report);
            operand("a", *a, *ty, report);
        }
        Op::Binary { op, ty, rounding, ftz, sat, approx, full, nan, dst, a, b } => {
            require_type(*ty, binary_has(*op, *ty), report);
            binary_modifiers(*op, *ty, *rounding, [*approx, *full, *nan, *sat], report);
            check_ftz(*ftz, *ty, report);
            register("d", *dst, *ty, report);
            operand("a", *a, *ty, report);
            let amount = matches!(op, BinaryOp::Shl | BinaryOp::Shr);
            operand("b", *b, if amount { Type::U32 } else { *ty }, report);
        }
        Op::Ternary { op, ty, rounding, ftz, dst, a, b, c, .. } => {
            ternary(*op, *ty, *rounding, *ftz, (*dst, [*a, *b, *c]), report)
        }
        Op::SetPredicate { compare, ty, ftz, dst, a, b, combine } => {
            use crate::ir::Compare;
            let ordered =
                matches!(compare, Compare::Eq | Compare::Ne | Compare::Lt | Compare::Le | Compare::Gt | Compare::Ge);
            let bits = ty.is_bits() && matches!(compare, Compare::Eq | Compare::Ne);
            let known = *ty != Type::Pred && ty.bytes() > 1 && (bits || ty.is_float() || (ty.is_integer() && ordered));
            require_type(*ty, known && !matches!(ty, Type::F16x2 | Type::Bf16x2), report);
            check_ftz(*ftz, *ty, report);
            register("d", *dst, Type::Pred, report);
            operand("a", *a, *ty, report);
            operand("b", *b, *ty, report);
            if let Some((_, pred)) = combine {
                register("c", *pred, Type::Pred, report);
            }
        }
        _ => {}
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
        UnaryOp::Not => matches!(ty, Type::Pred | Type::B16 | Type::B32 | Type::B64),
        UnaryOp::PopulationCount | UnaryOp::LeadingZeros | UnaryOp::BitReverse => matches!(ty, Type::B32 | Type::B64),
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
        BinaryOp::Div => matches!(ty, Type::F32 | Type::F64) || (ty.is_integer() && ty.bytes() >= 2),
        BinaryOp::Rem => ty.is_integer() && ty.bytes() >= 2,
        BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => matches!(ty, Type::Pred | Type::B16 | Type::B32 | Type::B64),
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
    ftz: bool,
    (dst, [a, b, c]): (Reg, [Operand; 3]),
    report: &mut impl FnMut(Reason),
) {
    let (known, types) = match op {
        TernaryOp::Fma => (ty.is_float(), [ty; 3]),
        TernaryOp::BitFieldExtract => (ty.is_integer() && ty.bytes() >= 4, [ty, Type::U32, Type::U32]),
        TernaryOp::BytePermute | TernaryOp::FunnelLeft | TernaryOp::FunnelRight => (ty == Type::B32, [Type::B32; 3]),
        TernaryOp::Dp4aSigned => (ty == Type::S32, [Type::B32, Type::B32, ty]),
        TernaryOp::Dp4aUnsigned => (ty == Type::U32, [Type::B32, Type::B32, ty]),
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
    check_ftz(ftz, ty, report);
    register("d", dst, ty, report);
    for (name, (value, ty)) in ["a", "b", "c"].into_iter().zip([a, b, c].into_iter().zip(types)) {
        operand(name, value, ty, report);
    }
}

fn integers(op: &Op, report: &mut impl FnMut(Reason)) {
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

fn memory(op: &Op, report: &mut impl FnMut(Reason)) {
    match op {
        Op::Load { ty, dsts, cache, space, policy, .. } => {
            vector(*ty, dsts.len(), report);
            dsts.iter().for_each(|dst| memory_register("d", *dst, *ty, report));
            if *cache == Cache::NonCoherent && *space != Space::Global {
                report(Reason::Modifier { what: ".nc belongs to global memory" });
            }
            policy.iter().for_each(|policy| register("policy", *policy, Type::B64, report));
        }
        Op::Store { ty, srcs, policy, space, .. } => {
            vector(*ty, srcs.len(), report);
            if *space == Space::Param || *space == Space::Const {
                report(Reason::Modifier { what: "kernel parameters and constants cannot be stored to" });
            }
            for src in srcs {
                match src {
                    Operand::Reg(reg) => memory_register("b", *reg, *ty, report),
                    Operand::Imm(_) => operand("b", *src, *ty, report),
                }
            }
            policy.iter().for_each(|policy| register("policy", *policy, Type::B64, report));
        }
        Op::Atomic { op, ty, dst, a, b, .. } => {
            require_type(*ty, atomic_has(*op, *ty, dst.is_some()), report);
            dst.iter().for_each(|dst| register("d", *dst, *ty, report));
            operand("b", *a, *ty, report);
            b.iter().for_each(|b| operand("c", *b, *ty, report));
            if (*op == AtomicOp::CompareSwap) != b.is_some() {
                report(Reason::Count {
                    operand: "c",
                    found: usize::from(b.is_some()),
                    wanted: usize::from(b.is_none()),
                });
            }
        }
        Op::CpAsync { cache, bytes, source_bytes, policy, .. } => {
            let fits = match cache {
                Cache::Global => *bytes == 16,
                Cache::All => matches!(bytes, 4 | 8 | 16),
                _ => false,
            };
            if !fits {
                report(Reason::Modifier { what: "cp.async copies 16 bytes with .cg and 4, 8 or 16 with .ca" });
            }
            source_bytes.iter().for_each(|size| operand("src-size", *size, Type::U32, report));
            policy.iter().for_each(|policy| register("policy", *policy, Type::B64, report));
        }
        Op::CreatePolicy { dst, .. } => register("d", *dst, Type::B64, report),
        Op::LdMatrix { dsts, .. } => {
            if !matches!(dsts.len(), 1 | 2 | 4) {
                report(Reason::Count { operand: "d", found: dsts.len(), wanted: 4 });
            }
            dsts.iter().for_each(|dst| register("d", *dst, Type::B32, report));
        }
        _ => {}
    }
}

fn vector(ty: Type, elements: usize, report: &mut impl FnMut(Reason)) {
    // PTX has no ld.f16: 16-bit floats move as b16, pairs as b32.
    require_type(ty, ty != Type::Pred && !matches!(ty, Type::F16 | Type::F16x2 | Type::Bf16 | Type::Bf16x2), report);
    if !matches!(elements, 1 | 2 | 4) || elements * ty.bytes() as usize > 16 {
        report(Reason::Vector { elements, ty });
    }
}

/// A register that memory is moved into or from: it may be wider than an integer in memory.
fn memory_register(operand: &'static str, reg: Reg, ty: Type, report: &mut impl FnMut(Reason)) {
    let wider = !ty.is_float()
        && matches!(reg.class, RegClass::B16 | RegClass::B32 | RegClass::B64)
        && reg.class.declared().bytes() >= ty.bytes();
    if !wider {
        register(operand, reg, ty, report);
    }
}

fn atomic_has(op: AtomicOp, ty: Type, answers: bool) -> bool {
    let float = matches!(ty, Type::F32 | Type::F64 | Type::F16 | Type::F16x2 | Type::Bf16 | Type::Bf16x2);
    match op {
        AtomicOp::Add => float || matches!(ty, Type::U32 | Type::S32 | Type::U64),
        AtomicOp::Min | AtomicOp::Max => matches!(ty, Type::U32 | Type::S32 | Type::U64 | Type::S64),
        AtomicOp::And | AtomicOp::Or | AtomicOp::Xor => matches!(ty, Type::B32 | Type::B64),
        AtomicOp::Exchange => answers && matches!(ty, Type::B32 | Type::B64),
        AtomicOp::CompareSwap => answers && matches!(ty, Type::B16 | Type::B32 | Type::B64),
        AtomicOp::Increment | AtomicOp::Decrement => ty == Type::U32,
    }
}

fn together(op: &Op, report: &mut impl FnMut(Reason)) {
    match op {
        Op::Shuffle { dst, pred, src, lane, clamp, mask, .. } => {
            register("d", *dst, Type::B32, report);
            pred.iter().for_each(|pred| register("p", *pred, Type::Pred, report));
            operand("a", *src, Type::B32, report);
            for (name, value) in [("b", lane), ("c", clamp), ("membermask", mask)] {
                operand(name, *value, Type::U32, report);
            }
        }
        Op::Vote { mode, dst, src, mask, .. } => {
            register("d", *dst, if *mode == VoteMode::Ballot { Type::B32 } else { Type::Pred }, report);
            register("a", *src, Type::Pred, report);
            operand("membermask", *mask, Type::U32, report);
        }
        Op::MatchAny { ty, dst, src, mask } => {
            require_type(*ty, matches!(ty, Type::B32 | Type::B64), report);
            register("d", *dst, Type::B32, report);
            operand("a", *src, *ty, report);
            operand("membermask", *mask, Type::U32, report);
        }
        Op::Redux { op, ty, dst, src, mask } => {
            let logic = matches!(op, AtomicOp::And | AtomicOp::Or | AtomicOp::Xor) && *ty == Type::B32;
            let number =
                matches!(op, AtomicOp::Add | AtomicOp::Min | AtomicOp::Max) && matches!(ty, Type::U32 | Type::S32);
            require_type(*ty, logic || number, report);
            register("d", *dst, *ty, report);
            operand("a", *src, *ty, report);
            operand("membermask", *mask, Type::U32, report);
        }
        Op::ActiveMask { dst } => register("d", *dst, Type::B32, report),
        Op::WarpSync { mask } => operand("membermask", *mask, Type::U32, report),
        Op::Mma { shape, satfinite, dsts, a, b, c } => {
            if *satfinite && shape.accumulator() != Type::S32 {
                report(Reason::Modifier { what: ".satfinite belongs to integer products" });
            }
            let accumulators = shape.accumulator_registers();
            for (name, registers, wanted, class) in [
                ("d", dsts, accumulators, shape.accumulator_class()),
                ("a", a, shape.a_registers(), RegClass::B32),
                ("b", b, shape.b_registers(), RegClass::B32),
                ("c", c, accumulators, shape.accumulator_class()),
            ] {
                if registers.len() != wanted {
                    report(Reason::Count { operand: name, found: registers.len(), wanted });
                }
                for reg in registers.iter().filter(|reg| reg.class != class) {
                    report(Reason::class(name, *reg, class.declared()));
                }
            }
        }
        Op::BarrierSync { id, threads, .. } => barrier(*id, *threads, report),
        Op::BarrierArrive { id, threads, .. } => barrier(*id, Some(*threads), report),
        Op::Nanosleep { duration } => operand("a", *duration, Type::U32, report),
        _ => {}
    }
}

fn barrier(id: Operand, threads: Option<Operand>, report: &mut impl FnMut(Reason)) {
    operand("a", id, Type::U32, report);
    if matches!(id, Operand::Imm(Immediate::Int(id)) if !(0..16).contains(&id)) {
        report(Reason::Modifier { what: "barriers are numbered 0 to 15" });
    }
    threads.iter().for_each(|threads| operand("b", *threads, Type::U32, report));
    if matches!(threads, Some(Operand::Imm(Immediate::Int(count))) if count <= 0 || count % 32 != 0) {
        report(Reason::Modifier { what: "a barrier counts whole warps" });
    }
}

fn register(operand: &'static str, reg: Reg, ty: Type, report: &mut impl FnMut(Reason)) {
    if !ty.accepts(reg.class) {
        report(Reason::class(operand, reg, ty));
    }
}

fn operand(name: &'static str, value: Operand, ty: Type, report: &mut impl FnMut(Reason)) {
    let fits = match value {
        Operand::Reg(reg) => return register(name, reg, ty, report),
        Operand::Imm(Immediate::Int(_)) => ty.is_integer() || ty.is_bits(),
        Operand::Imm(Immediate::F32(_)) => matches!(ty, Type::F32 | Type::B32),
        Operand::Imm(Immediate::F64(_)) => matches!(ty, Type::F64 | Type::B64),
    };
    if !fits {
        report(Reason::Literal { operand: name, ty });
    }
}

fn require_type(ty: Type, known: bool, report: &mut impl FnMut(Reason)) {
    if !known {
        report(Reason::NoSuchType { ty });
    }
}

fn check_ftz(ftz: bool, ty: Type, report: &mut impl FnMut(Reason)) {
    if ftz && !matches!(ty, Type::F32 | Type::F16 | Type::F16x2) {
        report(Reason::Modifier { what: ".ftz belongs to f32 and f16" });
    }
}

const fn is_float_rounding(rounding: Rounding) -> bool {
    matches!(rounding, Rounding::Nearest | Rounding::Zero | Rounding::Down | Rounding::Up)
}
