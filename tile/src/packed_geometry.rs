//! Which tiles products with packed weights are made in: a pure function of the problem.
//!
//! Tiles do not change results: each element is summed over k in the same order in all of them.

use crate::geometry::Geometry;
use crate::packed::PackedOrder;
use crate::packed_product::{self, Grouping};
use crate::rows::CopyMode;

/// Stages of the narrow tiles whose warps share out k, where they fit.
const SHARED_STAGES: u32 = 5;
/// Stages of the other narrow tiles.
const NARROW_STAGES: u32 = 4;
/// 64 x 64, four warps of 64 x 16: each weight is made an f16 once.
const MEDIUM: Geometry = Geometry { block_m: 64, block_n: 64, warps_m: 1, warps_n: 4, warps_k: 1, stages: 5 };
/// int4: 128 x 128, eight warps of 64 x 32, which keep the sums of a group beside those of all groups.
const WIDE_INT4: Geometry = Geometry { block_m: 128, block_n: 128, warps_m: 2, warps_n: 4, warps_k: 1, stages: 4 };
/// int8: 128 x 256, eight warps of 64 x 64.
const WIDE_INT8: Geometry = Geometry { block_m: 128, block_n: 256, warps_m: 2, warps_n: 4, warps_k: 1, stages: 3 };

/// What the choice depends on.
#[derive(Clone, Copy, Debug)]
pub struct Choice<F> {
    /// Width of the weights.
    pub order: PackedOrder,
    /// How their scales lie along k.
    pub grouping: Grouping,
    /// Rows of x.
    pub m: u32,
    /// Columns of x.
    pub k: u32,
    /// How x is copied.
    pub x_copy: CopyMode,
    /// Blocks along the columns of the result, if they are so wide.
    pub blocks: F,
}

impl<F: Fn(u32) -> u64> Choice<F> {
    /// The tiles.
    #[must_use]
    pub fn geometry(&self) -> Geometry {
        let Self { order, grouping, .. } = *self;
        let wide = wide(order);
        let wide_tiles = u64::from(self.m.div_ceil(wide.block_m)) * (self.blocks)(wide.block_n);
        match self.m {
            0..=16 => narrow(order, grouping, grouping.count(self.k), Geometry::narrow_width(&self.blocks)),
            65.. if wide_tiles >= 64 && self.x_copy == CopyMode::Async16 => wide,
            _ => shared(MEDIUM, order, grouping, grouping.count(self.k)),
        }
    }
}

/// Every geometry that is chosen for such weights, and whether rows of x that start anywhere may come with it: copying by elements needs registers that a large
/// tile does not leave.
#[must_use]
pub fn all(order: PackedOrder, grouping: Grouping) -> Vec<(Geometry, bool)> {
    let mut geometries = Vec::new();
    for groups in if grouping.can_be_shared() { [1, u32::MAX].as_slice() } else { &[1] } {
        geometries.extend(Geometry::NARROW_WIDTHS.map(|width| (narrow(order, grouping, *groups, width), true)));
        geometries.push((shared(MEDIUM, order, grouping, *groups), true));
    }
    geometries.push((wide(order), false));
    geometries
}

/// Registers that a thread of the kernel may use: a block of the wide tile has a multiprocessor for itself.
#[must_use]
pub fn max_registers(geometry: &Geometry) -> u32 {
    if [WIDE_INT4, WIDE_INT8].contains(geometry) { 255 } else { geometry.max_registers() }
}

const fn wide(order: PackedOrder) -> Geometry {
    match order {
        PackedOrder::Int4 => WIDE_INT4,
        PackedOrder::Int8 => WIDE_INT8,
    }
}

fn narrow(order: PackedOrder, grouping: Grouping, groups: u32, width: u32) -> Geometry {
    let narrow = match order {
        // A warp takes one unit of columns.
        PackedOrder::Int8 => Geometry { warps_n: width / 8, ..Geometry::narrow(width, NARROW_STAGES) },
        PackedOrder::Int4 => Geometry::narrow(width, SHARED_STAGES),
    };
    shared(narrow, order, grouping, groups)
}

/// `geometry` with several times its warps, where there are groups for them to share out.
fn shared(geometry: Geometry, order: PackedOrder, grouping: Grouping, groups: u32) -> Geometry {
    let parts = if geometry.block_m == 16 { 4 } else { 2 };
    let parts = if grouping.can_be_shared() && groups >= parts { parts } else { 1 };
    packed_product::fit(geometry.shared_along_k(parts), order, grouping)
}
