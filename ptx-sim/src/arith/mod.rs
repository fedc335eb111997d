//! The arithmetic of scalar instructions: pure functions from bits to bits.
//!
//! A value is the low bits of a `u64`, as wide as its type; bits above are ignored on the way in and zero on the way out. A predicate is
//! 0 or 1. `None` means that the combination is not modelled (often because PTX has no such instruction): a program that holds it is
//! refused when it is loaded. Whether the answer is `None` depends on the instruction alone, never on the values.
//!
//! A result that is not a number is 0x7FFFFFFF in f32 and 0x7FFF in f16 and bf16; in f64 it is the last operand that is a NaN, made quiet, or
//! 0xFFF8000000000000 if there is none. Subnormals are kept unless an instruction says `.ftz`; a result is flushed after it was rounded. What
//! the PTX ISA leaves open (NaN patterns, division by zero, the moment of the flush) is as measured on an H200 with driver 580.
//!
//! # Source
//! PTX ISA 9.0, section 9.7 (Instructions).

mod approximate;
mod carry;
mod choice;
mod convert;
mod exact;
mod float;
pub(crate) mod fp8;
mod gross;
mod integer;
mod odd;
mod packed;
mod video;

use tilewright_ptx_ir::ir::{
    AtomicOp, BinaryOp, Compare, FloatTest, MulPart, PackedInteger, PermuteMode, Rounding, TernaryOp, Type, UnaryOp,
    VideoAction, VideoOp, VideoPart, VideoSecond,
};

/// Where inside its documented error bound an approximate instruction answers.
///
/// Without a seed the answer is the correctly rounded one. With a seed it is another one inside the bound, which depends on the seed and on
/// the operands' bits alone. Answers that every chip gives exactly (`ex2` of an integer, `rcp` and `lg2` of a power of two, zeros,
/// infinities, NaN) are never moved, nor is the sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a seed is all there is")]
pub struct Jitter {
    /// The seed, or `None` for correctly rounded answers.
    pub seed: Option<u64>,
}

/// The modifiers of a [`binary`] instruction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "the fields of `Op::Binary`, constructed by name")]
pub struct BinaryForm {
    /// Rounding of the result; `None` is to nearest.
    pub rounding: Option<Rounding>,
    /// Subnormal f32 operands and results become zeros.
    pub ftz: bool,
    /// Floats are clamped to [0, 1], s32 sums to the range.
    pub sat: bool,
    /// `div.approx`.
    pub approx: bool,
    /// `div.full`.
    pub full: bool,
    /// `min.NaN`, `max.NaN`.
    pub nan: bool,
}

/// The modifiers of a [`ternary`] instruction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "the fields of `Op::Ternary`, constructed by name")]
pub struct TernaryForm {
    /// Rounding of the result; `None` is to nearest.
    pub rounding: Option<Rounding>,
    /// Subnormal f32 operands and results become zeros.
    pub ftz: bool,
    /// The result is clamped to [0, 1].
    pub sat: bool,
    /// Negative results become zero, NaN stays.
    pub relu: bool,
}

/// The modifiers of a [`video_parts`] instruction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "the fields of `Op::VideoParts`, constructed by name")]
pub struct VideoForm {
    /// Each result is clamped to what a part of the result's type holds.
    pub sat: bool,
    /// The results are added up, and the third operand.
    pub sums: bool,
}

/// `op.ty dst, a`. `ty` of `popc` and `clz` is the operand's; their result is 32 bits wide.
#[must_use]
pub fn unary(
    op: UnaryOp,
    ty: Type,
    rounding: Option<Rounding>,
    approx: bool,
    ftz: bool,
    a: u64,
    jitter: Jitter,
) -> Option<u64> {
    match op {
        UnaryOp::FindLeading | UnaryOp::FindLeadingShift => {
            if approx || ftz || rounding.is_some() {
                None
            } else {
                odd::find_leading(op, ty, a)
            }
        }
        UnaryOp::LogicalNot if !approx && !ftz && rounding.is_none() => choice::logical_not(ty, a),
        UnaryOp::Neg | UnaryOp::Abs if ty.is_float() && rounding.is_none() => float::sign(op, ty, ftz, a),
        UnaryOp::Rcp | UnaryOp::Rsqrt if ty == Type::F64 && approx => match (op, ftz) {
            _ if rounding.is_some() => None,
            (_, true) => Some(gross::unary(op == UnaryOp::Rsqrt, a)),
            (UnaryOp::Rsqrt, false) => Some(gross::reciprocal_root(a)),
            _ => None,
        },
        _ if approx && rounding.is_none() => approximate::unary(op, ty, ftz, a, jitter),
        UnaryOp::Rcp | UnaryOp::Sqrt if !approx => float::rounded_unary(op, ty, rounding?, ftz, a),
        _ if !approx && !ftz && rounding.is_none() => integer::unary(op, ty, a),
        _ => None,
    }
}

/// `op.ty dst, a, b`. Shift amounts are 32 bits wide whatever the type.
#[must_use]
pub fn binary(op: BinaryOp, ty: Type, form: BinaryForm, a: u64, b: u64, jitter: Jitter) -> Option<u64> {
    let BinaryForm { rounding, ftz, sat, approx, full, nan } = form;
    if op == BinaryOp::CopySign {
        return if form == BinaryForm::default() { odd::copy_sign(ty, a, b) } else { None };
    }
    if matches!(op, BinaryOp::BitMaskClamp | BinaryOp::BitMaskWrap | BinaryOp::ExtendClamp | BinaryOp::ExtendWrap) {
        return if form == BinaryForm::default() { choice::bits(op, ty, low(a), low(b)).map(u64::from) } else { None };
    }
    let extremum = matches!(op, BinaryOp::Min | BinaryOp::Max);
    if (nan && !(extremum && ty.is_float())) || (extremum && (sat || rounding.is_some())) {
        return None;
    }
    if approx || full {
        let modelled = op == BinaryOp::Div && ty == Type::F32 && approx != full && rounding.is_none() && !sat;
        return modelled.then(|| approximate::divide(full, ftz, a, b, jitter));
    }
    if !ty.is_float() {
        return if rounding.is_some() || ftz { None } else { integer::binary(op, ty, sat, a, b) };
    }
    let divides = op == BinaryOp::Div;
    if (divides && (rounding.is_none() || sat)) || !takes(ty, ftz, sat) {
        return None;
    }
    float::binary(op, ty, form, a, b)
}

/// `op.ty dst, a, b, c`.
#[must_use]
pub fn ternary(op: TernaryOp, ty: Type, form: TernaryForm, a: u64, b: u64, c: u64) -> Option<u64> {
    if op == TernaryOp::Fma {
        // A NaN stays with `.relu`, which PTX does not join with saturation.
        let modelled = takes(ty, form.ftz, form.sat) && !(form.relu && form.sat);
        return if modelled { float::fused_multiply_add(ty, form, a, b, c) } else { None };
    }
    if form != TernaryForm::default() {
        return None;
    }
    let words = [a, b, c].map(low);
    let untyped = ty == Type::B32;
    match op {
        TernaryOp::BitFieldExtract => integer::bit_field_extract(ty, a, b, c),
        TernaryOp::BytePermute if untyped => Some(integer::byte_permute(words[0], words[1], words[2]).into()),
        TernaryOp::FunnelLeft if untyped => Some(integer::funnel_shift(true, words[0], words[1], words[2]).into()),
        TernaryOp::FunnelRight if untyped => Some(integer::funnel_shift(false, words[0], words[1], words[2]).into()),
        TernaryOp::FunnelLeftClamp if untyped => {
            Some(odd::funnel_shift_clamped(true, words[0], words[1], words[2]).into())
        }
        TernaryOp::FunnelRightClamp if untyped => {
            Some(odd::funnel_shift_clamped(false, words[0], words[1], words[2]).into())
        }
        TernaryOp::FindNthSet if untyped => {
            Some(choice::find_nth_set(words[0], words[1], words[2].cast_signed()).into())
        }
        TernaryOp::AbsoluteDifference => odd::absolute_difference(ty, a, b, c),
        TernaryOp::Dp4aSignedUnsigned => {
            Some(odd::dot_product_of_bytes(true, false, words[0], words[1], words[2]).into())
        }
        TernaryOp::Dp4aUnsignedSigned => {
            Some(odd::dot_product_of_bytes(false, true, words[0], words[1], words[2]).into())
        }
        TernaryOp::Dp4aSigned if matches!(ty, Type::S32 | Type::B32) => {
            Some(integer::dot_product_of_bytes(true, words[0], words[1], words[2]).into())
        }
        TernaryOp::Dp4aUnsigned if matches!(ty, Type::U32 | Type::B32) => {
            Some(integer::dot_product_of_bytes(false, words[0], words[1], words[2]).into())
        }
        _ => None,
    }
}

/// Whether arithmetic on this float type has the modifiers asked for.
const fn takes(ty: Type, ftz: bool, sat: bool) -> bool {
    match ty {
        Type::F32 | Type::F16 | Type::F16x2 => true,
        _ => !ftz && !sat,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "32-bit instructions read the low half")]
const fn low(bits: u64) -> u32 {
    bits as u32
}

/// `mul.part.ty dst, a, b` on integers.
#[must_use]
pub fn multiply(part: MulPart, ty: Type, a: u64, b: u64) -> Option<u64> {
    integer::multiply(part, ty, a, b)
}

/// `mad.part.ty dst, a, b, c` on integers.
#[must_use]
pub fn multiply_add(part: MulPart, ty: Type, a: u64, b: u64, c: u64) -> Option<u64> {
    integer::multiply_add(part, ty, a, b, c)
}

/// `add{c}.cc.ty dst, a, b`, or `sub`: the result and the carry out. A difference is `a + !b + carry`, in the beginning with a carry.
///
/// # Source
/// PTX ISA 9.0, section 9.7.2, leaves open what `addc` finds after `sub.cc`; nvcc's division of 128 bits counts on the carry of this sum, and an H100 has it.
#[must_use]
pub fn carry_sum(subtracts: bool, ty: Type, a: u64, b: u64, carry: bool) -> Option<(u64, bool)> {
    carry::sum(subtracts, ty, a, b, carry)
}

/// `mad{c}.part.cc.ty dst, a, b, c`: the result and the carry out of the sum.
#[must_use]
pub fn carry_multiply_add(part: MulPart, ty: Type, [a, b, c]: [u64; 3], carry: bool) -> Option<(u64, bool)> {
    carry::multiply_add(part, ty, [a, b, c], carry)
}

/// `lop3.b32 dst, a, b, c, table`.
#[must_use]
pub const fn lop3(table: u8, a: u32, b: u32, c: u32) -> u32 {
    let mut result = 0;
    let mut row = 0;
    while row < 8 {
        if table >> row & 1 == 1 {
            let a = if row & 4 == 0 { !a } else { a };
            let b = if row & 2 == 0 { !b } else { b };
            let c = if row & 1 == 0 { !c } else { c };
            result |= a & b & c;
        }
        row += 1;
    }
    result
}

/// [`lop3`] without branches: the table's columns for each `c` are chosen from by `b`, and then by `a`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lop3 {
    without: [u32; 4],
    changes: [u32; 4],
}

impl Lop3 {
    #[inline]
    pub(crate) fn new(table: u8) -> Self {
        let bit = |row: u8| 0u32.wrapping_sub(u32::from(table >> row & 1));
        Self { without: [0, 2, 4, 6].map(bit), changes: [0, 2, 4, 6].map(|row| bit(row) ^ bit(row + 1)) }
    }

    #[inline]
    pub(crate) fn of(self, a: u32, b: u32, c: u32) -> u32 {
        let of_c = |pair: usize| self.without[pair] ^ c & self.changes[pair];
        let of_b = |pair: usize| of_c(pair) ^ (of_c(pair) ^ of_c(pair + 1)) & b;
        of_b(0) ^ (of_b(0) ^ of_b(2)) & a
    }
}

/// `prmt.b32 dst, a, b, selector`.
pub(crate) const fn byte_permute(a: u32, b: u32, selector: u32) -> u32 {
    integer::byte_permute(a, b, selector)
}

/// `cvt.pack.sat.to.s32{.b32} dst, a, b{, c}`.
#[must_use]
pub fn cvt_pack(to: PackedInteger, a: u32, b: u32, c: Option<u32>) -> Option<u32> {
    packed::convert(to, a, b, c)
}

/// `op{2,4}.dty.aty.bty{.sat|.add} dst, a, b, c` of the video instructions.
#[must_use]
pub fn video_parts(op: VideoOp, parts: u32, types: [Type; 3], form: VideoForm, words: [u32; 3]) -> Option<u32> {
    packed::video(op, parts, types, form, words)
}

/// `op.dty.aty.bty{.sat}{.second} dst{.part}, a{.part}, b{.part}{, c}`, or `vset`; the parts are those of the result and of two operands.
#[must_use]
pub fn video(
    action: VideoAction,
    types: [Type; 3],
    sat: bool,
    second: Option<VideoSecond>,
    parts: [Option<VideoPart>; 3],
    words: [u32; 3],
) -> Option<u32> {
    video::of_part(action, types, sat, second, parts, words)
}

/// `op{.relu}.{u,s}16x2 dst, a, b`.
#[must_use]
pub fn pair(op: BinaryOp, signed: bool, relu: bool, a: u32, b: u32) -> Option<u32> {
    packed::pair(op, signed, relu, a, b)
}

/// `op.relu.s32 dst, a, b`.
#[must_use]
pub fn rectified(op: BinaryOp, a: u32, b: u32) -> Option<u32> {
    packed::rectified(op, a, b)
}

/// `prmt.b32.mode dst, a, b, selector`.
#[must_use]
pub fn permute(mode: PermuteMode, a: u32, b: u32, selector: u32) -> Option<u32> {
    choice::permute(mode, a, b, selector)
}

/// `slct{.ftz}.ty.sign_type`: whether `c`, of `sign_type`, chooses the first operand.
#[must_use]
pub fn selects_first(sign_type: Type, ftz: bool, c: u32) -> Option<bool> {
    choice::selects_first(sign_type, ftz, c)
}

/// `mul24.part.ty dst, a, b`.
#[must_use]
pub fn multiply_24(part: MulPart, ty: Type, a: u32, b: u32) -> Option<u32> {
    choice::multiply_24(part, ty, a, b)
}

/// `mad24.part{.sat}.ty dst, a, b, c`.
#[must_use]
pub fn multiply_add_24(part: MulPart, sat: bool, ty: Type, [a, b, c]: [u32; 3]) -> Option<u32> {
    choice::multiply_add_24(part, sat, ty, [a, b, c])
}

/// `dp2a.{lo,hi}.aty.bty dst, a, b, c`.
#[must_use]
pub fn dp2a(high: bool, [a_type, b_type]: [Type; 2], [a, b, c]: [u32; 3]) -> Option<u32> {
    choice::dp2a(high, [a_type, b_type], [a, b, c])
}

/// `bfi.ty dst, a, b, start, length`: the low bits of `a` put into `b`.
#[must_use]
pub fn bit_field_insert(ty: Type, a: u64, b: u64, start: u32, length: u32) -> Option<u64> {
    integer::bit_field_insert(ty, a, b, start, length)
}

/// `setp.compare.ty`: whether the comparison holds.
#[must_use]
pub fn compare(compare: Compare, ty: Type, ftz: bool, a: u64, b: u64) -> Option<bool> {
    if ty.is_float() {
        return if takes(ty, ftz, false) { float::compare(compare, ty, ftz, a, b) } else { None };
    }
    if ftz { None } else { integer::compare(compare, ty, a, b) }
}

/// What `set.to` writes for an answer, or for those of the low and the high halves.
#[must_use]
pub const fn truth(to: Type, low: bool, high: Option<bool>) -> Option<u64> {
    let whole = match to {
        Type::U32 | Type::S32 if high.is_none() => 0xFFFF_FFFF,
        Type::U32 | Type::S32 => 0xFFFF,
        Type::U16 | Type::S16 if high.is_none() => 0xFFFF,
        Type::F16 if high.is_none() => 0x3C00,
        Type::F16x2 if high.is_some() => 0x3C00,
        Type::Bf16 if high.is_none() => 0x3F80,
        Type::Bf16x2 if high.is_some() => 0x3F80,
        Type::F32 if high.is_none() => 0x3F80_0000,
        _ => return None,
    };
    let low = if low { whole } else { 0 };
    Some(if let Some(true) = high { whole << 16 | low } else { low })
}

/// `cvt.to.from dst, a`. A signed integer result is sign-extended to 64 bits, for the register may be wider than the type.
#[must_use]
pub fn cvt(to: Type, from: Type, rounding: Option<Rounding>, ftz: bool, sat: bool, a: u64) -> Option<u64> {
    convert::cvt(to, from, rounding, ftz, sat, a)
}

/// `cvt.to.f32 dst, high, low` with `to` `F16x2` or `Bf16x2`.
#[must_use]
pub fn cvt_pair(to: Type, rounding: Rounding, relu: bool, high: u32, low: u32) -> Option<u32> {
    convert::cvt_pair(to, rounding, relu, high, low)
}

/// `cvt.rna.tf32.f32 dst, a`: ties away from zero, the low 13 bits are zeros.
#[must_use]
pub const fn cvt_tf32(a: u32) -> u32 {
    odd::tf32(a)
}

/// `testp.test.ty dst, a`.
#[must_use]
pub const fn test(test: FloatTest, ty: Type, a: u64) -> Option<bool> {
    odd::test(test, ty, a)
}

/// `cvt.pack.sat.s8.s32.b32 dst, a, b, c`.
#[must_use]
pub const fn cvt_pack_s8(a: u32, b: u32, c: u32) -> u32 {
    convert::cvt_pack_s8(a, b, c)
}

/// The new value of memory that holds `old` after `op` with `a` (and `b`, the new value of a compare-and-swap, whose `a` is compared).
///
/// Also the operation of `redux.sync`.
#[must_use]
pub fn atomic(op: AtomicOp, ty: Type, old: u64, a: u64, b: u64) -> Option<u64> {
    if !ty.is_float() {
        return integer::atomic(op, ty, old, a, b);
    }
    // The sums of f16 and bf16 are `.noftz`; those of f32 keep subnormals as shared memory does.
    let op = match op {
        AtomicOp::Add => BinaryOp::Add,
        AtomicOp::Min if !matches!(ty, Type::F32 | Type::F64) => BinaryOp::Min,
        AtomicOp::Max if !matches!(ty, Type::F32 | Type::F64) => BinaryOp::Max,
        _ => return None,
    };
    float::binary(op, ty, BinaryForm::default(), old, a)
}

/// [`atomic`] on global memory, where the sum of f32 flushes subnormal inputs and results to a zero of their sign.
///
/// # Source
/// PTX ISA 9.0, section 9.7.13.5 (`atom`).
#[must_use]
pub fn atomic_in_global(op: AtomicOp, ty: Type, old: u64, a: u64, b: u64) -> Option<u64> {
    if (op, ty) == (AtomicOp::Add, Type::F32) {
        return float::binary(BinaryOp::Add, ty, BinaryForm { ftz: true, ..BinaryForm::default() }, old, a);
    }
    atomic(op, ty, old, a, b)
}
