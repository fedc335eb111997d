//! One projection a block, tiles in a ring of stages.
//!
//! Blocks along the grid's second dimension take the column tiles of q, then those of k, then those of v: a block belongs to one projection, picks
//! its weights, scales and result by its index, and makes one `block_m` x `block_n` tile as matmul-int4 does. Tiles of the three never mix, so every
//! column keeps its own scales, and x is read from L2 by the blocks that share its rows.

use tilewright_ptx_ir::build::{Builder, Element, Pointer, Value};
use tilewright_tile::packed_product::{self, Operands};
use tilewright_tile::{Warp, raster};

use super::{Tensors, store};
use crate::plan::Plan;

pub(super) fn build<'k>(k: &'k Builder, plan: &Plan, tensors: &Tensors<'k>, warp: &Warp<'k>) {
    let geometry = plan.geometry;
    let Tensors { x, x_order, weights, scales, results, m, n_q, n_kv, depth } = *tensors;

    // Which projection this block belongs to, and its tile in it.
    let [row_tile, tile] = raster::tile(k, &geometry);
    let first_k = tiles(n_q, geometry.block_n);
    let first_v = first_k + tiles(n_kv, geometry.block_n);
    let projection = Projection { is_q: tile.lt(first_k), is_v: tile.ge(first_v) };
    let n = projection.is_q.select(n_q, n_kv);
    let tile_in_projection = projection.is_q.select(tile, projection.is_v.select(tile - first_v, tile - first_k));

    let first_row = row_tile * geometry.block_m;
    let first_column = tile_in_projection * geometry.block_n;
    let (w, scales, y) = (projection.pick(weights), projection.pick(scales), projection.pick(results));
    let operands = Operands { x, x_copy: plan.x_copy, x_order, w, scales, m, n, depth, first_row, first_column };
    let sums = packed_product::accumulate(k, &geometry, plan.format, &operands, warp);
    store(k, plan, &operands, y, &sums, warp);
}

/// Tiles of `width` columns that cover `n`.
fn tiles<'k>(n: Value<'k, u32>, width: u32) -> Value<'k, u32> {
    (n + (width - 1)) / width
}

/// Which of the three a block belongs to.
#[derive(Clone, Copy)]
struct Projection<'k> {
    is_q: Value<'k, bool>,
    is_v: Value<'k, bool>,
}

impl<'k> Projection<'k> {
    fn pick<T: Element>(self, [q, k, v]: [Pointer<'k, T>; 3]) -> Pointer<'k, T> {
        let kv = self.is_v.select(v.address(), k.address());
        Pointer::from_address(self.is_q.select(q.address(), kv))
    }
}
