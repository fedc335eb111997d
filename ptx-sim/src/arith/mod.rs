//! The arithmetic of scalar instructions: pure functions from bits to bits.
//!
//! A value is the low bits of a `u64`, as wide as its type; bits above are ignored on the way in and zero on the way out. A predicate is
//! 0 or 1. `None` means that the combination is not modelled (often because PTX has no such instruction): a program that holds it is
//! refused when it is loaded. Whether the answer is `None` depends on the instruction alone, never on the values.
//!
//! Results that are not numbers are 0x7FFFFFFF in f32 and 0x7FFF in f16 and bf16; in f64 an operand's NaN is passed on, made quiet.

use tilewright_ptx_ir::ir::{AtomicOp, BinaryOp, Compare, MulPart, Rounding, TernaryOp, Type, UnaryOp};

/// Where inside its documented error bound an approximate instruction answers.
///
/// Without a seed the answer is the correctly rounded one. With a seed it is moved by a whole number of units in the last place that
/// depends on the seed and on the operand's bits alone, and that the bound allows. Answers that are exact on every chip (powers of two
/// from `ex2` of an integer, `rcp` of a power of two, zeros, infinities, NaN) are never moved.
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
    let _ = (op, ty, rounding, approx, ftz, a, jitter);
    None
}

/// `op.ty dst, a, b`. Shift amounts are 32 bits wide whatever the type.
#[must_use]
pub fn binary(op: BinaryOp, ty: Type, form: BinaryForm, a: u64, b: u64, jitter: Jitter) -> Option<u64> {
    let _ = (op, ty, form, a, b, jitter);
    None
}

/// `op.ty dst, a, b, c`.
#[must_use]
pub fn ternary(op: TernaryOp, ty: Type, form: TernaryForm, a: u64, b: u64, c: u64) -> Option<u64> {
    let _ = (op, ty, form, a, b, c);
    None
}

/// `mul.part.ty dst, a, b` on integers.
#[must_use]
pub fn multiply(part: MulPart, ty: Type, a: u64, b: u64) -> Option<u64> {
    let _ = (part, ty, a, b);
    None
}

/// `mad.part.ty dst, a, b, c` on integers.
#[must_use]
pub fn multiply_add(part: MulPart, ty: Type, a: u64, b: u64, c: u64) -> Option<u64> {
    let _ = (part, ty, a, b, c);
    None
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

/// `bfi.ty dst, a, b, start, length`: the low bits of `a` put into `b`.
#[must_use]
pub fn bit_field_insert(ty: Type, a: u64, b: u64, start: u32, length: u32) -> Option<u64> {
    let _ = (ty, a, b, start, length);
    None
}

/// `setp.compare.ty`: whether the comparison holds.
#[must_use]
pub fn compare(compare: Compare, ty: Type, ftz: bool, a: u64, b: u64) -> Option<bool> {
    let _ = (compare, ty, ftz, a, b);
    None
}

/// `cvt.to.from dst, a`.
#[must_use]
pub fn cvt(to: Type, from: Type, rounding: Option<Rounding>, ftz: bool, sat: bool, a: u64) -> Option<u64> {
    let _ = (to, from, rounding, ftz, sat, a);
    None
}

/// `cvt.to.f32 dst, high, low` with `to` `F16x2` or `Bf16x2`.
#[must_use]
pub fn cvt_pair(to: Type, rounding: Rounding, relu: bool, high: u32, low: u32) -> Option<u32> {
    let _ = (to, rounding, relu, high, low);
    None
}

/// `cvt.pack.sat.s8.s32.b32 dst, a, b, c`.
#[must_use]
pub const fn cvt_pack_s8(a: u32, b: u32, c: u32) -> u32 {
    let _ = (a, b, c);
    0
}

/// The new value of memory that holds `old` after `op` with `a` (and `b`, the new value of a compare-and-swap, whose `a` is compared).
///
/// Also the operation of `redux.sync`.
#[must_use]
pub fn atomic(op: AtomicOp, ty: Type, old: u64, a: u64, b: u64) -> Option<u64> {
    let _ = (op, ty, old, a, b);
    None
}
