//! A warp's share of a block: which scores and which columns of the results it computes.

use tilewright_ptx_ir::build::{Accumulator, Builder, Value};

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
        let steps = if self.plan.keeps_queries() { self.plan.dim / 16 } else { 0 };
        let kept = (0..steps).map(|step| query.step(step)).collect();
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

    /// Adds weights [16 rows][tile of eight][query] times the values at shared address `values` to `outputs` [16 rows][tile of eight columns].
    pub(super) fn weigh(
        &self,
        values: Value<'k, u32>,
        weights: &[Vec<[Value<'k, u32>; 2]>],
        outputs: &[Vec<Accumulator<'k, f32>>],
    ) {
        let (k, plan, lane) = (self.k, &self.plan, self.lane);
        // Values are transposed: lanes 0-15 name rows 0-15 of the left eight columns, lanes 16-31 of the right eight.
        let place = values + lane % 16 * plan.row_bytes() + lane / 16 * 16;
        let (place, apart) = match plan.rows {
            Rows::Few => (place + self.index * 32, 4),
            Rows::Many => (place, 1),
        };
        let multiply = |step: u32, pair: u32| {
            let (tile, column) = (usize::try_from(2 * step).unwrap_or(0), usize::try_from(2 * pair).unwrap_or(0));
            let [b0, b1, b2, b3] = k.ldmatrix(place, offset(plan, step, pair * apart), true);
            for (weights, outputs) in weights.iter().zip(outputs) {
                let a = [weights[tile][0], weights[tile][1], weights[tile + 1][0], weights[tile + 1][1]];
                k.mma(plan.dtype.mma(), &outputs[column], &a, &[b0, b1]);
                k.mma(plan.dtype.mma(), &outputs[column + 1], &a, &[b2, b3]);
            }
        };
        let (steps, pairs) = (plan.block_keys() / 16, self.column_pairs());
        match plan.rows {
            Rows::Few => {
                for pair in 0..pairs {
                    self.with_pair(pair, || (0..steps).for_each(|step| multiply(step, pair)));
                }
            }
            Rows::Many => {
                for step in 0..steps {
                    (0..pairs).for_each(|pair| multiply(step, pair));
                }
            }
        }
    }
}

/// Bytes of the scores of 16 queries and eight keys.
const FRAGMENT_BYTES: u32 = 32 * 16;

/// Bytes to rows 16 `rows` on and 32-byte column `column` of a tile.
const fn offset(plan: &Plan, rows: u32, column: u32) -> i32 {
    (rows * 16 * plan.row_bytes() + column * 32).cast_signed()
}
