//! The functions of the instructions that kernels spend their time on, 32 lanes at a time.
//!
//! Each gives the bits that [`arith`](crate::arith) gives; a test holds them together. What is not here goes through `arith` lane by lane.

mod half;

use tilewright_ptx_ir::ir::{BinaryOp, Compare, MulPart, Rounding, TernaryOp, Type, UnaryOp};

use super::plain::{Plain, Run};
use crate::arith::{self, BinaryForm, TernaryForm};
use crate::registers::Registers;

/// One 32-bit value a lane.
pub(crate) type Lanes = [u32; 32];
/// One 64-bit value a lane.
pub(crate) type WideLanes = [u64; 32];

macro_rules! unary {
    ($f:expr) => {
        |registers: &mut Registers, plain: &Plain, lanes: u32| {
            registers.each_narrow(plain.dst, [plain.a], lanes, |[a]| $f(a));
        }
    };
}

macro_rules! binary {
    ($f:expr) => {
        |registers: &mut Registers, plain: &Plain, lanes: u32| {
            registers.each_narrow(plain.dst, [plain.a, plain.b], lanes, |[a, b]| $f(a, b));
        }
    };
}

macro_rules! ternary {
    ($f:expr) => {
        |registers: &mut Registers, plain: &Plain, lanes: u32| {
            registers.each_narrow(plain.dst, [plain.a, plain.b, plain.c], lanes, |[a, b, c]| $f(a, b, c));
        }
    };
}

macro_rules! wide_binary {
    ($f:expr) => {
        |registers: &mut Registers, plain: &Plain, lanes: u32| {
            registers.each_wide(plain.dst, [plain.a, plain.b], lanes, |[a, b]| $f(a, b));
        }
    };
}

macro_rules! comparison {
    ($f:expr) => {
        |registers: &mut Registers, plain: &Plain, lanes: u32| {
            let holds = registers.holding([plain.a, plain.b], lanes, |[a, b]| $f(a, b));
            registers.set_combined(plain.dst, holds, plain.combine.map(|op| (op, plain.c)), lanes);
        }
    };
}

/// The function of an operation on one operand of at most 32 bits.
pub(crate) fn unary(op: UnaryOp, ty: Type, rounding: Option<Rounding>, approx: bool, ftz: bool) -> Option<Run> {
    match (op, ty) {
        (UnaryOp::Ex2, Type::F32) if approx && ftz && rounding.is_none() => Some(unary!(exponential)),
        (UnaryOp::Rcp, Type::F32) if !approx && !ftz && rounding == Some(Rounding::Nearest) => {
            Some(unary!(|a| float(1.0 / f32::from_bits(a))))
        }
        _ if approx || ftz || rounding.is_some() => None,
        (UnaryOp::Neg, Type::F32) => Some(unary!(|a| float(-f32::from_bits(a)))),
        (UnaryOp::Abs, Type::F32) => Some(unary!(|a| float(f32::from_bits(a).abs()))),
        (UnaryOp::Not, Type::B32) => Some(unary!(|a: u32| !a)),
        (UnaryOp::Neg, Type::S32) => Some(unary!(u32::wrapping_neg)),
        _ => None,
    }
}

/// The function of a conversion between at most 32 bits.
pub(crate) fn cvt(to: Type, from: Type, rounding: Option<Rounding>, ftz: bool, sat: bool) -> Option<Run> {
    if ftz || sat {
        return None;
    }
    match (to, from, rounding) {
        (Type::F32, Type::F16, None) => Some(unary!(|a| float(half::to_single(a & 0xFFFF)))),
        (Type::F16, Type::F32, Some(Rounding::Nearest)) => Some(unary!(|a| half::from_single(f32::from_bits(a)))),
        (Type::F32, Type::U32, Some(Rounding::Nearest)) => {
            #[expect(clippy::cast_precision_loss, reason = "rounds to nearest, as it should")]
            let f: Run = unary!(|a: u32| (a as f32).to_bits());
            Some(f)
        }
        (Type::F32, Type::S32, Some(Rounding::Nearest)) => {
            #[expect(clippy::cast_precision_loss, reason = "rounds to nearest, as it should")]
            let f: Run = unary!(|a: u32| (a.cast_signed() as f32).to_bits());
            Some(f)
        }
        (Type::U32 | Type::S32, Type::U32 | Type::S32, None) => Some(unary!(|a| a)),
        _ => None,
    }
}

/// The function of a conversion of two f32 to one register.
pub(crate) fn cvt_pair(to: Type, rounding: Rounding, relu: bool) -> Option<Run> {
    match (to, rounding) {
        (Type::F16x2, Rounding::Nearest) if !relu => Some(binary!(half::pair)),
        _ => None,
    }
}

/// The function of a 32-bit operation.
pub(crate) fn binary(op: BinaryOp, ty: Type, form: BinaryForm) -> Option<Run> {
    let plain = BinaryForm { rounding: None, ..form } == BinaryForm::default();
    let nearest = plain && matches!(form.rounding, None | Some(Rounding::Nearest));
    match (op, ty) {
        (BinaryOp::Add, Type::F32) if nearest => Some(binary!(|a, b| float(f32::from_bits(a) + f32::from_bits(b)))),
        (BinaryOp::Sub, Type::F32) if nearest => Some(binary!(|a, b| float(f32::from_bits(a) - f32::from_bits(b)))),
        (BinaryOp::Mul, Type::F32) if nearest => Some(binary!(|a, b| float(f32::from_bits(a) * f32::from_bits(b)))),
        (BinaryOp::Add, Type::F16x2) if nearest => Some(binary!(|a, b| half::both(a, b, |a, b| a + b))),
        (BinaryOp::Sub, Type::F16x2) if nearest => Some(binary!(|a, b| half::both(a, b, |a, b| a - b))),
        (BinaryOp::Mul, Type::F16x2) if nearest => Some(binary!(|a, b| half::both(a, b, |a, b| a * b))),
        (BinaryOp::Div, Type::F32) if nearest && form.rounding.is_some() => {
            Some(binary!(|a, b| float(f32::from_bits(a) / f32::from_bits(b))))
        }
        (BinaryOp::Max, Type::F32) if form == BinaryForm::default() => Some(binary!(maximum)),
        _ if form != BinaryForm::default() => None,
        (BinaryOp::Add, Type::U32 | Type::S32) => Some(binary!(u32::wrapping_add)),
        (BinaryOp::Sub, Type::U32 | Type::S32) => Some(binary!(u32::wrapping_sub)),
        (BinaryOp::And, Type::B32) => Some(binary!(|a, b| a & b)),
        (BinaryOp::Or, Type::B32) => Some(binary!(|a, b| a | b)),
        (BinaryOp::Xor, Type::B32) => Some(binary!(|a, b| a ^ b)),
        (BinaryOp::Shl, Type::B32) => Some(binary!(|a: u32, b: u32| if b > 31 { 0 } else { a << b })),
        (BinaryOp::Shr, Type::B32 | Type::U32) => Some(binary!(|a: u32, b: u32| if b > 31 { 0 } else { a >> b })),
        (BinaryOp::Shr, Type::S32) => Some(binary!(|a: u32, b: u32| (a.cast_signed() >> b.min(31)).cast_unsigned())),
        (BinaryOp::Min, Type::U32) => Some(binary!(u32::min)),
        (BinaryOp::Max, Type::U32) => Some(binary!(u32::max)),
        (BinaryOp::Min, Type::S32) => {
            Some(binary!(|a: u32, b: u32| a.cast_signed().min(b.cast_signed()).cast_unsigned()))
        }
        (BinaryOp::Max, Type::S32) => {
            Some(binary!(|a: u32, b: u32| a.cast_signed().max(b.cast_signed()).cast_unsigned()))
        }
        _ => None,
    }
}

/// The function of a 64-bit operation.
pub(crate) fn wide_binary(op: BinaryOp, ty: Type, form: BinaryForm) -> Option<Run> {
    if form != BinaryForm::default() {
        return None;
    }
    match (op, ty) {
        (BinaryOp::Add, Type::U64 | Type::S64) => Some(wide_binary!(u64::wrapping_add)),
        (BinaryOp::Sub, Type::U64 | Type::S64) => Some(wide_binary!(u64::wrapping_sub)),
        (BinaryOp::And, Type::B64) => Some(wide_binary!(|a, b| a & b)),
        (BinaryOp::Or, Type::B64) => Some(wide_binary!(|a, b| a | b)),
        (BinaryOp::Xor, Type::B64) => Some(wide_binary!(|a, b| a ^ b)),
        _ => None,
    }
}

/// The function of a 32-bit operation on three operands.
pub(crate) fn ternary(op: TernaryOp, ty: Type, form: TernaryForm) -> Option<Run> {
    let nearest = TernaryForm { rounding: None, ..form } == TernaryForm::default()
        && matches!(form.rounding, None | Some(Rounding::Nearest));
    match (op, ty) {
        (TernaryOp::Fma, Type::F32) if nearest => {
            Some(ternary!(|a, b, c| float(f32::from_bits(a).mul_add(f32::from_bits(b), f32::from_bits(c)))))
        }
        (TernaryOp::Fma, Type::F16x2) if nearest => Some(ternary!(|a: u32, b: u32, c: u32| {
            let low = half::multiply_add(a & 0xFFFF, b & 0xFFFF, c & 0xFFFF);
            low | half::multiply_add(a >> 16, b >> 16, c >> 16) << 16
        })),
        (TernaryOp::BytePermute, Type::B32) if form == TernaryForm::default() => Some(ternary!(arith::byte_permute)),
        _ => None,
    }
}

/// The function of a 32-bit product.
pub(crate) fn multiply(part: MulPart, ty: Type) -> Option<Run> {
    match (part, ty) {
        (MulPart::Lo, Type::U32 | Type::S32) => Some(binary!(u32::wrapping_mul)),
        (MulPart::Hi, Type::U32) => Some(binary!(high)),
        _ => None,
    }
}

/// The function of a 32-bit product and sum.
pub(crate) fn multiply_add(part: MulPart, ty: Type) -> Option<Run> {
    match (part, ty) {
        (MulPart::Lo, Type::U32 | Type::S32) => {
            Some(ternary!(|a: u32, b: u32, c: u32| a.wrapping_mul(b).wrapping_add(c)))
        }
        _ => None,
    }
}

/// The upper half of a product.
const fn high(a: u32, b: u32) -> u32 {
    ((a as u64 * b as u64) >> 32) as u32
}

/// The function of a 64-bit product.
pub(crate) fn wide_multiply(part: MulPart, ty: Type) -> Option<Run> {
    match (part, ty) {
        (MulPart::Lo, Type::U64 | Type::S64) => Some(wide_binary!(u64::wrapping_mul)),
        _ => None,
    }
}

/// The function of a 64-bit product and sum.
pub(crate) fn wide_multiply_add(part: MulPart, ty: Type) -> Option<Run> {
    match (part, ty) {
        (MulPart::Lo, Type::U64 | Type::S64) => Some(|registers: &mut Registers, plain: &Plain, lanes: u32| {
            let product = |[a, b, c]: [u64; 3]| a.wrapping_mul(b).wrapping_add(c);
            registers.each_wide(plain.dst, [plain.a, plain.b, plain.c], lanes, product);
        }),
        _ => None,
    }
}

/// The function of a product of two 32-bit numbers that is kept whole.
pub(crate) const fn multiply_whole() -> Run {
    |registers: &mut Registers, plain: &Plain, lanes: u32| {
        registers.each_widened(plain.dst, [plain.a, plain.b], lanes, |[a, b]| u64::from(a) * u64::from(b));
    }
}

/// The same with a sum.
pub(crate) const fn multiply_add_whole() -> Run {
    |registers: &mut Registers, plain: &Plain, lanes: u32| {
        let sum = |[a, b]: [u32; 2], c: u64| (u64::from(a) * u64::from(b)).wrapping_add(c);
        registers.each_widened_with(plain.dst, ([plain.a, plain.b], plain.c), lanes, sum);
    }
}

/// 32 bits as 64.
pub(crate) const fn widen() -> Run {
    |registers: &mut Registers, plain: &Plain, lanes: u32| {
        registers.each_widened(plain.dst, [plain.a], lanes, |[a]| u64::from(a));
    }
}

/// A register to another.
pub(crate) const fn copy() -> Run {
    unary!(|a| a)
}

/// One of two registers, as a predicate says.
pub(crate) const fn select() -> Run {
    |registers: &mut Registers, plain: &Plain, lanes: u32| {
        let holds = registers.pred(plain.c, lanes);
        registers.choose(plain.dst, [plain.a, plain.b], holds, lanes);
    }
}

/// The function of an operation on predicates: on their bits at once.
pub(crate) const fn logic() -> Run {
    |registers: &mut Registers, plain: &Plain, lanes: u32| {
        let holds = registers.pred(plain.a, lanes);
        registers.set_combined(plain.dst, holds, plain.combine.map(|op| (op, plain.b)), lanes);
    }
}

/// The function of `lop3`.
pub(crate) const fn lop3() -> Run {
    |registers: &mut Registers, plain: &Plain, lanes: u32| {
        let table = arith::Lop3::new(plain.table);
        registers.each_narrow(plain.dst, [plain.a, plain.b, plain.c], lanes, |[a, b, c]| table.of(a, b, c));
    }
}

/// The function of a comparison.
pub(crate) fn compare(compare: Compare, ty: Type, ftz: bool) -> Option<Run> {
    if ftz {
        return None;
    }
    match ty {
        Type::U32 | Type::B32 => match compare {
            Compare::Eq => Some(comparison!(|a, b| a == b)),
            Compare::Ne => Some(comparison!(|a, b| a != b)),
            _ if ty == Type::B32 => None,
            Compare::Lt => Some(comparison!(|a, b| a < b)),
            Compare::Le => Some(comparison!(|a, b| a <= b)),
            Compare::Gt => Some(comparison!(|a, b| a > b)),
            Compare::Ge => Some(comparison!(|a, b| a >= b)),
            _ => None,
        },
        Type::S32 => match compare {
            Compare::Eq => Some(comparison!(|a, b| a == b)),
            Compare::Ne => Some(comparison!(|a, b| a != b)),
            Compare::Lt => Some(comparison!(|a: u32, b: u32| a.cast_signed() < b.cast_signed())),
            Compare::Le => Some(comparison!(|a: u32, b: u32| a.cast_signed() <= b.cast_signed())),
            Compare::Gt => Some(comparison!(|a: u32, b: u32| a.cast_signed() > b.cast_signed())),
            Compare::Ge => Some(comparison!(|a: u32, b: u32| a.cast_signed() >= b.cast_signed())),
            _ => None,
        },
        Type::F32 => match compare {
            Compare::Eq => Some(comparison!(|a, b| f32::from_bits(a) == f32::from_bits(b))),
            Compare::Lt => Some(comparison!(|a, b| f32::from_bits(a) < f32::from_bits(b))),
            Compare::Le => Some(comparison!(|a, b| f32::from_bits(a) <= f32::from_bits(b))),
            Compare::Gt => Some(comparison!(|a, b| f32::from_bits(a) > f32::from_bits(b))),
            Compare::Ge => Some(comparison!(|a, b| f32::from_bits(a) >= f32::from_bits(b))),
            Compare::Neu => Some(comparison!(|a, b| f32::from_bits(a) != f32::from_bits(b))),
            _ => None,
        },
        _ => None,
    }
}

/// `ex2.approx.ftz.f32` without jitter: computed in f64 and rounded once.
#[expect(clippy::cast_possible_truncation, reason = "rounds to nearest, as it should")]
fn exponential(a: u32) -> u32 {
    let bits = float(f64::from(f32::from_bits(a)).exp2() as f32);
    // Subnormals become zero; a power is positive. Of an operand that is subnormal the power is one, flushed or not.
    if bits < 0x0080_0000 { 0 } else { bits }
}

/// The bits of a result; a NaN is always the same one.
const fn float(value: f32) -> u32 {
    if value.is_nan() { 0x7FFF_FFFF } else { value.to_bits() }
}

/// The larger one; the other one if one is NaN; +0 above -0.
fn maximum(a: u32, b: u32) -> u32 {
    let (x, y) = (f32::from_bits(a), f32::from_bits(b));
    if x.is_nan() {
        float(y)
    } else if y.is_nan() || x > y {
        a
    } else if x == y {
        // Equal bits, or zeros of either sign.
        a & b
    } else {
        b
    }
}

#[cfg(test)]
mod tests;
