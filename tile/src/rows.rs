//! Tiles of whole rows: 128 bytes of each row (64 f16 or 128 s8) in shared memory, swizzled, zero past the edges.
//!
//! Serves x always, and w where w is kept as [N, K]. Byte for byte the fragments of 16-bit and 8-bit shapes are the same, so one tile
//! serves both.

use tilewright_ptx_ir::build::{Builder, CopyHint, Pointer, Value};

use crate::swizzle::{self, CHUNK_BYTES, CHUNKS, ROW_BYTES};

/// How a tile comes from device memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CopyMode {
    /// `cp.async` of 16 bytes: every row starts at a multiple of 16 bytes and is a multiple of 16 bytes long.
    Async16,
    /// One load an element, for rows that start anywhere.
    Elements,
}

impl CopyMode {
    /// The best mode for rows of `row_bytes` from `address` on.
    #[must_use]
    pub const fn choose(address: u64, row_bytes: usize) -> Self {
        if address.is_multiple_of(16) && row_bytes.is_multiple_of(16) { Self::Async16 } else { Self::Elements }
    }
}

/// A row-major matrix in device memory.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'k> {
    /// Its first byte.
    pub base: Pointer<'k, u8>,
    /// Rows.
    pub count: Value<'k, u32>,
    /// Elements of a row.
    pub columns: Value<'k, u32>,
    /// Bytes of an element, 1 or 2.
    pub element_bytes: u32,
}

/// The part of a tile's copying that falls to one thread, and where its warp's fragments lie.
#[derive(Clone, Debug)]
pub struct RowTile<'k> {
    k: &'k Builder,
    mode: CopyMode,
    source: Rows<'k>,
    rows: u32,
    threads: u32,
    thread: Value<'k, u32>,
    lane: Value<'k, u32>,
    /// For each of the thread's chunks: the start of its row, and whether the matrix has that row.
    chunks: Vec<Chunk<'k>>,
}

#[derive(Clone, Copy, Debug)]
struct Chunk<'k> {
    row_address: Value<'k, u64>,
    exists: Value<'k, bool>,
    destination: Value<'k, u32>,
}

impl<'k> RowTile<'k> {
    /// A tile of `rows` rows from row `first` of `source` on, copied by `threads` threads of which `thread` is the present one.
    ///
    /// Thread i copies chunk i % 8 of rows i / 8, i / 8 + threads / 8, ...
    #[must_use]
    pub fn new(
        k: &'k Builder,
        mode: CopyMode,
        source: Rows<'k>,
        first: Value<'k, u32>,
        rows: u32,
        threads: u32,
        thread: Value<'k, u32>,
    ) -> Self {
        let (row, chunk) = (thread / CHUNKS, thread % CHUNKS);
        let row_bytes = source.columns * source.element_bytes;
        let per_round = threads / CHUNKS;
        let chunks = (0..rows.div_ceil(per_round))
            .map(|round| {
                let in_tile = row + round * per_round;
                let in_matrix = first + in_tile;
                let exists = in_matrix.lt(source.count);
                // Rows that are not there are never read; the address stays inside the matrix all the same.
                let safe = exists.select(in_matrix, 0);
                let row_address = source.base.address().offset_by(safe, row_bytes);
                Chunk { row_address, exists, destination: swizzle::offset_value(in_tile, chunk) }
            })
            .collect();
        Self { k, mode, source, rows, threads, thread, lane: thread & 31, chunks }
    }

    /// Bytes of one stage.
    #[must_use]
    pub const fn stage_bytes(&self) -> u32 {
        self.rows * ROW_BYTES
    }

    /// Fills the stage at shared address `stage` with the columns of K tile `tile`. Asynchronous in part: commit, wait and barrier belong to the caller.
    pub fn copy(&self, stage: Value<'k, u32>, tile: Value<'k, u32>) {
        let per_chunk = CHUNK_BYTES / self.source.element_bytes;
        let column = tile * (ROW_BYTES / self.source.element_bytes) + self.thread % CHUNKS * per_chunk;
        for (round, chunk) in (0u32..).zip(&self.chunks) {
            let copy = || match self.mode {
                CopyMode::Async16 => self.copy_async(chunk, stage, column),
                CopyMode::Elements => self.copy_elements(chunk, stage, column),
            };
            let last = (round + 1) * (self.threads / CHUNKS);
            if last <= self.rows {
                copy();
            } else {
                let in_tile = self.thread / CHUNKS + round * (self.threads / CHUNKS);
                self.k.if_(in_tile.lt(self.rows), copy);
            }
        }
    }

    fn copy_async(&self, chunk: &Chunk<'k>, stage: Value<'k, u32>, column: Value<'k, u32>) {
        let inside = column.lt(self.source.columns) & chunk.exists;
        let bytes = inside.select(CHUNK_BYTES, 0);
        let offset = inside.select(column, 0);
        let source = chunk.row_address.offset_by(offset, self.source.element_bytes);
        self.k.copy_async_16(stage + chunk.destination, source, Some(bytes), CopyHint::default());
    }

    fn copy_elements(&self, chunk: &Chunk<'k>, stage: Value<'k, u32>, column: Value<'k, u32>) {
        let address = chunk.row_address.offset_by(column, self.source.element_bytes);
        let per_word = 4 / self.source.element_bytes;
        let words = std::array::from_fn::<_, 4, _>(|word| {
            let first = u32::try_from(word).unwrap_or(0) * per_word;
            (0..per_word).fold(self.k.constant(0u32), |packed, element| {
                let index = first + element;
                let inside = (column + index).lt(self.source.columns) & chunk.exists;
                packed | self.load_element(address, index, inside) << (element * 8 * self.source.element_bytes)
            })
        });
        (stage + chunk.destination).shared_place::<u32>().store_vector(words);
    }

    fn load_element(&self, address: Value<'k, u64>, index: u32, inside: Value<'k, bool>) -> Value<'k, u32> {
        if self.source.element_bytes == 1 {
            Pointer::<u8>::from_address(address).at(index).load_or(inside, 0u8).cast::<u32>()
        } else {
            Pointer::<u16>::from_address(address).at(index).load_or(inside, 0u16).cast::<u32>()
        }
    }

    /// Byte offsets in a stage from which [`a_fragment`](Self::a_fragment) loads, one for each of the four K steps, for a warp whose rows start at `row`.
    ///
    /// Lanes 0-15 name rows 0-15 of the left half of the step, lanes 16-31 the same rows of the right half.
    #[must_use]
    pub fn a_offsets(&self, row: Value<'k, u32>) -> [Value<'k, u32>; 4] {
        let row = row + self.lane % 16;
        self.step_offsets(row, self.lane / 16)
    }

    /// The registers of a for rows 16 `index` to 16 `index` + 15 of the warp.
    #[must_use]
    pub fn a_fragment(&self, stage: Value<'k, u32>, offset: Value<'k, u32>, index: u32) -> [Value<'k, u32>; 4] {
        self.k.ldmatrix(stage + offset, rows_offset(index), false)
    }

    /// As [`a_offsets`](Self::a_offsets) for w: lanes 0-7 and 16-23 name rows 0-7 and 8-15 of the left half of the step, lanes 8-15 and 24-31 of the right.
    #[must_use]
    pub fn b_offsets(&self, row: Value<'k, u32>) -> [Value<'k, u32>; 4] {
        let row = row + self.lane % 8 + self.lane / 16 * 8;
        self.step_offsets(row, self.lane / 8 % 2)
    }

    /// The registers of b for the two n8 tiles of rows 16 `index` to 16 `index` + 15 of the warp.
    #[must_use]
    pub fn b_fragments(&self, stage: Value<'k, u32>, offset: Value<'k, u32>, index: u32) -> [[Value<'k, u32>; 2]; 2] {
        let [low0, low1, high0, high1] = self.k.ldmatrix(stage + offset, rows_offset(index), false);
        [[low0, low1], [high0, high1]]
    }

    fn step_offsets(&self, row: Value<'k, u32>, half: Value<'k, u32>) -> [Value<'k, u32>; 4] {
        [0u32, 1, 2, 3].map(|step| swizzle::offset_value(row, half + step * 2))
    }
}

/// Sixteen rows further does not change a row's swizzle, so it is a constant offset.
fn rows_offset(index: u32) -> i32 {
    (index * 16 * ROW_BYTES).cast_signed()
}
