//! Instructions that have a function for 32 lanes.

use tilewright_ptx_ir::ir::{BinaryOp, BoolOp, MulPart, Op, Operand, Reg, Rounding, Type, UnaryOp};

use super::code::Code;
use super::generic::Whole;
use super::operand::{Destination, Slots, Source};
use super::translate::{binary_form, ternary_form};
use super::{Context, lanes};

pub(super) fn fast(op: &Op, context: &mut Context<'_>) -> Option<Code> {
    let slots = &mut context.slots;
    match *op {
        // Answers that a seed may move are looked at one by one where there is one.
        Op::Unary { op, ty, rounding, approx: false, ftz, dst, a } => {
            let f = lanes::unary(op, ty, rounding, false, ftz)?;
            Some(Code::Unary { f, dst: slots.narrow_slot(dst)?, a: slots.narrow(a, ty)? })
        }
        Op::Cvt { to, from, rounding, ftz, sat, dst, src } => {
            if to == Type::U64 && from == Type::U32 && !sat {
                return Some(Code::Move { dst: slots.destination(dst), src: Source::Narrow(slots.narrow(src, from)?) });
            }
            let f = lanes::cvt(to, from, rounding, ftz, sat)?;
            let src = slots.narrow(src, from)?;
            match slots.destination(dst) {
                Destination::Narrow(slot, bits) if bits == u32::MAX || to.bytes() == 2 => {
                    Some(Code::Unary { f, dst: slot, a: src })
                }
                _ => None,
            }
        }
        Op::CvtPair { to, rounding, relu, dst, high, low } => {
            let f = lanes::cvt_pair(to, rounding, relu)?;
            let (a, b) = (slots.narrow(high, Type::F32)?, slots.narrow(low, Type::F32)?);
            Some(Code::Binary { f, dst: slots.narrow_slot(dst)?, a, b })
        }
        Op::Binary { op: operation, ty: Type::Pred, dst, a, b, .. } => {
            let op = match operation {
                BinaryOp::And => BoolOp::And,
                BinaryOp::Or => BoolOp::Or,
                BinaryOp::Xor => BoolOp::Xor,
                _ => return None,
            };
            match (slots.source(a, Type::Pred)?, slots.source(b, Type::Pred)?) {
                (Source::Pred(a), Source::Pred(b)) => Some(Code::Logic { op, dst: slots.pred(dst), a, b }),
                _ => None,
            }
        }
        Op::Binary { op: operation, ty, dst, a, b, .. } => {
            let form = binary_form(op)?;
            // Shift amounts are 32 bits wide whatever the type.
            if let Some(f) = lanes::binary(operation, ty, form) {
                let (a, b) = (slots.narrow(a, ty)?, slots.narrow(b, ty)?);
                return Some(Code::Binary { f, dst: slots.narrow_slot(dst)?, a, b });
            }
            let f = lanes::wide_binary(operation, ty, form)?;
            let (a, b) = (slots.wide(a, ty)?, slots.wide(b, ty)?);
            Some(Code::WideBinary { f, dst: wide_slot(slots.destination(dst))?, a, b })
        }
        Op::Ternary { op: operation, ty, dst, a, b, c, .. } => {
            let f = lanes::ternary(operation, ty, ternary_form(op)?)?;
            let (a, b, c) = (slots.narrow(a, ty)?, slots.narrow(b, ty)?, slots.narrow(c, ty)?);
            Some(Code::Ternary { f, dst: slots.narrow_slot(dst)?, a, b, c })
        }
        Op::Mul { part: MulPart::Wide, ty: Type::U32, dst, a, b } => {
            let (a, b) = (slots.narrow(a, Type::U32)?, slots.narrow(b, Type::U32)?);
            Some(Code::MultiplyWide { dst: wide_slot(slots.destination(dst))?, a, b, c: None })
        }
        Op::Mad { part: MulPart::Wide, ty: Type::U32, dst, a, b, c } => {
            let (a, b) = (slots.narrow(a, Type::U32)?, slots.narrow(b, Type::U32)?);
            let c = Some(slots.wide(c, Type::U64)?);
            Some(Code::MultiplyWide { dst: wide_slot(slots.destination(dst))?, a, b, c })
        }
        Op::Mul { part, ty: ty @ (Type::U64 | Type::S64), dst, a, b } => {
            let f = lanes::wide_multiply(part, ty)?;
            let (a, b) = (slots.wide(a, ty)?, slots.wide(b, ty)?);
            Some(Code::WideBinary { f, dst: wide_slot(slots.destination(dst))?, a, b })
        }
        Op::Mad { part, ty: ty @ (Type::U64 | Type::S64), dst, a, b, c } => {
            let f = lanes::wide_multiply_add(part, ty)?;
            let (a, b, c) = (slots.wide(a, ty)?, slots.wide(b, ty)?, slots.wide(c, ty)?);
            Some(Code::WideTernary { f, dst: wide_slot(slots.destination(dst))?, a, b, c })
        }
        Op::Mul { part, ty, dst, a, b } => {
            let f = lanes::multiply(part, ty)?;
            let (a, b) = (slots.narrow(a, ty)?, slots.narrow(b, ty)?);
            Some(Code::Binary { f, dst: slots.narrow_slot(dst)?, a, b })
        }
        Op::Mad { part, ty, dst, a, b, c } => {
            let f = lanes::multiply_add(part, ty)?;
            let (a, b, c) = (slots.narrow(a, ty)?, slots.narrow(b, ty)?, slots.narrow(c, ty)?);
            Some(Code::Ternary { f, dst: slots.narrow_slot(dst)?, a, b, c })
        }
        Op::Lop3 { table, dst, a, b, c } => {
            let (a, b) = (slots.narrow(a, Type::B32)?, slots.narrow(b, Type::B32)?);
            let c = slots.narrow(c, Type::B32)?;
            Some(Code::Lop3 { table, dst: slots.narrow_slot(dst)?, a, b, c })
        }
        Op::SetPredicate { compare, ty, ftz, dst, a, b, combine } => {
            let f = lanes::compare(compare, ty, ftz)?;
            let (a, b) = (slots.narrow(a, ty)?, slots.narrow(b, ty)?);
            let combine = combine.map(|(op, pred)| (op, slots.pred(pred)));
            Some(Code::Compare { f, dst: slots.pred(dst), a, b, combine })
        }
        _ => None,
    }
}

/// The function that stands for a unary instruction whose answers no seed moves.
pub(super) fn whole_unary(
    slots: &mut Slots,
    (op, ty, rounding, approx, ftz): (UnaryOp, Type, Option<Rounding>, bool, bool),
    dst: Reg,
    a: Operand,
) -> Option<Whole> {
    let f = lanes::unary(op, ty, rounding, approx, ftz)?;
    Some(Whole { f, dst: slots.narrow_slot(dst)?, a: slots.narrow(a, ty)? })
}

const fn wide_slot(dst: Destination) -> Option<u32> {
    match dst {
        Destination::Wide(slot) => Some(slot),
        _ => None,
    }
}
