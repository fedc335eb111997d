//! The ring of stages: copies run ahead of the multiplications by `stages - 1` tiles.

use tilewright_ptx_ir::build::{Builder, Local, Value};

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

    fn advance(&self, stage: Local<'k, u32>) {
        stage.add(self.stage_bytes);
        let end = self.base + self.stage_bytes * self.stages;
        stage.set_if(stage.ge(end), self.base);
    }
}
