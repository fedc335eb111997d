//! The mainloop of tiles of many rows with packed weights: the fragments of a step are made while the step before it multiplies.
//!
//! Two such blocks share a multiprocessor, which makes two warps for each of its schedulers: too few to hide how long a fragment takes from shared memory through its
//! conversion. So x is loaded and weights are converted a step ahead. The sums of a group are scaled tile by tile between the products that start the next
//! group, which begin from zero. Every bit is as if tiles and groups were done one after the other.

use half::f16;
use tilewright_ptx_ir::build::{Builder, F16x2, Local, Value};
use tilewright_ptx_ir::ir::MmaShape;

use crate::geometry::{Geometry, Warp};
use crate::packed::{KeptWords, PackedTile, PackedWords, UNIT_K, ZeroPoint};
use crate::packed_product::{self, Operands};
use crate::ring::{Place, Ring, Step};
use crate::rows::RowTile;
use crate::scales::ScaleTile;
use crate::sweep::{Accumulators, Fragments};
use crate::swizzle::{CHUNK_BYTES, ROW_BYTES};
use crate::weight_format::{Grouping, WeightFormat};

/// K steps of 16 in a K tile.
const TILE_STEPS: u32 = UNIT_K / 16;
const SHAPE: MmaShape = MmaShape::M16N8K16F16F32;

/// Whether a group starts at a K step.
enum Start<'k> {
    Never,
    Always,
    /// It is the first step of a stage, and each starts one.
    Each,
    When(Value<'k, bool>),
}

/// As [`packed_product::accumulate`], for a geometry with one warp along k.
pub(crate) fn accumulate<'k>(
    k: &'k Builder,
    geometry: &Geometry,
    format: WeightFormat,
    operands: &Operands<'k>,
    warp: &Warp<'k>,
) -> Accumulators<'k, f32> {
    let ring = Ring {
        base: k.dynamic_shared::<u8>("stages").address(),
        stage_bytes: packed_product::stage_bytes(geometry, format),
        stages: geometry.stages,
    };
    debug_assert!(packed_product::tile_bytes(geometry, format).is_multiple_of(ROW_BYTES), "{geometry:?}");
    let work = Work::new(k, geometry, format, operands, warp);
    let tiles = (operands.depth + (UNIT_K - 1)) / UNIT_K;
    let parts = geometry.stage_tiles;
    ring.run_ahead(
        k,
        ((tiles + (parts - 1)) / parts, parts * TILE_STEPS),
        |stage, trip| work.copy(stage, trip),
        |place| work.load(place),
        |fragments, at, next| work.multiply(fragments, &at, next),
    );
    work.into_totals()
}

/// What the fragments of a K step are made of.
struct FragmentSource<'w, 'k> {
    x: &'w RowTile<'k>,
    /// Where the lane's row of the first 16 lies.
    x_place: Value<'k, u32>,
    words: PackedWords<'k>,
    zeros: Vec<ZeroPoint<'k>>,
    step: u32,
}

impl<'k> FragmentSource<'_, 'k> {
    fn a(&self, row: u32) -> [Value<'k, u32>; 4] {
        self.x.a_fragment_at(self.x_place, row)
    }

    fn b(&self, column: u32) -> [Value<'k, u32>; 2] {
        self.words.b_fragment(self.step, column, (!self.zeros.is_empty()).then_some(self.zeros.as_slice()))
    }
}

/// A thread's part of the work.
struct Work<'k> {
    k: &'k Builder,
    geometry: Geometry,
    grouping: Grouping,
    tile_bytes: u32,
    x: RowTile<'k>,
    /// Of the lane's row and half of the first K step in a K tile.
    a_offset: Value<'k, u32>,
    w: PackedTile<'k>,
    warp_column: Value<'k, u32>,
    /// Of the K tile that is being made fragments of.
    words: KeptWords<'k>,
    /// Zero points of the group that is being made fragments of, if there are any: for each n8 tile 1024 + that of the lane's column, twice.
    zeros: Vec<Local<'k, u32>>,
    scales: ScaleTile<'k>,
    /// Those of the group that is being summed: for each n8 tile those of the lane's two columns.
    group_scales: Vec<Local<'k, u32>>,
    zero: Local<'k, f32>,
    sums: Accumulators<'k, f32>,
    totals: Accumulators<'k, f32>,
}

impl<'k> Work<'k> {
    fn new(
        k: &'k Builder,
        geometry: &Geometry,
        format: WeightFormat,
        operands: &Operands<'k>,
        warp: &Warp<'k>,
    ) -> Self {
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
            geometry.threads(),
            warp.thread,
        );
        let sums = Accumulators::new(k, geometry, 0f32);
        let has_groups = format.grouping != Grouping::Column;
        Self {
            k,
            geometry: *geometry,
            grouping: format.grouping,
            tile_bytes: packed_product::tile_bytes(geometry, format),
            a_offset: x.a_offsets(warp.row)[0],
            x,
            w,
            warp_column: warp.column,
            words: KeptWords::new(k, format.order, geometry.warp_n()),
            zeros: (0..if format.has_zeros { geometry.tiles_n() } else { 0 }).map(|_| k.local(0u32)).collect(),
            scales: ScaleTile::new(k, geometry, format, operands, warp),
            group_scales: (0..if has_groups { geometry.tiles_n() } else { 0 }).map(|_| k.local(0u32)).collect(),
            zero: k.local(0f32),
            totals: if has_groups { Accumulators::new(k, geometry, 0f32) } else { sums.clone() },
            sums,
        }
    }

    /// Shared address of the words of K tile `part` of a stage; x lies before them, scales after them.
    fn words_place(&self, stage: Value<'k, u32>, part: u32) -> Value<'k, u32> {
        stage + (part * self.tile_bytes + self.x.stage_bytes())
    }

    fn scales_place(&self, stage: Value<'k, u32>, part: u32) -> Value<'k, u32> {
        stage + (part * self.tile_bytes + self.x.stage_bytes() + self.w.stage_bytes())
    }

    fn copy(&self, stage: Value<'k, u32>, trip: Value<'k, u32>) {
        for part in 0..self.geometry.stage_tiles {
            let tile = trip * self.geometry.stage_tiles + part;
            self.x.copy(stage + part * self.tile_bytes, tile);
            self.w.copy(self.words_place(stage, part), tile);
            if self.may_start_in(part) {
                self.scales.copy(self.scales_place(stage, part), tile);
            }
        }
    }

    /// The fragments at `place`.
    fn load(&self, place: Place<'k>) -> Fragments<'k> {
        let source = self.source(place);
        let a = (0..self.geometry.tiles_m()).map(|row| source.a(row)).collect();
        let b = (0..self.geometry.tiles_n()).map(|column| source.b(column)).collect();
        Fragments { a, b }
    }

    /// What the fragments at `place` are made of. Words are loaded with the first step of their K tile.
    fn source(&self, Place { stage, step, .. }: Place<'k>) -> FragmentSource<'_, 'k> {
        let (part, step) = (step / TILE_STEPS, step % TILE_STEPS);
        if step == 0 {
            self.words.set(&self.w.load(self.words_place(stage, part), self.warp_column, self.geometry.warp_n()));
        }
        if let Some(row) = self.scales.starts(step) {
            // Where a group starts with a stage only, its zero points lie with the first K tile of it.
            let place = self.scales_place(stage, if self.may_start_in(part) { part } else { 0 });
            let zeros = self.scales.load_zeros(place, row, self.geometry.tiles_n());
            self.zeros.iter().zip(zeros.iter().flatten()).for_each(|(kept, zero)| kept.set(zero.bits::<u32>()));
        }
        FragmentSource {
            x: &self.x,
            // The swizzle of a step differs in two bits that are 0 in the address of a K tile: one register instead of four offsets.
            x_place: (stage + part * self.tile_bytes + self.a_offset) ^ (step * 2 * CHUNK_BYTES),
            words: self.words.now(),
            zeros: self.zeros.iter().map(|zero| zero.now().bits::<F16x2>()).collect(),
            step,
        }
    }

    /// Multiplies `fragments` and loads those at `next`, those of x row by row as the ones in use become free: that takes no second set of registers.
    fn multiply(&self, fragments: &Fragments<'k>, at: &Step<'k>, next: Place<'k>) -> Fragments<'k> {
        let start = self.start(at);
        if let Start::When(starts) = start {
            self.k.if_(starts, || {
                self.flush_all();
                self.sums.fill(0f32);
                self.take_scales(at);
            });
        }
        if let Start::Each = start {
            // The branch keeps what is flushed and what is summed next from lying in registers side by side.
            self.k.if_(at.trip.ne(0), || {
                self.flush_all();
                self.sums.fill(0f32);
            });
            self.take_scales(at);
        }
        let source = self.source(next);
        let (rows, columns) = (self.geometry.tiles_m(), self.geometry.tiles_n());
        let mut following = Fragments { a: Vec::new(), b: Vec::new() };
        for (row, a) in (0u32..).zip(&fragments.a) {
            let operands = (a, fragments.b.as_slice());
            if let Start::Always = start {
                let flush = |column: u32| self.flush(row, column, self.scales_of(column));
                self.sums.restart_row(self.k, SHAPE, row, operands, self.zero, flush);
            } else {
                self.sums.multiply_row(self.k, SHAPE, row, operands);
            }
            following.a.push(source.a(row));
            let own = (0..columns).filter(|column| column * rows / columns == row);
            following.b.extend(own.map(|column| source.b(column)));
        }
        if let Start::Always = start {
            self.take_scales(at);
        }
        following
    }

    /// Whether a group may start in K tile `part` of a stage.
    const fn may_start_in(&self, part: u32) -> bool {
        match self.grouping {
            Grouping::Column => false,
            Grouping::Of32(_) => true,
            // A stage starts at a multiple of its tiles.
            Grouping::OfTiles(tiles) => part == 0 || !tiles.is_multiple_of(self.geometry.stage_tiles),
        }
    }

    fn start(&self, at: &Step<'k>) -> Start<'k> {
        let (parts, part, step) = (self.geometry.stage_tiles, at.step / TILE_STEPS, at.step % TILE_STEPS);
        if !self.may_start_in(part) {
            return Start::Never;
        }
        let tile = || at.trip * parts + part;
        match self.grouping {
            // As everywhere, sums are scaled after each 32 of k.
            Grouping::Of32(_) if step.is_multiple_of(2) => Start::Always,
            Grouping::OfTiles(tiles) if step == 0 => {
                if tiles == 1 && parts == 1 {
                    Start::Each
                } else if parts.is_multiple_of(tiles) {
                    Start::Always
                } else {
                    Start::When((tile() % tiles).eq(0))
                }
            }
            _ => Start::Never,
        }
    }

    /// Reads the scales of the group that starts at `at`.
    fn take_scales(&self, at: &Step<'k>) {
        let (part, row) = (at.step / TILE_STEPS, at.step % TILE_STEPS / 2);
        let scales = self.scales.load_packed(self.scales_place(at.stage, part), row, self.sums.columns());
        self.group_scales.iter().zip(scales).for_each(|(kept, scale)| kept.set(scale));
    }

    /// The scales of the lane's two columns of n8 tile `column`.
    fn scales_of(&self, column: u32) -> [Value<'k, f32>; 2] {
        self.group_scales[column as usize].now().unpack().map(|scale| scale.bits::<f16>().cast::<f32>())
    }

    /// `totals += scale · sums` in one tile.
    fn flush(&self, row: u32, column: u32, scales: [Value<'k, f32>; 2]) {
        let (sums, totals) = (self.sums.tile(row, column), self.totals.tile(row, column));
        for (index, (sum, total)) in sums.iter().zip(totals).enumerate() {
            self.k.accumulate(*total, *sum, scales[index % 2]);
        }
    }

    fn flush_all(&self) {
        for column in 0..self.sums.columns() {
            let scales = self.scales_of(column);
            (0..self.geometry.tiles_m()).for_each(|row| self.flush(row, column, scales));
        }
    }

    fn into_totals(self) -> Accumulators<'k, f32> {
        if self.grouping != Grouping::Column {
            self.flush_all();
        }
        self.totals
    }
}
