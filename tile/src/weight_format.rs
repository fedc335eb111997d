//! What packed weights are: their width and order, how scales lie along k, and whether there are zero points.

use crate::packed::{PackedOrder, UNIT_K};

/// What packed weights are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "constructed by name")]
pub struct WeightFormat {
    /// Width of the integers, and their order.
    pub order: PackedOrder,
    /// How the scales lie along k.
    pub grouping: Grouping,
    /// Whether each group of a column has a zero point (int4 only): w = scale · (q - zero). Without, w = scale · q.
    pub has_zeros: bool,
}

impl WeightFormat {
    /// int8 with one scale a column, which the caller applies.
    pub const INT8: Self = Self { order: PackedOrder::Int8, grouping: Grouping::Column, has_zeros: false };

    /// Symmetric int4 in groups.
    #[must_use]
    pub const fn int4(grouping: Grouping) -> Self {
        Self { order: PackedOrder::Int4, grouping, has_zeros: false }
    }

    /// int4 in groups with zero points.
    #[must_use]
    pub const fn int4_with_zeros(grouping: Grouping) -> Self {
        Self { order: PackedOrder::Int4, grouping, has_zeros: true }
    }

    /// Rows of halves that each group has on the device: its scales, and its zero points behind them.
    pub(crate) const fn rows_per_group(self) -> u32 {
        if self.has_zeros { 2 } else { 1 }
    }
}

/// How the scales of weights lie along k.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Grouping {
    /// One scale a column: the sums are of integers, and the caller scales them.
    Column,
    /// A scale for every so many units of 32 along k; used for group sizes that are no multiple of 64.
    Of32(u32),
    /// A scale for every so many K tiles of 64.
    OfTiles(u32),
}

impl Grouping {
    /// The grouping for groups of `size` along k, if `size` is a multiple of 32.
    #[must_use]
    pub const fn new(size: u32) -> Option<Self> {
        match size {
            0 => None,
            _ if size.is_multiple_of(UNIT_K) => Some(Self::OfTiles(size / UNIT_K)),
            _ if size.is_multiple_of(32) => Some(Self::Of32(size / 32)),
            _ => None,
        }
    }

    /// Groups along a k of `depth`; the last may be shorter.
    #[must_use]
    pub const fn count(self, depth: u32) -> u32 {
        match self {
            Self::Column => 1,
            Self::Of32(units) => depth.div_ceil(units * 32),
            Self::OfTiles(tiles) => depth.div_ceil(tiles * UNIT_K),
        }
    }

    /// Whether warps can share out groups like these: a tile is part of one group, or two groups are a tile.
    #[must_use]
    pub const fn can_be_shared(self) -> bool {
        matches!(self, Self::OfTiles(_) | Self::Of32(1))
    }
}
