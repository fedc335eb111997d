//! From a problem to tiles: a pure function.

use tilewright_ptx_ir::Target;
use tilewright_tile::packed_geometry::{self, Choice};
use tilewright_tile::{CopyMode, Geometry, WeightFormat, packed_product, plans, row_product};

use crate::problem::{Operation, Problem};

/// How many scales a tensor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Scales {
    /// One for all of it.
    One,
    /// One for each row (of x or of w).
    Each,
}

impl Scales {
    /// Which of the two a tensor of `found` scales for `rows` rows has.
    #[must_use]
    pub(crate) const fn from_length(found: usize, rows: usize) -> Option<Self> {
        if found == rows {
            Some(Self::Each)
        } else if found == 1 {
            Some(Self::One)
        } else {
            None
        }
    }
}

/// The type of y.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Output {
    /// Scaled and rounded to f16.
    F16,
    /// Scaled, f32.
    F32,
    /// The sums themselves; W8A8 only.
    I32,
}

/// Everything that decides which kernel is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    /// What is multiplied.
    pub operation: Operation,
    /// Tile shape.
    pub geometry: Geometry,
    /// How x is copied.
    pub x_copy: CopyMode,
    /// How w is copied; W8A16 has it packed, which is always copied 16 bytes at a time.
    pub w_copy: CopyMode,
    /// Scales of x; W8A16 has none.
    pub x_scales: Scales,
    /// Scales of w.
    pub w_scales: Scales,
    /// Type of y.
    pub output: Output,
    /// Whether two neighbours of y are written with one store.
    pub paired_store: bool,
}

/// Where the tensors start, as far as it matters to the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Addresses {
    pub(crate) x: u64,
    pub(crate) w: u64,
    pub(crate) y: u64,
}

impl Plan {
    /// The plan for `problem` on a device of `target`. Tiles do not change results: sums of integers are exact, sums of floats go along k in the same order in every plan.
    pub(crate) fn new(
        problem: &Problem,
        target: Target,
        addresses: Addresses,
        (x_scales, w_scales): (Scales, Scales),
        output: Output,
    ) -> Self {
        let element = if problem.operation == Operation::W8A8 { 1 } else { 2 };
        let x_copy = CopyMode::choose(addresses.x, problem.shape.k * element);
        let w_copy = match problem.operation {
            Operation::W8A8 => CopyMode::choose(addresses.w, problem.shape.k),
            Operation::W8A16 => CopyMode::Async16,
        };
        let geometry = match problem.operation {
            Operation::W8A8 => row_product::geometry(target, problem.checked.m, problem.checked.n, [x_copy, w_copy]),
            Operation::W8A16 => w8a16_geometry(problem, target, x_copy),
        };
        let pair_bytes = if output == Output::F16 { 4 } else { 8 };
        let paired_store = problem.checked.n.is_multiple_of(2) && addresses.y.is_multiple_of(pair_bytes);
        Self { operation: problem.operation, geometry, x_copy, w_copy, x_scales, w_scales, output, paired_store }
    }

    /// The plan for `problem` on a device of `target` with tensors that start on 16 bytes, as those of this project's allocations do.
    #[must_use]
    pub fn aligned(problem: &Problem, target: Target, x_scales: Scales, w_scales: Scales, output: Output) -> Self {
        Self::new(problem, target, Addresses { x: 0, w: 0, y: 0 }, (x_scales, w_scales), output)
    }

    /// Every plan that some problem gets on some device.
    #[must_use]
    pub fn all() -> Vec<Self> {
        plans::of_all_targets(Self::of)
    }

    /// Every plan that some problem gets on a device of `target`.
    #[must_use]
    pub fn of(target: Target) -> Vec<Self> {
        use CopyMode::{Async16, Elements};
        let scales = [Scales::One, Scales::Each];
        let mut plans = Vec::new();
        for (geometry, [x_copy, w_copy]) in row_product::all(target) {
            let raw = Self {
                operation: Operation::W8A8,
                geometry,
                x_copy,
                w_copy,
                x_scales: Scales::One,
                w_scales: Scales::One,
                output: Output::I32,
                paired_store: false,
            };
            plans.extend([false, true].map(|paired_store| Self { paired_store, ..raw }));
            for (x_scales, w_scales) in scales.into_iter().flat_map(|x| scales.map(|w| (x, w))) {
                let outputs =
                    [Output::F16, Output::F32].into_iter().flat_map(|output| [(output, false), (output, true)]);
                plans.extend(outputs.map(|(output, paired_store)| Self {
                    x_scales,
                    w_scales,
                    output,
                    paired_store,
                    ..raw
                }));
            }
        }
        for (geometry, with_elements) in packed_geometry::all(target, WeightFormat::INT8) {
            for x_copy in if with_elements { [Async16, Elements].as_slice() } else { &[Async16] } {
                for (w_scales, paired_store) in scales.into_iter().flat_map(|w| [false, true].map(|paired| (w, paired)))
                {
                    plans.push(Self {
                        operation: Operation::W8A16,
                        geometry,
                        x_copy: *x_copy,
                        w_copy: Async16,
                        x_scales: Scales::One,
                        w_scales,
                        output: Output::F16,
                        paired_store,
                    });
                }
            }
        }
        plans
    }

    /// The kernel's name: operation, output, tile.
    #[must_use]
    pub fn name(&self) -> String {
        let operation = match self.operation {
            Operation::W8A8 => "w8a8",
            Operation::W8A16 => "w8a16",
        };
        let output = match self.output {
            Output::F16 => "f16",
            Output::F32 => "f32",
            Output::I32 => "i32",
        };
        format!("matmul_{operation}_{output}_{}x{}", self.geometry.block_m, self.geometry.block_n)
    }

    /// Bytes of shared memory that a launch asks for.
    #[must_use]
    pub const fn shared_bytes(&self) -> u32 {
        match self.operation {
            Operation::W8A8 => row_product::shared_bytes(&self.geometry),
            Operation::W8A16 => packed_product::shared_bytes(&self.geometry, WeightFormat::INT8),
        }
    }

    /// Blocks along m and n.
    pub(crate) const fn grid(&self, problem: &Problem) -> [u32; 3] {
        [problem.checked.m.div_ceil(self.geometry.block_m), problem.checked.n.div_ceil(self.geometry.block_n), 1]
    }
}

fn w8a16_geometry(problem: &Problem, target: Target, x_copy: CopyMode) -> Geometry {
    let n = u64::from(problem.checked.n);
    let choice = Choice {
        target,
        format: WeightFormat::INT8,
        m: problem.checked.m,
        k: problem.checked.k,
        x_copy,
        blocks: |width| n.div_ceil(u64::from(width)),
    };
    choice.geometry()
}
