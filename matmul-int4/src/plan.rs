//! From a problem to tiles: a pure function.

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

/// Stages of the narrow tiles.
const NARROW_STAGES: u32 = 5;
/// 64 x 64, four warps of 32 x 32.
const MEDIUM: Geometry = Geometry { block_m: 64, block_n: 64, warps_m: 2, warps_n: 2, stages: 6 };
/// 128 x 64, eight warps of 32 x 32: a warp keeps the sums of its group beside those of all groups, which fills the registers sooner.
const WIDE: Geometry = Geometry { block_m: 128, block_n: 64, warps_m: 4, warps_n: 2, stages: 3 };

impl Plan {
    /// The plan for `problem`. Tiles do not change results: each element is summed over k in the same order in every plan.
    pub(crate) fn new(problem: &Problem, x_address: u64, y_address: u64) -> Self {
        let wide_tiles = u64::from(problem.checked.m.div_ceil(128)) * u64::from(problem.checked.n.div_ceil(64));
        let x_copy = CopyMode::choose(x_address, problem.shape.k * 2);
        let geometry = match problem.checked.m {
            0..=16 => {
                let n = u64::from(problem.checked.n);
                Geometry::narrow(Geometry::narrow_width(|width| n.div_ceil(u64::from(width))), NARROW_STAGES)
            }
            _ if wide_tiles >= 64 && x_copy == CopyMode::Async16 => WIDE,
            _ => MEDIUM,
        };
        let paired_store = problem.checked.n.is_multiple_of(2) && y_address.is_multiple_of(4);
        Self { geometry, grouping: problem.grouping, x_copy, paired_store }
    }

    /// The plan for `problem` with tensors that start on 16 bytes, as those of this project's allocations do.
    #[must_use]
    pub fn aligned(problem: &Problem) -> Self {
        Self::new(problem, 0, 0)
    }

    /// Every plan that some problem gets, with group sizes 32, 64, 96 and 128 for the grouping.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut plans = Vec::new();
        for geometry in narrow().chain([MEDIUM, WIDE]) {
            for grouping in [Grouping::Of32(1), Grouping::Of32(3), Grouping::OfTiles(1), Grouping::OfTiles(2)] {
                for x_copy in [CopyMode::Async16, CopyMode::Elements] {
                    for paired_store in [false, true] {
                        if geometry != WIDE || x_copy == CopyMode::Async16 {
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
        format!("matmul_w4a16_{}x{}", self.geometry.block_m, self.geometry.block_n)
    }

    /// Bytes of shared memory that a launch asks for.
    #[must_use]
    pub const fn shared_bytes(&self) -> u32 {
        self.geometry.stages * packed_product::stage_bytes(&self.geometry, PackedOrder::Int4, self.grouping)
    }

    /// Blocks along m and n.
    pub(crate) const fn grid(&self, problem: &Problem) -> [u32; 3] {
        [problem.checked.m.div_ceil(self.geometry.block_m), problem.checked.n.div_ceil(self.geometry.block_n), 1]
    }
}

fn narrow() -> impl Iterator<Item = Geometry> {
    Geometry::NARROW_WIDTHS.into_iter().map(|width| Geometry::narrow(width, NARROW_STAGES))
}
