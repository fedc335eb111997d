//! A block's queries: where they are, and what they see.

use tilewright_ptx_ir::build::{Builder, Value};

use super::scores::Sight;
use super::tensor::{Copier, Queries, Strides, Tensor};
use crate::plan::{Plan, Rows};
use crate::problem::Mask;

/// The parameters of the kernel, and what they say about this block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'k> {
    k: &'k Builder,
    plan: Plan,
    pub(super) queries: Queries<'k>,
    /// The block's first row, counted over all blocks.
    pub(super) first_row: Value<'k, u32>,
    /// Rows of all blocks.
    rows: Value<'k, u32>,
    pub(super) len_q: Value<'k, u32>,
    pub(super) len_kv: Value<'k, u32>,
    q: Tensor<'k>,
    pub(super) keys: Tensor<'k>,
    pub(super) values: Tensor<'k>,
    pub(super) o: Tensor<'k>,
    scale: Value<'k, f32>,
}

/// What the rows of a warp see.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach<'k> {
    /// The first keys, up to this one, are seen by all rows.
    pub(super) all: Value<'k, u32>,
    /// Keys from this one on are seen by none.
    pub(super) end: Value<'k, u32>,
}

impl<'k> Block<'k> {
    /// Declares q, k, v, o; len_q, len_kv, queries' heads a key head; batch, head and row strides of q, k, v and o; scale · log2 e.
    pub(super) fn params(k: &'k Builder, plan: &Plan) -> Self {
        let pointers = ["q", "k", "v", "o"].map(|name| k.pointer::<u8>(name));
        let (len_q, len_kv, sharers) = (k.param::<u32>("len_q"), k.param::<u32>("len_kv"), k.param::<u32>("sharers"));
        let strides = ["q", "k", "v", "o"].map(|name| Strides::params(k, name));
        let scale = k.param::<f32>("scale_log2");
        let batch = k.block_idx().z();
        let tensor = |index: usize| Tensor::new(pointers[index], strides[index], batch);

        let y = k.block_idx().y();
        let (head, key_head, rows) = match plan.rows {
            Rows::Few => (y * sharers, y, len_q * sharers),
            Rows::Many => (y, y / sharers, len_q),
        };
        // Under a causal mask the last queries have most to do: they go first, so that the end is short.
        let x = match plan.mask {
            Mask::None => k.block_idx().x(),
            Mask::Causal => k.grid_dim().x() - 1 - k.block_idx().x(),
        };
        Self {
            k,
            plan: *plan,
            queries: Queries { plan: *plan, head, sharers },
            first_row: x * plan.block_rows(),
            rows,
            len_q,
            len_kv,
            q: tensor(0),
            keys: tensor(1).head(key_head),
            values: tensor(2).head(key_head),
            o: tensor(3),
            scale,
        }
    }

    /// Copies the block's queries to shared address `to`.
    pub(super) fn copy_queries(&self, copier: &Copier<'k>, to: Value<'k, u32>) {
        let count = self.plan.block_rows();
        match self.plan.rows {
            Rows::Few => {
                let place = |row| {
                    let (head, query) = self.queries.at(row);
                    (self.q.head(head).row(query, self.k.constant(0)), query.lt(self.len_q))
                };
                copier.scatter(place, self.first_row, count, to);
            }
            Rows::Many => copier.copy(self.q.head(self.queries.head), self.len_q, self.first_row, count, to),
        }
    }

    /// Where the scale is 0 or less, brings its sign to the copied queries, so that the largest scaled score is the scaled largest score; the scale
    /// that is left. In shared memory a barrier must follow.
    pub(super) fn make_scale_positive(&self, copier: &Copier<'k>, queries: Value<'k, u32>) -> Value<'k, f32> {
        let (k, scale) = (self.k, self.scale.to_local());
        k.if_(scale.le(0f32), || {
            k.barrier();
            let zero = scale.eq(0f32);
            copier.scale(queries, self.plan.block_rows(), zero.select(0f32, -1f32));
            scale.set(zero.select(1f32, -scale.now()));
        });
        scale.now()
    }

    /// How many keys the query of a row sees: with a causal mask query + 1 + len_kv - len_q, none if that is negative.
    fn visible(&self, row: Value<'k, u32>) -> Value<'k, i32> {
        let (len_q, len_kv) = (self.len_q.cast::<i32>(), self.len_kv.cast::<i32>());
        match self.plan.mask {
            Mask::None => len_kv,
            Mask::Causal => {
                let (_, query) = self.queries.at(row);
                query.cast::<i32>() + 1i32 + len_kv - len_q
            }
        }
    }

    /// What the lane's `rows` see; where rows are queries, the first one's sight tells that of the others.
    pub(super) fn sights(&self, rows: &[[Value<'k, u32>; 2]]) -> Vec<[Sight<'k>; 2]> {
        let Some([own, next]) = rows.first().map(|rows| rows.map(|row| self.visible(row))) else { return Vec::new() };
        let apart = if self.plan.mask == Mask::Causal { 8 } else { 0 };
        let more = (0i32..).step_by(2).map(|eights| [eights, eights + 1]);
        match self.plan.rows {
            Rows::Few => vec![[Sight { keys: own, more: 0 }, Sight { keys: next, more: 0 }]],
            Rows::Many => rows
                .iter()
                .zip(more)
                .map(|(_, more)| more.map(|eights| Sight { keys: own, more: apart * eights }))
                .collect(),
        }
    }

    /// How many keys the `count` rows from `first` on see.
    pub(super) fn reach(&self, first: Value<'k, u32>, count: u32) -> Reach<'k> {
        let last = (first + (count - 1)).min(self.rows - 1);
        let seen = |row| self.visible(row).max(0i32).cast::<u32>();
        Reach { all: seen(first), end: first.lt(self.rows).select(seen(last), 0) }
    }

    /// How many keys the block's rows see.
    pub(super) fn seen(&self) -> Value<'k, u32> {
        self.reach(self.first_row, self.plan.block_rows()).end
    }
}
