//! Tiles of whole rows: 128 bytes of each row (64 f16 or 128 s8) in shared memory, swizzled, zero past the last column. Rows past the last repeat it: what they give is not
//! stored, and a copy needs no condition for them.
//!
//! Serves x always, and w where w is kept as [N, K]. Byte for byte the fragments of 16-bit and 8-bit shapes are the same, so one tile
//! serves both.

use tilewright_ptx_ir::build::{Builder, Pointer, Value};

use crate::swizzle::{self, CHUNK_BYTES, CHUNKS, ROW_BYTES};

/// How a tile comes from device memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CopyMode {
    /// `cp.async` of 16 bytes: every row starts at a multiple of 16 bytes and is a multiple of 16 bytes long.
    Async16,
    /// One load an element, for rows that start anywhere.
    Elements,
    /// One load an element, from the columns that [`Rows::order`] names, which must be a multiple of 8.
    Gathered,
}

impl CopyMode {
    /// The modes that come with a tile of packed weights, `with_elements` if it leaves registers for copying by elements.
    #[must_use]
    pub const fn of_tile(with_elements: bool) -> &'static [Self] {
        if with_elements { &[Self::Async16, Self::Elements, Self::Gathered] } else { &[Self::Async16] }
    }

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
    /// For [`CopyMode::Gathered`]: column j of the tile's matrix is column `order[j]` of this one. On a multiple of 32 bytes.
    pub order: Option<Pointer<'k, u32>>,
}

/// The part of a tile's copying that falls to one thread, and where its warp's fragments lie.
///
/// A thread's chunks lie in one column of chunks, the same number of rows apart: where that number is a multiple of 8 one place in shared memory serves them all, which leaves registers
/// to those who multiply.
#[derive(Clone, Debug)]
pub struct RowTile<'k> {
    k: &'k Builder,
    mode: CopyMode,
    source: Rows<'k>,
    rows: u32,
    threads: u32,
    thread: Value<'k, u32>,
    lane: Value<'k, u32>,
    /// Where the thread's first row starts.
    row_address: Value<'k, u64>,
    /// Bytes from there to the row of each of the thread's chunks.
    row_offsets: Vec<Value<'k, u32>>,
    /// Place of each of the thread's chunks in a stage, or of the first if the others lie a constant behind it.
    destinations: Vec<Value<'k, u32>>,
    /// The last row of the tile that is in the matrix, if those past it are neither copied nor read.
    last_row: Option<Value<'k, u32>>,
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
        let rounds = rows.div_ceil(per_round);
        let places = if per_round.is_multiple_of(CHUNKS) { 1 } else { rounds };
        let destinations = (0..places).map(|round| swizzle::offset_value(row + round * per_round, chunk)).collect();
        let in_matrix = |above: u32| (first + row + above).min(source.count - 1);
        let first_row = in_matrix(0);
        Self {
            k,
            mode,
            source,
            rows,
            threads,
            thread,
            lane: thread & 31,
            row_address: source.base.address().offset_by(first_row, row_bytes),
            row_offsets: (1..rounds).map(|round| (in_matrix(round * per_round) - first_row) * row_bytes).collect(),
            destinations,
            last_row: None,
        }
    }

    /// The same tile without copies of the rows past the last: fragments read that one in their place. For tiles of which most rows may be missing.
    #[must_use]
    pub fn with_present_rows_only(self, first: Value<'k, u32>) -> Self {
        Self { last_row: Some(self.source.count - first - 1), ..self }
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
        let address = self.row_address.offset_by(column, self.source.element_bytes);
        let inside = column.lt(self.source.columns);
        let per_round = self.threads / CHUNKS;
        let order = if self.mode == CopyMode::Gathered { self.ordered(column, inside) } else { Vec::new() };
        for round in 0..self.rows.div_ceil(per_round) {
            let above = round * per_round;
            let (place, offset) = match self.destinations.get(round as usize) {
                Some(destination) => (stage + *destination, 0),
                None => (stage + self.destinations[0], above * ROW_BYTES),
            };
            let offset_of = |address: Value<'k, u64>| match round {
                0 => address,
                _ => address.offset_by(self.row_offsets[round as usize - 1], 1),
            };
            let copy = || match self.mode {
                // Where nothing is read the address does not matter.
                CopyMode::Async16 => {
                    self.k.copy_async_16_at(place, offset, offset_of(address), inside.select(CHUNK_BYTES, 0));
                }
                CopyMode::Elements => {
                    let source = offset_of(address);
                    let each =
                        |element: u32| self.load_element(source, element, (column + element).lt(self.source.columns));
                    self.store_chunk(place + offset, each);
                }
                CopyMode::Gathered => {
                    let start = offset_of(self.row_address);
                    let each = |element: u32| {
                        let places: &Vec<Value<'k, u32>> = &order;
                        self.load_element_at(start, places[element as usize], inside)
                    };
                    self.store_chunk(place + offset, each);
                }
            };
            let copy = || match self.last_row {
                Some(last) => self.k.if_((self.thread / CHUNKS + above).le(last), copy),
                None => copy(),
            };
            if above + per_round <= self.rows {
                copy();
            } else {
                self.k.if_((self.thread / CHUNKS + above).lt(self.rows), copy);
            }
        }
    }

    /// Writes the chunk of the elements that `element` loads to shared address `to`.
    fn store_chunk(&self, to: Value<'k, u32>, element: impl Fn(u32) -> Value<'k, u32>) {
        let per_word = 4 / self.source.element_bytes;
        let words = std::array::from_fn::<_, 4, _>(|word| {
            let first = u32::try_from(word).unwrap_or(0) * per_word;
            (0..per_word).fold(self.k.constant(0u32), |packed, index| {
                packed | element(first + index) << (index * 8 * self.source.element_bytes)
            })
        });
        to.shared_place::<u32>().store_vector(words);
    }

    /// The columns of the chunk from `column` on, where it lies inside; a multiple of 8 does so whole or not at all.
    fn ordered(&self, column: Value<'k, u32>, inside: Value<'k, bool>) -> Vec<Value<'k, u32>> {
        let Some(order) = self.source.order else { return Vec::new() };
        let first = order.at(inside.select(column, 0));
        [0, 4].into_iter().flat_map(|half| first.plus(half).read_only().load_vector::<4>()).collect()
    }

    fn load_element(&self, address: Value<'k, u64>, index: u32, inside: Value<'k, bool>) -> Value<'k, u32> {
        if self.source.element_bytes == 1 {
            Pointer::<u8>::from_address(address).at(index).load_or(inside, 0u8).cast::<u32>()
        } else {
            Pointer::<u16>::from_address(address).at(index).load_or(inside, 0u16).cast::<u32>()
        }
    }

    fn load_element_at(&self, row: Value<'k, u64>, column: Value<'k, u32>, inside: Value<'k, bool>) -> Value<'k, u32> {
        self.load_element(row.offset_by(column, self.source.element_bytes), 0, inside)
    }

    /// Byte offsets in a stage from which [`a_fragment`](Self::a_fragment) loads, one for each of the four K steps, for a warp whose rows start at `row`.
    ///
    /// Lanes 0-15 name rows 0-15 of the left half of the step, lanes 16-31 the same rows of the right half.
    #[must_use]
    pub fn a_offsets(&self, row: Value<'k, u32>) -> [Value<'k, u32>; 4] {
        let row = row + self.lane % 16;
        let row = self.last_row.map_or(row, |last| row.min(last));
        self.step_offsets(row, self.lane / 16)
    }

    /// The registers of a for rows 16 `index` to 16 `index` + 15 of the warp.
    #[must_use]
    pub fn a_fragment(&self, stage: Value<'k, u32>, offset: Value<'k, u32>, index: u32) -> [Value<'k, u32>; 4] {
        self.a_fragment_at(stage + offset, index)
    }

    /// As [`a_fragment`](Self::a_fragment), with stage and offset added up.
    #[must_use]
    pub fn a_fragment_at(&self, place: Value<'k, u32>, index: u32) -> [Value<'k, u32>; 4] {
        self.k.ldmatrix(place, rows_offset(index), false)
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
