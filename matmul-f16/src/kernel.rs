//! The kernel: y = x · wᵀ (+ bias).

use tilewright_ptx_ir::build::{Builder, Pointer, Value};
use tilewright_ptx_ir::ir::{MmaShape, Module};
use tilewright_ptx_ir::{Target, VerifyErrors};
use tilewright_tile::Warp;
use tilewright_tile::epilogue::{self, Spot, Target as Result16};
use tilewright_tile::raster;
use tilewright_tile::row_product::RowProduct;

use crate::plan::{Dtype, Plan};

/// The module with the kernel that `plan` describes.
///
/// A block makes a `block_m` x `block_n` tile of y in m16n8k16 steps, as [`RowProduct::accumulate`] says; at the end every lane adds the bias to the pairs it
/// holds, rounds them to 16 bits and writes those that lie inside y.
///
/// # Errors
/// None that a plan of [`Plan::all`] can cause.
pub fn module(plan: &Plan, target: Target) -> Result<Module, VerifyErrors> {
    Module::kernel(&plan.name(), target, |k| build(k, plan))
}

fn build(k: &Builder, plan: &Plan) {
    let geometry = plan.geometry;
    k.require_threads(geometry.threads(), 1, 1);
    k.max_registers(plan.max_registers());

    let (x, w) = (k.pointer::<u8>("x"), k.pointer::<u8>("w"));
    let bias = plan.bias.then(|| k.pointer::<u16>("bias"));
    let y = k.pointer::<u8>("y");
    let (m, n, depth) = (k.param::<u32>("m"), k.param::<u32>("n"), k.param::<u32>("k"));

    let warp = Warp::new(k, &geometry);
    let first = raster::origin(k, &geometry);
    let copies = [plan.x_copy, plan.w_copy];
    let product = RowProduct { x, w, copies, element_bytes: 2, m, n, depth, shape: mma_shape(plan.dtype) };
    let accumulators = product.accumulate(k, &geometry, &warp, first, 0f32);

    let y = Result16 { base: y, rows: m, columns: n };
    epilogue::for_each_pair(&accumulators, &warp, first[0] + warp.row, first[1] + warp.column, |spot, pair| {
        let pair = match bias {
            Some(bias) => {
                [pair[0] + bias_at(plan.dtype, bias, &spot, 0, n), pair[1] + bias_at(plan.dtype, bias, &spot, 1, n)]
            }
            None => pair,
        };
        let halves = match plan.dtype {
            Dtype::F16 => k.pack_f16x2(pair[0], pair[1]).bits::<u32>(),
            Dtype::Bf16 => k.pack_bf16x2(pair[0], pair[1]).bits::<u32>(),
        };
        y.store_halves(k, spot, halves, plan.paired_store);
    });
}

const fn mma_shape(dtype: Dtype) -> MmaShape {
    match dtype {
        Dtype::F16 => MmaShape::M16N8K16F16F32,
        Dtype::Bf16 => MmaShape::M16N8K16Bf16F32,
    }
}

/// The bias of a column at `spot`, 0 past the last.
fn bias_at<'k>(
    dtype: Dtype,
    bias: Pointer<'k, u16>,
    spot: &Spot<'k>,
    side: u32,
    columns: Value<'k, u32>,
) -> Value<'k, f32> {
    let bits = spot.value_of_column(bias, columns, side, 0u16);
    match dtype {
        Dtype::F16 => bits.bits::<half::f16>().cast(),
        // bfloat16 is the upper half of an f32.
        Dtype::Bf16 => (bits.cast::<u32>() << 16u32).bits(),
    }
}
