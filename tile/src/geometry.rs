//! How a block's tile of the result is shared out among its warps.

use tilewright_ptx_ir::build::{Builder, Value};

use crate::swizzle::ROW_BYTES;

/// Those of an H100. Tiles that share its work out evenly may take longer on another card, and give the same results.
const MULTIPROCESSORS: u64 = 132;

/// The shape of a block's work. Plain data: part of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Geometry {
    /// Rows of the result that a block makes.
    pub block_m: u32,
    /// Columns of the result that a block makes.
    pub block_n: u32,
    /// Warps along the rows; each makes `block_m / warps_m`, a multiple of 16.
    pub warps_m: u32,
    /// Warps along the columns; each makes `block_n / warps_n`, a multiple of 16.
    pub warps_n: u32,
    /// Warps along k: how many share out the groups of a column among them. Products with scales a group only; 1 elsewhere.
    pub warps_k: u32,
    /// Stages of the ring of tiles in shared memory, at least 2.
    pub stages: u32,
    /// K tiles that a warp goes through in a stage.
    pub stage_tiles: u32,
}

impl Geometry {
    /// Widths that [`narrow`](Self::narrow) is used with.
    pub const NARROW_WIDTHS: [u32; 2] = [64, 48];

    /// One row of tiles, for decoding: 16 rows, and a warp for each 16 columns.
    #[must_use]
    pub const fn narrow(block_n: u32, stages: u32) -> Self {
        Self { block_m: 16, block_n, warps_m: 1, warps_n: block_n / 16, warps_k: 1, stages, stage_tiles: 1 }
    }

    /// The narrow width that leaves the fewest columns to the busiest multiprocessor, if `blocks(width)` blocks share those of an H100.
    #[must_use]
    pub fn narrow_width(blocks: impl Fn(u32) -> u64) -> u32 {
        let columns = |width: &u32| Self::rounds(blocks(*width)) * u64::from(*width);
        Self::NARROW_WIDTHS.into_iter().min_by_key(columns).unwrap_or(64)
    }

    /// Blocks that the busiest multiprocessor of an H100 runs, if `blocks` blocks share those.
    #[must_use]
    pub const fn rounds(blocks: u64) -> u64 {
        blocks.div_ceil(MULTIPROCESSORS)
    }

    /// Elements of the result that the busiest multiprocessor of an H100 makes, if `blocks` blocks share those.
    #[must_use]
    pub fn busiest(&self, blocks: u64) -> u64 {
        Self::rounds(blocks) * u64::from(self.block_m * self.block_n)
    }

    /// Whether the tile is for decoding: a few rows, of which most may be missing.
    #[must_use]
    pub const fn has_few_rows(&self) -> bool {
        self.block_m == 16
    }

    /// Threads of a block.
    #[must_use]
    pub const fn threads(&self) -> u32 {
        self.part_threads() * self.warps_k
    }

    /// Threads of a part: those that make the whole tile for their share of k.
    #[must_use]
    pub const fn part_threads(&self) -> u32 {
        self.warps_m * self.warps_n * 32
    }

    /// Registers that a thread may use, in general: three blocks of 128 threads, or one of 512, then share a multiprocessor. Left to itself the assembler spills
    /// a few bytes on some targets to make room for more blocks.
    #[must_use]
    pub const fn max_registers(&self) -> u32 {
        if self.threads() > 384 { 128 } else { 168 }
    }

    /// Rows that one warp makes.
    #[must_use]
    pub const fn warp_m(&self) -> u32 {
        self.block_m / self.warps_m
    }

    /// Columns that one warp makes.
    #[must_use]
    pub const fn warp_n(&self) -> u32 {
        self.block_n / self.warps_n
    }

    /// m16n8 tiles of a warp along the rows.
    #[must_use]
    pub const fn tiles_m(&self) -> u32 {
        self.warp_m() / 16
    }

    /// m16n8 tiles of a warp along the columns.
    #[must_use]
    pub const fn tiles_n(&self) -> u32 {
        self.warp_n() / 8
    }

    /// Bytes of one stage of x: `block_m` rows of 128 bytes.
    #[must_use]
    pub const fn x_stage_bytes(&self) -> u32 {
        self.block_m * ROW_BYTES
    }
}

/// Where a thread stands in its block.
#[derive(Clone, Copy, Debug)]
pub struct Warp<'k> {
    /// Index among the threads of its part: in the block, unless warps share out k.
    pub thread: Value<'k, u32>,
    /// Which of the `warps_k` parts it belongs to; part p takes groups p, p + `warps_k`, ...
    pub part: Value<'k, u32>,
    /// Index in the warp.
    pub lane: Value<'k, u32>,
    /// First row of the block's tile that this warp makes.
    pub row: Value<'k, u32>,
    /// First column of the block's tile that this warp makes.
    pub column: Value<'k, u32>,
}

impl<'k> Warp<'k> {
    /// The place of the present thread: warps run along the rows first, then along the columns, then along k.
    #[must_use]
    pub fn new(k: &'k Builder, geometry: &Geometry) -> Self {
        let in_block = k.thread_idx().x();
        let (thread, part) = match geometry.warps_k {
            1 => (in_block, k.constant(0)),
            _ => (in_block % geometry.part_threads(), in_block / geometry.part_threads()),
        };
        let (lane, warp) = (thread & 31, thread >> 5);
        let row = warp % geometry.warps_m * geometry.warp_m();
        let column = warp / geometry.warps_m * geometry.warp_n();
        Self { thread, part, lane, row, column }
    }
}
