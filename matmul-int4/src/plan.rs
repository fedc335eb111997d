//! From a problem to tiles: a pure function.

use tilewright_ptx_ir::Target;
use tilewright_tile::packed_geometry::{self, Choice};
use tilewright_tile::{CopyMode, Geometry, Grouping, WeightFormat, packed_product, plans};

use crate::problem::Problem;

/// Everything that decides which kernel is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    /// Tile shape.
    pub geometry: Geometry,
    /// How the scales lie along k, and whether there are zero points.
    pub format: WeightFormat,
    /// How x is copied.
    pub x_copy: CopyMode,
    /// Whether two neighbours of y are written with one store.
    pub paired_store: bool,
}

impl Plan {
    /// The plan for `problem` on a device of `target`. Tiles do not change results: each element is summed over k in the same order in every plan.
    pub(crate) fn new(problem: &Problem, target: Target, x_address: u64, y_address: u64) -> Self {
        let x_copy =
            if problem.is_gathered { CopyMode::Gathered } else { CopyMode::choose(x_address, problem.shape.k * 2) };
        let format = problem.format();
        let n = u64::from(problem.checked.n);
        let choice = Choice {
            target,
            format,
            m: problem.checked.m,
            k: problem.checked.k,
            x_copy,
            blocks: |width| n.div_ceil(u64::from(width)),
        };
        let geometry = choice.geometry();
        let paired_store = problem.checked.n.is_multiple_of(2) && y_address.is_multiple_of(4);
        Self { geometry, format, x_copy, paired_store }
    }

    /// The plan for `problem` on a device of `target` with tensors that start on 16 bytes, as those of this project's allocations do.
    #[must_use]
    pub fn aligned(problem: &Problem, target: Target) -> Self {
        Self::new(problem, target, 0, 0)
    }

    /// Every plan that some problem gets on some device.
    #[must_use]
    pub fn all() -> Vec<Self> {
        plans::of_all_targets(Self::of)
    }

    /// Every plan that some problem gets on a device of `target`, with group sizes 32, 64, 96 and 128 for the grouping.
    #[must_use]
    pub fn of(target: Target) -> Vec<Self> {
        let mut plans = Vec::new();
        for grouping in [Grouping::Of32(1), Grouping::Of32(3), Grouping::OfTiles(1), Grouping::OfTiles(2)] {
            for format in [WeightFormat::int4(grouping), WeightFormat::int4_with_zeros(grouping)] {
                for (geometry, with_elements) in packed_geometry::all(target, format) {
                    for x_copy in CopyMode::of_tile(with_elements) {
                        let stores = [false, true].into_iter();
                        plans.extend(stores.map(|paired_store| Self {
                            geometry,
                            format,
                            x_copy: *x_copy,
                            paired_store,
                        }));
                    }
                }
            }
        }
        plans
    }

    /// The kernel's name: operation, type, tile, and what is special about the weights.
    #[must_use]
    pub fn name(&self) -> String {
        let Geometry { block_m, block_n, warps_k, .. } = self.geometry;
        let shared = if warps_k > 1 { "_shared" } else { "" };
        let zeros = if self.format.has_zeros { "_zeros" } else { "" };
        let gathered = if self.x_copy == CopyMode::Gathered { "_gathered" } else { "" };
        format!("matmul_w4a16_{block_m}x{block_n}{shared}{zeros}{gathered}")
    }

    /// Bytes of shared memory that a launch asks for.
    #[must_use]
    pub const fn shared_bytes(&self) -> u32 {
        packed_product::shared_bytes(&self.geometry, self.format)
    }

    /// Blocks along m and n.
    pub(crate) const fn grid(&self, problem: &Problem) -> [u32; 3] {
        [problem.checked.m.div_ceil(self.geometry.block_m), problem.checked.n.div_ceil(self.geometry.block_n), 1]
    }
}
