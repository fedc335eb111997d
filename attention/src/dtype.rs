//! The 16-bit types of q, k, v and o.

use bytemuck::Pod;
use half::{bf16, f16};
use tilewright_ptx_ir::build::{Builder, Value};
use tilewright_ptx_ir::ir::MmaShape;

/// An element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Dtype {
    /// IEEE binary16.
    F16,
    /// bfloat16.
    Bf16,
}

/// An element type as a Rust type: `f16` or `bf16`.
pub trait Element: Pod + sealed::Sealed {
    /// The same as a value.
    const DTYPE: Dtype;
}

impl Element for f16 {
    const DTYPE: Dtype = Dtype::F16;
}

impl Element for bf16 {
    const DTYPE: Dtype = Dtype::Bf16;
}

mod sealed {
    #[expect(unnameable_types, reason = "that is its purpose")]
    pub trait Sealed {}
    impl Sealed for half::f16 {}
    impl Sealed for half::bf16 {}
}

impl Dtype {
    /// Both.
    pub const ALL: [Self; 2] = [Self::F16, Self::Bf16];

    /// The name in kernels' names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        }
    }

    pub(crate) const fn mma(self) -> MmaShape {
        match self {
            Self::F16 => MmaShape::M16N8K16F16F32,
            Self::Bf16 => MmaShape::M16N8K16Bf16F32,
        }
    }

    /// Two f32 rounded to a packed pair.
    pub(crate) fn pack<'k>(self, k: &'k Builder, low: Value<'k, f32>, high: Value<'k, f32>) -> Value<'k, u32> {
        match self {
            Self::F16 => k.pack_f16x2(low, high).bits(),
            Self::Bf16 => k.pack_bf16x2(low, high).bits(),
        }
    }

    /// 16 bits as f32, exactly.
    pub(crate) fn widen<'k>(self, bits: Value<'k, u16>) -> Value<'k, f32> {
        match self {
            Self::F16 => bits.bits::<f16>().cast(),
            // bfloat16 is the upper half of an f32.
            Self::Bf16 => (bits.cast::<u32>() << 16u32).bits(),
        }
    }
}
