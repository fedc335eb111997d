//! The threads that compute a row together.

use std::fmt;

use tilewright_ptx_ir::build::{Builder, Value};

use super::codes::Codes;
use super::row::Row;
use super::tensor::Tensor;
use crate::build::{Block, Operation, warp_max, warp_min, warp_sum};
use crate::plan::{Plan, Team};

/// The team that the running thread belongs to, and its row.
pub(super) struct Members<'k> {
    k: &'k Builder,
    plan: Plan,
    /// The thread's index in the team.
    thread: Value<'k, u32>,
    row: Value<'k, u32>,
    columns: Value<'k, u32>,
    reduce: Reduction<'k>,
}

type Reduction<'k> = Box<dyn Fn(Operation, Value<'k, f32>) -> Value<'k, f32> + 'k>;

impl fmt::Debug for Members<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Members").field("plan", &self.plan).finish_non_exhaustive()
    }
}

impl<'k> Members<'k> {
    /// Declares the parameters `rows` and `columns`, and ends the warps that have no row.
    pub(super) fn of(k: &'k Builder, plan: &Plan) -> Self {
        let (rows, columns) = (k.param::<u32>("rows"), k.param::<u32>("columns"));
        let block = k.block_idx().x();
        k.max_registers(plan.max_registers());
        let (row, thread, reduce): (_, _, Reduction<'k>) = match plan.team {
            Team::Warp => {
                let [x, y, z] = plan.team.block();
                k.require_threads(x, y, z);
                let row = block * y + k.thread_idx().y();
                // A warp has one row, so it ends as a whole; no barrier follows.
                k.return_if(row.ge(rows));
                (row, k.thread_idx().x(), Box::new(move |operation, value| reduce_warp(k, operation, value)))
            }
            Team::Block128 => with_block(block, Block::<128>::of(k)),
            Team::Block256 => with_block(block, Block::<256>::of(k)),
            Team::Block512 => with_block(block, Block::<512>::of(k)),
            Team::Block1024 => with_block(block, Block::<1024>::of(k)),
        };
        Self { k, plan: *plan, thread, row, columns, reduce }
    }

    /// The team's row of x.
    pub(super) fn row(&self, x: Tensor<'k>) -> Row<'k> {
        let x = x.row(self.row, self.columns).passing_through(self.plan.passes_through());
        Row::new(self.k, &self.plan, x, self.thread, self.columns)
    }

    /// The team's row of y.
    pub(super) fn row_of(&self, y: Tensor<'k>) -> Tensor<'k> {
        y.row(self.row, self.columns).passing_through(self.plan.passes_through())
    }

    /// The team's row of codes.
    pub(super) fn codes_of(&self, codes: Codes<'k>) -> Codes<'k> {
        codes.row(self.row, self.columns)
    }

    /// Writes element `row` of y, f32, once.
    pub(super) fn store_result(&self, y: Tensor<'k>, value: Value<'k, f32>) {
        y.store_one(self.row, self.thread.eq(0), value);
    }

    /// Elements of a row as a float.
    pub(super) fn count(&self) -> Value<'k, f32> {
        self.columns.cast()
    }

    pub(super) fn sum(&self, value: Value<'k, f32>) -> Value<'k, f32> {
        (self.reduce)(Operation::Sum, value)
    }

    pub(super) fn max(&self, value: Value<'k, f32>) -> Value<'k, f32> {
        (self.reduce)(Operation::Max, value)
    }

    pub(super) fn min(&self, value: Value<'k, f32>) -> Value<'k, f32> {
        (self.reduce)(Operation::Min, value)
    }
}

fn with_block<'k, const THREADS: u32>(
    row: Value<'k, u32>,
    block: Block<'k, THREADS>,
) -> (Value<'k, u32>, Value<'k, u32>, Reduction<'k>) {
    (row, block.thread(), Box::new(move |operation, value| block.reduce(operation, value)))
}

fn reduce_warp<'k>(k: &'k Builder, operation: Operation, value: Value<'k, f32>) -> Value<'k, f32> {
    match operation {
        Operation::Sum => warp_sum(k, value),
        Operation::Max => warp_max(k, value),
        Operation::Min => warp_min(k, value),
    }
}
