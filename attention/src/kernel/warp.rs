//! A warp's share of a block: which scores and which columns of the results it computes.

use tilewright_ptx_ir::build::{Accumulator, Builder, Local, Value};

use super::scores::Weights;
use crate::plan::{Plan, Rows};

/// One warp of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Warp<'k> {
    k: &'k Builder,
    pub(super) plan: Plan,
    pub(super) lane: Value<'k, u32>,
    index: Value<'k, u32>,
}

/// The queries of a warp: in registers, or in shared memory.
#[derive(Debug)]
pub(super) struct Query<'k> {
    k: &'k Builder,
    plan: Plan,
    address: Value<'k, u32>,
    /// [step of 16 columns][16 rows].
    kept: Vec<Vec<[Value<'k, u32>; 4]>>,
}

impl<'k> Query<'k> {
    /// The fragments of 16 columns, for each 16 rows.
    fn step(&self, step: u32) -> Vec<[Value<'k, u32>; 4]> {
        let load = |rows| self.k.ldmatrix::<4>(self.address, offset(&self.plan, rows, step), false);
        let kept = usize::try_from(step).ok().and_then(|step| self.kept.get(step));
        kept.cloned().unwrap_or_else(|| (0..self.plan.row_tiles()).map(load).collect())
    }
}

impl<'k> Warp<'k> {
    pub(super) fn new(k: &'k Builder, plan: &Plan, thread: Value<'k, u32>) -> Self {
        Self { k, plan: *plan, lane: thread & 31, index: thread / 32 }
    }

    /// The warp's first row in a block that starts with row `block`.
    pub(super) fn first_row(&self, block: Value<'k, u32>) -> Value<'k, u32> {
        match self.plan.rows {
            Rows::Few => block,
            Rows::Many => block + self.index * (16 * self.plan.row_tiles()),
        }
    }

    /// The lane's two rows of each 16.
    pub(super) fn rows(&self, block: Value<'k, u32>) -> Vec<[Value<'k, u32>; 2]> {
        let own = self.first_row(block) + self.lane / 4;
        (0..self.plan.row_tiles()).map(|tile| [own + 16 * tile, own + (16 * tile + 8)]).collect()
    }

    /// The warp's queries, from the block's at shared address `shared`.
    pub(super) fn queries(&self, shared: Value<'k, u32>) -> Query<'k> {
        // Lanes 0-15 name rows 0-15 of the left half of a step, lanes 16-31 of the right half.
        let own = self.first_row(self.k.constant(0)) + self.lane % 16;
        let address = shared + own * self.plan.row_bytes() + self.lane / 16 * 16;
        let query = Query { k: self.k, plan: self.plan, address, kept: Vec::new() };
        let kept = (0..self.plan.kept_steps()).map(|step| query.step(step)).collect();
        Query { kept, ..query }
    }

    /// Queries times the keys at shared address `keys`, into `scores` [16 rows][tile of eight]; few queries' scores go to shared address `shown`.
    pub(super) fn scores(
        &self,
        keys: Value<'k, u32>,
        query: &Query<'k>,
        scores: &[Vec<Accumulator<'k, f32>>],
        shown: Value<'k, u32>,
    ) {
        let (k, plan, lane) = (self.k, &self.plan, self.lane);
        // Lanes 0-7 and 16-23 name rows 0-7 and 8-15 of the left half of a step, lanes 8-15 and 24-31 of the right half.
        let place = keys + (lane % 8 + lane / 16 * 8) * plan.row_bytes() + lane / 8 % 2 * 16;
        let (place, pairs) = match plan.rows {
            Rows::Few => (place + self.index * (16 * plan.row_bytes()), 1),
            Rows::Many => (place, plan.block_keys() / 16),
        };
        let used = usize::try_from(2 * pairs).unwrap_or(0);
        for score in scores.iter().flat_map(|rows| &rows[..used]).flatten() {
            score.set(0f32);
        }
        for step in 0..plan.dim / 16 {
            let a = query.step(step);
            for (pair, column) in (0..pairs).zip((0usize..).step_by(2)) {
                let [b0, b1, b2, b3] = k.ldmatrix(place, offset(plan, pair, step), false);
                for (a, scores) in a.iter().zip(scores) {
                    k.mma(plan.dtype.mma(), &scores[column], a, &[b0, b1]);
                    k.mma(plan.dtype.mma(), &scores[column + 1], a, &[b2, b3]);
                }
            }
        }
        if plan.rows == Rows::Few {
            // Fragment after fragment: a lane reads what lies at its own place of each.
            let place = shown + self.index * (2 * FRAGMENT_BYTES) + lane * 16;
            for (tile, score) in (0u32..).zip(scores.iter().flat_map(|rows| &rows[..used])) {
                (place + tile * FRAGMENT_BYTES).shared_place::<f32>().store_vector(score.map(|score| score.now()));
            }
        }
    }

    /// All scores of a tile, after a barrier.
    pub(super) fn gather(&self, scores: &[Vec<Accumulator<'k, f32>>], shown: Value<'k, u32>) {
        if self.plan.rows == Rows::Many {
            return;
        }
        let place = shown + self.lane * 16;
        for (tile, scores) in (0u32..).zip(scores.iter().flatten()) {
            let read = (place + tile * FRAGMENT_BYTES).shared_place::<f32>().load_vector::<4>();
            for (score, read) in scores.iter().zip(read) {
                score.set(read);
            }
        }
    }

    /// How many pairs of tiles of eight columns of the results the warp has, at most.
    pub(super) fn column_pairs(&self) -> u32 {
        match self.plan.rows {
            Rows::Few => (self.plan.dim / 16).div_ceil(4),
            Rows::Many => self.plan.dim / 16,
        }
    }

    /// The byte of a row where column pair `pair` of the warp starts.
    pub(super) fn column_byte(&self, pair: u32) -> Value<'k, u32> {
        match self.plan.rows {
            Rows::Few => self.index * 32 + pair * 128,
            Rows::Many => self.k.constant(pair * 32),
        }
    }

    /// Runs `body` if the warp has the column pair `pair`.
    pub(super) fn with_pair(&self, pair: u32, body: impl FnOnce()) {
        let pairs = self.plan.dim / 16;
        if self.plan.rows == Rows::Few && 4 * pair + 4 > pairs {
            self.k.if_((self.index + 4 * pair).lt(pairs), body);
        } else {
            body();
        }
    }

    /// Adds the weights times the values at shared address `values` to `outputs` [16 rows][tile of eight columns].
    pub(super) fn weigh(
        &self,
        values: Value<'k, u32>,
        weights: &Weights<'_, 'k>,
        outputs: &[Vec<Accumulator<'k, f32>>],
    ) {
        // Values are transposed: lanes 0-15 name rows 0-15 of the left eight columns, lanes 16-31 of the right eight.
        let place = values + self.lane % 16 * self.plan.row_bytes() + self.lane / 16 * 16;
        let steps = self.plan.block_keys() / 16;
        if self.plan.weaves() {
            return self.weave(values, place, weights, outputs);
        }
        let fragments: Vec<_> = (0..steps).map(|step| weights.fragments(step)).collect();
        match self.plan.rows {
            Rows::Few => {
                let place = place + self.index * 32;
                for pair in 0..self.column_pairs() {
                    self.with_pair(pair, || {
                        for (step, weights) in (0..).zip(&fragments) {
                            self.multiply(self.values(place, step, 4 * pair), pair, weights, outputs);
                        }
                    });
                }
            }
            Rows::Many => {
                for (step, weights) in (0..).zip(&fragments) {
                    for pair in 0..self.column_pairs() {
                        self.multiply(self.values(place, step, pair), pair, weights, outputs);
                    }
                }
            }
        }
    }

    /// As [`weigh`](Self::weigh), with the weights of the next 16 keys computed between the multiplications of these: the tensor cores and the units for
    /// exponentials are busy at the same time.
    ///
    /// The assembler moves instructions as it likes inside a basic block, and pulls these apart again; so each step is a block of its own, behind a condition
    /// that always holds and that the assembler cannot know.
    fn weave(
        &self,
        values: Value<'k, u32>,
        place: Value<'k, u32>,
        weights: &Weights<'_, 'k>,
        outputs: &[Vec<Accumulator<'k, f32>>],
    ) {
        let (k, steps, pairs) = (self.k, self.plan.block_keys() / 16, self.column_pairs());
        let mut now = weights.fragments(0);
        for step in 0..steps {
            let registers = if step + 1 < steps { weights.registers() } else { 0 };
            let next: Vec<Local<'k, u32>> = (0..registers).map(|_| k.local(0u32)).collect();
            // The queries lie below the values, so no value's address is as small as a count of steps.
            k.if_(values.ne(step), || {
                let mut left = (0usize..).zip(&next);
                for pair in 0..pairs {
                    let loaded = self.values(place, step, pair);
                    // As many registers after each pair of columns as brings the last one with the last pair.
                    let due = share(registers, pair + 1, pairs) - share(registers, pair, pairs);
                    for (register, local) in left.by_ref().take(due) {
                        local.set(weights.register(step + 1, register));
                    }
                    self.multiply(loaded, pair, &now, outputs);
                }
            });
            now = next.as_chunks::<4>().0.iter().map(|fragment| fragment.map(Local::now)).collect();
        }
    }

    /// The fragment of 16 values and column pair `pair`, from a lane's `place` in a tile.
    fn values(&self, place: Value<'k, u32>, step: u32, pair: u32) -> [Value<'k, u32>; 4] {
        self.k.ldmatrix(place, offset(&self.plan, step, pair), true)
    }

    /// Adds weights times values to the two tiles of eight columns of the warp's column pair `pair`.
    fn multiply(
        &self,
        [b0, b1, b2, b3]: [Value<'k, u32>; 4],
        pair: u32,
        weights: &[[Value<'k, u32>; 4]],
        outputs: &[Vec<Accumulator<'k, f32>>],
    ) {
        let column = usize::try_from(2 * pair).unwrap_or(0);
        for (a, outputs) in weights.iter().zip(outputs) {
            self.k.mma(self.plan.dtype.mma(), &outputs[column], a, &[b0, b1]);
            self.k.mma(self.plan.dtype.mma(), &outputs[column + 1], a, &[b2, b3]);
        }
    }
}

/// How many of `all` are due after `done` of `parts`.
fn share(all: usize, done: u32, parts: u32) -> usize {
    let [done, parts] = [done, parts].map(|count| usize::try_from(count).unwrap_or(1));
    all * done / parts
}

/// Bytes of the scores of 16 queries and eight keys.
const FRAGMENT_BYTES: u32 = 32 * 16;

/// Bytes to rows 16 `rows` on and 32-byte column `column` of a tile.
const fn offset(plan: &Plan, rows: u32, column: u32) -> i32 {
    (rows * 16 * plan.row_bytes() + column * 32).cast_signed()
}
