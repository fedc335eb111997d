//! The Rust types that stand for PTX types.

use half::{bf16, f16};

use crate::ir::{Immediate, RegClass, Type};

mod sealed {
    #[expect(unnameable_types, reason = "that is what seals `Scalar`")]
    pub trait Sealed {}
}

/// A type that a register can hold.
pub trait Scalar: Copy + sealed::Sealed + 'static {
    /// The PTX type of arithmetic on it.
    const TYPE: Type;
    /// The literal for `self`.
    fn immediate(self) -> Immediate;

    /// The type that moves, loads and selects use.
    const MOVE_TYPE: Type = match Self::TYPE {
        Type::F16 | Type::Bf16 | Type::S8 | Type::U8 => Type::B16,
        Type::F16x2 | Type::Bf16x2 => Type::B32,
        other => other,
    };
    /// The register class.
    const CLASS: RegClass = Self::TYPE.class();
}

/// A type that memory can hold.
pub trait Element: Scalar {
    /// Size in bytes.
    const BYTES: u32 = Self::TYPE.bytes();
    /// The type that loads and stores name; PTX has no `ld.f16`.
    const MEMORY_TYPE: Type = match Self::TYPE {
        Type::F16 | Type::Bf16 => Type::B16,
        Type::F16x2 | Type::Bf16x2 => Type::B32,
        other => other,
    };
}

/// A type with `+`, `-`, `*`, `min` and `max`.
pub trait Number: Scalar {}
/// An integer type with shifts, bitwise operators and division.
pub trait Integer: Number {}
/// A floating-point type with fused multiply-add.
pub trait Float: Number {}
/// A type of 32 bits, which shuffles can exchange and `bits` can reinterpret.
pub trait Word: Scalar {}

/// Two f16 in one register, the first in the low half.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct F16x2(pub f16, pub f16);

/// Two bf16 in one register, the first in the low half.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bf16x2(pub bf16, pub bf16);

macro_rules! scalar {
    ($ty:ty, $ptx:ident, |$value:ident| $immediate:expr, $($marker:ident)*) => {
        impl sealed::Sealed for $ty {}
        impl Scalar for $ty {
            const TYPE: Type = Type::$ptx;
            fn immediate(self) -> Immediate {
                let $value = self;
                $immediate
            }
        }
        $(impl $marker for $ty {})*
    };
}

scalar!(bool, Pred, |value| Immediate::Int(i64::from(value)),);
scalar!(u8, U8, |value| Immediate::Int(i64::from(value)), Element);
scalar!(i8, S8, |value| Immediate::Int(i64::from(value)), Element);
scalar!(u16, U16, |value| Immediate::Int(i64::from(value)), Element Number Integer);
scalar!(i16, S16, |value| Immediate::Int(i64::from(value)), Element Number Integer);
scalar!(u32, U32, |value| Immediate::Int(i64::from(value)), Element Number Integer Word);
scalar!(i32, S32, |value| Immediate::Int(i64::from(value)), Element Number Integer Word);
scalar!(u64, U64, |value| Immediate::Int(value.cast_signed()), Element Number Integer);
scalar!(i64, S64, |value| Immediate::Int(value), Element Number Integer);
scalar!(f16, F16, |value| Immediate::Int(i64::from(value.to_bits())), Element Number Float);
scalar!(bf16, Bf16, |value| Immediate::Int(i64::from(value.to_bits())), Element);
scalar!(f32, F32, |value| Immediate::F32(value.to_bits()), Element Number Float Word);
scalar!(f64, F64, |value| Immediate::F64(value.to_bits()), Element Number Float);
scalar!(F16x2, F16x2, |value| Immediate::Int(pair(value.0.to_bits(), value.1.to_bits())), Element Number Float Word);
scalar!(Bf16x2, Bf16x2, |value| Immediate::Int(pair(value.0.to_bits(), value.1.to_bits())), Element Word);

fn pair(low: u16, high: u16) -> i64 {
    i64::from(u32::from(low) | u32::from(high) << 16)
}
