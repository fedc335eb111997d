//! Which tiles products with packed weights are made in: a pure function of the problem.
//!
//! Tiles do not change results: each element is summed over k in the same order in all of them.

use tilewright_ptx_ir::Target;

use crate::geometry::Geometry;
use crate::packed::PackedOrder;
use crate::packed_product::{self, Grouping};
use crate::rows::CopyMode;

/// 64 x 64, four warps of 64 x 16: each weight is made an f16 once.
const MEDIUM: Geometry =
    Geometry { block_m: 64, block_n: 64, warps_m: 1, warps_n: 4, warps_k: 1, stages: 5, stage_tiles: 1 };
/// int4: 128 x 128, eight warps of 64 x 32, which keep the sums of a group beside those of all groups.
const WIDE_INT4: Geometry =
    Geometry { block_m: 128, block_n: 128, warps_m: 2, warps_n: 4, warps_k: 1, stages: 4, stage_tiles: 1 };
/// int8: 128 x 192, eight warps of 64 x 48.
const WIDE_INT8: Geometry =
    Geometry { block_m: 128, block_n: 192, warps_m: 2, warps_n: 4, warps_k: 1, stages: 4, stage_tiles: 1 };

/// What the choice depends on.
#[derive(Clone, Copy, Debug)]
pub struct Choice<F> {
    /// What the device can do.
    pub target: Target,
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
        let wide = wide(self.target, self.order, self.grouping);
        let wide_tiles = u64::from(self.m.div_ceil(wide.block_m)) * (self.blocks)(wide.block_n);
        match self.m {
            0..=16 => self.shared(narrow(self.order, Geometry::narrow_width(&self.blocks))),
            65.. if wide_tiles >= 64 && self.x_copy == CopyMode::Async16 => wide,
            _ => self.shared(MEDIUM),
        }
    }

    fn shared(&self, geometry: Geometry) -> Geometry {
        shared(geometry, self.target, self.order, self.grouping, self.grouping.count(self.k))
    }
}

/// Every geometry that is chosen for such weights, and whether rows of x that start anywhere may come with it: copying by elements needs registers that a large
/// tile does not leave.
#[must_use]
pub fn all(order: PackedOrder, grouping: Grouping) -> Vec<(Geometry, bool)> {
    const TARGETS: [Target; 3] = [Target::Sm80, Target::Sm86, Target::Sm90];
    let mut geometries = Vec::new();
    for small in Geometry::NARROW_WIDTHS.map(|width| narrow(order, width)).into_iter().chain([MEDIUM]) {
        for target in TARGETS {
            for groups in [1, u32::MAX] {
                let geometry = (shared(small, target, order, grouping, groups), true);
                if !geometries.contains(&geometry) {
                    geometries.push(geometry);
                }
            }
        }
    }
    for target in TARGETS {
        let geometry = (wide(target, order, grouping), false);
        if !geometries.contains(&geometry) {
            geometries.push(geometry);
        }
    }
    geometries
}

/// Registers that a thread of the kernel may use: a block of the wide tile has a multiprocessor for itself.
#[must_use]
pub fn max_registers(geometry: &Geometry) -> u32 {
    if geometry.block_m == WIDE_INT4.block_m { 255 } else { geometry.max_registers() }
}

/// The tile for many rows, with as many stages as fit: on sm_86 and sm_89 one less for int8.
fn wide(target: Target, order: PackedOrder, grouping: Grouping) -> Geometry {
    let wide = match order {
        PackedOrder::Int4 => WIDE_INT4,
        PackedOrder::Int8 => WIDE_INT8,
    };
    [wide, Geometry { stages: wide.stages - 1, ..wide }]
        .into_iter()
        .find(|geometry| packed_product::shared_bytes(geometry, order, grouping) <= target.shared_bytes_per_block())
        .unwrap_or(wide)
}

/// A stage of several K tiles makes fewer barriers and more bytes on their way.
const fn narrow(order: PackedOrder, width: u32) -> Geometry {
    let narrow = Geometry { stage_tiles: 4, ..Geometry::narrow(width, 4) };
    match order {
        // A warp takes one unit of columns.
        PackedOrder::Int8 => Geometry { warps_n: width / 8, ..narrow },
        PackedOrder::Int4 => narrow,
    }
}

/// `geometry` with several times its warps, where there are groups for them to share out, and with as many stages as fit.
fn shared(geometry: Geometry, target: Target, order: PackedOrder, grouping: Grouping, groups: u32) -> Geometry {
    let sizes: &[(u32, u32)] = match (geometry.block_m, grouping) {
        _ if !grouping.can_be_shared() => &[],
        // A warp goes through two tiles of a group between barriers.
        (16, Grouping::OfTiles(tiles)) if tiles.is_multiple_of(2) => &[(4, 2), (4, 1)],
        (16, _) => &[(4, 1)],
        _ => &[(4, 1), (2, 1)],
    };
    let fitting = sizes.iter().filter(|(parts, _)| groups >= *parts).find_map(|&(warps_k, stage_tiles)| {
        [5, 4, 3]
            .into_iter()
            .map(|stages| Geometry { warps_k, stage_tiles, stages, ..geometry })
            .find(|geometry| packed_product::shared_bytes(geometry, order, grouping) <= target.shared_bytes_per_block())
    });
    fitting.unwrap_or(geometry)
}
