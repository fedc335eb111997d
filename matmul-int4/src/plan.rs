//! From a problem to tiles: a pure function.

use tilewright_ptx_ir::Target;
use tilewright_tile::packed_geometry::{self, Choice};
use tilewright_tile::{CopyMode, Geometry, Grouping, PackedOrder, packed_product};

use crate::problem::Problem;

/// Everything that decides which kernel is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    /// Tile shape.
    pub geometry: Geometry,
    /// How the scales lie along k.
    pub grouping: Grouping,
    /// How x is copied.
    pub x_copy: CopyMode,
    /// Whether two neighbours of y are written with one store.
    pub paired_store: bool,
}

impl Plan {
    /// The plan for `problem` on a device of `target`. Tiles do not change results: each element is summed over k in the same order in every plan.
    pub(crate) fn new(problem: &Problem, target: Target, x_address: u64, y_address: u64) -> Self {
        let x_copy = CopyMode::choose(x_address, problem.shape.k * 2);
        let n = u64::from(problem.checked.n);
        let choice = Choice {
            target,
            order: PackedOrder::Int4,
            grouping: problem.grouping,
            m: problem.checked.m,
            k: problem.checked.k,
            x_copy,
            blocks: |width| n.div_ceil(u64::from(width)),
        };
        let geometry = choice.geometry();
        let paired_store = problem.checked.n.is_multiple_of(2) && y_address.is_multiple_of(4);
        Self { geometry, grouping: problem.grouping, x_copy, paired_store }
    }

    /// The plan for `problem` on a device of `target` with tensors that start on 16 bytes, as those of this project's allocations do.
    #[must_use]
    pub fn aligned(problem: &Problem, target: Target) -> Self {
        Self::new(problem, target, 0, 0)
    }

    /// Every plan that some problem gets, with group sizes 32, 64, 96 and 128 for the grouping.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut plans = Vec::new();
        for grouping in [Grouping::Of32(1), Grouping::Of32(3), Grouping::OfTiles(1), Grouping::OfTiles(2)] {
            for (geometry, with_elements) in packed_geometry::all(PackedOrder::Int4, grouping) {
                for x_copy in [CopyMode::Async16, CopyMode::Elements] {
                    for paired_store in [false, true] {
                        if with_elements || x_copy == CopyMode::Async16 {
                            plans.push(Self { geometry, grouping, x_copy, paired_store });
                        }
                    }
                }
            }
        }
        plans
    }

    /// The kernel's name: operation, type, tile.
    #[must_use]
    pub fn name(&self) -> String {
        let Geometry { block_m, block_n, warps_k, .. } = self.geometry;
        format!("matmul_w4a16_{block_m}x{block_n}{}", if warps_k > 1 { "_shared" } else { "" })
    }

    /// Bytes of shared memory that a launch asks for.
    #[must_use]
    pub const fn shared_bytes(&self) -> u32 {
        packed_product::shared_bytes(&self.geometry, PackedOrder::Int4, self.grouping)
    }

    /// Blocks along m and n.
    pub(crate) const fn grid(&self, problem: &Problem) -> [u32; 3] {
        [problem.checked.m.div_ceil(self.geometry.block_m), problem.checked.n.div_ceil(self.geometry.block_n), 1]
    }
}
