//! From a problem to tiles: a pure function.

use tilewright_ptx_ir::build::CopyHint;

use crate::dtype::Dtype;
use crate::problem::{Mask, Problem};

/// How a block's queries are shared out over its four warps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rows {
    /// All warps have the same 16 rows, of the heads that share keys: each computes the scores of a quarter of the keys, and a quarter of the columns of the
    /// results. Decoding.
    Few,
    /// Each warp has rows of its own: 32, or 16 where 32 do not fit the registers.
    Many,
}

/// How tensors are read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Access {
    /// 16 bytes at a time, results 4: every row of every tensor starts on 16 bytes.
    Vector,
    /// One by one.
    Element,
}

/// Everything that decides which kernel is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "constructed by name")]
pub struct Plan {
    /// Element type.
    pub dtype: Dtype,
    /// Elements of a head.
    pub dim: u32,
    /// Queries of a block.
    pub rows: Rows,
    /// How tensors are read and written.
    pub access: Access,
    /// Which keys a query sees.
    pub mask: Mask,
}

impl Plan {
    /// The plan for `problem`. Neither rows nor access change a result: a query's keys are taken in the same tiles, and every sum in the same order, in every
    /// plan of its head dimension.
    pub(crate) fn new(problem: &Problem, dtype: Dtype, addresses: [u64; 4]) -> Self {
        let layouts = problem.layouts;
        let aligned = |layout: crate::problem::Layout| {
            [layout.batch_stride, layout.head_stride, layout.row_stride].iter().all(|stride| stride.is_multiple_of(8))
        };
        let whole = [layouts.q, layouts.k, layouts.v, layouts.o].into_iter().all(aligned)
            && addresses.iter().all(|address| address.is_multiple_of(16));
        Self {
            dtype,
            dim: u32::try_from(problem.shape.dim).unwrap_or(0),
            rows: if problem.shape.len_q <= 16 { Rows::Few } else { Rows::Many },
            access: if whole { Access::Vector } else { Access::Element },
            mask: problem.mask,
        }
    }

    /// The plan for `problem` with tensors that start on 16 bytes, as those of this project's allocations do.
    #[must_use]
    pub fn aligned(problem: &Problem, dtype: Dtype) -> Self {
        Self::new(problem, dtype, [0; 4])
    }

    /// Every plan that some problem gets.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut plans = Vec::new();
        for dtype in Dtype::ALL {
            for dim in (32..=256).step_by(16) {
                for rows in [Rows::Few, Rows::Many] {
                    for access in [Access::Vector, Access::Element] {
                        plans.extend([Mask::None, Mask::Causal].map(|mask| Self { dtype, dim, rows, access, mask }));
                    }
                }
            }
        }
        plans
    }

    /// The kernel's name: operation, type, head dimension, mask, queries of a block.
    #[must_use]
    pub fn name(&self) -> String {
        let mask = if self.mask == Mask::Causal { "_causal" } else { "" };
        format!("attention_{}_d{}{mask}_m{}", self.dtype.name(), self.dim, self.block_rows())
    }

    /// Threads of a block: four warps.
    #[must_use]
    pub const fn threads(&self) -> u32 {
        128
    }

    /// Tiles of 16 rows of a warp: two, so that each key and value is loaded for 32 rows, where their sums fit the registers. With heads of 80 ptxas spills
    /// some, though they would fit.
    pub(crate) const fn row_tiles(&self) -> u32 {
        match self.rows {
            Rows::Many if self.dim <= 128 && self.dim != 80 => 2,
            _ => 1,
        }
    }

    /// Registers of a thread at most, where two blocks a multiprocessor are not the bound. Heads of 64 fit a third block, where ptxas needs no spills for it;
    /// with heads of 96, read one by one, it spills at 255 and not here.
    pub(crate) const fn max_registers(&self) -> Option<u32> {
        match (self.rows, self.dim, self.mask, self.access) {
            (Rows::Many, 64, Mask::None, Access::Vector) => Some(168),
            (Rows::Many, 96, _, Access::Element) => Some(240),
            _ => None,
        }
    }

    /// Rows of a block.
    #[must_use]
    pub const fn block_rows(&self) -> u32 {
        match self.rows {
            Rows::Few => 16,
            Rows::Many => 64 * self.row_tiles(),
        }
    }

    /// Keys of a tile.
    #[must_use]
    pub const fn block_keys(&self) -> u32 {
        64
    }

    /// How many steps of 16 columns of the queries stay in registers; the others are loaded from shared memory for every tile of keys.
    pub(crate) const fn kept_steps(&self) -> u32 {
        match (self.rows, self.dim, self.access) {
            (Rows::Few, ..=128, _) => self.dim / 16,
            // As many as there are registers left.
            (Rows::Many, 128, Access::Vector) => 2,
            _ => 0,
        }
    }

    /// Whether the weights of 16 keys are computed between the multiplications of the 16 before: with 32 rows a warp and enough columns there is enough to
    /// multiply with meanwhile. Where elements are copied one by one, there are not enough registers.
    pub(crate) const fn weaves(&self) -> bool {
        matches!((self.rows, self.access), (Rows::Many, Access::Vector)) && self.row_tiles() == 2 && self.dim >= 96
    }

    /// Bytes of a row in shared memory: an odd number of 16-byte chunks, so that eight rows of a column lie in different banks.
    pub(crate) const fn row_bytes(&self) -> u32 {
        2 * self.dim + 16
    }

    /// Bytes of a tile of keys or of values.
    pub(crate) const fn slot_bytes(&self) -> u32 {
        self.block_keys() * self.row_bytes()
    }

    /// Bytes through which the warps show each other their scores.
    pub(crate) const fn score_bytes(&self) -> u32 {
        match self.rows {
            Rows::Few => self.block_keys() / 8 * 32 * 16,
            Rows::Many => 0,
        }
    }

    /// Slots of the ring of keys and values: two, and for decoding, which waits for memory, as many as leave room for four blocks on sm_90, but three where
    /// sm_86 can have them, since two are too few for the few blocks of few heads.
    pub(crate) const fn slots(&self) -> u32 {
        match self.rows {
            Rows::Few => {
                let others = self.score_bytes() + 16 * self.row_bytes();
                let [four, one] = [
                    (QUARTER_SHARED_BYTES - others) / self.slot_bytes(),
                    (MAX_SHARED_BYTES - others) / self.slot_bytes(),
                ];
                match four {
                    0..=3 if one >= 3 => 3,
                    0..=3 => one,
                    4..=5 => four,
                    _ => 6,
                }
            }
            Rows::Many => 2,
        }
    }

    /// What goes along with the copies of keys and values: decoding reads whole heads, in order, and nothing else keeps the memory busy.
    pub(crate) fn copy_hint(&self) -> CopyHint {
        CopyHint { l2_prefetch: (self.rows == Rows::Few).then_some(256) }
    }

    /// Bytes of shared memory that a launch asks for: the queries, the ring, the scores.
    #[must_use]
    pub const fn shared_bytes(&self) -> u32 {
        self.block_rows() * self.row_bytes() + self.slots() * self.slot_bytes() + self.score_bytes()
    }

    /// Blocks along queries, heads and sequences.
    pub(crate) fn grid(&self, problem: &Problem) -> [u32; 3] {
        let shape = problem.shape;
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let (rows, heads) = match self.rows {
            Rows::Few => (shape.len_q * (shape.heads_q / shape.heads_kv), shape.heads_kv),
            Rows::Many => (shape.len_q, shape.heads_q),
        };
        [number(rows).div_ceil(self.block_rows()), number(heads), number(shape.batch)]
    }
}

/// What a block of sm_86 and sm_89 may have.
const MAX_SHARED_BYTES: u32 = 99 * 1024;
/// What each of four blocks of a multiprocessor of sm_90 may have.
const QUARTER_SHARED_BYTES: u32 = 56 * 1024;
