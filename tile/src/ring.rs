//! The ring of stages: copies run ahead of the multiplications by `stages - 1` tiles.

use tilewright_ptx_ir::build::{Builder, Local, Value};

use crate::sweep::Fragments;

/// A ring of equal stages in shared memory.
#[derive(Clone, Copy, Debug)]
pub struct Ring<'k> {
    /// Shared address of the first stage.
    pub base: Value<'k, u32>,
    /// Bytes of a stage.
    pub stage_bytes: u32,
    /// How many there are, at least 2.
    pub stages: u32,
}

/// Where a ring is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Step<'k> {
    /// Shared address of the stage that the step's fragments came from.
    pub stage: Value<'k, u32>,
    /// How many stages were multiplied before this one.
    pub trip: Value<'k, u32>,
    /// The K step in the stage.
    pub step: u32,
}

/// Where fragments lie.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Place<'k> {
    /// Shared address of the stage.
    pub stage: Value<'k, u32>,
    /// The K step in it.
    pub step: u32,
}

impl<'k> Ring<'k> {
    /// For each tile below `tiles`: `copy(stage, tile)` fills a stage ahead of time, `multiply(stage, tile)` uses it.
    ///
    /// One barrier a tile: it shows every thread's copies of this tile to all, and proves that all are done with the stage that is filled next, since
    /// that one was used a tile ago. `tiles` must be the same in all threads of the block.
    pub fn run(
        &self,
        k: &'k Builder,
        tiles: Value<'k, u32>,
        copy: impl Fn(Value<'k, u32>, Value<'k, u32>),
        multiply: impl FnOnce(Value<'k, u32>, Value<'k, u32>),
    ) {
        let (read, write) = (k.local(self.base), k.local(self.base));
        let ahead = self.stages - 1;
        k.for_(0, ahead, 1, |tile| {
            k.if_(tile.lt(tiles), || copy(write.now(), tile));
            k.commit_copies();
            self.advance(write);
        });
        k.for_(0, tiles, 1, |tile| {
            k.wait_copies(ahead - 1);
            k.barrier();
            let next = tile + ahead;
            k.if_(next.lt(tiles), || copy(write.now(), next));
            // An empty group keeps the count of groups equal to the count of tiles.
            k.commit_copies();
            multiply(read.now(), tile);
            self.advance(read);
            self.advance(write);
        });
    }

    /// As [`run`](Self::run) for stages of several K steps, with the fragments of the next step loaded while those of the present one are multiplied, past the
    /// barrier too: `load(place)` loads the first, `multiply(fragments, at, next)` uses fragments and loads those at `next`.
    ///
    /// Copies are made for tiles past the last, and must fill with zeros; `trips` is at least 1. They are issued behind the products of the first step, which cover what that takes. The
    /// stage that is filled in a trip is the one whose last fragments all
    /// warps had loaded before the barrier of the trip before; what else `multiply` reads of its stage must be read before the last step.
    pub fn run_ahead(
        &self,
        k: &'k Builder,
        (trips, steps): (Value<'k, u32>, u32),
        copy: impl Fn(Value<'k, u32>, Value<'k, u32>),
        load: impl Fn(Place<'k>) -> Fragments<'k>,
        multiply: impl Fn(&Fragments<'k>, Step<'k>, Place<'k>) -> Fragments<'k>,
    ) {
        let read = k.local(self.base);
        let ahead = self.stages - 1;
        (0..ahead).for_each(|stage| {
            copy(self.base + stage * self.stage_bytes, k.constant(stage));
            k.commit_copies();
        });
        let arrive = || {
            k.wait_copies(ahead - 1);
            k.barrier();
        };
        arrive();
        let kept = load(Place { stage: read.now(), step: 0 }).keep();
        k.for_(0, trips, 1, |trip| {
            let at = |step: u32| Step { stage: read.now(), trip, step };
            let mut present = kept.now();
            for step in 0..steps - 1 {
                present = multiply(&present, at(step), Place { stage: read.now(), step: step + 1 });
                if step == 0 {
                    copy(self.before(read.now()), trip + ahead);
                    k.commit_copies();
                }
            }
            arrive();
            let following = self.following(read.now());
            kept.set(&multiply(&present, at(steps - 1), Place { stage: following, step: 0 }));
            read.set(following);
        });
    }

    fn following(&self, stage: Value<'k, u32>) -> Value<'k, u32> {
        let (next, end) = (stage + self.stage_bytes, self.base + self.stage_bytes * self.stages);
        next.ge(end).select(self.base, next)
    }

    /// The stage that is filled while `stage` is read.
    fn before(&self, stage: Value<'k, u32>) -> Value<'k, u32> {
        let last = self.base + self.stage_bytes * (self.stages - 1);
        stage.eq(self.base).select(last, stage - self.stage_bytes)
    }

    fn advance(&self, stage: Local<'k, u32>) {
        stage.add(self.stage_bytes);
        let end = self.base + self.stage_bytes * self.stages;
        stage.set_if(stage.ge(end), self.base);
    }
}
