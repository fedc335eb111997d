//! Tensors in device memory, and their way to shared memory.

use tilewright_ptx_ir::build::{Builder, CopyHint, Place, Pointer, Value};

use crate::plan::{Access, Plan};

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

/// The rows of one head of one sequence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tensor<'k> {
    address: Value<'k, u64>,
    row_bytes: Value<'k, u32>,
    rows: Value<'k, u32>,
}

impl<'k> Tensor<'k> {
    pub(super) fn new(
        base: Pointer<'k, u8>,
        strides: Strides<'k>,
        batch: Value<'k, u32>,
        head: Value<'k, u32>,
        rows: Value<'k, u32>,
    ) -> Self {
        let sequence = (strides.batch * 2u64).mad(batch.cast::<u64>(), base.address());
        Self { address: sequence.offset_by(head, strides.head * 2), row_bytes: strides.row * 2, rows }
    }

    /// The place `bytes` into a row.
    pub(super) fn row(self, row: Value<'k, u32>, bytes: Value<'k, u32>) -> Place<'k, u8> {
        Pointer::<u8>::from_address(self.address.offset_by(row, self.row_bytes).offset_by(bytes, 1)).at(0)
    }
}

/// One thread's share of copying tiles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copier<'k> {
    pub(super) k: &'k Builder,
    pub(super) plan: Plan,
    pub(super) thread: Value<'k, u32>,
}

impl<'k> Copier<'k> {
    /// Copies `count` rows of `tensor` from row `first` on to shared address `to`, rows past the end as zeros. Asynchronous in part: commit, wait and barrier
    /// belong to the caller.
    ///
    /// Thread i copies 16-byte chunks i, i + threads, ... of the tile, counted row by row.
    pub(super) fn copy(&self, tensor: Tensor<'k>, first: Value<'k, u32>, count: u32, to: Value<'k, u32>) {
        let chunks = self.plan.dim / 8;
        self.k.for_(self.thread, count * chunks, self.plan.threads(), |index| {
            let (row, chunk) = (index / chunks, index % chunks);
            let exists = (first + row).lt(tensor.rows);
            // Rows that are not there are never read; the address stays inside the tensor all the same.
            let safe = exists.select(first + row, 0);
            let source = tensor.address.offset_by(safe, tensor.row_bytes).offset_by(chunk, 16);
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
}
