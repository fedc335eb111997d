//! The kernel: flash attention on `mma.sync`.
//!
//! # Source
//! Dao, "FlashAttention-2: Faster Attention with Better Parallelism and Work Partitioning", 2023: the loop over tiles of keys with a running maximum.

mod scores;
mod tensor;

use tilewright_ptx_ir::build::{Accumulator, Builder, Value};
use tilewright_ptx_ir::ir::Module;
use tilewright_ptx_ir::{Target, VerifyErrors};
use tilewright_tile::ring::Ring;

use crate::plan::{Access, Plan};
use crate::problem::Mask;
use scores::Softmax;
use tensor::{Copier, Tensor};

/// The module with the kernel that `plan` describes.
///
/// A block has 16 queries a warp of one head. Its threads copy the queries to shared memory, then tile after tile of keys and values, one tile ahead. Every warp
/// multiplies its queries with the keys (m16n8k16), keeps the running maximum and sum of each query (a query's scores are spread over four lanes), and multiplies
/// the weights, rounded to 16 bits, with the values. At the end every lane divides what it holds by the sum and writes it.
///
/// # Errors
/// None that a plan of [`Plan::all`] can cause.
pub fn module(plan: &Plan, target: Target) -> Result<Module, VerifyErrors> {
    Module::kernel(&plan.name(), target, |k| build(k, plan))
}

/// Parameters: q, k, v, o; len_q, len_kv, queries heads a key head; batch, head and row strides of q, k, v and o; scale · log2 e.
fn build(k: &Builder, plan: &Plan) {
    k.require_threads(plan.threads(), 1, 1);
    let pointers = ["q", "k", "v", "o"].map(|name| k.pointer::<u8>(name));
    let (len_q, len_kv, sharers) = (k.param::<u32>("len_q"), k.param::<u32>("len_kv"), k.param::<u32>("sharers"));
    let strides = ["q", "k", "v", "o"].map(|name| tensor::Strides::params(k, name));
    let scale = k.param::<f32>("scale_log2");

    let (head, batch) = (k.block_idx().y(), k.block_idx().z());
    let first_row = k.block_idx().x() * plan.block_rows();
    let key_head = head / sharers;
    let tensor = |index: usize, head, rows| Tensor::new(pointers[index], strides[index], batch, head, rows);
    let (q, o) = (tensor(0, head, len_q), tensor(3, head, len_q));
    let (keys, values) = (tensor(1, key_head, len_kv), tensor(2, key_head, len_kv));

    let thread = k.thread_idx().x();
    let (lane, warp_row) = (thread & 31, thread / 32 * 16);
    let copier = Copier { k, plan: *plan, thread };
    let shared = k.dynamic_shared::<u8>("tiles").address();
    copier.copy(q, first_row, plan.block_rows(), shared);
    k.commit_copies();
    k.wait_copies(0);
    k.barrier();

    // Lanes 0-15 name rows 0-15 of the left half of a step, lanes 16-31 of the right half.
    let row_bytes = plan.row_bytes();
    let q_address = shared + (warp_row + lane % 16) * row_bytes + lane / 16 * 16;
    let query = |step: u32| k.ldmatrix::<4>(q_address, (step * 32).cast_signed(), false);
    let steps = plan.dim / 16;
    let kept: Vec<[Value<'_, u32>; 4]> =
        if plan.keeps_queries() { (0..steps).map(query).collect() } else { Vec::new() };
    let query = |step: u32| kept.get(step as usize).copied().unwrap_or_else(|| query(step));

    let outputs: Vec<Accumulator<'_, f32>> = (0..plan.dim / 8).map(|_| k.locals(0f32)).collect();
    let own_row = first_row + warp_row + lane / 4;
    let visible = [own_row, own_row + 8].map(|row| visible_keys(plan.mask, row, len_q, len_kv));
    let softmax = Softmax::new(k, plan, scale, visible, lane);

    // All of the block's queries see at most what the last one sees.
    let last_row = (first_row + (plan.block_rows() - 1)).min(len_q - 1);
    let tiles = (visible_keys(plan.mask, last_row, len_q, len_kv) + (plan.block_keys() - 1)) / plan.block_keys();
    let tile_bytes = plan.block_keys() * row_bytes;
    let ring = Ring { base: shared + plan.block_rows() * row_bytes, stage_bytes: 2 * tile_bytes, stages: 2 };
    let copy = |stage: Value<'_, u32>, tile: Value<'_, u32>| {
        let first = tile * plan.block_keys();
        copier.copy(keys, first, plan.block_keys(), stage);
        copier.copy(values, first, plan.block_keys(), stage + tile_bytes);
    };
    // Keys: lanes 0-7 and 16-23 name rows 0-7 and 8-15 of the left half of a step, lanes 8-15 and 24-31 of the right half.
    let key_offset = (lane % 8 + lane / 16 * 8) * row_bytes + lane / 8 % 2 * 16;
    // Values are transposed: lanes 0-15 name rows 0-15 of the left eight columns, lanes 16-31 of the right eight.
    let value_offset = lane % 16 * row_bytes + lane / 16 * 16;
    ring.run(k, tiles, copy, |stage, tile| {
        let scores: Vec<Accumulator<'_, f32>> = (0..plan.block_keys() / 8).map(|_| k.locals(0f32)).collect();
        for step in 0..steps {
            let a = query(step);
            for (pair, scores) in (0u32..).zip(scores.chunks(2)) {
                let [b0, b1, b2, b3] = k.ldmatrix(stage + key_offset, offset(pair, row_bytes, step), false);
                k.mma(plan.dtype.mma(), &scores[0], &a, &[b0, b1]);
                k.mma(plan.dtype.mma(), &scores[1], &a, &[b2, b3]);
            }
        }
        let weights = softmax.update(&scores, tile * plan.block_keys(), &outputs);
        for (step, weights) in (0u32..).zip(weights.chunks(2)) {
            let a = [weights[0][0], weights[0][1], weights[1][0], weights[1][1]];
            for (pair, outputs) in (0u32..).zip(outputs.chunks(2)) {
                let at = offset(step, row_bytes, pair) + tile_bytes.cast_signed();
                let [b0, b1, b2, b3] = k.ldmatrix(stage + value_offset, at, true);
                k.mma(plan.dtype.mma(), &outputs[0], &a, &[b0, b1]);
                k.mma(plan.dtype.mma(), &outputs[1], &a, &[b2, b3]);
            }
        }
    });

    for (half, inverse) in softmax.inverse_sums().into_iter().enumerate() {
        let row = own_row + u32::try_from(8 * half).unwrap_or(0);
        let place = o.row(row, lane % 4 * 4);
        k.if_(row.lt(len_q), || {
            for (tile, output) in (0i32..).zip(&outputs) {
                let pair = [output[2 * half].now() * inverse, output[2 * half + 1].now() * inverse];
                let pair = plan.dtype.pack(k, pair[0], pair[1]);
                if plan.access == Access::Vector {
                    place.cast::<u32>().plus(4 * tile).store(pair);
                } else {
                    let [low, high] = pair.unpack();
                    place.cast::<u16>().plus(8 * tile).store(low);
                    place.cast::<u16>().plus(8 * tile + 1).store(high);
                }
            }
        });
    }
}

/// Bytes to rows 16 `rows` on and 32-byte column `column` of a tile.
const fn offset(rows: u32, row_bytes: u32, column: u32) -> i32 {
    (rows * 16 * row_bytes + column * 32).cast_signed()
}

/// How many keys the query at `row` sees: with a causal mask row + 1 + len_kv - len_q, but none or all at the ends.
fn visible_keys<'k>(mask: Mask, row: Value<'k, u32>, len_q: Value<'k, u32>, len_kv: Value<'k, u32>) -> Value<'k, u32> {
    match mask {
        Mask::None => len_kv,
        Mask::Causal => {
            let end = row.cast::<i32>() + 1i32 + len_kv.cast::<i32>() - len_q.cast::<i32>();
            end.max(0i32).min(len_kv.cast::<i32>()).cast()
        }
    }
}
