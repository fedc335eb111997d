//! Tensors in device memory, and their way to shared memory.

use tilewright_ptx_ir::build::{Builder, CopyHint, Pointer, Value};

use crate::plan::{Access, Plan, Rows};

/// Elements from one sequence, head and row to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strides<'k> {
    batch: Value<'k, u64>,
    head: Value<'k, u32>,
    row: Value<'k, u32>,
}

impl<'k> Strides<'k> {
    /// Declares the parameters `name_batch_stride`, `name_head_stride` and `name_row_stride`.
    pub(super) fn params(k: &'k Builder, name: &str) -> Self {
        Self {
            batch: k.param(&format!("{name}_batch_stride")),
            head: k.param(&format!("{name}_head_stride")),
            row: k.param(&format!("{name}_row_stride")),
        }
    }
}

/// One sequence of a tensor, or one head of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tensor<'k> {
    address: Value<'k, u64>,
    head_bytes: Value<'k, u32>,
    row_bytes: Value<'k, u32>,
}

impl<'k> Tensor<'k> {
    pub(super) fn new(base: Pointer<'k, u8>, strides: Strides<'k>, batch: Value<'k, u32>) -> Self {
        let address = (strides.batch * 2u64).mad(batch.cast::<u64>(), base.address());
        Self { address, head_bytes: strides.head * 2, row_bytes: strides.row * 2 }
    }

    pub(super) fn head(self, head: Value<'k, u32>) -> Self {
        Self { address: self.address.offset_by(head, self.head_bytes), ..self }
    }

    /// The address `bytes` into a row.
    pub(super) fn row(self, row: Value<'k, u32>, bytes: Value<'k, u32>) -> Value<'k, u64> {
        self.address.offset_by(row, self.row_bytes).offset_by(bytes, 1)
    }
}

/// Which queries the rows of a block are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queries<'k> {
    pub(super) plan: Plan,
    /// The first head: the block's own, or the first of those that share its keys.
    pub(super) head: Value<'k, u32>,
    /// Heads of queries that share a head of keys.
    pub(super) sharers: Value<'k, u32>,
}

impl<'k> Queries<'k> {
    /// The head and the query of row `row`, counted over all blocks.
    ///
    /// Few queries: row by row the heads that share keys, then the next query. So a block reads keys once for all of them.
    pub(super) fn at(&self, row: Value<'k, u32>) -> (Value<'k, u32>, Value<'k, u32>) {
        match self.plan.rows {
            Rows::Few => {
                let query = row / self.sharers;
                (self.head + (row - query * self.sharers), query)
            }
            Rows::Many => (self.head, row),
        }
    }
}

/// One thread's share of copying tiles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copier<'k> {
    k: &'k Builder,
    plan: Plan,
    thread: Value<'k, u32>,
    /// The thread's first row of a tile, its first byte of a row, and where in a tile in shared memory that is.
    row: Value<'k, u32>,
    byte: Value<'k, u32>,
    place: Value<'k, u32>,
}

impl<'k> Copier<'k> {
    pub(super) fn new(k: &'k Builder, plan: &Plan, thread: Value<'k, u32>) -> Self {
        let columns = columns(plan);
        let (row, byte) = (thread / columns, thread % columns * 16);
        Self { k, plan: *plan, thread, row, byte, place: row * plan.row_bytes() + byte }
    }

    /// Copies the `count` rows of `tensor` from row `first` on to shared address `to`, rows from `rows` on as zeros. Asynchronous in part: commit, wait and
    /// barrier belong to the caller.
    ///
    /// A row's 16-byte chunks are shared out over as many threads as divide them, so a thread keeps its columns, and its rows are a constant apart.
    pub(super) fn copy(
        &self,
        tensor: Tensor<'k>,
        rows: Value<'k, u32>,
        first: Value<'k, u32>,
        count: u32,
        to: Value<'k, u32>,
    ) {
        if self.plan.access == Access::Element {
            return self.scatter(|row| (tensor.row(row, self.k.constant(0)), row.lt(rows)), first, count, to);
        }
        let columns = columns(&self.plan);
        let stride = self.plan.threads() / columns;
        let (first, to) = (first + self.row, to + self.place);
        let start = tensor.row(first, self.byte);
        let step = tensor.row_bytes.widening_mul(stride);
        let pass = |source: Value<'k, u64>, index: u32, bytes: Option<Value<'k, u32>>| {
            for column in 0..self.plan.dim / 8 / columns {
                let source = source + u64::from(16 * columns * column);
                let to = to + (index * stride * self.plan.row_bytes() + 16 * columns * column);
                self.k.copy_async_16(to, source, bytes, self.plan.copy_hint());
            }
        };
        let all_there = (first - self.row + count).le(rows);
        self.k.if_else(
            all_there,
            || {
                let mut source = start;
                for index in 0..count / stride {
                    pass(source, index, None);
                    source = source + step;
                }
            },
            || {
                let mut source = start;
                for index in 0..count / stride {
                    let exists = (first + index * stride).lt(rows);
                    // Rows that are not there are never read; the address stays inside the tensor all the same.
                    pass(exists.select(source, tensor.address), index, Some(exists.select(16, 0)));
                    source = source + step;
                }
            },
        );
    }

    /// Copies `count` rows that may lie anywhere: `place` gives a row's address and whether it exists. Otherwise as [`copy`](Self::copy).
    pub(super) fn scatter(
        &self,
        place: impl Fn(Value<'k, u32>) -> (Value<'k, u64>, Value<'k, bool>),
        first: Value<'k, u32>,
        count: u32,
        to: Value<'k, u32>,
    ) {
        let chunks = self.plan.dim / 8;
        let (safe, _) = place(self.k.constant(0));
        self.k.for_(self.thread, count * chunks, self.plan.threads(), |index| {
            let (row, chunk) = (index / chunks, index % chunks);
            let (source, exists) = place(first + row);
            let source = exists.select(source, safe).offset_by(chunk, 16);
            let destination = to + row * self.plan.row_bytes() + chunk * 16;
            match self.plan.access {
                Access::Vector => {
                    self.k.copy_async_16(destination, source, Some(exists.select(16, 0)), CopyHint::default());
                }
                Access::Element => self.copy_elements(source, exists, destination),
            }
        });
    }

    fn copy_elements(&self, source: Value<'k, u64>, exists: Value<'k, bool>, destination: Value<'k, u32>) {
        let elements = Pointer::<u16>::from_address(source);
        let words = [0u32, 2, 4, 6].map(|first| {
            let [low, high] = [first, first + 1].map(|index| elements.at(index).load_or(exists, 0u16).cast::<u32>());
            low | high << 16u32
        });
        destination.shared_place::<u32>().store_vector(words);
    }

    /// Multiplies `count` rows at shared address `at` with `factor`, in place; exact for 0 and -1.
    pub(super) fn scale(&self, at: Value<'k, u32>, count: u32, factor: Value<'k, f32>) {
        let (k, dtype, pairs) = (self.k, self.plan.dtype, self.plan.dim / 2);
        k.for_(self.thread, count * pairs, self.plan.threads(), |index| {
            let place = (at + index / pairs * self.plan.row_bytes() + index % pairs * 4).shared_place::<u32>();
            let [low, high] = place.load().unpack().map(|half| dtype.widen(half) * factor);
            place.store(dtype.pack(k, low, high));
        });
    }
}

/// How many neighbouring threads share a row: the largest power of two that divides its chunks.
const fn columns(plan: &Plan) -> u32 {
    1 << (plan.dim / 8).trailing_zeros()
}
