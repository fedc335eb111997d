//! What is reduced, and how two values become one.

use half::{bf16, f16};
use tilewright_ptx_ir::build::{Element, Number, Scalar, Value, Word};

mod sealed {
    use super::{Element, Number, Value, Word};

    #[expect(unnameable_types, reason = "that is what seals `Reduce`")]
    pub trait Sealed {}

    /// The types in which reductions are carried out.
    #[expect(unnameable_types, reason = "that is what seals `Reduce::Wide`")]
    pub trait Wide: Element + Number + Word {
        /// The larger of two; NaN if either is.
        fn larger<'k>(a: Value<'k, Self>, b: Value<'k, Self>) -> Value<'k, Self>;
        /// The smaller of two; NaN if either is.
        fn smaller<'k>(a: Value<'k, Self>, b: Value<'k, Self>) -> Value<'k, Self>;
    }
}

pub(super) use sealed::Wide;

macro_rules! wide {
    ($($ty:ty: $larger:ident, $smaller:ident;)+) => {
        $(impl Wide for $ty {
            fn larger<'k>(a: Value<'k, Self>, b: Value<'k, Self>) -> Value<'k, Self> {
                a.$larger(b)
            }

            fn smaller<'k>(a: Value<'k, Self>, b: Value<'k, Self>) -> Value<'k, Self> {
                a.$smaller(b)
            }
        })+
    };
}

wide! {
    f32: maximum, minimum;
    i32: max, min;
    u32: max, min;
}

/// A type that warps and blocks can reduce: f32, f16, bf16, i32, u32.
#[diagnostic::on_unimplemented(
    message = "a warp or block cannot reduce values of type `{Self}`",
    label = "only f32, f16, bf16, i32 and u32 can be reduced"
)]
pub trait Reduce: Scalar + sealed::Sealed {
    /// The 32-bit type in which the reduction is carried out; the result is rounded back once.
    type Wide: Wide;
    /// The identity of addition; -0 for floats, which +0 is not: -0 + +0 is +0.
    #[doc(hidden)]
    const NOTHING: Self::Wide;
}

macro_rules! reduce {
    ($($ty:ty as $wide:ty: $nothing:expr),+) => {
        $(
            impl sealed::Sealed for $ty {}
            impl Reduce for $ty {
                type Wide = $wide;
                const NOTHING: $wide = $nothing;
            }
        )+
    };
}

reduce!(f32 as f32: -0.0, f16 as f32: -0.0, bf16 as f32: -0.0, i32 as i32: 0, u32 as u32: 0);

/// How two values become one. Each is commutative bit for bit, so both lanes of an exchange compute the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Sum,
    Max,
    Min,
}

impl Operation {
    pub(super) fn combine<'k, T: Wide>(self, a: Value<'k, T>, b: Value<'k, T>) -> Value<'k, T> {
        match self {
            Self::Sum => a + b,
            Self::Max => T::larger(a, b),
            Self::Min => T::smaller(a, b),
        }
    }
}
