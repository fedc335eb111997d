//! Conversions between types.

use half::{bf16, f16};

use super::{Bf16x2, Builder, F16x2, Number, Scalar, Source, Value, Word};
use crate::ir::{Op, Rounding, Type};

impl<'k, T: Scalar> Value<'k, T> {
    /// The same number as a `U`: floats round to nearest even when they narrow and towards zero when they become integers (clamped to
    /// the range, NaN gives 0), integers round to nearest when they become floats and wrap when they narrow.
    #[must_use]
    pub fn cast<U: Scalar>(self) -> Value<'k, U> {
        let (from, to) = (T::TYPE, U::TYPE);
        if from == to {
            return Value::new(self.k, self.operand);
        }
        let src = self.register().into();
        self.k.produce(|dst| Op::Cvt { to, from, rounding: rounding(from, to), ftz: false, sat: false, dst, src })
    }

    /// The same bits as a `U` of the same size.
    #[must_use]
    pub fn bits<U: Scalar>(self) -> Value<'k, U> {
        debug_assert_eq!(T::TYPE.bytes(), U::TYPE.bytes(), "bits() keeps the size");
        if T::CLASS == U::CLASS {
            return Value::new(self.k, self.operand);
        }
        let (src, ty) = (self.register().into(), super::operators::bits_type(U::TYPE));
        self.k.produce(|dst| Op::Mov { ty, dst, src })
    }
}

impl<'k> Value<'k, f32> {
    /// The nearest integer, ties to even, clamped to the range; NaN gives 0.
    #[must_use]
    pub fn nearest(self) -> Value<'k, i32> {
        let (to, from, rounding, src) = (Type::S32, Type::F32, Some(Rounding::IntegerNearest), self.register().into());
        self.k.produce(|dst| Op::Cvt { to, from, rounding, ftz: false, sat: false, dst, src })
    }
}

/// The rounding that `cvt` needs for this pair, if PTX wants one.
fn rounding(from: Type, to: Type) -> Option<Rounding> {
    let exact_widening = matches!((from, to), (Type::F16 | Type::Bf16, Type::F32 | Type::F64) | (Type::F32, Type::F64));
    match (from.is_float(), to.is_float()) {
        (true, false) => Some(Rounding::IntegerZero),
        (false, true) => Some(Rounding::Nearest),
        (true, true) if !exact_widening => Some(Rounding::Nearest),
        _ => None,
    }
}

impl Builder {
    /// Two f32 rounded to nearest into one register, `low` in the low half.
    #[must_use]
    pub fn pack_f16x2<'k>(&'k self, low: impl Source<'k, f32>, high: impl Source<'k, f32>) -> Value<'k, F16x2> {
        self.convert_pair(Type::F16x2, low.value(self), high.value(self))
    }

    /// Two f32 rounded to nearest into one register, `low` in the low half.
    #[must_use]
    pub fn pack_bf16x2<'k>(&'k self, low: impl Source<'k, f32>, high: impl Source<'k, f32>) -> Value<'k, Bf16x2> {
        self.convert_pair(Type::Bf16x2, low.value(self), high.value(self))
    }

    /// Four integers clamped to signed bytes, the first in the lowest.
    #[must_use]
    pub fn pack_i8x4<'k>(&'k self, values: [Value<'k, i32>; 4]) -> Value<'k, u32> {
        let [first, second, third, fourth] = values.map(|value| value.operand);
        let pair = |a, b, c| self.produce(|dst| Op::CvtPackS8 { dst, a, b, c });
        // The new bytes are the lower half: `b` the lowest, `a` above it; the upper half is what was the lower half of `c`.
        let upper: Value<'k, u32> = pair(fourth, third, self.constant(0u32).operand);
        pair(second, first, upper.operand)
    }

    fn convert_pair<'k, T: Scalar>(&'k self, to: Type, low: Value<'k, f32>, high: Value<'k, f32>) -> Value<'k, T> {
        let (high, low) = (high.operand, low.operand);
        self.produce(|dst| Op::CvtPair { to, rounding: Rounding::Nearest, relu: false, dst, high, low })
    }

    /// The two 16-bit halves `low` and `high` in one register.
    #[must_use]
    pub fn pack_halves<'k, H: Half>(&'k self, low: Value<'k, H>, high: Value<'k, H>) -> Value<'k, H::Pair> {
        let srcs = vec![low.register().into(), high.register().into()];
        self.produce(|dst| Op::Pack { ty: Type::B32, dst, srcs })
    }
}

/// A 16-bit type and the packed pair of it.
pub trait Half: Scalar {
    /// Two of them in 32 bits.
    type Pair: Word;
}

impl Half for f16 {
    type Pair = F16x2;
}

impl Half for bf16 {
    type Pair = Bf16x2;
}

impl Half for u16 {
    type Pair = u32;
}

/// A 32-bit type that holds two 16-bit values.
pub trait Packed: Word {
    /// One of the two.
    type Half: Scalar;
}

impl Packed for F16x2 {
    type Half = f16;
}

impl Packed for Bf16x2 {
    type Half = bf16;
}

impl Packed for u32 {
    type Half = u16;
}

impl<'k, P: Packed> Value<'k, P> {
    /// The low and the high half.
    #[must_use]
    pub fn unpack(self) -> [Value<'k, P::Half>; 2] {
        let src = self.register();
        let [low, high] = std::array::from_fn(|_| self.k.register(P::Half::CLASS));
        self.k.emit(Op::Unpack { ty: Type::B32, dsts: vec![low, high], src });
        [Value::from_register(self.k, low), Value::from_register(self.k, high)]
    }
}

impl<'k, T: Number> super::Local<'k, T> {
    /// [`Value::cast`] of the present value.
    #[must_use]
    pub fn cast<U: Scalar>(self) -> Value<'k, U> {
        self.now().cast()
    }
}
