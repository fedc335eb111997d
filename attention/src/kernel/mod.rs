//! The kernel: flash attention on `mma.sync`.
//!
//! # Source
//! Dao, "FlashAttention-2: Faster Attention with Better Parallelism and Work Partitioning", 2023: the loop over tiles of keys with a running maximum.

mod block;
mod ring;
mod scores;
mod tensor;
mod warp;

use tilewright_ptx_ir::build::{Accumulator, Builder, Pointer, Value};
use tilewright_ptx_ir::ir::Module;
use tilewright_ptx_ir::{Target, VerifyErrors};

use crate::plan::{Access, Plan};
use block::Block;
use ring::{Kind, Ring};
use scores::Softmax;
use tensor::Copier;
use warp::Warp;

/// The module with the kernel that `plan` describes.
///
/// A block copies its queries to shared memory, then tile after tile of keys and values, ahead of their use. Every warp multiplies queries with keys
/// (m16n8k16), keeps the running maximum and sum of each query (a query's scores are spread over four lanes), and multiplies the weights, rounded to 16 bits,
/// with the values. At the end every lane divides what it holds by the sum and writes it.
///
/// Of many queries each warp has its own. Few are shared by all warps: each computes the scores of a quarter of a tile's keys, all see all scores through shared
/// memory and do the same softmax, and each has a quarter of the results' columns. No sum is split, so the bits are the same.
///
/// # Errors
/// None that a plan of [`Plan::all`] can cause.
pub fn module(plan: &Plan, target: Target) -> Result<Module, VerifyErrors> {
    Module::kernel(&plan.name(), target, |k| build(k, plan))
}

fn build(k: &Builder, plan: &Plan) {
    k.require_threads(plan.threads(), 1, 1);
    // Left alone, ptxas spills in some of these kernels to make room for one block more.
    match plan.max_registers() {
        Some(registers) => k.max_registers(registers),
        None => k.min_blocks(2),
    }
    let block = Block::params(k, plan);
    let thread = k.thread_idx().x();
    let warp = Warp::new(k, plan, thread);
    let copier = Copier::new(k, plan, thread);
    let shared = k.dynamic_shared::<u8>("tiles").address();
    let slots = shared + plan.block_rows() * plan.row_bytes();
    let ring = Ring { k, base: slots, slot_bytes: plan.slot_bytes(), slots: plan.slots() };

    block.copy_queries(&copier, shared);
    k.commit_copies();
    let tiles = (block.seen() + (plan.block_keys() - 1)) / plan.block_keys();
    let copy = |kind: Kind, slot: Value<'_, u32>, tile: Value<'_, u32>| {
        let tensor = if kind == Kind::Keys { block.keys } else { block.values };
        copier.copy(tensor, block.len_kv, tile * plan.block_keys(), plan.block_keys(), slot);
    };
    ring.fill(tiles, &copy);
    k.wait_copies(plan.slots() - 1);
    let scale = block.make_scale_positive(&copier, shared);
    k.barrier();

    let rows = warp.rows(block.first_row);
    let softmax = Softmax::new(k, plan, scale, block.sights(&rows), warp.lane);
    let reach = block.reach(warp.first_row(block.first_row), plan.row_tiles() * 16);
    let query = warp.queries(shared);
    let scores: Vec<Vec<Accumulator<'_, f32>>> =
        rows.iter().map(|_| (0..plan.block_keys() / 8).map(|_| k.locals(0f32)).collect()).collect();
    let outputs: Vec<Vec<Accumulator<'_, f32>>> =
        rows.iter().map(|_| (0..2 * warp.column_pairs()).map(|_| k.locals(0f32)).collect()).collect();
    let shown = slots + plan.slots() * plan.slot_bytes();
    ring.run(
        tiles,
        &copy,
        |slot, tile| {
            let first = tile * plan.block_keys();
            k.if_(first.lt(reach.end), || warp.scores(slot, &query, &scores, shown));
        },
        |slot, tile| {
            let first = tile * plan.block_keys();
            k.if_(first.lt(reach.end), || {
                warp.gather(&scores, shown);
                k.if_((first + plan.block_keys()).gt(reach.all), || softmax.mask(&scores, first));
                let weights = softmax.update(&scores, &outputs);
                warp.weigh(slot, &weights, &outputs);
            });
        },
    );

    for ((rows, inverses), outputs) in rows.into_iter().zip(softmax.inverse_sums()).zip(&outputs) {
        for (half, (row, inverse)) in rows.into_iter().zip(inverses).enumerate() {
            let results: Vec<[Value<'_, f32>; 2]> = outputs
                .iter()
                .map(|output| [output[2 * half].now() * inverse, output[2 * half + 1].now() * inverse])
                .collect();
            write(k, &block, &warp, row, &results);
        }
    }
}

/// Writes a lane's `results` [tile of eight columns] of one row.
fn write<'k>(k: &'k Builder, block: &Block<'k>, warp: &Warp<'k>, row: Value<'k, u32>, results: &[[Value<'k, f32>; 2]]) {
    let (head, query) = block.queries.at(row);
    let start = block.o.head(head).row(query, warp.lane % 4 * 4);
    k.if_(query.lt(block.len_q), || {
        for (pair, results) in (0u32..).zip(results.chunks(2)) {
            warp.with_pair(pair, || {
                let place = Pointer::<u8>::from_address(start.offset_by(warp.column_byte(pair), 1)).at(0);
                for (tile, result) in (0i32..).zip(results) {
                    let packed = warp.plan.dtype.pack(k, result[0], result[1]);
                    if warp.plan.access == Access::Vector {
                        place.cast::<u32>().plus(4 * tile).store(packed);
                    } else {
                        let [low, high] = packed.unpack();
                        place.cast::<u16>().plus(8 * tile).store(low);
                        place.cast::<u16>().plus(8 * tile + 1).store(high);
                    }
                }
            });
        }
    });
}
