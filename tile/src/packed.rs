//! Quantized weights in the order in which the tensor cores read them.
//!
//! A weight matrix [N, K] is cut into units of `columns` columns (N) by 64 of K. A unit is 512 bytes: 16 for each lane, which one 16-byte load
//! fetches; units of one column block follow each other along K. What the 16 bytes of a lane mean is [`PackedOrder::place`], as data: packing permutes by it
//! on the CPU, the kernel unpacks by it, and a test holds that it is a bijection.

use tilewright_ptx_ir::build::{Builder, F16x2, Local, Pointer, Value};

use crate::dequantize;

/// K that one unit covers.
pub const UNIT_K: u32 = 64;
/// Bytes of a unit.
pub const UNIT_BYTES: u32 = 512;
/// Bytes of a unit that one lane reads.
const LANE_BYTES: u32 = 16;

/// The width of the packed integers, which fixes the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PackedOrder {
    /// Nibbles stored as q + 8; a unit has 16 columns.
    Int4,
    /// Bytes stored as q + 128; a unit has 8 columns.
    Int8,
}

/// An element of a unit: a column (N) and a k, both counted from the unit's corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnitPlace {
    /// Column below [`PackedOrder::columns`].
    pub column: u32,
    /// k below [`UNIT_K`].
    pub k: u32,
}

impl PackedOrder {
    /// Columns (N) of a unit.
    #[must_use]
    pub const fn columns(self) -> u32 {
        match self {
            Self::Int4 => 16,
            Self::Int8 => 8,
        }
    }

    /// Elements in a 32-bit word.
    #[must_use]
    pub const fn elements(self) -> u32 {
        match self {
            Self::Int4 => 8,
            Self::Int8 => 4,
        }
    }

    /// What `element` of `word` (0 to 3) of `lane` is.
    ///
    /// Lane l serves column l / 4 and, in each K step of 16, k = 2t, 2t + 1, 2t + 8, 2t + 9 with t = l % 4: the two registers of b.
    /// - int4: words 0 and 1 are column l / 4, words 2 and 3 the one 8 further; each word holds two K steps. Nibbles i and i + 4 are neighbours in
    ///   k, so that one `lop3` takes a pair out.
    /// - int8: word s is K step s.
    #[must_use]
    pub const fn place(self, lane: u32, word: u32, element: u32) -> UnitPlace {
        let (column, first) = (lane / 4, lane % 4 * 2);
        match self {
            Self::Int4 => {
                let pair = element % 4;
                let step = word % 2 * 2 + pair / 2;
                UnitPlace { column: column + word / 2 * 8, k: step * 16 + pair % 2 * 8 + first + element / 4 }
            }
            Self::Int8 => UnitPlace { column, k: word * 16 + element / 2 * 8 + first + element % 2 },
        }
    }

    /// Units of a matrix of `n` columns and `k` rows, the last ones padded: (along N, along K).
    #[must_use]
    pub const fn units(self, n: usize, k: usize) -> (usize, usize) {
        (n.div_ceil(self.columns() as usize), k.div_ceil(UNIT_K as usize))
    }

    /// 32-bit words of the packed matrix.
    #[must_use]
    pub const fn words(self, n: usize, k: usize) -> usize {
        let (units_n, units_k) = self.units(n, k);
        units_n * units_k * (UNIT_BYTES / 4) as usize
    }

    /// The (n, k) of `element` of `word` of a packed matrix with `units_k` units along K; it may lie in the padding.
    #[must_use]
    pub const fn source(self, units_k: usize, word: usize, element: u32) -> (usize, usize) {
        let in_unit = word % 128;
        let unit = word / 128;
        let place = self.place(low(in_unit / 4), low(in_unit % 4), element);
        (
            unit / units_k * self.columns() as usize + place.column as usize,
            unit % units_k * UNIT_K as usize + place.k as usize,
        )
    }
}

#[expect(clippy::cast_possible_truncation, reason = "arguments are below 128")]
const fn low(value: usize) -> u32 {
    value as u32
}

/// The tile of packed weights that a block multiplies with: `block_n` columns by 64 of K.
#[derive(Clone, Debug)]
pub struct PackedTile<'k> {
    k: &'k Builder,
    order: PackedOrder,
    units: u32,
    threads: u32,
    thread: Value<'k, u32>,
    units_k: Value<'k, u32>,
    /// Where the thread's bytes of its first unit lie.
    address: Value<'k, u64>,
    /// Bytes from there to those of each of its next units.
    offsets: Vec<Value<'k, u32>>,
}

/// The packed words of a warp's columns for one tile, a lane's 16 bytes of each unit.
#[derive(Clone, Debug)]
pub struct PackedWords<'k> {
    order: PackedOrder,
    words: Vec<[Value<'k, u32>; 4]>,
}

/// 1024 + the zero point of a column, in both halves: what is taken from a stored nibble.
pub type ZeroPoint<'k> = Value<'k, F16x2>;

/// [`PackedWords`] that outlive a trip of a loop.
#[derive(Clone, Debug)]
pub struct KeptWords<'k> {
    order: PackedOrder,
    words: Vec<[Local<'k, u32>; 4]>,
}

impl<'k> KeptWords<'k> {
    /// Registers for the words of `columns` columns, zeros at first.
    #[must_use]
    pub fn new(k: &'k Builder, order: PackedOrder, columns: u32) -> Self {
        Self { order, words: (0..columns / order.columns()).map(|_| k.locals(0u32)).collect() }
    }

    /// Keeps `words` instead.
    pub fn set(&self, words: &PackedWords<'k>) {
        let words = words.words.iter().flatten();
        self.words.iter().flatten().zip(words).for_each(|(kept, word)| kept.set(*word));
    }

    /// What is kept now.
    #[must_use]
    pub fn now(&self) -> PackedWords<'k> {
        PackedWords { order: self.order, words: self.words.iter().map(|words| words.map(Local::now)).collect() }
    }
}

impl<'k> PackedTile<'k> {
    /// The tile of `block_n` columns from column `first` (a multiple of the unit's columns) of a matrix of `n` columns and `depth` of K on.
    ///
    /// Thread i copies lane i % 32's bytes of units i / 32, i / 32 + threads / 32, ...
    #[expect(clippy::too_many_arguments, reason = "each is one fact of the tile, and the call names them in order")]
    #[must_use]
    pub fn new(
        k: &'k Builder,
        order: PackedOrder,
        base: Pointer<'k, u32>,
        n: Value<'k, u32>,
        depth: Value<'k, u32>,
        first: Value<'k, u32>,
        block_n: u32,
        threads: u32,
        thread: Value<'k, u32>,
    ) -> Self {
        let units = block_n / order.columns();
        let units_n = (n + (order.columns() - 1)) / order.columns();
        let units_k = (depth + (UNIT_K - 1)) / UNIT_K;
        let row_bytes = units_k * UNIT_BYTES;
        let per_round = threads / 32;
        // Past the last column the last unit stands in: what it gives is not stored.
        let unit = |before: u32| (first / order.columns() + (thread / 32 + before)).min(units_n - 1);
        let first_unit = unit(0);
        Self {
            k,
            order,
            units,
            threads,
            thread,
            units_k,
            address: base.address().offset_by(first_unit, row_bytes).offset_by(thread % 32, LANE_BYTES),
            offsets: (1..units.div_ceil(per_round))
                .map(|round| (unit(round * per_round) - first_unit) * row_bytes)
                .collect(),
        }
    }

    /// Bytes of one stage.
    #[must_use]
    pub const fn stage_bytes(&self) -> u32 {
        self.units * UNIT_BYTES
    }

    /// Starts copying K tile `tile` into the stage at shared address `stage`; commit, wait and barrier belong to the caller.
    pub fn copy(&self, stage: Value<'k, u32>, tile: Value<'k, u32>) {
        // Past the last tile nothing is read, and the address does not matter.
        let bytes = tile.lt(self.units_k).select(LANE_BYTES, 0);
        let address = self.address.offset_by(tile, UNIT_BYTES);
        let destination = stage + self.thread * LANE_BYTES;
        let per_round = self.threads / 32;
        for round in 0..self.units.div_ceil(per_round) {
            let before = round * per_round;
            let copy = || {
                let source = match round {
                    0 => address,
                    _ => address.offset_by(self.offsets[round as usize - 1], 1),
                };
                self.k.copy_async_16_at(destination, before * UNIT_BYTES, source, bytes);
            };
            if before + per_round <= self.units {
                copy();
            } else {
                self.k.if_((self.thread / 32 + before).lt(self.units), copy);
            }
        }
    }

    /// Reads the words of `columns` columns from column `first` of the tile on.
    #[must_use]
    pub fn load(&self, stage: Value<'k, u32>, first: Value<'k, u32>, columns: u32) -> PackedWords<'k> {
        let lane_bytes = (self.thread & 31) * LANE_BYTES;
        let base = stage + first / self.order.columns() * UNIT_BYTES + lane_bytes;
        let words = (0..columns / self.order.columns())
            .map(|unit| base.shared_place::<u32>().plus((unit * UNIT_BYTES / 4).cast_signed()).load_vector())
            .collect();
        PackedWords { order: self.order, words }
    }
}

impl<'k> PackedWords<'k> {
    /// The b registers of K step `step` (0 to 3) for n8 tile `tile`, as exact f16 integers.
    #[must_use]
    ///
    /// `zeros` are those of the lane's column in each n8 tile, of int4 weights that have zero points.
    pub fn b_fragment(&self, step: u32, tile: u32, zeros: Option<&[ZeroPoint<'k>]>) -> [Value<'k, u32>; 2] {
        match self.order {
            PackedOrder::Int4 => {
                let word = self.words[(tile / 2) as usize][(tile % 2 * 2 + step / 2) as usize];
                [0, 1].map(|half| {
                    let pair = step % 2 * 2 + half;
                    match zeros {
                        None => dequantize::int4_pair(word, pair).bits(),
                        Some(zeros) => dequantize::int4_pair_above(word, pair, zeros[tile as usize]).bits(),
                    }
                })
            }
            PackedOrder::Int8 => {
                let word = self.words[tile as usize][step as usize];
                [0, 1].map(|half| dequantize::int8_pair(word, half).bits())
            }
        }
    }
}
