//! The mainloop of products with quantized weights: x in f16, w packed, f32 sums.

use tilewright_ptx_ir::build::{Builder, Pointer, Value};
use tilewright_ptx_ir::ir::MmaShape;

use crate::epilogue::{self, Spot};
use crate::geometry::{Geometry, Warp};
use crate::packed::{PackedTile, UNIT_K, ZeroPoint};
use crate::packed_ahead;
use crate::ring::Ring;
use crate::rows::{CopyMode, RowTile, Rows};
use crate::scales::{self, ScaleTile};
use crate::shared_groups::{self, SharedSums};
use crate::sweep::Accumulators;
use crate::weight_format::{Grouping, WeightFormat};

/// What a block multiplies.
#[derive(Clone, Copy, Debug)]
pub struct Operands<'k> {
    /// x, f16 [m, depth].
    pub x: Pointer<'k, u8>,
    /// How x is copied.
    pub x_copy: CopyMode,
    /// Which column of x meets each column of w, for [`CopyMode::Gathered`].
    pub x_order: Option<Pointer<'k, u32>>,
    /// The packed words of w.
    pub w: Pointer<'k, u32>,
    /// Scales, f16, a row of [`scales::row_length`] for each group, behind each a row of zero points where there are any ([`scales::padded`]); not read with
    /// [`Grouping::Column`].
    pub scales: Pointer<'k, u16>,
    /// Rows of x.
    pub m: Value<'k, u32>,
    /// Columns of the product.
    pub n: Value<'k, u32>,
    /// K.
    pub depth: Value<'k, u32>,
    /// First row of the block's tile.
    pub first_row: Value<'k, u32>,
    /// First column of the block's tile.
    pub first_column: Value<'k, u32>,
}

/// Bytes of a K tile of packed w and its scales.
#[must_use]
pub const fn w_stage_bytes(geometry: &Geometry, format: WeightFormat) -> u32 {
    words_bytes(geometry, format.order) + scales::stage_bytes(geometry, format)
}

const fn words_bytes(geometry: &Geometry, order: crate::PackedOrder) -> u32 {
    geometry.block_n / order.columns() * crate::packed::UNIT_BYTES
}

/// Bytes of a K tile of x, of packed w and of its scales.
pub(crate) const fn tile_bytes(geometry: &Geometry, format: WeightFormat) -> u32 {
    geometry.x_stage_bytes() + w_stage_bytes(geometry, format)
}

/// Bytes of one stage.
pub(crate) const fn stage_bytes(geometry: &Geometry, format: WeightFormat) -> u32 {
    geometry.warps_k * geometry.stage_tiles * tile_bytes(geometry, format)
}

/// Bytes of shared memory that [`accumulate`] uses: the stages, and where warps share out k the room in which their sums meet.
#[must_use]
pub const fn shared_bytes(geometry: &Geometry, format: WeightFormat) -> u32 {
    geometry.stages * stage_bytes(geometry, format) + shared_groups::exchange_bytes(geometry, format.grouping)
}

/// The sums of a block's tile, as a thread holds them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Sums<'k> {
    /// Each warp has those of its tile.
    Whole(Accumulators<'k, f32>),
    /// The warps that shared out the groups of a column share out the results too.
    Shared(SharedSums<'k>),
}

impl<'k> Sums<'k> {
    /// Calls `each(spot, [left, right])` for every pair of neighbours that the thread holds; the warp's tile starts at (`row`, `column`).
    pub fn for_each_pair(
        &self,
        warp: &Warp<'k>,
        row: Value<'k, u32>,
        column: Value<'k, u32>,
        each: impl FnMut(Spot<'k>, [Value<'k, f32>; 2]),
    ) {
        match self {
            Self::Whole(sums) => epilogue::for_each_pair(sums, warp, row, column, each),
            Self::Shared(sums) => sums.for_each_pair(row, column, each),
        }
    }
}

/// Sums the products of a block's tile, with tiles of x and w in a ring of stages.
///
/// Every thread copies its chunks of x, of the packed words and of the scales; every warp loads its fragments of x by `ldmatrix`; [`Product`] says the rest.
pub fn accumulate<'k>(
    k: &'k Builder,
    geometry: &Geometry,
    format: WeightFormat,
    operands: &Operands<'k>,
    warp: &Warp<'k>,
) -> Sums<'k> {
    if geometry.warps_k > 1 {
        return Sums::Shared(shared_groups::accumulate(k, geometry, format, operands, warp));
    }
    if !geometry.has_few_rows() {
        return Sums::Whole(packed_ahead::accumulate(k, geometry, format, operands, warp));
    }
    let x = operands.x_tile(k, geometry, warp);
    let product = Product::new(k, geometry, format, operands, warp);
    let a_offsets = x.a_offsets(warp.row);
    let ring = Ring {
        base: k.dynamic_shared::<u8>("stages").address(),
        stage_bytes: stage_bytes(geometry, format),
        stages: geometry.stages,
    };
    let in_stage = geometry.stage_tiles;
    let tile_bytes = ring.stage_bytes / in_stage;
    let stages = (product.tiles() + (in_stage - 1)) / in_stage;
    let copy = |stage: Value<'k, u32>, index: Value<'k, u32>| {
        for part in 0..in_stage {
            let (place, tile) = (stage + part * tile_bytes, index * in_stage + part);
            x.copy(place, tile);
            product.copy(place + x.stage_bytes(), tile);
        }
    };
    ring.run(k, stages, copy, |stage, index| {
        for part in 0..in_stage {
            let (place, tile) = (stage + part * tile_bytes, index * in_stage + part);
            // Past the last tile all of x is zero: that adds nothing, and without a branch the tiles' loads overlap.
            product.multiply(place + x.stage_bytes(), tile, |step, index| {
                x.a_fragment(place, a_offsets[step as usize], index)
            });
        }
    });
    product.into_sums()
}

impl<'k> Operands<'k> {
    /// The block's tile of x.
    #[must_use]
    pub fn x_tile(&self, k: &'k Builder, geometry: &Geometry, warp: &Warp<'k>) -> RowTile<'k> {
        let rows = Rows { base: self.x, count: self.m, columns: self.depth, element_bytes: 2, order: self.x_order };
        let tile =
            RowTile::new(k, self.x_copy, rows, self.first_row, geometry.block_m, geometry.part_threads(), warp.thread);
        if geometry.has_few_rows() { tile.with_present_rows_only(self.first_row) } else { tile }
    }
}

/// A block's tile of a product in the making: Σ x·q, with groups Σ over groups of scale · Σ x·q.
///
/// A lane reads its packed words by one 16-byte load and makes exact f16 integers of them. Scales are applied to the f32 sum of a group, so that no weight is
/// rounded. The order of the sums does not depend on when tiles are copied: every schedule gives the same bits.
#[derive(Debug)]
pub struct Product<'k> {
    k: &'k Builder,
    w: PackedTile<'k>,
    row_tiles: u32,
    warp_n: u32,
    warp_column: Value<'k, u32>,
    format: WeightFormat,
    scales: ScaleTile<'k>,
    tiles: Value<'k, u32>,
    sums: Accumulators<'k, f32>,
    totals: Accumulators<'k, f32>,
}

impl<'k> Product<'k> {
    /// The product of `operands`, nothing summed yet.
    #[must_use]
    pub fn new(
        k: &'k Builder,
        geometry: &Geometry,
        format: WeightFormat,
        operands: &Operands<'k>,
        warp: &Warp<'k>,
    ) -> Self {
        let Operands { w, n, depth, first_column, .. } = *operands;
        let threads = geometry.threads();
        let w = PackedTile::new(k, format.order, w, n, depth, first_column, geometry.block_n, threads, warp.thread);
        let sums = Accumulators::new(k, geometry, 0f32);
        let totals =
            if format.grouping == Grouping::Column { sums.clone() } else { Accumulators::new(k, geometry, 0f32) };
        let scales = ScaleTile::new(k, geometry, format, operands, warp);
        let tiles = (depth + (UNIT_K - 1)) / UNIT_K;
        Self {
            k,
            w,
            row_tiles: geometry.tiles_m(),
            warp_n: geometry.warp_n(),
            warp_column: warp.column,
            format,
            scales,
            tiles,
            sums,
            totals,
        }
    }

    /// K tiles of 64.
    #[must_use]
    pub const fn tiles(&self) -> Value<'k, u32> {
        self.tiles
    }

    /// Starts copying K tile `tile` of w, with its scales, into the slot of [`w_stage_bytes`] at shared address `slot`; commit, wait and barrier belong to the
    /// caller.
    pub fn copy(&self, slot: Value<'k, u32>, tile: Value<'k, u32>) {
        self.w.copy(slot, tile);
        self.scales.copy(slot + self.w.stage_bytes(), tile);
    }

    /// Adds K tile `tile`, whose words lie in the slot at shared address `slot`; `a(step, index)` gives the registers of x for K step `step` (0 to 3) and
    /// rows 16 `index` to 16 `index` + 15 of the warp. Tiles must come in order, each once.
    pub fn multiply(&self, slot: Value<'k, u32>, tile: Value<'k, u32>, a: impl Fn(u32, u32) -> [Value<'k, u32>; 4]) {
        let (k, words) = (self.k, self.w.load(slot, self.warp_column, self.warp_n));
        let mut zeros: Option<Vec<ZeroPoint<'k>>> = None;
        for step in 0..UNIT_K / 16 {
            if let Some(row) = self.scales.starts(step) {
                zeros = self.scales.load_zeros(slot + self.w.stage_bytes(), row, self.sums.columns());
            }
            let a: Vec<_> = (0..self.row_tiles).map(|index| a(step, index)).collect();
            self.sums.multiply_columns(k, MmaShape::M16N8K16F16F32, &a, |tile| {
                words.b_fragment(step, tile, zeros.as_deref())
            });
            if let Grouping::Of32(_) = self.format.grouping
                && step % 2 == 1
            {
                self.flush(slot, step / 2);
            }
        }
        if let Grouping::OfTiles(count) = self.format.grouping {
            let next = tile + 1;
            let ends = (next % count).eq(0) | next.eq(self.tiles);
            k.if_(ends, || self.flush(slot, 0));
        }
    }

    /// `totals += scale · sums`, and `sums = 0`, with the scales in row `row` of those in the slot.
    fn flush(&self, slot: Value<'k, u32>, row: u32) {
        let scales = self.scales.load(slot + self.w.stage_bytes(), row, self.totals.columns());
        for ((_, column, sum), (_, _, total)) in self.sums.iter().zip(self.totals.iter()) {
            let Some(scale) = scales.get(column as usize) else { continue };
            for (index, (sum, total)) in sum.iter().zip(total).enumerate() {
                self.k.accumulate(*total, *sum, scale[index % 2]);
            }
        }
        self.sums.fill(0f32);
    }

    /// The sums, when all tiles have been added.
    #[must_use]
    pub fn into_sums(self) -> Sums<'k> {
        Sums::Whole(self.totals)
    }
}
