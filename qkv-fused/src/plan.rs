//! From a problem to tiles: a pure function.

use tilewright_tile::{CopyMode, Geometry, Grouping, PackedOrder, packed_product};

use crate::problem::Problem;

/// How many scales an int8 weight has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Scales {
    /// One for the tensor.
    One,
    /// One for each column of the product.
    Each,
}

/// Everything that decides which kernel is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    /// Tile shape.
    pub geometry: Geometry,
    /// Width and order of the packed weights.
    pub order: PackedOrder,
    /// How int4 scales lie along k; `Column` for int8.
    pub grouping: Grouping,
    /// Scales of int8 weights; `Each` for int4.
    pub scales: Scales,
    /// How x is copied.
    pub x_copy: CopyMode,
    /// Whether two neighbours of a result are written with one store.
    pub paired_store: bool,
}

/// 16 x 64, four warps side by side: decoding.
const NARROW: Geometry = Geometry { block_m: 16, block_n: 64, warps_m: 1, warps_n: 4, stages: 4 };
/// 64 x 64, four warps of 32 x 32.
const MEDIUM: Geometry = Geometry { block_m: 64, block_n: 64, warps_m: 2, warps_n: 2, stages: 3 };
/// 128 x 64, eight warps of 32 x 32: a warp keeps the sums of its group beside those of all groups, which fills the registers sooner.
const WIDE: Geometry = Geometry { block_m: 128, block_n: 64, warps_m: 4, warps_n: 2, stages: 3 };

impl Plan {
    /// The plan for `problem`. Tiles do not change results: each element is summed over k in the same order in every plan.
    pub(crate) fn new(problem: &Problem, scales: Scales, x_address: u64, outputs: [u64; 3]) -> Self {
        let wide_tiles = u64::from(problem.q.m.div_ceil(128))
            * (u64::from(problem.q.n.div_ceil(64)) + 2 * u64::from(problem.kv.n.div_ceil(64)));
        let x_copy = CopyMode::choose(x_address, problem.shape.k * 2);
        let geometry = match problem.q.m {
            0..=16 => NARROW,
            _ if wide_tiles >= 64 && x_copy == CopyMode::Async16 => WIDE,
            _ => MEDIUM,
        };
        let even = problem.q.n.is_multiple_of(2) && problem.kv.n.is_multiple_of(2);
        let paired_store = even && outputs.iter().all(|address| address.is_multiple_of(4));
        Self { geometry, order: problem.order, grouping: problem.grouping, scales, x_copy, paired_store }
    }

    /// The plan for `problem` with tensors that start on 16 bytes, as those of this project's allocations do.
    #[must_use]
    pub fn aligned(problem: &Problem, scales: Scales) -> Self {
        Self::new(problem, scales, 0, [0; 3])
    }

    /// Every plan that some problem gets, with group sizes 32, 64, 96 and 128 for the grouping.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let int4 = [Grouping::Of32(1), Grouping::Of32(3), Grouping::OfTiles(1), Grouping::OfTiles(2)];
        let int4 = int4.map(|grouping| (PackedOrder::Int4, grouping, Scales::Each));
        let int8 = [Scales::One, Scales::Each].map(|scales| (PackedOrder::Int8, Grouping::Column, scales));
        let mut plans = Vec::new();
        for geometry in [NARROW, MEDIUM, WIDE] {
            for (order, grouping, scales) in int4.into_iter().chain(int8) {
                for x_copy in [CopyMode::Async16, CopyMode::Elements] {
                    for paired_store in [false, true] {
                        if geometry != WIDE || x_copy == CopyMode::Async16 {
                            plans.push(Self { geometry, order, grouping, scales, x_copy, paired_store });
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
        let bits = if self.order == PackedOrder::Int8 { 8 } else { 4 };
        format!("qkv_w{bits}a16_{}x{}", self.geometry.block_m, self.geometry.block_n)
    }

    /// Bytes of shared memory that a launch asks for.
    #[must_use]
    pub const fn shared_bytes(&self) -> u32 {
        self.geometry.stages * packed_product::stage_bytes(&self.geometry, self.order)
    }

    /// Blocks along m, and along the columns of q, then k, then v.
    pub(crate) const fn grid(&self, problem: &Problem) -> [u32; 3] {
        let columns = problem.q.n.div_ceil(self.geometry.block_n) + 2 * problem.kv.n.div_ceil(self.geometry.block_n);
        [problem.q.m.div_ceil(self.geometry.block_m), columns, 1]
    }
}
