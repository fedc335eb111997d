//! The kernel: y = x · wᵀ with w in int4.

use tilewright_ptx_ir::build::Builder;
use tilewright_ptx_ir::ir::Module;
use tilewright_ptx_ir::{Target, VerifyErrors};
use tilewright_tile::epilogue::Target as Result16;
use tilewright_tile::packed_product::{self, Operands};
use tilewright_tile::{CopyMode, Warp, packed_geometry, raster};

use crate::plan::Plan;

/// The module with the kernel that `plan` describes.
///
/// A block makes a `block_m` x `block_n` tile of y. Its threads copy x and the packed words of w, its warps multiply them as
/// [`packed_product::accumulate`] says, and every lane rounds the pairs of sums it holds to f16 and writes those that lie inside y.
///
/// # Errors
/// None that a plan of [`Plan::all`] can cause.
pub fn module(plan: &Plan, target: Target) -> Result<Module, VerifyErrors> {
    Module::kernel(&plan.name(), target, |k| build(k, plan))
}

fn build(k: &Builder, plan: &Plan) {
    let geometry = plan.geometry;
    k.require_threads(geometry.threads(), 1, 1);
    k.max_registers(packed_geometry::max_registers(&geometry));
    let (x, w, scales, y) =
        (k.pointer::<u8>("x"), k.pointer::<u32>("w"), k.pointer::<u16>("scales"), k.pointer::<u8>("y"));
    let (m, n, depth) = (k.param::<u32>("m"), k.param::<u32>("n"), k.param::<u32>("k"));
    let x_order = (plan.x_copy == CopyMode::Gathered).then(|| k.pointer::<u32>("order"));

    let warp = Warp::new(k, &geometry);
    let [first_row, first_column] = raster::origin(k, &geometry);
    let operands = Operands { x, x_copy: plan.x_copy, x_order, w, scales, m, n, depth, first_row, first_column };
    let sums = packed_product::accumulate(k, &geometry, plan.format, &operands, &warp);

    let y = Result16 { base: y, rows: m, columns: n };
    sums.for_each_pair(&warp, first_row + warp.row, first_column + warp.column, |spot, [left, right]| {
        y.store_halves(k, spot, k.pack_f16x2(left, right).bits(), plan.paired_store);
    });
}
