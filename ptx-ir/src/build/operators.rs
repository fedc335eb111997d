//! `+ - * / % & | ^ << >> ! -` on values and locals.

use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Rem, Shl, Shr, Sub};

use super::{Integer, Local, Number, Scalar, Source, Value};
use crate::ir::{BinaryOp, Immediate, MulPart, Op, Operand, Reg, Rounding, Type, UnaryOp};

/// A two-operand instruction of the form that this builder uses for `ty`: floats round to nearest and are never contracted.
pub(super) fn binary(op: BinaryOp, ty: Type, dst: Reg, a: Operand, b: Operand) -> Op {
    let rounded = matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div) && ty.is_float();
    let rounding = rounded.then_some(Rounding::Nearest);
    let (sat, approx, full, nan, ftz) = (false, false, false, false, false);
    Op::Binary { op, ty, rounding, ftz, sat, approx, full, nan, dst, a, b }
}

/// The untyped type of the same size, which bitwise operations and shifts want.
pub(super) const fn bits_type(ty: Type) -> Type {
    match ty.bytes() {
        0 => Type::Pred,
        2 => Type::B16,
        8 => Type::B64,
        _ => Type::B32,
    }
}

fn is_zero(operand: Operand) -> bool {
    matches!(operand, Operand::Imm(Immediate::Int(0)))
}

fn is_one(operand: Operand) -> bool {
    matches!(operand, Operand::Imm(Immediate::Int(1)))
}

impl<'k, T: Scalar> Value<'k, T> {
    pub(super) fn binary(self, op: BinaryOp, ty: Type, b: Operand) -> Self {
        self.k.produce(|dst| binary(op, ty, dst, self.operand, b))
    }
}

macro_rules! arithmetic {
    ($trait:ident, $method:ident, $bound:ident, |$a:ident, $b:ident| $body:expr) => {
        impl<'k, T: $bound, R: Source<'k, T>> $trait<R> for Value<'k, T> {
            type Output = Value<'k, T>;
            fn $method(self, rhs: R) -> Self::Output {
                let ($a, $b) = (self, rhs.value(self.k));
                $body
            }
        }
        impl<'k, T: $bound, R: Source<'k, T>> $trait<R> for Local<'k, T> {
            type Output = Value<'k, T>;
            fn $method(self, rhs: R) -> Self::Output {
                $trait::$method(self.now(), rhs)
            }
        }
    };
}

arithmetic!(Add, add, Number, |a, b| {
    if T::TYPE.is_integer() && is_zero(b.operand) {
        a
    } else if T::TYPE.is_integer() && is_zero(a.operand) {
        b
    } else {
        a.binary(BinaryOp::Add, T::TYPE, b.operand)
    }
});
arithmetic!(Sub, sub, Number, |a, b| a.binary(BinaryOp::Sub, T::TYPE, b.operand));
arithmetic!(Mul, mul, Number, |a, b| {
    if T::TYPE.is_float() {
        a.binary(BinaryOp::Mul, T::TYPE, b.operand)
    } else if is_one(b.operand) {
        a
    } else {
        a.multiplied(MulPart::Lo, b.operand)
    }
});
arithmetic!(Div, div, Number, |a, b| match Divisor::of(T::TYPE, b.operand) {
    Divisor::PowerOfTwo(0) => a,
    Divisor::PowerOfTwo(log) => a.binary(BinaryOp::Shr, T::TYPE, immediate(log)),
    Divisor::Constant(divisor) => a.divided_by(divisor),
    Divisor::Other => a.binary(BinaryOp::Div, T::TYPE, b.operand),
});
arithmetic!(Rem, rem, Integer, |a, b| match Divisor::of(T::TYPE, b.operand) {
    Divisor::PowerOfTwo(log) => a.binary(BinaryOp::And, bits_type(T::TYPE), immediate((1 << log) - 1)),
    Divisor::Constant(divisor) => {
        let multiple = a.divided_by(divisor).multiplied(MulPart::Lo, b.operand);
        a.binary(BinaryOp::Sub, T::TYPE, multiple.operand)
    }
    Divisor::Other => a.binary(BinaryOp::Rem, T::TYPE, b.operand),
});

/// What an unsigned number is divided by. The assembler does not look at a divisor: for any it writes the same twenty instructions.
enum Divisor {
    /// 2 to this power: a shift, or a mask.
    PowerOfTwo(u32),
    /// Another constant, of 32 bits: a multiplication.
    Constant(u32),
    /// Anything else: a division.
    Other,
}

impl Divisor {
    fn of(ty: Type, operand: Operand) -> Self {
        let (Type::U16 | Type::U32 | Type::U64, Operand::Imm(Immediate::Int(value))) = (ty, operand) else {
            return Self::Other;
        };
        match u32::try_from(value) {
            Ok(value) if value.is_power_of_two() => Self::PowerOfTwo(value.trailing_zeros()),
            Ok(value) if value != 0 && ty == Type::U32 => Self::Constant(value),
            _ => Self::Other,
        }
    }
}

fn immediate(value: u32) -> Operand {
    Operand::Imm(Immediate::Int(i64::from(value)))
}

impl<T: Scalar> Value<'_, T> {
    /// An unsigned 32-bit number divided by a constant of at least 3 that is no power of two.
    ///
    /// # Source
    /// Granlund, Montgomery, "Division by Invariant Integers using Multiplication", PLDI 1994, figure 4.1.
    fn divided_by(self, divisor: u32) -> Self {
        let log = u32::BITS - divisor.leading_zeros();
        let wide = u64::from(divisor);
        // floor(2^32 (2^log - d) / d) + 1, which is below 2^32.
        let multiplier = (((1u64 << log) - wide) << 32) / wide + 1;
        let high = self.multiplied(MulPart::Hi, Operand::Imm(Immediate::Int(multiplier.cast_signed())));
        let rest = self.binary(BinaryOp::Sub, T::TYPE, high.operand).binary(BinaryOp::Shr, T::TYPE, immediate(1));
        high.binary(BinaryOp::Add, T::TYPE, rest.operand).binary(BinaryOp::Shr, T::TYPE, immediate(log - 1))
    }

    fn multiplied(self, part: MulPart, b: Operand) -> Self {
        self.k.produce(|dst| Op::Mul { part, ty: T::TYPE, dst, a: self.operand, b })
    }
}

macro_rules! bitwise {
    ($trait:ident, $method:ident, $op:ident) => {
        impl<'k, T: Bitwise, R: Source<'k, T>> $trait<R> for Value<'k, T> {
            type Output = Value<'k, T>;
            fn $method(self, rhs: R) -> Self::Output {
                self.binary(BinaryOp::$op, bits_type(T::TYPE), rhs.value(self.k).operand)
            }
        }
    };
}

/// Types with bitwise operators: the integers and predicates.
pub trait Bitwise: Scalar {}
impl Bitwise for u16 {}
impl Bitwise for i16 {}
impl Bitwise for u32 {}
impl Bitwise for i32 {}
impl Bitwise for u64 {}
impl Bitwise for i64 {}
impl Bitwise for bool {}

bitwise!(BitAnd, bitand, And);
bitwise!(BitOr, bitor, Or);
bitwise!(BitXor, bitxor, Xor);

impl<'k, T: Integer, R: Source<'k, u32>> Shl<R> for Value<'k, T> {
    type Output = Self;
    fn shl(self, amount: R) -> Self {
        self.binary(BinaryOp::Shl, bits_type(T::TYPE), amount.value(self.k).operand)
    }
}

impl<'k, T: Integer, R: Source<'k, u32>> Shr<R> for Value<'k, T> {
    type Output = Self;
    fn shr(self, amount: R) -> Self {
        self.binary(BinaryOp::Shr, T::TYPE, amount.value(self.k).operand)
    }
}

impl<T: Bitwise> Not for Value<'_, T> {
    type Output = Self;
    fn not(self) -> Self {
        self.unary(UnaryOp::Not, bits_type(T::TYPE))
    }
}

impl<T: Negate> Neg for Value<'_, T> {
    type Output = Self;
    fn neg(self) -> Self {
        self.unary(UnaryOp::Neg, T::TYPE)
    }
}

/// Types with unary minus: signed integers and floats.
pub trait Negate: Number {}
impl Negate for f32 {}
impl Negate for f64 {}
impl Negate for half::f16 {}
impl Negate for super::F16x2 {}
impl Negate for i16 {}
impl Negate for i32 {}
impl Negate for i64 {}

impl<T: Scalar> Value<'_, T> {
    pub(super) fn unary(self, op: UnaryOp, ty: Type) -> Self {
        let (rounding, approx, ftz) = (None, false, false);
        self.k.produce(|dst| Op::Unary { op, ty, rounding, approx, ftz, dst, a: self.operand })
    }
}
