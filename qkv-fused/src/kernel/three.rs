//! All three projections in one block: x is copied once for the three, and the three sets of sums share the registers.
//!
//! A block makes the same `block_m` x `block_n` tile of q, k and v; where that lies past the columns of k and v its weights are zeros and nothing is
//! written. The two schedules differ in when tiles are copied, never in the order of the sums.

use tilewright_ptx_ir::build::{Builder, Value};
use tilewright_tile::packed_product::{self, Operands, Product};
use tilewright_tile::{RowTile, Warp};

use super::{Tensors, store};
use crate::plan::Plan;

/// The block's part of the work: x and the three products over it.
pub(super) struct Work<'k> {
    x: RowTile<'k>,
    a_offsets: [Value<'k, u32>; 4],
    products: [Product<'k>; 3],
    /// Tiles of 16 rows that a warp makes.
    row_tiles: u32,
    /// Shared address of the tile of x.
    x_stage: Value<'k, u32>,
    /// Shared address of the first slot of weights.
    slots: Value<'k, u32>,
    slot_bytes: u32,
}

pub(super) fn build<'k>(
    k: &'k Builder,
    plan: &Plan,
    tensors: &Tensors<'k>,
    warp: &Warp<'k>,
    run: impl FnOnce(&'k Builder, &Work<'k>),
) {
    let geometry = plan.geometry;
    let Tensors { x, x_order, weights, scales, results, m, n_q, n_kv, depth } = *tensors;
    let first_row = k.block_idx().x() * geometry.block_m;
    let first_column = k.block_idx().y() * geometry.block_n;
    let operands = [0, 1, 2].map(|index| {
        let n = if index == 0 { n_q } else { n_kv };
        let (w, scales) = (weights[index], scales[index]);
        Operands { x, x_copy: plan.x_copy, x_order, w, scales, m, n, depth, first_row, first_column }
    });
    let x = operands[0].x_tile(k, &geometry, warp);
    let x_stage = k.dynamic_shared::<u8>("stages").address();
    let work = Work {
        a_offsets: x.a_offsets(warp.row),
        products: operands.each_ref().map(|one| Product::new(k, &geometry, plan.format, one, warp)),
        row_tiles: geometry.tiles_m(),
        x_stage,
        slots: x_stage + x.stage_bytes(),
        slot_bytes: packed_product::w_stage_bytes(&geometry, plan.format),
        x,
    };
    run(k, &work);
    for ((product, operands), result) in work.products.into_iter().zip(&operands).zip(results) {
        store(k, plan, operands, result, &product.into_sums(), warp);
    }
}

/// One slot: x, then each projection's weights in turn, copied, awaited, multiplied. Seven barriers a K step.
pub(super) fn single_slot<'k>(k: &'k Builder, work: &Work<'k>) {
    let (x, x_stage, slot) = (&work.x, work.x_stage, work.slots);
    k.for_(0, work.products[0].tiles(), 1, |tile| {
        x.copy(x_stage, tile);
        arrive(k);
        for product in &work.products {
            product.copy(slot, tile);
            arrive(k);
            product.multiply(slot, tile, |step, index| x.a_fragment(x_stage, work.a_offsets[step as usize], index));
            // All are done with the slot, and after the last projection with x.
            k.barrier();
        }
    });
}

/// Two slots that change roles with every projection: the next projection's weights, and at the last the next tile of x, are copied while this one
/// multiplies. x is read into registers once a step, so that its stage is free early. Four barriers a K step:
///
/// | barrier | what it shows to all | what it proves free |
/// |---|---|---|
/// | 1 | x of this step | the slot of v of the step before, which k takes |
/// | 2 | weights of q | x's stage: all have it in registers |
/// | 3 | weights of k | the slot of q, which v takes |
/// | 4 | weights of v | the slot of k, which q of the next step takes |
pub(super) fn ping_pong<'k>(k: &'k Builder, work: &Work<'k>) {
    let [q, key, v] = &work.products;
    let tiles = q.tiles();
    let slot = k.local(work.slots);
    // Addresses of the slot in use and of the other one.
    let other = |now: Value<'k, u32>| work.slots * 2 + work.slot_bytes - now;
    work.x.copy(work.x_stage, k.constant(0));
    k.commit_copies();
    k.for_(0, tiles, 1, |tile| {
        let (first, second) = (slot.now(), other(slot.now()));
        q.copy(first, tile);
        k.commit_copies();
        // All but the copies of q's weights: x.
        k.wait_copies(1);
        k.barrier();
        let fragments = work.x_fragments();
        let a = |step: u32, index: u32| fragments[step as usize][index as usize];
        arrive(k);
        key.copy(second, tile);
        q.multiply(first, tile, a);
        arrive(k);
        v.copy(first, tile);
        key.multiply(second, tile, a);
        arrive(k);
        let next = tile + 1;
        k.if_(next.lt(tiles), || work.x.copy(work.x_stage, next));
        k.commit_copies();
        v.multiply(first, tile, a);
        slot.set(second);
    });
}

impl<'k> Work<'k> {
    /// The registers of x for all four K steps of the tile.
    fn x_fragments(&self) -> [Vec<[Value<'k, u32>; 4]>; 4] {
        self.a_offsets
            .map(|offset| (0..self.row_tiles).map(|index| self.x.a_fragment(self.x_stage, offset, index)).collect())
    }
}

/// Waits for this thread's copies, then for all threads: what was copied is there for all.
fn arrive(k: &Builder) {
    k.commit_copies();
    k.wait_copies(0);
    k.barrier();
}
