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
        a.k.produce(|dst| Op::Mul { part: MulPart::Lo, ty: T::TYPE, dst, a: a.operand, b: b.operand })
    }
});
arithmetic!(Div, div, Number, |a, b| a.binary(BinaryOp::Div, T::TYPE, b.operand));
arithmetic!(Rem, rem, Integer, |a, b| a.binary(BinaryOp::Rem, T::TYPE, b.operand));

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
