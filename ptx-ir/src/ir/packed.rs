//! Words of the instructions that compute with parts of words.

use super::operand::Operand;
use super::words::{Compare, words};

words! {
    /// Integers that `cvt.pack` puts side by side.
    PackedInteger {
        /// 16 bits.
        U16 = "u16",
        /// 16 bits with a sign.
        S16 = "s16",
        /// 8 bits.
        U8 = "u8",
        /// 8 bits with a sign.
        S8 = "s8",
        /// 4 bits.
        U4 = "u4",
        /// 4 bits with a sign.
        S4 = "s4",
        /// 2 bits.
        U2 = "u2",
        /// 2 bits with a sign.
        S2 = "s2",
    }
}

impl PackedInteger {
    /// Bits of one.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::U16 | Self::S16 => 16,
            Self::U8 | Self::S8 => 8,
            Self::U4 | Self::S4 => 4,
            Self::U2 | Self::S2 => 2,
        }
    }

    /// Whether it has a sign.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        matches!(self, Self::S16 | Self::S8 | Self::S4 | Self::S2)
    }
}

words! {
    /// What the video instructions do with parts of words.
    VideoOp {
        /// Sum.
        Add = "vadd",
        /// Difference.
        Subtract = "vsub",
        /// Half the sum, a half rounded up unless it is negative.
        Average = "vavrg",
        /// |a - b|.
        AbsoluteDifference = "vabsdiff",
        /// Smaller of two.
        Minimum = "vmin",
        /// Larger of two.
        Maximum = "vmax",
    }
}

words! {
    /// A byte or half of a word.
    VideoPart {
        /// Bits 0 to 7.
        Byte0 = "b0",
        /// Bits 8 to 15.
        Byte1 = "b1",
        /// Bits 16 to 23.
        Byte2 = "b2",
        /// Bits 24 to 31.
        Byte3 = "b3",
        /// Bits 0 to 15.
        Half0 = "h0",
        /// Bits 16 to 31.
        Half1 = "h1",
    }
}

impl VideoPart {
    /// How many bits, and which is the first.
    #[must_use]
    pub const fn bits(self) -> (u32, u32) {
        match self {
            Self::Byte0 => (8, 0),
            Self::Byte1 => (8, 8),
            Self::Byte2 => (8, 16),
            Self::Byte3 => (8, 24),
            Self::Half0 => (16, 0),
            Self::Half1 => (16, 16),
        }
    }
}

words! {
    /// What is done with the result of a video instruction and its third operand.
    VideoSecond {
        /// Sum.
        Add = "add",
        /// Smaller of two.
        Minimum = "min",
        /// Larger of two.
        Maximum = "max",
    }
}

/// What a video instruction computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "PTX has no third kind")]
pub enum VideoAction {
    /// The result of an operation.
    Op(VideoOp),
    /// 1 where a comparison holds, else 0: `vset`.
    Set(Compare),
}

/// An operand, or a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Selected {
    /// The whole operand.
    pub operand: Operand,
    /// The part that is meant.
    pub part: Option<VideoPart>,
}
