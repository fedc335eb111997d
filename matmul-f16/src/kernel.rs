//! The kernel: y = x · wᵀ (+ bias).

use tilewright_ptx_ir::build::{Builder, Pointer, Value};
use tilewright_ptx_ir::ir::{MmaShape, Module};
use tilewright_ptx_ir::{Target, VerifyErrors};
use tilewright_tile::epilogue::{self, Target as Result16};
use tilewright_tile::ring::Ring;
use tilewright_tile::sweep::Accumulators;
use tilewright_tile::{RowTile, Rows, Warp};

use crate::plan::{Dtype, Plan};

/// The module with the kernel that `plan` describes.
///
/// A block makes a `block_m` x `block_n` tile of y, a warp a part of it, in m16n8k16 steps. Along k the tiles of x and w (64 columns each)
/// run through a ring of stages in shared memory:
/// - every thread copies its share of 16-byte chunks of x and w, `stages - 1` tiles ahead;
/// - every warp loads fragments of its rows of x and of its rows of w by `ldmatrix` and multiplies them into f32 accumulators;
/// - at the end every lane adds the bias to the pairs it holds, rounds them to 16 bits and writes those that lie inside y.
///
/// # Errors
/// None that a plan of [`Plan::all`] can cause.
pub fn module(plan: &Plan, target: Target) -> Result<Module, VerifyErrors> {
    Module::kernel(&plan.name(), target, |k| build(k, plan))
}

fn build(k: &Builder, plan: &Plan) {
    let geometry = plan.geometry;
    let threads = geometry.threads();
    k.require_threads(threads, 1, 1);
    k.max_registers(plan.max_registers());

    let (x, w) = (k.pointer::<u8>("x"), k.pointer::<u8>("w"));
    let bias = plan.bias.then(|| k.pointer::<u16>("bias"));
    let y = k.pointer::<u8>("y");
    let (m, n, depth) = (k.param::<u32>("m"), k.param::<u32>("n"), k.param::<u32>("k"));

    let warp = Warp::new(k, &geometry);
    let first_row = k.block_idx().x() * geometry.block_m;
    let first_column = k.block_idx().y() * geometry.block_n;
    let rows = |base, count| Rows { base, count, columns: depth, element_bytes: 2 };
    let x = RowTile::new(k, plan.x_copy, rows(x, m), first_row, geometry.block_m, threads, warp.thread);
    let w = RowTile::new(k, plan.w_copy, rows(w, n), first_column, geometry.block_n, threads, warp.thread);
    let (a_offsets, b_offsets) = (x.a_offsets(warp.row), w.b_offsets(warp.column));

    let accumulators = Accumulators::new(k, &geometry, 0f32);
    let ring = Ring {
        base: k.dynamic_shared::<u8>("stages").address(),
        stage_bytes: plan.stage_bytes(),
        stages: geometry.stages,
    };
    let tiles = (depth + 63) / 64;
    let copy = |stage: Value<'_, u32>, tile| {
        x.copy(stage, tile);
        w.copy(stage + x.stage_bytes(), tile);
    };
    ring.run(k, tiles, copy, |stage, _| {
        let w_stage = stage + x.stage_bytes();
        for (a_offset, b_offset) in a_offsets.into_iter().zip(b_offsets) {
            let b: Vec<_> =
                (0..geometry.tiles_n() / 2).flat_map(|pair| w.b_fragments(w_stage, b_offset, pair)).collect();
            accumulators.multiply(k, mma_shape(plan.dtype), |tile| x.a_fragment(stage, a_offset, tile), &b);
        }
    });

    let y = Result16 { base: y, rows: m, columns: n };
    epilogue::for_each_pair(
        &accumulators,
        &warp,
        first_row + warp.row,
        first_column + warp.column,
        |row, column, pair| {
            let pair = match bias {
                Some(bias) => {
                    [pair[0] + bias_at(plan.dtype, bias, column, n), pair[1] + bias_at(plan.dtype, bias, column + 1, n)]
                }
                None => pair,
            };
            let halves = match plan.dtype {
                Dtype::F16 => k.pack_f16x2(pair[0], pair[1]).bits::<u32>(),
                Dtype::Bf16 => k.pack_bf16x2(pair[0], pair[1]).bits::<u32>(),
            };
            y.store_halves(k, row, column, halves, plan.paired_store);
        },
    );
}

const fn mma_shape(dtype: Dtype) -> MmaShape {
    match dtype {
        Dtype::F16 => MmaShape::M16N8K16F16F32,
        Dtype::Bf16 => MmaShape::M16N8K16Bf16F32,
    }
}

/// The bias of `column`, 0 past the last.
fn bias_at<'k>(dtype: Dtype, bias: Pointer<'k, u16>, column: Value<'k, u32>, n: Value<'k, u32>) -> Value<'k, f32> {
    let bits = bias.at(column).load_or(column.lt(n), 0u16);
    match dtype {
        Dtype::F16 => bits.bits::<half::f16>().cast(),
        // bfloat16 is the upper half of an f32.
        Dtype::Bf16 => (bits.cast::<u32>() << 16u32).bits(),
    }
}
