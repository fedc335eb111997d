//! The kernels: W8A8 with i32 sums, W8A16 with f32 sums.

use tilewright_ptx_ir::build::{Builder, Pointer, Value};
use tilewright_ptx_ir::ir::{MmaShape, Module};
use tilewright_ptx_ir::{Target, VerifyErrors};
use tilewright_tile::epilogue::{self, Spot, Target as Result2};
use tilewright_tile::packed_product::{self, Operands};
use tilewright_tile::row_product::{self, RowProduct};
use tilewright_tile::{Warp, WeightFormat, packed_geometry, raster};

use crate::plan::{Output, Plan, Scales};
use crate::problem::Operation;

/// The module with the kernel that `plan` describes.
///
/// A block makes a `block_m` x `block_n` tile of y, and every lane scales, rounds and writes the pairs of sums it holds. W8A8 keeps w as [n, k] and multiplies
/// bytes (m16n8k32, [`RowProduct::accumulate`]); W8A16 keeps w packed and makes exact f16 integers of it ([`packed_product::accumulate`]).
///
/// # Errors
/// None that a plan of [`Plan::all`] can cause.
pub fn module(plan: &Plan, target: Target) -> Result<Module, VerifyErrors> {
    Module::kernel(&plan.name(), target, |k| match plan.operation {
        Operation::W8A8 => build_w8a8(k, plan),
        Operation::W8A16 => build_w8a16(k, plan),
    })
}

/// Parameters: x, w, x_scale and w_scale unless the sums themselves are wanted, y, m, n, k.
fn build_w8a8(k: &Builder, plan: &Plan) {
    let geometry = plan.geometry;
    k.require_threads(geometry.threads(), 1, 1);
    k.max_registers(row_product::max_registers(&geometry, false));
    let (x, w) = (k.pointer::<u8>("x"), k.pointer::<u8>("w"));
    let scales = (plan.output != Output::I32).then(|| (k.pointer::<f32>("x_scale"), k.pointer::<f32>("w_scale")));
    let y = k.pointer::<u8>("y");
    let (m, n, depth) = (k.param::<u32>("m"), k.param::<u32>("n"), k.param::<u32>("k"));

    let warp = Warp::new(k, &geometry);
    let first = raster::origin(k, &geometry);
    let copies = [plan.x_copy, plan.w_copy];
    let product = RowProduct { x, w, copies, element_bytes: 1, m, n, depth, shape: MmaShape::M16N8K32S8S32 };
    let sums = product.accumulate(k, &geometry, &warp, first, 0i32);

    let y = Result2 { base: y, rows: m, columns: n };
    epilogue::for_each_pair(&sums, &warp, first[0] + warp.row, first[1] + warp.column, |spot, sums| {
        let Some((x_scale, w_scale)) = scales else {
            return y.store_words(k, spot, sums.map(Value::bits), plan.paired_store);
        };
        let x_scale = row_scale(plan.x_scales, x_scale, spot.row, m);
        let scaled = [0u32, 1].map(|side| {
            let sum = sums[side as usize].cast::<f32>();
            sum * (x_scale * column_scale(plan.w_scales, w_scale, &spot, side, n))
        });
        match plan.output {
            Output::F16 => y.store_halves(k, spot, k.pack_f16x2(scaled[0], scaled[1]).bits(), plan.paired_store),
            Output::F32 | Output::I32 => y.store_words(k, spot, scaled.map(Value::bits), plan.paired_store),
        }
    });
}

/// Parameters: x, packed w, w_scale, y, m, n, k.
fn build_w8a16(k: &Builder, plan: &Plan) {
    let geometry = plan.geometry;
    k.require_threads(geometry.threads(), 1, 1);
    k.max_registers(packed_geometry::max_registers(&geometry));
    let (x, w, scale, y) =
        (k.pointer::<u8>("x"), k.pointer::<u32>("w"), k.pointer::<f32>("w_scale"), k.pointer::<u8>("y"));
    let (m, n, depth) = (k.param::<u32>("m"), k.param::<u32>("n"), k.param::<u32>("k"));

    let warp = Warp::new(k, &geometry);
    let [first_row, first_column] = raster::origin(k, &geometry);
    let operands = Operands {
        x,
        x_copy: plan.x_copy,
        x_order: None,
        w,
        scales: scale.cast(),
        m,
        n,
        depth,
        first_row,
        first_column,
    };
    let sums = packed_product::accumulate(k, &geometry, WeightFormat::INT8, &operands, &warp);

    let y = Result2 { base: y, rows: m, columns: n };
    sums.for_each_pair(&warp, first_row + warp.row, first_column + warp.column, |spot, [left, right]| {
        let left = left * column_scale(plan.w_scales, scale, &spot, 0, n);
        let right = right * column_scale(plan.w_scales, scale, &spot, 1, n);
        y.store_halves(k, spot, k.pack_f16x2(left, right).bits(), plan.paired_store);
    });
}

/// The scale of x's row `row`, 1 past the last.
fn row_scale<'k>(scales: Scales, base: Pointer<'k, f32>, row: Value<'k, u32>, rows: Value<'k, u32>) -> Value<'k, f32> {
    match scales {
        Scales::One => base.at(0).read_only().load(),
        Scales::Each => base.at(row).read_only().load_or(row.lt(rows), 1f32),
    }
}

/// The scale of a column at `spot`, 1 past the last.
fn column_scale<'k>(
    scales: Scales,
    base: Pointer<'k, f32>,
    spot: &Spot<'k>,
    side: u32,
    columns: Value<'k, u32>,
) -> Value<'k, f32> {
    match scales {
        Scales::One => base.at(0).read_only().load(),
        Scales::Each => spot.value_of_column(base, columns, side, 1f32),
    }
}
