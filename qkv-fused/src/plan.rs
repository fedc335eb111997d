//! From a problem to tiles: a pure function.

use tilewright_ptx_ir::Target;
use tilewright_tile::packed_geometry::{self, Choice};
use tilewright_tile::{CopyMode, Geometry, Grouping, PackedOrder, WeightFormat, packed_product, plans};

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

/// How a block goes through the three projections. It decides when tiles are copied and how many barriers that takes, never a bit of the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Schedule {
    /// A block makes a tile of all three, with one slot for weights: copy, wait, multiply. Seven barriers a K step.
    SingleSlot,
    /// A block makes a tile of all three, with two slots for weights: the next projection's are copied while this one multiplies. Four barriers a K step.
    PingPong,
    /// A block makes a tile of one projection, with x and weights in a ring of stages that copies fill ahead of time. One barrier a K step
    /// at most; fewer where a stage holds several.
    #[default]
    Async,
}

impl Schedule {
    /// Every schedule.
    pub const ALL: [Self; 3] = [Self::SingleSlot, Self::PingPong, Self::Async];

    /// Barriers that a block passes for each 64 of K; for [`Schedule::Async`] the most that it may be.
    #[must_use]
    pub const fn barriers_per_step(self) -> u32 {
        match self {
            Self::SingleSlot => 7,
            Self::PingPong => 4,
            Self::Async => 1,
        }
    }
}

/// Everything that decides which kernel is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    /// How a block goes through the projections.
    pub schedule: Schedule,
    /// Tile shape; its stages count for [`Schedule::Async`] only.
    pub geometry: Geometry,
    /// Width and order of the packed weights, how int4 scales lie along k, and whether there are zero points.
    pub format: WeightFormat,
    /// Scales of int8 weights; `Each` for int4.
    pub scales: Scales,
    /// How x is copied.
    pub x_copy: CopyMode,
    /// Whether two neighbours of a result are written with one store.
    pub paired_store: bool,
}

/// 64 x 32, eight warps of 16 x 16: a warp keeps the sums of three projections beside those of their groups.
const THREE: Geometry =
    Geometry { block_m: 64, block_n: 32, warps_m: 4, warps_n: 2, warps_k: 1, stages: 1, stage_tiles: 1 };
/// 16 x 64, four warps side by side: decoding, all three projections.
const THREE_NARROW: Geometry = Geometry::narrow(64, 1);

impl Plan {
    /// The plan for `problem` on a device of `target`. Neither tiles nor schedules change results: each element is summed over k in the same order in every plan.
    pub(crate) fn new(
        problem: &Problem,
        target: Target,
        schedule: Schedule,
        scales: Scales,
        x_address: u64,
        outputs: [u64; 3],
    ) -> Self {
        let x_copy =
            if problem.is_gathered { CopyMode::Gathered } else { CopyMode::choose(x_address, problem.shape.k * 2) };
        let geometry = match schedule {
            Schedule::Async => async_geometry(problem, target, x_copy),
            _ if problem.q.m <= 16 => THREE_NARROW,
            _ => THREE,
        };
        let even = problem.q.n.is_multiple_of(2) && problem.kv.n.is_multiple_of(2);
        let paired_store = even && outputs.iter().all(|address| address.is_multiple_of(4));
        Self { schedule, geometry, format: problem.format, scales, x_copy, paired_store }
    }

    /// The plan for `problem` on a device of `target` with tensors that start on 16 bytes, as those of this project's allocations do.
    #[must_use]
    pub fn aligned(problem: &Problem, target: Target, schedule: Schedule, scales: Scales) -> Self {
        Self::new(problem, target, schedule, scales, 0, [0; 3])
    }

    /// Every plan that some problem gets on some device.
    #[must_use]
    pub fn all() -> Vec<Self> {
        plans::of_all_targets(Self::of)
    }

    /// Every plan that some problem gets on a device of `target`, with group sizes 32, 64, 96 and 128 for the grouping.
    #[must_use]
    pub fn of(target: Target) -> Vec<Self> {
        let groupings = [Grouping::Of32(1), Grouping::Of32(3), Grouping::OfTiles(1), Grouping::OfTiles(2)];
        let int4 = groupings.iter().flat_map(|grouping| {
            [WeightFormat::int4(*grouping), WeightFormat::int4_with_zeros(*grouping)]
                .map(|format| (format, Scales::Each))
        });
        let int8 = [Scales::One, Scales::Each].map(|scales| (WeightFormat::INT8, scales));
        let mut plans = Vec::new();
        for (format, scales) in int4.chain(int8) {
            for (schedule, geometry, with_elements) in geometries(target, format) {
                for x_copy in CopyMode::of_tile(with_elements) {
                    // Only checkpoints of int4 weights have groups in another order.
                    if *x_copy == CopyMode::Gathered && format == WeightFormat::INT8 {
                        continue;
                    }
                    let stores = [false, true].into_iter();
                    plans.extend(stores.map(|paired_store| Self {
                        schedule,
                        geometry,
                        format,
                        scales,
                        x_copy: *x_copy,
                        paired_store,
                    }));
                }
            }
        }
        plans
    }

    /// The kernel's name: operation, type, tile, schedule, and what is special about the weights.
    #[must_use]
    pub fn name(&self) -> String {
        let bits = if self.format.order == PackedOrder::Int8 { 8 } else { 4 };
        let schedule = match self.schedule {
            Schedule::SingleSlot => "_single_slot",
            Schedule::PingPong => "_ping_pong",
            Schedule::Async => "",
        };
        let Geometry { block_m, block_n, warps_k, .. } = self.geometry;
        let shared = if warps_k > 1 { "_shared" } else { "" };
        let zeros = if self.format.has_zeros { "_zeros" } else { "" };
        let gathered = if self.x_copy == CopyMode::Gathered { "_gathered" } else { "" };
        format!("qkv_w{bits}a16_{block_m}x{block_n}{shared}{schedule}{zeros}{gathered}")
    }

    /// Bytes of shared memory that a launch asks for.
    #[must_use]
    pub const fn shared_bytes(&self) -> u32 {
        let slots = match self.schedule {
            Schedule::SingleSlot => 1,
            Schedule::PingPong => 2,
            Schedule::Async => {
                return packed_product::shared_bytes(&self.geometry, self.format);
            }
        };
        self.geometry.x_stage_bytes() + slots * packed_product::w_stage_bytes(&self.geometry, self.format)
    }

    /// Blocks along m; and along the columns of q, then k, then v, or of all three at once.
    pub(crate) fn grid(&self, problem: &Problem) -> [u32; 3] {
        let [q, kv] = [problem.q.n, problem.kv.n].map(|n| n.div_ceil(self.geometry.block_n));
        let columns = if self.schedule == Schedule::Async { q + 2 * kv } else { q.max(kv) };
        [problem.q.m.div_ceil(self.geometry.block_m), columns, 1]
    }
}

fn async_geometry(problem: &Problem, target: Target, x_copy: CopyMode) -> Geometry {
    let [q, kv] = [problem.q.n, problem.kv.n].map(u64::from);
    let choice = Choice {
        target,
        format: problem.format,
        m: problem.q.m,
        k: problem.q.k,
        x_copy,
        blocks: |width| q.div_ceil(u64::from(width)) + 2 * kv.div_ceil(u64::from(width)),
    };
    choice.geometry()
}

/// Every schedule's geometries, and whether rows of x that start anywhere may come with them.
fn geometries(target: Target, format: WeightFormat) -> Vec<(Schedule, Geometry, bool)> {
    let mut geometries: Vec<_> = packed_geometry::all(target, format)
        .into_iter()
        .map(|(geometry, with_elements)| (Schedule::Async, geometry, with_elements))
        .collect();
    for schedule in [Schedule::SingleSlot, Schedule::PingPong] {
        geometries.extend([THREE_NARROW, THREE].map(|geometry| (schedule, geometry, true)));
    }
    geometries
}
