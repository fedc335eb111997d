//! The element types of the row kernels.

use std::fmt;

use half::{bf16, f16};

/// An element type in memory. Arithmetic is f32 whatever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dtype {
    /// IEEE binary32.
    F32,
    /// IEEE binary16.
    F16,
    /// The upper half of a binary32.
    Bf16,
}

impl Dtype {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::F32, Self::F16, Self::Bf16];

    /// Size in bytes.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    /// How many neighbours of a row one thread takes at a time: 16 bytes of them.
    #[must_use]
    pub const fn lanes(self) -> u32 {
        16 / self.bytes()
    }

    /// Half the distance from 1 to the next number: the largest relative error of rounding to the type.
    #[must_use]
    pub const fn unit_roundoff(self) -> f64 {
        1.0 / match self {
            Self::F32 => (1u64 << 24) as f64,
            Self::F16 => (1u64 << 11) as f64,
            Self::Bf16 => (1u64 << 8) as f64,
        }
    }

    /// Half the smallest number above 0: the largest absolute error of rounding a tiny number to the type.
    #[must_use]
    pub fn half_smallest(self) -> f64 {
        match self {
            Self::F32 => 2f64.powi(-150),
            Self::F16 => 2f64.powi(-25),
            Self::Bf16 => 2f64.powi(-134),
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        })
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "that is what seals `Real`")]
    pub trait Sealed {}
}

/// The Rust types of [`Dtype`].
#[diagnostic::on_unimplemented(label = "row kernels take f32, f16 and bf16")]
pub trait Real: bytemuck::Pod + sealed::Sealed {
    /// Which one it is.
    const DTYPE: Dtype;
}

macro_rules! real {
    ($($ty:ty: $dtype:ident),+) => {
        $(
            impl sealed::Sealed for $ty {}
            impl Real for $ty {
                const DTYPE: Dtype = Dtype::$dtype;
            }
        )+
    };
}

real!(f32: F32, f16: F16, bf16: Bf16);
