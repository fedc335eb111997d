//! The mainloop with the groups of a column shared out over warps.
//!
//! Where x has few rows a block has few warps, and a chain of K tiles in each of them takes longer than the weights take to come. Here part p of a block's
//! warps makes the sums of groups p, p + `warps_k`, ... The sums of `warps_k` groups meet in shared memory, and every thread adds some of them up in the order of the groups, so
//! that the result has the bits of the mainloop that does them one after the other. They are added a round later than they are put down, so that the barrier of the next stage serves
//! them too.

use half::f16;
use tilewright_ptx_ir::build::{Builder, Local, Value};
use tilewright_ptx_ir::ir::MmaShape;

use crate::epilogue::Spot;
use crate::geometry::{Geometry, Warp};
use crate::packed::{PackedTile, UNIT_K, ZeroPoint};
use crate::packed_product::{self, Operands};
use crate::ring::Ring;
use crate::rows::RowTile;
use crate::scales::ScaleTile;
use crate::sweep::Accumulators;
use crate::weight_format::{Grouping, WeightFormat};

/// Bytes in which the 32 lanes of a warp put down one pair of sums each.
const PAIR_BYTES: u32 = 32 * 8;

/// How groups lie in K tiles.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// K tiles that a part goes through until its groups are complete.
    tiles: u32,
    /// Groups that are complete then.
    groups: u32,
}

impl Run {
    const fn new(grouping: Grouping) -> Self {
        match grouping {
            Grouping::OfTiles(tiles) => Self { tiles, groups: 1 },
            Grouping::Of32(_) | Grouping::Column => Self { tiles: 1, groups: 2 },
        }
    }
}

/// Bytes of shared memory in which the sums of groups meet, after the stages.
pub(crate) const fn exchange_bytes(geometry: &Geometry, grouping: Grouping) -> u32 {
    match geometry.warps_k {
        1 => 0,
        parts => {
            let warps = geometry.warps_m * geometry.warps_n;
            // Twice: the sums of a round are read while those of the next are put down.
            2 * warps * parts * Run::new(grouping).groups * pairs(geometry) * PAIR_BYTES
        }
    }
}

/// Pairs of neighbours that a lane has of its warp's tile.
const fn pairs(geometry: &Geometry) -> u32 {
    2 * geometry.tiles_m() * geometry.tiles_n()
}

/// The totals of a thread.
#[derive(Clone, Debug)]
pub struct SharedSums<'k> {
    pairs: Vec<Pair<'k>>,
}

/// Two neighbours of the result.
#[derive(Clone, Debug)]
struct Pair<'k> {
    /// Shared address of the pair among those of part 0, in the first half of the room.
    exchange: Value<'k, u32>,
    /// Row and column of the left one, counted from the warp's tile.
    row: Value<'k, u32>,
    column: Value<'k, u32>,
    totals: [Local<'k, f32>; 2],
    /// Scales of the groups whose sums have been put down, but not added: both in a word, part by part.
    scales: Vec<Local<'k, u32>>,
}

impl<'k> SharedSums<'k> {
    /// Calls `each(spot, [left, right])` for every pair of neighbours that the thread holds; the warp's tile starts at (`row`, `column`).
    pub fn for_each_pair(
        &self,
        row: Value<'k, u32>,
        column: Value<'k, u32>,
        mut each: impl FnMut(Spot<'k>, [Value<'k, f32>; 2]),
    ) {
        for pair in &self.pairs {
            let spot = Spot { row: row + pair.row, first_column: column + pair.column, offset: 0 };
            each(spot, pair.totals.map(Local::now));
        }
    }
}

/// As [`packed_product::accumulate`], for a geometry with several warps along k and a grouping that [can be shared](Grouping::can_be_shared).
pub(crate) fn accumulate<'k>(
    k: &'k Builder,
    geometry: &Geometry,
    format: WeightFormat,
    operands: &Operands<'k>,
    warp: &Warp<'k>,
) -> SharedSums<'k> {
    let (parts, run) = (geometry.warps_k, Run::new(format.grouping));
    let ring = Ring {
        base: k.dynamic_shared::<u8>("stages").address(),
        stage_bytes: packed_product::stage_bytes(geometry, format),
        stages: geometry.stages,
    };
    let exchange = ring.base + ring.stage_bytes * ring.stages;
    let work = Work::new(k, geometry, format, operands, warp, exchange);
    let tiles = (operands.depth + (UNIT_K - 1)) / UNIT_K;
    let rounds = (tiles + (run.tiles * parts - 1)) / (run.tiles * parts);
    let trips = run.tiles / geometry.stage_tiles;
    // The first K tile that this thread's part has in trip `trip` of the ring.
    let tile = |trip: Value<'k, u32>| {
        let (round, in_run) = (trip / trips, trip % trips);
        (round * parts + warp.part) * run.tiles + in_run * geometry.stage_tiles
    };
    let own = warp.part * (ring.stage_bytes / parts);
    ring.run(
        k,
        rounds * trips,
        |stage, trip| work.copy(stage + own, tile(trip)),
        |stage, trip| {
            // Past the last tile all of x is zero, which adds nothing.
            work.multiply(stage + own);
            if trips == 1 {
                work.end_round(stage);
            } else {
                k.if_((trip % trips).eq(trips - 1), || work.end_round(stage));
            }
        },
    );
    k.barrier();
    work.collect();
    work.totals
}

/// A thread's part of the work.
struct Work<'k> {
    k: &'k Builder,
    geometry: Geometry,
    run: Run,
    tile_bytes: u32,
    x: RowTile<'k>,
    a_offsets: [Value<'k, u32>; 4],
    w: PackedTile<'k>,
    scales: ScaleTile<'k>,
    warp_column: Value<'k, u32>,
    /// Sums of the groups that the part is at.
    sums: Vec<Accumulators<'k, f32>>,
    /// Where the lane puts its first pair of them, in the first half of the room.
    own_exchange: Value<'k, u32>,
    /// Bytes from there to the half that this round's sums go to.
    half: Local<'k, u32>,
    half_bytes: u32,
    totals: SharedSums<'k>,
}

impl<'k> Work<'k> {
    fn new(
        k: &'k Builder,
        geometry: &Geometry,
        format: WeightFormat,
        operands: &Operands<'k>,
        warp: &Warp<'k>,
        exchange: Value<'k, u32>,
    ) -> Self {
        let run = Run::new(format.grouping);
        let Operands { w, n, depth, first_column, .. } = *operands;
        let x = operands.x_tile(k, geometry, warp);
        let w = PackedTile::new(
            k,
            format.order,
            w,
            n,
            depth,
            first_column,
            geometry.block_n,
            geometry.part_threads(),
            warp.thread,
        );
        let part_bytes = run.groups * pairs(geometry) * PAIR_BYTES;
        let warp_bytes = geometry.warps_k * part_bytes;
        let half_bytes = geometry.warps_m * geometry.warps_n * warp_bytes;
        let warp_exchange = exchange + warp.thread / 32 * warp_bytes + warp.lane * 8;
        let own_exchange = warp_exchange + warp.part * part_bytes;
        // Before the first round there is nothing to add: zeros, in the half that it reads.
        for index in 0..part_bytes / PAIR_BYTES {
            let place = own_exchange.shared_place::<f32>();
            place.plus(((half_bytes + index * PAIR_BYTES) / 4).cast_signed()).store_vector([k.constant(0f32); 2]);
        }
        // The thread's pairs are those with index part, part + warps_k, ... of its lane's.
        let totals = (0..pairs(geometry) / geometry.warps_k)
            .map(|index| {
                let pair = warp.part + index * geometry.warps_k;
                let (tile, half) = (pair / 2, pair % 2);
                Pair {
                    exchange: warp_exchange + pair * PAIR_BYTES,
                    row: tile / geometry.tiles_n() * 16 + half * 8 + warp.lane / 4,
                    column: tile % geometry.tiles_n() * 8 + warp.lane % 4 * 2,
                    totals: k.locals(0f32),
                    scales: (0..geometry.warps_k * run.groups).map(|_| k.local(0u32)).collect(),
                }
            })
            .collect();
        Self {
            k,
            geometry: *geometry,
            run,
            tile_bytes: packed_product::tile_bytes(geometry, format),
            a_offsets: x.a_offsets(warp.row),
            x,
            w,
            scales: ScaleTile::new(k, geometry, format, operands, warp),
            warp_column: warp.column,
            sums: (0..run.groups).map(|_| Accumulators::new(k, geometry, 0f32)).collect(),
            own_exchange,
            half: k.local(0u32),
            half_bytes,
            totals: SharedSums { pairs: totals },
        }
    }

    /// Bytes of x and w in the stage, before the scales.
    const fn operand_bytes(&self) -> u32 {
        self.x.stage_bytes() + self.w.stage_bytes()
    }

    /// Copies the part's K tiles of a stage from `tile` on; its scales lie with the first.
    fn copy(&self, own: Value<'k, u32>, tile: Value<'k, u32>) {
        for index in 0..self.geometry.stage_tiles {
            let place = own + index * self.tile_bytes;
            self.x.copy(place, tile + index);
            self.w.copy(place + self.x.stage_bytes(), tile + index);
        }
        self.scales.copy(own + self.operand_bytes(), tile);
    }

    fn multiply(&self, own: Value<'k, u32>) {
        for index in 0..self.geometry.stage_tiles {
            let place = own + index * self.tile_bytes;
            let words = self.w.load(place + self.x.stage_bytes(), self.warp_column, self.geometry.warp_n());
            let mut zeros: Option<Vec<ZeroPoint<'k>>> = None;
            for (step, offset) in (0u32..).zip(self.a_offsets) {
                // The scales of a part lie with its first K tile.
                if let Some(row) = self.scales.starts(step) {
                    zeros = self.scales.load_zeros(own + self.operand_bytes(), row, self.geometry.tiles_n());
                }
                let Some(sums) = self.sums.get((step * self.run.groups / 4) as usize) else { continue };
                let a: Vec<_> =
                    (0..self.geometry.tiles_m()).map(|index| self.x.a_fragment(place, offset, index)).collect();
                sums.multiply_columns(self.k, MmaShape::M16N8K16F16F32, &a, |tile| {
                    words.b_fragment(step, tile, zeros.as_deref())
                });
            }
        }
    }

    /// Adds up the round before this one, then puts down the sums of this one's groups and keeps their scales. A barrier lies between the putting down and the adding:
    /// the one at the start of the next stage.
    fn end_round(&self, stage: Value<'k, u32>) {
        self.collect();
        let pairs = pairs(&self.geometry);
        let place = (self.own_exchange + self.half.now()).shared_place::<f32>();
        for (group, sums) in (0u32..).zip(&self.sums) {
            for (row, column, tile) in sums.iter() {
                for half in [0u32, 1] {
                    let index = group * pairs + (row * sums.columns() + column) * 2 + half;
                    let values = [2 * half as usize, 2 * half as usize + 1].map(|element| tile[element].now());
                    place.plus((index * PAIR_BYTES / 4).cast_signed()).store_vector(values);
                }
            }
            sums.fill(0f32);
        }
        self.half.set(self.half.now() ^ self.half_bytes);
        let part_bytes = self.geometry.stage_tiles * self.tile_bytes;
        for pair in &self.totals.pairs {
            for (index, kept) in (0u32..).zip(&pair.scales) {
                let (part, group) = (index / self.run.groups, index % self.run.groups);
                let scales = stage + (part * part_bytes + self.operand_bytes());
                kept.set(self.scales.load_pair_packed(scales, group, self.warp_column + pair.column));
            }
        }
    }

    /// Adds the sums that lie in the other half to the totals, in the order of the groups, each times its scale.
    fn collect(&self) {
        let pairs = pairs(&self.geometry);
        let other = self.half.now() ^ self.half_bytes;
        for pair in &self.totals.pairs {
            for (index, scales) in (0u32..).zip(&pair.scales) {
                let at = (index * pairs * PAIR_BYTES / 4).cast_signed();
                let sums = (pair.exchange + other).shared_place::<f32>().plus(at).load_vector::<2>();
                let scales = scales.now().unpack().map(|scale| scale.bits::<f16>().cast::<f32>());
                for ((total, sum), scale) in pair.totals.into_iter().zip(sums).zip(scales) {
                    self.k.accumulate(total, sum, scale);
                }
            }
        }
    }
}
