//! From a problem to tiles: a pure function.

use crate::dtype::Dtype;
use crate::problem::{Mask, Problem};

/// How many queries a block has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rows {
    /// 16, one warp: decoding.
    One,
    /// 64, four warps of 16.
    Four,
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
    /// The plan for `problem`. Neither rows nor access change a result: a query's keys are taken in the same tiles in every plan of its head dimension.
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
            rows: if problem.shape.len_q <= 16 { Rows::One } else { Rows::Four },
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
                for rows in [Rows::One, Rows::Four] {
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

    /// Warps of a block, 16 queries each.
    #[must_use]
    pub const fn warps(&self) -> u32 {
        match self.rows {
            Rows::One => 1,
            Rows::Four => 4,
        }
    }

    /// Threads of a block.
    #[must_use]
    pub const fn threads(&self) -> u32 {
        32 * self.warps()
    }

    /// Queries of a block.
    #[must_use]
    pub const fn block_rows(&self) -> u32 {
        16 * self.warps()
    }

    /// Keys of a tile: fewer where a head is so long that its sums fill the registers.
    #[must_use]
    pub const fn block_keys(&self) -> u32 {
        match self.dim {
            0..=128 => 64,
            129..=192 => 32,
            _ => 16,
        }
    }

    /// Whether the queries stay in registers; otherwise they are loaded from shared memory for every tile of keys.
    pub(crate) const fn keeps_queries(&self) -> bool {
        self.dim <= 128
    }

    /// Bytes of a row in shared memory: an odd number of 16-byte chunks, so that eight rows of a column lie in different banks.
    pub(crate) const fn row_bytes(&self) -> u32 {
        2 * self.dim + 16
    }

    /// Bytes of shared memory that a launch asks for: the queries, and two stages of keys and values.
    #[must_use]
    pub const fn shared_bytes(&self) -> u32 {
        (self.block_rows() + 4 * self.block_keys()) * self.row_bytes()
    }

    /// Blocks along queries, heads and sequences.
    pub(crate) fn grid(&self, problem: &Problem) -> [u32; 3] {
        let shape = problem.shape;
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        [number(shape.len_q).div_ceil(self.block_rows()), number(shape.heads_q), number(shape.batch)]
    }
}
