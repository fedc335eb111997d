//! The kernel: q, k and v from one x, in one launch.

use tilewright_ptx_ir::build::{Builder, Element, Pointer, Value};
use tilewright_ptx_ir::ir::Module;
use tilewright_ptx_ir::{Target, VerifyErrors};
use tilewright_tile::epilogue::{self, Target as Result16};
use tilewright_tile::packed_product::{self, Operands};
use tilewright_tile::{Geometry, Grouping, Warp};

use crate::plan::{Plan, Scales};

/// The module with the kernel that `plan` describes.
///
/// Blocks along the grid's second dimension take the column tiles of q, then those of k, then those of v: a block belongs to one
/// projection, picks its weights, scales and result by its index, and makes one `block_m` x `block_n` tile as matmul-int4 does. Tiles of the three never
/// mix, so every column keeps its own scales, and x is read from L2 by the blocks that share its rows.
///
/// # Errors
/// None that a plan of [`Plan::all`] can cause.
pub fn module(plan: &Plan, target: Target) -> Result<Module, VerifyErrors> {
    Module::kernel(&plan.name(), target, |k| build(k, plan))
}

/// Parameters: x; weights, scales and result of q, k and v; m, n_q, n_kv, k.
fn build(k: &Builder, plan: &Plan) {
    let geometry = plan.geometry;
    k.require_threads(geometry.threads(), 1, 1);
    k.max_registers(Geometry::MAX_REGISTERS);
    let x = k.pointer::<u8>("x");
    let weights = ["w_q", "w_k", "w_v"].map(|name| k.pointer::<u32>(name));
    let scales = ["scales_q", "scales_k", "scales_v"].map(|name| k.pointer::<u16>(name));
    let results = ["q", "k", "v"].map(|name| k.pointer::<u8>(name));
    let (m, n_q, n_kv, depth) =
        (k.param::<u32>("m"), k.param::<u32>("n_q"), k.param::<u32>("n_kv"), k.param::<u32>("depth"));

    // Which projection this block belongs to, and its tile in it.
    let (tile, first_k) = (k.block_idx().y(), tiles(n_q, geometry.block_n));
    let first_v = first_k + tiles(n_kv, geometry.block_n);
    let projection = Projection { is_q: tile.lt(first_k), is_v: tile.ge(first_v) };
    let n = projection.is_q.select(n_q, n_kv);
    let tile_in_projection = projection.is_q.select(tile, projection.is_v.select(tile - first_v, tile - first_k));

    let warp = Warp::new(k, &geometry);
    let first_row = k.block_idx().x() * geometry.block_m;
    let first_column = tile_in_projection * geometry.block_n;
    let (w, scales, y) = (projection.pick(weights), projection.pick(scales), projection.pick(results));
    let operands = Operands { x, x_copy: plan.x_copy, w, scales, m, n, depth, first_row, first_column };
    let sums = packed_product::accumulate(k, &geometry, plan.order, plan.grouping, &operands, &warp);

    let y = Result16 { base: y, rows: m, columns: n };
    epilogue::for_each_pair(&sums, &warp, first_row + warp.row, first_column + warp.column, |row, column, pair| {
        let [left, right] = match plan.grouping {
            Grouping::Column => {
                [0u32, 1].map(|side| pair[side as usize] * column_scale(plan.scales, scales.cast(), column + side, n))
            }
            _ => pair,
        };
        y.store_halves(k, row, column, k.pack_f16x2(left, right).bits(), plan.paired_store);
    });
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

/// The f32 scale of an int8 column, 1 past the last.
fn column_scale<'k>(
    scales: Scales,
    base: Pointer<'k, f32>,
    column: Value<'k, u32>,
    n: Value<'k, u32>,
) -> Value<'k, f32> {
    match scales {
        Scales::One => base.at(0).load(),
        Scales::Each => base.at(column).load_or(column.lt(n), 1f32),
    }
}
