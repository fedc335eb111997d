//! The ring in which tiles of keys and of values take turns.

use tilewright_ptx_ir::build::{Builder, Local, Value};

/// What a slot of the ring holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Keys,
    Values,
}

/// Slots in shared memory for the keys of tile 0, its values, the keys of tile 1, and so on.
///
/// With two slots, values are on their way while scores are computed, and the next keys while these values are used: the shape of FlashAttention-2. More
/// slots put more on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ring<'k> {
    pub(super) k: &'k Builder,
    pub(super) base: Value<'k, u32>,
    pub(super) slot_bytes: u32,
    /// At least 2.
    pub(super) slots: u32,
}

impl<'k> Ring<'k> {
    /// Starts the first copies: a group each, none where a tile is not there.
    pub(super) fn fill(&self, tiles: Value<'k, u32>, copy: &impl Fn(Kind, Value<'k, u32>, Value<'k, u32>)) {
        for step in 0..self.slots - 1 {
            let (kind, tile) = at(step);
            let tile = self.k.constant(tile);
            self.k.if_(tiles.gt(tile), || copy(kind, self.base + step * self.slot_bytes, tile));
            self.k.commit_copies();
        }
    }

    /// For each tile below `tiles`, after [`fill`](Self::fill): `scores(slot, tile)` where its keys lie, `weigh(slot, tile)` where its values do.
    ///
    /// The barrier before each shows every thread's copies to all, and proves that all are done with the slot that is filled next: it was used a step
    /// ago. `tiles` must be the same in all threads of the block.
    pub(super) fn run(
        &self,
        tiles: Value<'k, u32>,
        copy: &impl Fn(Kind, Value<'k, u32>, Value<'k, u32>),
        scores: impl FnOnce(Value<'k, u32>, Value<'k, u32>),
        weigh: impl FnOnce(Value<'k, u32>, Value<'k, u32>),
    ) {
        let k = self.k;
        let read = k.local(self.base);
        let write = k.local(self.base + (self.slots - 1) * self.slot_bytes);
        let arrive = |tile: Value<'k, u32>, step: u32| {
            k.wait_copies(self.slots - 2);
            k.barrier();
            let (kind, later) = at(step + self.slots - 1);
            let next = tile + later;
            k.if_(next.lt(tiles), || copy(kind, write.now(), next));
            // An empty group keeps the count of groups equal to the count of steps.
            k.commit_copies();
        };
        k.for_(0, tiles, 1, |tile| {
            arrive(tile, 0);
            scores(read.now(), tile);
            self.advance(read);
            self.advance(write);
            arrive(tile, 1);
            weigh(read.now(), tile);
            self.advance(read);
            self.advance(write);
        });
    }

    fn advance(&self, slot: Local<'k, u32>) {
        slot.add(self.slot_bytes);
        let end = self.base + self.slot_bytes * self.slots;
        slot.set_if(slot.ge(end), self.base);
    }
}

/// The kind and the tile of a step.
const fn at(step: u32) -> (Kind, u32) {
    (if step.is_multiple_of(2) { Kind::Keys } else { Kind::Values }, step / 2)
}
