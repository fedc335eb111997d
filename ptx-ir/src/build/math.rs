//! Arithmetic with names: minimum and maximum, fused multiply-add, comparisons, selection, approximate functions, bit tricks.

use super::{Builder, Float, Integer, Local, Number, Scalar, Source, Value};
use crate::ir::{BinaryOp, Compare, MulPart, Op, Rounding, TernaryOp, Type, UnaryOp};

impl<'k, T: Number> Value<'k, T> {
    /// The smaller of two; a NaN gives the other one.
    #[must_use]
    pub fn min(self, other: impl Source<'k, T>) -> Self {
        self.binary(BinaryOp::Min, T::TYPE, other.value(self.k).operand)
    }

    /// The larger of two; a NaN gives the other one.
    #[must_use]
    pub fn max(self, other: impl Source<'k, T>) -> Self {
        self.binary(BinaryOp::Max, T::TYPE, other.value(self.k).operand)
    }

    /// The magnitude.
    #[must_use]
    pub fn abs(self) -> Self {
        self.unary(UnaryOp::Abs, T::TYPE)
    }

    /// `self < other`; false if either is NaN.
    #[must_use]
    pub fn lt(self, other: impl Source<'k, T>) -> Value<'k, bool> {
        self.compare(Compare::Lt, other)
    }

    /// `self <= other`; false if either is NaN.
    #[must_use]
    pub fn le(self, other: impl Source<'k, T>) -> Value<'k, bool> {
        self.compare(Compare::Le, other)
    }

    /// `self > other`; false if either is NaN.
    #[must_use]
    pub fn gt(self, other: impl Source<'k, T>) -> Value<'k, bool> {
        self.compare(Compare::Gt, other)
    }

    /// `self >= other`; false if either is NaN.
    #[must_use]
    pub fn ge(self, other: impl Source<'k, T>) -> Value<'k, bool> {
        self.compare(Compare::Ge, other)
    }

    /// `self == other`; false if either is NaN.
    #[must_use]
    pub fn eq(self, other: impl Source<'k, T>) -> Value<'k, bool> {
        self.compare(Compare::Eq, other)
    }

    /// `self != other`; false if either is NaN.
    #[must_use]
    pub fn ne(self, other: impl Source<'k, T>) -> Value<'k, bool> {
        self.compare(Compare::Ne, other)
    }

    fn compare(self, compare: Compare, other: impl Source<'k, T>) -> Value<'k, bool> {
        let (a, b) = (self.operand, other.value(self.k).operand);
        self.k.produce(|dst| Op::SetPredicate { compare, ty: T::TYPE, ftz: false, dst, a, b, combine: None })
    }
}

impl<'k> Value<'k, bool> {
    /// `a` where `self` is true, else `b`.
    #[must_use]
    pub fn select<T: Scalar>(self, a: impl Source<'k, T>, b: impl Source<'k, T>) -> Value<'k, T> {
        let (a, b, pred) = (a.value(self.k).operand, b.value(self.k).operand, self.register());
        self.k.produce(|dst| Op::Select { ty: T::MOVE_TYPE, dst, a, b, pred })
    }
}

impl<'k, T: Float> Value<'k, T> {
    /// `self · b + c` with one rounding.
    #[must_use]
    pub fn fma(self, b: impl Source<'k, T>, c: impl Source<'k, T>) -> Self {
        self.ternary(TernaryOp::Fma, T::TYPE, Some(Rounding::Nearest), b.value(self.k), c.value(self.k))
    }
}

/// IEEE 754-2019's `minimum` and `maximum`, as Rust's `f32` has them: a NaN is not lost.
impl<'k> Value<'k, f32> {
    /// The smaller of two, -0 below +0; NaN if either is.
    #[must_use]
    pub fn minimum(self, other: impl Source<'k, f32>) -> Self {
        self.extremum(BinaryOp::Min, other.value(self.k))
    }

    /// The larger of two, -0 below +0; NaN if either is.
    #[must_use]
    pub fn maximum(self, other: impl Source<'k, f32>) -> Self {
        self.extremum(BinaryOp::Max, other.value(self.k))
    }

    fn extremum(self, op: BinaryOp, other: Self) -> Self {
        let (rounding, sat, approx, full, ftz) = (None, false, false, false, false);
        let (ty, nan, a, b) = (Type::F32, true, self.operand, other.operand);
        self.k.produce(|dst| Op::Binary { op, ty, rounding, ftz, sat, approx, full, nan, dst, a, b })
    }
}

impl<'k, T: Scalar> Value<'k, T> {
    fn ternary(self, op: TernaryOp, ty: Type, rounding: Option<Rounding>, b: Self, c: Self) -> Self {
        let (sat, relu, ftz) = (false, false, false);
        let (a, b, c) = (self.operand, b.operand, c.operand);
        self.k.produce(|dst| Op::Ternary { op, ty, rounding, ftz, sat, relu, dst, a, b, c })
    }
}

impl<'k, T: Integer> Value<'k, T> {
    /// `self · b + c`, the low half.
    #[must_use]
    pub fn mad(self, b: impl Source<'k, T>, c: impl Source<'k, T>) -> Self {
        let (a, b, c) = (self.operand, b.value(self.k).operand, c.value(self.k).operand);
        self.k.produce(|dst| Op::Mad { part: MulPart::Lo, ty: T::TYPE, dst, a, b, c })
    }
}

/// The approximate functions flush subnormal inputs and results to zero.
///
/// # Numerics
/// Largest relative error: `exp2` 2^-22.5, `reciprocal` 2^-23, `rsqrt` 2^-22.9, `log2` 2^-22 (absolute near 1), `tanh` 2^-11.
///
/// # Source
/// PTX ISA 9.0, section 9.7.3 (Floating point instructions: `rcp`, `sqrt`, `rsqrt`, `lg2`, `ex2`, `tanh`).
impl Value<'_, f32> {
    fn approximate(self, op: UnaryOp, ftz: bool) -> Self {
        self.k.produce(|dst| Op::Unary { op, ty: Type::F32, rounding: None, approx: true, ftz, dst, a: self.operand })
    }

    /// 2 to the `self`; `exp2(-inf)` is +0.
    #[must_use]
    pub fn exp2(self) -> Self {
        self.approximate(UnaryOp::Ex2, true)
    }

    /// Logarithm to base 2.
    #[must_use]
    pub fn log2(self) -> Self {
        self.approximate(UnaryOp::Lg2, true)
    }

    /// 1 / self.
    #[must_use]
    pub fn reciprocal(self) -> Self {
        self.approximate(UnaryOp::Rcp, true)
    }

    /// 1 / square root of self.
    #[must_use]
    pub fn rsqrt(self) -> Self {
        self.approximate(UnaryOp::Rsqrt, true)
    }

    /// Hyperbolic tangent.
    #[must_use]
    pub fn tanh(self) -> Self {
        self.approximate(UnaryOp::Tanh, false)
    }

    /// Square root, rounded to nearest.
    #[must_use]
    pub fn sqrt(self) -> Self {
        let (op, rounding, approx, ftz) = (UnaryOp::Sqrt, Some(Rounding::Nearest), false, false);
        self.k.produce(|dst| Op::Unary { op, ty: Type::F32, rounding, approx, ftz, dst, a: self.operand })
    }
}

impl<'k> Value<'k, u32> {
    /// Any function of three bits, bit by bit: bit `4a + 2b + c` of `table` is the result. `lop3(b, c, 0xEA)` is `(self & b) | c`.
    #[must_use]
    pub fn lop3(self, b: impl Source<'k, u32>, c: impl Source<'k, u32>, table: u8) -> Self {
        let (a, b, c) = (self.operand, b.value(self.k).operand, c.value(self.k).operand);
        self.k.produce(|dst| Op::Lop3 { table, dst, a, b, c })
    }

    /// Four bytes picked from the pair: nibble i of `selector` names byte i of the result, 0-3 from `self`, 4-7 from `high`.
    #[must_use]
    pub fn permute_bytes(self, high: impl Source<'k, u32>, selector: impl Source<'k, u32>) -> Self {
        self.ternary(TernaryOp::BytePermute, Type::B32, None, high.value(self.k), selector.value(self.k))
    }

    /// `length` bits of `self` from bit `start` on, zero-extended.
    #[must_use]
    pub fn extract_bits(self, start: impl Source<'k, u32>, length: impl Source<'k, u32>) -> Self {
        self.ternary(TernaryOp::BitFieldExtract, Type::U32, None, start.value(self.k), length.value(self.k))
    }

    /// How many bits are one.
    #[must_use]
    pub fn count_ones(self) -> Self {
        self.unary(UnaryOp::PopulationCount, Type::B32)
    }

    /// The larger of `self - other` and 0.
    #[must_use]
    pub fn saturating_sub(self, other: impl Source<'k, u32>) -> Self {
        let other = other.value(self.k);
        self.max(other) - other
    }
}

macro_rules! local_reads {
    ($($bound:ident: $($method:ident($($argument:ident),*) -> $output:ty),+;)+) => {
        $(impl<'k, T: $bound> Local<'k, T> {
            $(
                #[doc = concat!("[`Value::", stringify!($method), "`] of the present value.")]
                #[must_use]
                pub fn $method(self $(, $argument: impl Source<'k, T>)*) -> $output {
                    self.now().$method($($argument),*)
                }
            )+
        })+
    };
}

local_reads! {
    Number: min(other) -> Value<'k, T>, max(other) -> Value<'k, T>, lt(other) -> Value<'k, bool>, le(other) -> Value<'k, bool>,
        gt(other) -> Value<'k, bool>, ge(other) -> Value<'k, bool>, eq(other) -> Value<'k, bool>, ne(other) -> Value<'k, bool>;
    Float: fma(b, c) -> Value<'k, T>;
}

impl Builder {
    /// `a · b + accumulator` put back into `accumulator`.
    pub fn accumulate<'k, T: Float>(&'k self, accumulator: Local<'k, T>, a: impl Source<'k, T>, b: impl Source<'k, T>) {
        let (dst, a, b) = (accumulator.register(), a.value(self).operand, b.value(self).operand);
        let (sat, relu, ftz) = (false, false, false);
        let (op, ty, rounding, c) = (TernaryOp::Fma, T::TYPE, Some(Rounding::Nearest), dst.into());
        self.emit(Op::Ternary { op, ty, rounding, ftz, sat, relu, dst, a, b, c });
    }
}
