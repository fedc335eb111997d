//! The kernels: W8A8 with i32 sums, W8A16 with f32 sums.

use tilewright_ptx_ir::build::{Builder, Pointer, Value};
use tilewright_ptx_ir::ir::{MmaShape, Module};
use tilewright_ptx_ir::{Target, VerifyErrors};
use tilewright_tile::epilogue::{self, Target as Result2};
use tilewright_tile::packed_product::{self, Operands};
use tilewright_tile::ring::Ring;
use tilewright_tile::sweep::Accumulators;
use tilewright_tile::{Geometry, Grouping, PackedOrder, RowTile, Rows, Warp};

use crate::plan::{Output, Plan, Scales};
use crate::problem::Operation;

/// The module with the kernel that `plan` describes.
///
/// A block makes a `block_m` x `block_n` tile of y: its threads copy tiles of x and w along k into a ring of stages in shared memory, its warps
/// multiply them on the tensor cores, and every lane scales, rounds and writes the pairs of sums it holds. W8A8 keeps w as [n, k] and multiplies
/// bytes (m16n8k32); W8A16 keeps w packed and makes exact f16 integers of it ([`packed_product::accumulate`]).
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
    let threads = geometry.threads();
    k.require_threads(threads, 1, 1);
    k.max_registers(Geometry::MAX_REGISTERS);
    let (x, w) = (k.pointer::<u8>("x"), k.pointer::<u8>("w"));
    let scales = (plan.output != Output::I32).then(|| (k.pointer::<f32>("x_scale"), k.pointer::<f32>("w_scale")));
    let y = k.pointer::<u8>("y");
    let (m, n, depth) = (k.param::<u32>("m"), k.param::<u32>("n"), k.param::<u32>("k"));

    let warp = Warp::new(k, &geometry);
    let first_row = k.block_idx().x() * geometry.block_m;
    let first_column = k.block_idx().y() * geometry.block_n;
    let rows = |base, count| Rows { base, count, columns: depth, element_bytes: 1 };
    let x = RowTile::new(k, plan.x_copy, rows(x, m), first_row, geometry.block_m, threads, warp.thread);
    let w = RowTile::new(k, plan.w_copy, rows(w, n), first_column, geometry.block_n, threads, warp.thread);
    let (a_offsets, b_offsets) = (x.a_offsets(warp.row), w.b_offsets(warp.column));

    let sums = Accumulators::new(k, &geometry, 0i32);
    let ring = Ring {
        base: k.dynamic_shared::<u8>("stages").address(),
        stage_bytes: plan.stage_bytes(),
        stages: geometry.stages,
    };
    let copy = |stage: Value<'_, u32>, tile| {
        x.copy(stage, tile);
        w.copy(stage + x.stage_bytes(), tile);
    };
    ring.run(k, (depth + 127) / 128, copy, |stage, _| {
        let w_stage = stage + x.stage_bytes();
        for (a_offset, b_offset) in a_offsets.into_iter().zip(b_offsets) {
            let b: Vec<_> =
                (0..geometry.tiles_n() / 2).flat_map(|pair| w.b_fragments(w_stage, b_offset, pair)).collect();
            sums.multiply(k, MmaShape::M16N8K32S8S32, |tile| x.a_fragment(stage, a_offset, tile), &b);
        }
    });

    let y = Result2 { base: y, rows: m, columns: n };
    epilogue::for_each_pair(&sums, &warp, first_row + warp.row, first_column + warp.column, |row, column, sums| {
        let Some((x_scale, w_scale)) = scales else {
            return y.store_words(k, row, column, sums.map(Value::bits));
        };
        let x_scale = scale_at(plan.x_scales, x_scale, row, m);
        let scaled = [0u32, 1].map(|side| {
            let sum = sums[side as usize].cast::<f32>();
            sum * (x_scale * scale_at(plan.w_scales, w_scale, column + side, n))
        });
        match plan.output {
            Output::F16 => y.store_halves(k, row, column, k.pack_f16x2(scaled[0], scaled[1]).bits(), plan.paired_store),
            Output::F32 | Output::I32 => y.store_words(k, row, column, scaled.map(Value::bits)),
        }
    });
}

/// Parameters: x, packed w, w_scale, y, m, n, k.
fn build_w8a16(k: &Builder, plan: &Plan) {
    let geometry = plan.geometry;
    k.require_threads(geometry.threads(), 1, 1);
    k.max_registers(Geometry::MAX_REGISTERS);
    let (x, w, scale, y) =
        (k.pointer::<u8>("x"), k.pointer::<u32>("w"), k.pointer::<f32>("w_scale"), k.pointer::<u8>("y"));
    let (m, n, depth) = (k.param::<u32>("m"), k.param::<u32>("n"), k.param::<u32>("k"));

    let warp = Warp::new(k, &geometry);
    let first_row = k.block_idx().x() * geometry.block_m;
    let first_column = k.block_idx().y() * geometry.block_n;
    let operands = Operands { x, x_copy: plan.x_copy, w, scales: scale.cast(), m, n, depth, first_row, first_column };
    let sums = packed_product::accumulate(k, &geometry, PackedOrder::Int8, Grouping::Column, &operands, &warp);

    let y = Result2 { base: y, rows: m, columns: n };
    epilogue::for_each_pair(
        &sums,
        &warp,
        first_row + warp.row,
        first_column + warp.column,
        |row, column, [left, right]| {
            let left = left * scale_at(plan.w_scales, scale, column, n);
            let right = right * scale_at(plan.w_scales, scale, column + 1, n);
            y.store_halves(k, row, column, k.pack_f16x2(left, right).bits(), plan.paired_store);
        },
    );
}

/// The scale of `index`, 1 past the last.
fn scale_at<'k>(
    scales: Scales,
    base: Pointer<'k, f32>,
    index: Value<'k, u32>,
    count: Value<'k, u32>,
) -> Value<'k, f32> {
    match scales {
        Scales::One => base.at(0).load(),
        Scales::Each => base.at(index).load_or(index.lt(count), 1f32),
    }
}
