//! The parameters in which the tensor cores of different chips differ.

/// How a tensor core adds the products of f16 or bf16 operands.
///
/// Every block of `block` products is added together with the accumulator: all terms are aligned to the largest exponent among them, each
/// magnitude is truncated to `fraction_bits` bits below that exponent's unit, the sum of what is left is exact, and it is rounded once.
/// Products are not normalised before their exponents are compared; zeros are not compared.
///
/// # Source
/// Khattak and Mikaitis, arXiv 2512.07004; MMA-Sim, arXiv 2511.10909; Fasi et al., PeerJ Computer Science 7:e330, 2021.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Model {
    /// Products that are added at once; longer dot products chain through the accumulator.
    pub block: usize,
    /// Bits kept below the unit of the largest exponent.
    pub fraction_bits: u32,
}

impl Model {
    /// V100.
    pub const VOLTA: Self = Self { block: 4, fraction_bits: 23 };
    /// A100, consumer Ampere, Ada.
    pub const AMPERE: Self = Self { block: 8, fraction_bits: 24 };
    /// Hopper and Blackwell.
    pub const HOPPER: Self = Self { block: 16, fraction_bits: 25 };
}

/// The type of the operands a and b.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operand {
    /// IEEE binary16.
    F16,
    /// bfloat16.
    Bf16,
}

impl Operand {
    /// Bits of the stored significand.
    pub(super) const fn fraction_bits(self) -> u32 {
        match self {
            Self::F16 => 10,
            Self::Bf16 => 7,
        }
    }

    /// What is added to an exponent to store it.
    pub(super) const fn bias(self) -> i32 {
        match self {
            Self::F16 => 15,
            Self::Bf16 => 127,
        }
    }

    /// The stored exponent of infinities and NaNs.
    pub(super) const fn special_exponent(self) -> u16 {
        match self {
            Self::F16 => 0x1F,
            Self::Bf16 => 0xFF,
        }
    }
}
