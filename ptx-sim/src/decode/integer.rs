//! Instructions of integers that have forms of their own.

use tilewright_ptx_ir::ir::{Op, Operand, Reg, Type, VideoAction};

use super::Context;
use super::code::Code;
use super::generic::Generic;
use super::operand::Source;
use crate::arith::{self, VideoForm};

pub(super) fn integer(op: &Op, context: &mut Context<'_>) -> Option<Code> {
    match *op {
        Op::CarrySum { subtracts, carry_in, carry_out, ty, dst, a, b } => {
            let inputs = sources(context, &[(a, ty), (b, ty)])?;
            let sum = move |v: &[u64; 4], carry| {
                arith::carry_sum(subtracts, ty, v[0], v[1], if carry_in { carry } else { subtracts })
            };
            with_carry(context, inputs, [carry_in, carry_out], dst, sum)
        }
        Op::CarryMad { part, carry_in, carry_out, ty, dst, a, b, c } => {
            let inputs = sources(context, &[(a, ty), (b, ty), (c, ty)])?;
            let sum = move |v: &[u64; 4], carry| arith::carry_multiply_add(part, ty, [v[0], v[1], v[2]], carry);
            with_carry(context, inputs, [carry_in, carry_out], dst, sum)
        }
        Op::CvtPack { to, dst, a, b, c: Some(c) } => {
            words(context, dst, &[(a, Type::S32), (b, Type::S32), (c, Type::B32)], move |[a, b, c]| {
                arith::cvt_pack(to, a, b, Some(c))
            })
        }
        Op::CvtPack { to, dst, a, b, c: None } => {
            words(context, dst, &[(a, Type::S32), (b, Type::S32)], move |[a, b, _]| arith::cvt_pack(to, a, b, None))
        }
        Op::VideoParts { op, parts, types, sat, sums, dst, a, b, c } => {
            let [of_a, of_b, of_c] = [a, b, c].map(|reg| (Operand::Reg(reg), Type::U32));
            let form = VideoForm { sat, sums };
            // What is not added is not read.
            let operands = if sums { vec![of_a, of_b, of_c] } else { vec![of_a, of_b] };
            words(context, dst, &operands, move |words| arith::video_parts(op, parts, types, form, words))
        }
        // An H100 answers differently where a result is saturated, put into a part or taken on, and where comparisons do so: that is not understood yet.
        Op::Video {
            action: action @ VideoAction::Op(_),
            types,
            sat: false,
            second: None,
            dst,
            part: None,
            a,
            b,
            ..
        } => {
            let operands = [(a.operand, Type::U32), (b.operand, Type::U32)];
            let parts = [None, a.part, b.part];
            words(context, dst, &operands, move |words| arith::video(action, types, false, None, parts, words))
        }
        Op::Pair { op, signed, relu, dst, a, b } => {
            words(context, dst, &[a, b].map(|reg| (Operand::Reg(reg), Type::U32)), move |[a, b, _]| {
                arith::pair(op, signed, relu, a, b)
            })
        }
        Op::Rectified { op, dst, a, b } => {
            words(context, dst, &[(a, Type::S32), (b, Type::S32)], move |[a, b, _]| arith::rectified(op, a, b))
        }
        Op::Mul24 { part, ty, dst, a, b } => {
            words(context, dst, &[(a, ty), (b, ty)], move |[a, b, ..]| arith::multiply_24(part, ty, a, b))
        }
        Op::Mad24 { part, sat, ty, dst, a, b, c } => {
            words(context, dst, &[(a, ty), (b, ty), (c, ty)], move |words| arith::multiply_add_24(part, sat, ty, words))
        }
        Op::Dp2a { high, a_type, b_type, dst, a, b, c } => {
            words(context, dst, &[(a, a_type), (b, b_type), (c, Type::U32)], move |words| {
                arith::dp2a(high, [a_type, b_type], words)
            })
        }
        Op::Permute { mode, dst, a, b, c } => {
            words(context, dst, &[(a, Type::B32), (b, Type::B32), (c, Type::B32)], move |[a, b, c]| {
                arith::permute(mode, a, b, c)
            })
        }
        Op::SelectBySign { ty, sign_type, ftz, dst, a, b, c } => {
            let inputs = sources(context, &[(a, ty), (b, ty), (c, sign_type)])?;
            let f = Generic::new(inputs, move |v, _| {
                arith::selects_first(sign_type, ftz, low(v[2])).map(|first| if first { v[0] } else { v[1] })
            })?;
            Some(Code::Generic { f, dst: context.slots.destination(dst) })
        }
        _ => None,
    }
}

/// A function of words of 32 bits.
fn words(
    context: &mut Context<'_>,
    dst: Reg,
    operands: &[(Operand, Type)],
    function: impl Fn([u32; 3]) -> Option<u32> + Send + Sync + 'static,
) -> Option<Code> {
    let inputs = sources(context, operands)?;
    let f = Generic::new(inputs, move |v, _| function([low(v[0]), low(v[1]), low(v[2])]).map(u64::from))?;
    Some(Code::Generic { f, dst: context.slots.destination(dst) })
}

#[expect(clippy::cast_possible_truncation, reason = "32-bit operands are read from the low half")]
const fn low(bits: u64) -> u32 {
    bits as u32
}

fn sources(context: &mut Context<'_>, operands: &[(Operand, Type)]) -> Option<Vec<Source>> {
    operands.iter().map(|(operand, ty)| context.slots.source(*operand, *ty)).collect()
}

/// An instruction whose last operand is the carry flag, if it reads it, and which has two results, if it writes it.
fn with_carry(
    context: &mut Context<'_>,
    mut inputs: Vec<Source>,
    [carry_in, carry_out]: [bool; 2],
    dst: Reg,
    sum: impl Fn(&[u64; 4], bool) -> Option<(u64, bool)> + Copy + Send + Sync + 'static,
) -> Option<Code> {
    let place = inputs.len();
    if carry_in {
        inputs.push(context.slots.register(Reg::CARRY));
    }
    let carry = move |v: &[u64; 4]| carry_in && v.get(place).is_some_and(|carry| *carry != 0);
    let dst = context.slots.destination(dst);
    let first = Generic::new(inputs.clone(), move |v, _| sum(v, carry(v)).map(|sum| sum.0))?;
    if !carry_out {
        return Some(Code::Generic { f: first, dst });
    }
    let second = Generic::new(inputs, move |v, _| sum(v, carry(v)).map(|sum| sum.1.into()))?;
    Some(Code::Both { first, dst, second, other: context.slots.destination(Reg::CARRY) })
}
