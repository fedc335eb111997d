//! The kernels: q, k and v from one x, in one launch.

mod one;
mod three;

use tilewright_ptx_ir::build::{Builder, Pointer, Value};
use tilewright_ptx_ir::ir::Module;
use tilewright_ptx_ir::{Target, VerifyErrors};
use tilewright_tile::epilogue::{Spot, Target as Result16};
use tilewright_tile::packed_product::{Operands, Sums};
use tilewright_tile::{CopyMode, Grouping, Warp, packed_geometry};

use crate::plan::{Plan, Scales, Schedule};

/// The module with the kernel that `plan` describes.
///
/// - [`Schedule::Async`]: a block makes a tile of one projection, with x and w in a ring of stages.
/// - [`Schedule::SingleSlot`], [`Schedule::PingPong`]: a block makes the same tile of all three, one after the other.
///
/// # Errors
/// None that a plan of [`Plan::all`] can cause.
pub fn module(plan: &Plan, target: Target) -> Result<Module, VerifyErrors> {
    Module::kernel(&plan.name(), target, |k| build(k, plan))
}

fn build(k: &Builder, plan: &Plan) {
    k.require_threads(plan.geometry.threads(), 1, 1);
    k.max_registers(packed_geometry::max_registers(&plan.geometry));
    let tensors = Tensors::parameters(k, plan);
    let warp = Warp::new(k, &plan.geometry);
    match plan.schedule {
        Schedule::Async => one::build(k, plan, &tensors, &warp),
        Schedule::SingleSlot => three::build(k, plan, &tensors, &warp, three::single_slot),
        Schedule::PingPong => three::build(k, plan, &tensors, &warp, three::ping_pong),
    }
}

/// The kernel's parameters, in order: x; weights, scales and results of q, k and v; m, n_q, n_kv, k; the order of x if it is gathered.
#[derive(Debug)]
struct Tensors<'k> {
    x: Pointer<'k, u8>,
    weights: [Pointer<'k, u32>; 3],
    /// f16 for int4, f32 for int8.
    scales: [Pointer<'k, u16>; 3],
    results: [Pointer<'k, u8>; 3],
    m: Value<'k, u32>,
    n_q: Value<'k, u32>,
    n_kv: Value<'k, u32>,
    depth: Value<'k, u32>,
    x_order: Option<Pointer<'k, u32>>,
}

impl<'k> Tensors<'k> {
    fn parameters(k: &'k Builder, plan: &Plan) -> Self {
        Self {
            x: k.pointer("x"),
            weights: ["w_q", "w_k", "w_v"].map(|name| k.pointer(name)),
            scales: ["scales_q", "scales_k", "scales_v"].map(|name| k.pointer(name)),
            results: ["q", "k", "v"].map(|name| k.pointer(name)),
            m: k.param("m"),
            n_q: k.param("n_q"),
            n_kv: k.param("n_kv"),
            depth: k.param("depth"),
            x_order: (plan.x_copy == CopyMode::Gathered).then(|| k.pointer("order")),
        }
    }
}

/// Scales int8 sums by their columns' scales, rounds and writes the part of the tile that lies inside the result.
fn store<'k>(
    k: &'k Builder,
    plan: &Plan,
    operands: &Operands<'k>,
    result: Pointer<'k, u8>,
    sums: &Sums<'k>,
    warp: &Warp<'k>,
) {
    let Operands { m, n, scales, first_row, first_column, .. } = *operands;
    let y = Result16 { base: result, rows: m, columns: n };
    sums.for_each_pair(warp, first_row + warp.row, first_column + warp.column, |spot, pair| {
        let [left, right] = match plan.format.grouping {
            Grouping::Column => {
                [0u32, 1].map(|side| pair[side as usize] * column_scale(plan.scales, scales.cast(), &spot, side, n))
            }
            _ => pair,
        };
        y.store_halves(k, spot, k.pack_f16x2(left, right).bits(), plan.paired_store);
    });
}

/// The f32 scale of an int8 column at `spot`, 1 past the last.
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
