//! From a problem to tiles: a pure function.

use tilewright_ptx_ir::Target;
use tilewright_tile::{CopyMode, Geometry, plans, row_product};

use crate::problem::Problem;

/// The element type of x, w, bias and y.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Dtype {
    /// IEEE binary16.
    F16,
    /// bfloat16.
    Bf16,
}

/// Everything that decides which kernel is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    /// Element type.
    pub dtype: Dtype,
    /// Tile shape.
    pub geometry: Geometry,
    /// How x is copied.
    pub x_copy: CopyMode,
    /// How w is copied.
    pub w_copy: CopyMode,
    /// Whether two neighbours of y are written with one store.
    pub paired_store: bool,
    /// Whether a bias is added.
    pub bias: bool,
}

/// Where the tensors start, as far as it matters to the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Addresses {
    pub(crate) x: u64,
    pub(crate) w: u64,
    pub(crate) y: u64,
}

impl Plan {
    /// The plan for `problem` on a device of `target`. Tiles do not change results: each element is summed over k in the same order in every plan.
    pub(crate) fn new(problem: &Problem, target: Target, dtype: Dtype, addresses: Addresses, bias: bool) -> Self {
        let row_bytes = problem.shape.k * 2;
        let (x_copy, w_copy) = (CopyMode::choose(addresses.x, row_bytes), CopyMode::choose(addresses.w, row_bytes));
        Self {
            dtype,
            geometry: row_product::geometry(target, problem.checked.m, problem.checked.n, [x_copy, w_copy]),
            x_copy,
            w_copy,
            paired_store: problem.checked.n.is_multiple_of(2) && addresses.y.is_multiple_of(4),
            bias,
        }
    }

    /// The plan for `problem` on a device of `target` with tensors that start on 16 bytes, as those of this project's allocations do.
    #[must_use]
    pub fn aligned(problem: &Problem, target: Target, dtype: Dtype, bias: bool) -> Self {
        Self::new(problem, target, dtype, Addresses { x: 0, w: 0, y: 0 }, bias)
    }

    /// Every plan that some problem gets on some device.
    #[must_use]
    pub fn all() -> Vec<Self> {
        plans::of_all_targets(Self::of)
    }

    /// Every plan that some problem gets on a device of `target`.
    #[must_use]
    pub fn of(target: Target) -> Vec<Self> {
        let mut plans = Vec::new();
        for dtype in [Dtype::F16, Dtype::Bf16] {
            for (geometry, [x_copy, w_copy]) in row_product::all(target) {
                for (paired_store, bias) in [(false, false), (false, true), (true, false), (true, true)] {
                    plans.push(Self { dtype, geometry, x_copy, w_copy, paired_store, bias });
                }
            }
        }
        plans
    }

    /// Registers that a thread may use: with a bias a few bytes would spill from 128.
    pub(crate) fn max_registers(&self) -> u32 {
        row_product::max_registers(&self.geometry, !self.bias)
    }

    /// The kernel's name: operation, type, tile.
    #[must_use]
    pub fn name(&self) -> String {
        let Self { dtype, geometry: Geometry { block_m, block_n, .. }, .. } = self;
        let dtype = match dtype {
            Dtype::F16 => "f16",
            Dtype::Bf16 => "bf16",
        };
        format!("matmul_{dtype}_{block_m}x{block_n}")
    }

    /// Bytes of shared memory that a launch asks for.
    #[must_use]
    pub const fn shared_bytes(&self) -> u32 {
        row_product::shared_bytes(&self.geometry)
    }

    /// Blocks along m and n.
    pub(crate) const fn grid(&self, problem: &Problem) -> [u32; 3] {
        [problem.checked.m.div_ceil(self.geometry.block_m), problem.checked.n.div_ceil(self.geometry.block_n), 1]
    }
}
