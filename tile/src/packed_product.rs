//! The mainloop of products with quantized weights: x in f16, w packed, f32 sums.

use tilewright_ptx_ir::build::{Builder, Pointer, Value};
use tilewright_ptx_ir::ir::MmaShape;

use crate::geometry::{Geometry, Warp};
use crate::packed::{PackedOrder, PackedTile, UNIT_K};
use crate::ring::Ring;
use crate::rows::{CopyMode, RowTile, Rows};
use crate::sweep::Accumulators;

/// How the scales of weights lie along k.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Grouping {
    /// One scale a column: the sums are of integers, and the caller scales them.
    Column,
    /// A scale for every so many units of 32 along k; used for group sizes that are no multiple of 64.
    Of32(u32),
    /// A scale for every so many K tiles of 64.
    OfTiles(u32),
}

impl Grouping {
    /// The grouping for groups of `size` along k, if `size` is a multiple of 32.
    #[must_use]
    pub const fn new(size: u32) -> Option<Self> {
        match size {
            0 => None,
            _ if size.is_multiple_of(UNIT_K) => Some(Self::OfTiles(size / UNIT_K)),
            _ if size.is_multiple_of(32) => Some(Self::Of32(size / 32)),
            _ => None,
        }
    }
}

/// What a block multiplies.
#[derive(Clone, Copy, Debug)]
pub struct Operands<'k> {
    /// x, f16 [m, depth].
    pub x: Pointer<'k, u8>,
    /// How x is copied.
    pub x_copy: CopyMode,
    /// The packed words of w.
    pub w: Pointer<'k, u32>,
    /// Scales, f16 [groups, n]; not read with [`Grouping::Column`].
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

/// Bytes of one stage of x and packed w.
#[must_use]
pub const fn stage_bytes(geometry: &Geometry, order: PackedOrder) -> u32 {
    geometry.x_stage_bytes() + geometry.block_n / order.columns() * crate::packed::UNIT_BYTES
}

/// Sums the products of a block's tile: Σ x·q, with groups Σ over groups of scale · Σ x·q.
///
/// Every thread copies its chunks of x and of the packed words; every warp loads its fragments of x by `ldmatrix`, a lane's packed words by one 16-byte
/// load, makes exact f16 integers of them and multiplies. Scales are applied to the f32 sum of a group, so that no weight is rounded.
pub fn accumulate<'k>(
    k: &'k Builder,
    geometry: &Geometry,
    order: PackedOrder,
    grouping: Grouping,
    operands: &Operands<'k>,
    warp: &Warp<'k>,
) -> Accumulators<'k, f32> {
    let threads = geometry.threads();
    let Operands { x, x_copy, w, m, n, depth, first_row, first_column, .. } = *operands;
    let rows = Rows { base: x, count: m, columns: depth, element_bytes: 2 };
    let x = RowTile::new(k, x_copy, rows, first_row, geometry.block_m, threads, warp.thread);
    let w = PackedTile::new(k, order, w, n, depth, first_column, geometry.block_n, threads, warp.thread);
    let a_offsets = x.a_offsets(warp.row);

    let sums = Accumulators::new(k, geometry, 0f32);
    let totals = if grouping == Grouping::Column { sums.clone() } else { Accumulators::new(k, geometry, 0f32) };
    let scaling = Scaling {
        scales: operands.scales,
        n,
        groups: group_count(depth, grouping),
        column: first_column + warp.column + warp.lane % 4 * 2,
    };

    let ring = Ring {
        base: k.dynamic_shared::<u8>("stages").address(),
        stage_bytes: stage_bytes(geometry, order),
        stages: geometry.stages,
    };
    let tiles = (depth + (UNIT_K - 1)) / UNIT_K;
    let copy = |stage: Value<'k, u32>, tile| {
        x.copy(stage, tile);
        w.copy(stage + x.stage_bytes(), tile);
    };
    ring.run(k, tiles, copy, |stage, tile| {
        let words = w.load(stage + x.stage_bytes(), warp.column, geometry.warp_n());
        for (step, a_offset) in (0u32..).zip(a_offsets) {
            let b = words.b_fragments(step);
            sums.multiply(k, MmaShape::M16N8K16F16F32, |index| x.a_fragment(stage, a_offset, index), &b);
            if let Grouping::Of32(units) = grouping
                && step % 2 == 1
            {
                scaling.flush(k, &sums, &totals, (tile * 2 + step / 2) / units);
            }
        }
        if let Grouping::OfTiles(count) = grouping {
            let next = tile + 1;
            let ends = (next % count).eq(0) | next.eq(tiles);
            k.if_(ends, || scaling.flush(k, &sums, &totals, tile / count));
        }
    });
    totals
}

fn group_count<'k>(depth: Value<'k, u32>, grouping: Grouping) -> Value<'k, u32> {
    let size = match grouping {
        Grouping::Column => return depth,
        Grouping::Of32(units) => units * 32,
        Grouping::OfTiles(tiles) => tiles * UNIT_K,
    };
    (depth + (size - 1)) / size
}

/// The scales that a lane needs: those of the columns it holds sums of.
#[derive(Clone, Copy, Debug)]
struct Scaling<'k> {
    scales: Pointer<'k, u16>,
    n: Value<'k, u32>,
    groups: Value<'k, u32>,
    column: Value<'k, u32>,
}

impl<'k> Scaling<'k> {
    /// `totals += scale[group] · sums`, and `sums = 0`.
    fn flush(
        &self,
        k: &'k Builder,
        sums: &Accumulators<'k, f32>,
        totals: &Accumulators<'k, f32>,
        group: Value<'k, u32>,
    ) {
        let row = self.scales.address().offset_by(group, self.n * 2);
        let inside = group.lt(self.groups);
        let scales: Vec<[Value<'k, f32>; 2]> = (0..totals.columns())
            .map(|tile| {
                let column = self.column + tile * 8;
                let place = Pointer::<half::f16>::from_address(row.offset_by(column, 2));
                [0u32, 1].map(|side| {
                    let has = (column + side).lt(self.n) & inside;
                    place.at(side).load_or(has, half::f16::ZERO).cast::<f32>()
                })
            })
            .collect();
        for ((_, column, sum), (_, _, total)) in sums.iter().zip(totals.iter()) {
            let Some(scale) = scales.get(column as usize) else { continue };
            for (index, (sum, total)) in sum.iter().zip(total).enumerate() {
                k.accumulate(*total, *sum, scale[index % 2]);
            }
        }
        sums.fill(0f32);
    }
}
