//! Which bits of a result depend on bits that nobody has written.
//!
//! A bit counts as written only if no value of the unwritten bits could change it. Where that is not plain to see it counts as unwritten.

use std::fmt;

use tilewright_ptx_ir::ir::{
    BinaryOp, BoolOp, Compare, Condition, MulPart, Op, Operand, Reg, TernaryOp, Type, UnaryOp,
};

use super::Context;
use super::code::Code;
use super::generic::Generic;
use super::operand::{Destination, Source};
use crate::arith::{self, Jitter};

/// Truth tables of two operands, as `lop3` has them of three: bit 4a + 2b + c says what comes of a, b and c.
const AND: u8 = 0xC0;
const OR: u8 = 0xFC;
const XOR: u8 = 0x3C;
/// That of the opposite of `a`.
const NOT: u8 = 0x0F;

/// A lane of a source.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bits {
    /// What it holds, if that is known; only its written bits mean anything.
    pub(crate) value: Option<u64>,
    pub(crate) unwritten: u64,
}

/// The sources to the bits of the result that count as unwritten.
type Rule = dyn Fn(&[Bits; 4]) -> u64 + Send + Sync;

/// A result whose bits depend on some of those of its sources alone.
pub(crate) struct Trace {
    pub(crate) result: Destination,
    /// At most four.
    pub(crate) sources: Vec<Source>,
    rule: Box<Rule>,
}

impl Trace {
    fn new(
        result: Destination,
        sources: Vec<Source>,
        rule: impl Fn(&[Bits; 4]) -> u64 + Send + Sync + 'static,
    ) -> Self {
        Self { result, sources, rule: Box::new(rule) }
    }

    /// The bits of the result that count as unwritten.
    pub(crate) fn unwritten(&self, sources: &[Bits; 4]) -> u64 {
        (self.rule)(sources)
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").field("result", &self.result).field("sources", &self.sources).finish_non_exhaustive()
    }
}

/// The results of an instruction, if more is known of them than that they depend on all bits of all sources.
pub(super) fn traces(op: &Op, context: &mut Context<'_>) -> Option<Vec<Trace>> {
    match op {
        Op::Mov { ty, dst, src } => moved(context, *dst, &[(*src, *ty)], 1, |v| Some(v[0])),
        Op::Pack { ty, dst, srcs } => {
            let part = 8 * ty.bytes() / u32::try_from(srcs.len()).ok()?;
            let operands: Vec<_> = srcs.iter().map(|src| (*src, Type::B32)).collect();
            let pack = move |v: &[u64; 4]| {
                let parts = (0u32..).zip(v).map(|(index, v)| (v & ones(part)).checked_shl(part * index).unwrap_or(0));
                Some(parts.fold(0, |whole, part| whole | part))
            };
            moved(context, *dst, &operands, operands.len(), pack)
        }
        Op::Unpack { ty, dsts, src } => {
            let part = 8 * ty.bytes() / u32::try_from(dsts.len()).ok()?;
            let each = (0u32..).zip(dsts).map(|(index, dst)| {
                moved(context, *dst, &[((*src).into(), *ty)], 1, move |v| Some(v[0] >> (part * index) & ones(part)))
            });
            Some(each.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
        }
        Op::Select { ty, dst, a, b, pred } => {
            let operands = [(*a, *ty), (*b, *ty), ((*pred).into(), Type::Pred)];
            moved(context, *dst, &operands, 2, |v| Some(if v[2] == 0 { v[1] } else { v[0] }))
        }
        Op::SelectBySign { ty, sign_type, ftz, dst, a, b, c } => {
            let (sign, ftz) = (*sign_type, *ftz);
            let operands = [(*a, *ty), (*b, *ty), (*c, sign)];
            moved(context, *dst, &operands, 2, move |v| {
                arith::selects_first(sign, ftz, low(v[2])).map(|first| if first { v[0] } else { v[1] })
            })
        }
        Op::Unary { op: UnaryOp::Not, ty, dst, a, .. } => logic(context, *dst, *ty, &[*a], NOT),
        Op::Binary { op: BinaryOp::And, ty, dst, a, b, .. } => logic(context, *dst, *ty, &[*a, *b], AND),
        Op::Binary { op: BinaryOp::Or, ty, dst, a, b, .. } => logic(context, *dst, *ty, &[*a, *b], OR),
        Op::Binary { op: BinaryOp::Xor, ty, dst, a, b, .. } => logic(context, *dst, *ty, &[*a, *b], XOR),
        Op::Lop3 { table, dst, a, b, c } => logic(context, *dst, Type::B32, &[*a, *b, *c], *table),
        Op::SetPredicate { compare, ty, ftz, dst, a, b, combine } => {
            let combine = combine.map(|(op, pred)| (op, Condition::Pred { pred, negate: false }));
            Some(vec![compared(context, *dst, ([*a, *b], *ty), (*compare, *ftz, false), combine)?])
        }
        Op::SetPredicates { compare, ty, ftz, dst, other, a, b, combine } if !is_pair(*ty) => {
            let first = compared(context, *dst, ([*a, *b], *ty), (*compare, *ftz, false), *combine)?;
            let other = match other {
                Some(other) => Some(compared(context, *other, ([*a, *b], *ty), (*compare, *ftz, true), *combine)?),
                None => None,
            };
            Some([first].into_iter().chain(other).collect())
        }
        Op::CvtPair { dst, high, low, .. } => gathered(context, *dst, [*low, *high], 16),
        Op::CvtFp8Pair { dst, high, low, .. } => gathered(context, *dst, [*low, *high], 8),
        Op::CvtFp8 { widens, dst, src, .. } => {
            let (from, to) = if *widens { (8, 16) } else { (16, 8) };
            elements(context, *dst, &[((*src).into(), Type::B32)], from, to)
        }
        Op::Pair { dst, a, b, .. } => {
            elements(context, *dst, &[((*a).into(), Type::B32), ((*b).into(), Type::B32)], 16, 16)
        }
        Op::Unary { ty, dst, a, .. } if is_pair(*ty) => elements(context, *dst, &[(*a, *ty)], 16, 16),
        Op::Binary { ty, dst, a, b, .. } if is_pair(*ty) => elements(context, *dst, &[(*a, *ty), (*b, *ty)], 16, 16),
        Op::Ternary { ty, dst, a, b, c, .. } if is_pair(*ty) => {
            elements(context, *dst, &[(*a, *ty), (*b, *ty), (*c, *ty)], 16, 16)
        }
        Op::Binary { op: BinaryOp::Add | BinaryOp::Sub, ty, sat: false, dst, a, b, .. } if ty.is_integer() => {
            upwards(context, *dst, *ty, &[*a, *b])
        }
        Op::Mul { part: MulPart::Lo, ty, dst, a, b } => upwards(context, *dst, *ty, &[*a, *b]),
        Op::Mad { part: MulPart::Lo, ty, dst, a, b, c } => upwards(context, *dst, *ty, &[*a, *b, *c]),
        _ => bits_moved(op, context),
    }
}

/// Instructions that put bits of their first sources elsewhere, as the others say, or copies of them.
fn bits_moved(op: &Op, context: &mut Context<'_>) -> Option<Vec<Trace>> {
    let (data, code) = match op {
        Op::Binary { op: BinaryOp::Shl | BinaryOp::Shr | BinaryOp::ExtendClamp | BinaryOp::ExtendWrap, .. }
        | Op::Unary { op: UnaryOp::BitReverse, .. }
        | Op::Ternary { op: TernaryOp::BitFieldExtract, .. } => (1, super::translate::generic(op, context)?),
        Op::Cvt { to, from, sat: false, .. } if to.is_integer() && from.is_integer() => {
            (1, super::translate::generic(op, context)?)
        }
        Op::Ternary {
            op:
                TernaryOp::BytePermute
                | TernaryOp::FunnelLeft
                | TernaryOp::FunnelRight
                | TernaryOp::FunnelLeftClamp
                | TernaryOp::FunnelRightClamp,
            ..
        }
        | Op::BitFieldInsert { .. } => (2, super::translate::generic(op, context)?),
        Op::Permute { .. } => (2, super::integer::integer(op, context)?),
        _ => return None,
    };
    let Code::Generic { f, dst } = code else { return None };
    Some(vec![moving(dst, f, data)])
}

fn sources(context: &mut Context<'_>, operands: &[(Operand, Type)]) -> Option<Vec<Source>> {
    if operands.len() > 4 {
        return None;
    }
    operands.iter().map(|(operand, ty)| context.slots.source(*operand, *ty)).collect()
}

/// A result whose bits are bits of the first `data` operands, or zeros; which, the other operands say.
fn moved(
    context: &mut Context<'_>,
    dst: Reg,
    operands: &[(Operand, Type)],
    data: usize,
    function: impl Fn(&[u64; 4]) -> Option<u64> + Send + Sync + 'static,
) -> Option<Vec<Trace>> {
    let f = Generic::new(sources(context, operands)?, move |v, _| function(v))?;
    Some(vec![moving(context.slots.destination(dst), f, data)])
}

/// What moves bits does the same with the marks of those that are unwritten.
fn moving(dst: Destination, f: Generic, data: usize) -> Trace {
    Trace::new(dst, f.inputs.clone(), move |sources| {
        let mut marks = [0; 4];
        for (index, (mark, source)) in marks.iter_mut().zip(sources).enumerate().take(f.inputs.len()) {
            if index < data {
                *mark = source.unwritten;
            } else {
                match source.value {
                    Some(value) if source.unwritten == 0 => *mark = value,
                    _ => return u64::MAX,
                }
            }
        }
        f.evaluate(&marks, Jitter::default())
    })
}

/// A result each of whose bits comes of the same bits of up to three operands.
fn logic(context: &mut Context<'_>, dst: Reg, ty: Type, operands: &[Operand], table: u8) -> Option<Vec<Trace>> {
    let operands: Vec<_> = operands.iter().map(|operand| (*operand, ty)).collect();
    let sources = sources(context, &operands)?;
    let rule = move |bits: &[Bits; 4]| undecided(table, [bits[0], bits[1], bits[2]]);
    Some(vec![Trace::new(context.slots.destination(dst), sources, rule)])
}

/// The bits for which the unwritten bits of the operands make a difference.
fn undecided(table: u8, operands: [Bits; 3]) -> u64 {
    if let Some(place) = operands.iter().position(|operand| operand.value.is_none()) {
        // Whatever its written bits are.
        return [0, u64::MAX].iter().fold(0, |undecided_bits, value| {
            let mut operands = operands;
            operands[place].value = Some(*value);
            undecided_bits | undecided(table, operands)
        });
    }
    let (mut ones, mut zeros) = (0, 0);
    for row in 0..8u32 {
        // Where the operands may be what this row is about.
        let mut possible = u64::MAX;
        for (operand, place) in operands.iter().zip([4, 2, 1]) {
            let value = operand.value.unwrap_or(0);
            possible &= operand.unwritten | if row & place == 0 { !value } else { value };
        }
        if table >> row & 1 == 1 {
            ones |= possible;
        } else {
            zeros |= possible;
        }
    }
    ones & zeros
}

/// A comparison, or its opposite, and what it is combined with: one of the two may decide.
fn compared(
    context: &mut Context<'_>,
    dst: Reg,
    ([a, b], ty): ([Operand; 2], Type),
    (compare, ftz, opposite): (Compare, bool, bool),
    combine: Option<(BoolOp, Condition)>,
) -> Option<Trace> {
    let mut sources = sources(context, &[(a, ty), (b, ty)])?;
    let (table, condition) = match combine {
        None => (None, Condition::Constant(false)),
        Some((op, condition)) => (Some(table(op)?), condition),
    };
    if let Condition::Pred { pred, .. } = condition {
        sources.push(context.slots.register(pred));
    }
    let rule = move |bits: &[Bits; 4]| {
        let [a, b, other, _] = *bits;
        let unwritten = (a.unwritten | b.unwritten) & ones(8 * ty.bytes());
        let holds = a.value.zip(b.value).filter(|_| unwritten == 0);
        let holds = holds.and_then(|(a, b)| arith::compare(compare, ty, ftz, a, b)).map(|holds| holds != opposite);
        let holds = Bits { value: Some(holds.map_or(0, u64::from)), unwritten: u64::from(holds.is_none()) };
        let Some(table) = table else { return holds.unwritten };
        let other = match condition {
            Condition::Pred { negate, .. } => {
                Bits { value: other.value.map(|value| value ^ u64::from(negate)), ..other }
            }
            Condition::Constant(other) => Bits { value: Some(other.into()), unwritten: 0 },
        };
        undecided(table, [holds, other, Bits { value: Some(0), unwritten: 0 }]) & 1
    };
    Some(Trace::new(context.slots.destination(dst), sources, rule))
}

const fn table(op: BoolOp) -> Option<u8> {
    match op {
        BoolOp::And => Some(AND),
        BoolOp::Or => Some(OR),
        BoolOp::Xor => Some(XOR),
        _ => None,
    }
}

/// Two parts of so many bits, each of one operand, the low one first.
fn gathered(context: &mut Context<'_>, dst: Reg, operands: [Operand; 2], part: u32) -> Option<Vec<Trace>> {
    let sources = sources(context, &operands.map(|operand| (operand, Type::F32)))?;
    let rule = move |bits: &[Bits; 4]| {
        let of = |bits: Bits| if bits.unwritten & ones(32) == 0 { 0 } else { ones(part) };
        of(bits[0]) | of(bits[1]) << part
    };
    Some(vec![Trace::new(context.slots.destination(dst), sources, rule)])
}

/// Two parts of `to` bits, each of the same parts of the operands, of `from` bits.
fn elements(
    context: &mut Context<'_>,
    dst: Reg,
    operands: &[(Operand, Type)],
    from: u32,
    to: u32,
) -> Option<Vec<Trace>> {
    let sources = sources(context, operands)?;
    let rule = move |bits: &[Bits; 4]| {
        let unwritten = bits.iter().fold(0, |unwritten, bits| unwritten | bits.unwritten);
        let of = |index: u32| if unwritten >> (from * index) & ones(from) == 0 { 0 } else { ones(to) << (to * index) };
        of(0) | of(1)
    };
    Some(vec![Trace::new(context.slots.destination(dst), sources, rule)])
}

/// Sums and products: what is unwritten reaches the bits above it.
fn upwards(context: &mut Context<'_>, dst: Reg, ty: Type, operands: &[Operand]) -> Option<Vec<Trace>> {
    let operands: Vec<_> = operands.iter().map(|operand| (*operand, ty)).collect();
    let sources = sources(context, &operands)?;
    let width = ones(8 * ty.bytes());
    let rule = move |bits: &[Bits; 4]| {
        let unwritten = bits.iter().fold(0, |unwritten, bits| unwritten | bits.unwritten) & width;
        u64::MAX.checked_shl(unwritten.trailing_zeros()).unwrap_or(0) & width
    };
    Some(vec![Trace::new(context.slots.destination(dst), sources, rule)])
}

const fn is_pair(ty: Type) -> bool {
    matches!(ty, Type::F16x2 | Type::Bf16x2)
}

const fn ones(bits: u32) -> u64 {
    match u64::MAX.checked_shr(64 - bits) {
        Some(ones) => ones,
        None => 0,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "32-bit operands are read from the low half")]
const fn low(bits: u64) -> u32 {
    bits as u32
}
