//! From a problem to tiles: a pure function.

use tilewright_tile::problem::Checked;
use tilewright_tile::{CopyMode, Geometry};

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

/// Stages of the narrow tiles.
const NARROW_STAGES: u32 = 8;
/// 64 x 64, four warps of 32 x 32.
const MEDIUM: Geometry = Geometry { block_m: 64, block_n: 64, warps_m: 2, warps_n: 2, stages: 6 };
/// 128 x 128, eight warps of 64 x 32; 96 KiB of shared memory, which every target since sm_80 has.
const WIDE: Geometry = Geometry { block_m: 128, block_n: 128, warps_m: 2, warps_n: 4, stages: 3 };

impl Plan {
    /// The plan for `problem`. Tiles do not change results: each element is summed over k in the same order in every plan.
    pub(crate) fn new(problem: &Problem, dtype: Dtype, addresses: Addresses, bias: bool) -> Self {
        let row_bytes = problem.shape.k * 2;
        let (x_copy, w_copy) = (CopyMode::choose(addresses.x, row_bytes), CopyMode::choose(addresses.w, row_bytes));
        Self {
            dtype,
            geometry: geometry(&problem.checked, x_copy, w_copy),
            x_copy,
            w_copy,
            paired_store: problem.checked.n.is_multiple_of(2) && addresses.y.is_multiple_of(4),
            bias,
        }
    }

    /// The plan for `problem` with tensors that start on 16 bytes, as those of this project's allocations do.
    #[must_use]
    pub fn aligned(problem: &Problem, dtype: Dtype, bias: bool) -> Self {
        Self::new(problem, dtype, Addresses { x: 0, w: 0, y: 0 }, bias)
    }

    /// Every plan that some problem gets.
    #[must_use]
    pub fn all() -> Vec<Self> {
        use CopyMode::{Async16, Elements};
        let copies = [(Async16, Async16), (Async16, Elements), (Elements, Async16), (Elements, Elements)];
        let mut plans = Vec::new();
        for dtype in [Dtype::F16, Dtype::Bf16] {
            for geometry in narrow().chain([MEDIUM, WIDE]) {
                for (x_copy, w_copy) in copies {
                    for (paired_store, bias) in [(false, false), (false, true), (true, false), (true, true)] {
                        if geometry != WIDE || (x_copy, w_copy) == (Async16, Async16) {
                            plans.push(Self { dtype, geometry, x_copy, w_copy, paired_store, bias });
                        }
                    }
                }
            }
        }
        plans
    }

    /// Registers that a thread may use: with 128, two blocks of 256 threads share a multiprocessor. With a bias a few bytes would spill.
    pub(crate) fn max_registers(&self) -> u32 {
        if self.geometry == WIDE && !self.bias { 128 } else { Geometry::MAX_REGISTERS }
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

    /// Bytes of shared memory that a launch asks for: `stages` tiles of x and w.
    #[must_use]
    pub const fn shared_bytes(&self) -> u32 {
        self.geometry.stages * self.stage_bytes()
    }

    pub(crate) const fn stage_bytes(&self) -> u32 {
        (self.geometry.block_m + self.geometry.block_n) * tilewright_tile::swizzle::ROW_BYTES
    }

    /// Blocks along m and n.
    pub(crate) const fn grid(&self, problem: &Problem) -> [u32; 3] {
        [problem.checked.m.div_ceil(self.geometry.block_m), problem.checked.n.div_ceil(self.geometry.block_n), 1]
    }
}

fn geometry(problem: &Checked, x_copy: CopyMode, w_copy: CopyMode) -> Geometry {
    // Large tiles only where there are enough of them to fill a chip. Copying by elements needs registers that a large tile does not leave.
    let wide_tiles = u64::from(problem.m.div_ceil(128)) * u64::from(problem.n.div_ceil(128));
    match problem.m {
        0..=16 => {
            let n = u64::from(problem.n);
            Geometry::narrow(Geometry::narrow_width(|width| n.div_ceil(u64::from(width))), NARROW_STAGES)
        }
        _ if wide_tiles >= 64 && (x_copy, w_copy) == (CopyMode::Async16, CopyMode::Async16) => WIDE,
        _ => MEDIUM,
    }
}

fn narrow() -> impl Iterator<Item = Geometry> {
    Geometry::NARROW_WIDTHS.into_iter().map(|width| Geometry::narrow(width, NARROW_STAGES))
}
