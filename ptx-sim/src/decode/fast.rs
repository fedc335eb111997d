//! Instructions that have a function for all lanes.

use tilewright_ptx_ir::ir::{BinaryOp, BoolOp, MulPart, Op, Operand, Reg, Rounding, Type, UnaryOp};

use super::code::Code;
use super::operand::{Destination, Slots, Source};
use super::plain::{Plain, Run};
use super::translate::{binary_form, ternary_form};
use super::{Context, lanes};

pub(super) fn fast(op: &Op, context: &mut Context<'_>) -> Option<Code> {
    let slots = &mut context.slots;
    match *op {
        // Answers that a seed may move are looked at one by one where there is one.
        Op::Unary { op, ty, rounding, approx: false, ftz, dst, a } => {
            let f = lanes::unary(op, ty, rounding, false, ftz)?;
            narrow(slots, f, dst, &[(a, ty)])
        }
        Op::Cvt { to, from, rounding, ftz, sat, dst, src } => {
            if to == Type::U64 && from == Type::U32 && !sat {
                let (dst, src) = (wide_slot(slots.destination(dst))?, slots.narrow_operand(src, from)?);
                return Some(Code::Plain(Plain::new(lanes::widen(), dst, &[src])));
            }
            let f = lanes::cvt(to, from, rounding, ftz, sat)?;
            match slots.destination(dst) {
                Destination::Narrow(_, bits) if bits == u32::MAX || to.bytes() == 2 => {
                    narrow(slots, f, dst, &[(src, from)])
                }
                _ => None,
            }
        }
        Op::CvtPair { to, rounding, relu, dst, high, low } => {
            let f = lanes::cvt_pair(to, rounding, relu)?;
            narrow(slots, f, dst, &[(high, Type::F32), (low, Type::F32)])
        }
        Op::Binary { op: operation, ty: Type::Pred, dst, a, b, .. } => {
            let op = match operation {
                BinaryOp::And => BoolOp::And,
                BinaryOp::Or => BoolOp::Or,
                BinaryOp::Xor => BoolOp::Xor,
                _ => return None,
            };
            match (slots.source(a, Type::Pred)?, slots.source(b, Type::Pred)?) {
                (Source::Pred(a), Source::Pred(b)) => {
                    let plain = Plain::new(lanes::logic(), slots.pred(dst), &[a, b]);
                    Some(Code::Plain(Plain { combine: Some(op), ..plain }))
                }
                _ => None,
            }
        }
        Op::Binary { op: operation, ty, dst, a, b, .. } => {
            let form = binary_form(op)?;
            // Shift amounts are 32 bits wide whatever the type.
            if let Some(f) = lanes::binary(operation, ty, form) {
                return narrow(slots, f, dst, &[(a, ty), (b, ty)]);
            }
            let f = lanes::wide_binary(operation, ty, form)?;
            wide(slots, f, dst, &[(a, ty), (b, ty)])
        }
        Op::Ternary { op: operation, ty, dst, a, b, c, .. } => {
            let f = lanes::ternary(operation, ty, ternary_form(op)?)?;
            narrow(slots, f, dst, &[(a, ty), (b, ty), (c, ty)])
        }
        Op::Mul { part: MulPart::Wide, ty: ty @ Type::U32, dst, a, b } => {
            let (dst, sources) = (wide_slot(slots.destination(dst))?, slots.narrow_operands(&[(a, ty), (b, ty)])?);
            Some(Code::Plain(Plain::new(lanes::multiply_whole(), dst, &sources)))
        }
        Op::Mad { part: MulPart::Wide, ty: ty @ Type::U32, dst, a, b, c } => {
            let (a, b) = (slots.narrow_operand(a, ty)?, slots.narrow_operand(b, ty)?);
            let (dst, c) = (wide_slot(slots.destination(dst))?, slots.wide_operand(c, Type::U64)?);
            Some(Code::Plain(Plain::new(lanes::multiply_add_whole(), dst, &[a, b, c])))
        }
        Op::Mul { part, ty: ty @ (Type::U64 | Type::S64), dst, a, b } => {
            let f = lanes::wide_multiply(part, ty)?;
            wide(slots, f, dst, &[(a, ty), (b, ty)])
        }
        Op::Mad { part, ty: ty @ (Type::U64 | Type::S64), dst, a, b, c } => {
            let f = lanes::wide_multiply_add(part, ty)?;
            wide(slots, f, dst, &[(a, ty), (b, ty), (c, ty)])
        }
        Op::Mul { part, ty, dst, a, b } => {
            let f = lanes::multiply(part, ty)?;
            narrow(slots, f, dst, &[(a, ty), (b, ty)])
        }
        Op::Mad { part, ty, dst, a, b, c } => {
            let f = lanes::multiply_add(part, ty)?;
            narrow(slots, f, dst, &[(a, ty), (b, ty), (c, ty)])
        }
        Op::Lop3 { table, dst, a, b, c } => {
            let operands = [(a, Type::B32), (b, Type::B32), (c, Type::B32)];
            let plain = Plain::new(lanes::lop3(), slots.narrow_slot(dst)?, &slots.narrow_operands(&operands)?);
            Some(Code::Plain(Plain { table, ..plain }))
        }
        Op::SetPredicate { compare, ty, ftz, dst, a, b, combine } => {
            let f = lanes::compare(compare, ty, ftz)?;
            let (a, b) = (slots.narrow_operand(a, ty)?, slots.narrow_operand(b, ty)?);
            let other = combine.map_or(0, |(_, pred)| slots.pred(pred));
            let plain = Plain::new(f, slots.pred(dst), &[a, b, other]);
            Some(Code::Plain(Plain { combine: combine.map(|(op, _)| op), ..plain }))
        }
        Op::Mov { ty, dst, src } => match (slots.destination(dst), slots.source(src, ty)?) {
            (Destination::Narrow(_, u32::MAX), Source::Narrow(_)) => narrow(slots, lanes::copy(), dst, &[(src, ty)]),
            _ => None,
        },
        Op::Select { ty, dst, a, b, pred } => {
            let (a, b) = (slots.source(a, ty)?, slots.source(b, ty)?);
            match (slots.destination(dst), a, b) {
                (Destination::Narrow(dst, u32::MAX), Source::Narrow(a), Source::Narrow(b)) => {
                    let sources = [slots.place(a), slots.place(b), slots.pred(pred)];
                    Some(Code::Plain(Plain::new(lanes::select(), dst, &sources)))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// An instruction on 32-bit registers.
fn narrow(slots: &mut Slots, run: Run, dst: Reg, operands: &[(Operand, Type)]) -> Option<Code> {
    Some(Code::Plain(Plain::new(run, slots.narrow_slot(dst)?, &slots.narrow_operands(operands)?)))
}

/// An instruction on 64-bit registers.
fn wide(slots: &mut Slots, run: Run, dst: Reg, operands: &[(Operand, Type)]) -> Option<Code> {
    let sources = operands.iter().map(|(operand, ty)| slots.wide_operand(*operand, *ty)).collect::<Option<Vec<_>>>()?;
    Some(Code::Plain(Plain::new(run, wide_slot(slots.destination(dst))?, &sources)))
}

/// What stands for a unary instruction whose answers no seed moves.
pub(super) fn whole_unary(
    slots: &mut Slots,
    (op, ty, rounding, approx, ftz): (UnaryOp, Type, Option<Rounding>, bool, bool),
    dst: Reg,
    a: Operand,
) -> Option<Plain> {
    let run = lanes::unary(op, ty, rounding, approx, ftz)?;
    Some(Plain::new(run, slots.narrow_slot(dst)?, &slots.narrow_operands(&[(a, ty)])?))
}

const fn wide_slot(dst: Destination) -> Option<u32> {
    match dst {
        Destination::Wide(slot) => Some(slot),
        _ => None,
    }
}
