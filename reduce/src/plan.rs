//! From a problem to a kernel: who takes which elements, and how they are read.

use std::fmt;

use crate::{Dtype, Problem};

/// Everything that distinguishes one kernel from another. Rows, columns, pointers and epsilon are its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    /// What is computed.
    pub operation: Operation,
    /// The type of x, and of y where y is a matrix.
    pub x: Dtype,
    /// Who computes a row.
    pub team: Team,
    /// Whether x is kept in registers between the passes over a row.
    pub row: RowStorage,
    /// How elements are read and written.
    pub access: Access,
}

/// What is computed of each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// exp(x - max x) / Σ exp(x - max x).
    Softmax,
    /// x / sqrt(mean x² + ε) · weight.
    RmsNorm {
        /// The type of the weight.
        weight: Dtype,
    },
    /// (x - mean x) / sqrt(var x + ε) · weight + bias.
    LayerNorm {
        /// The type of the weight and the bias.
        weight: Dtype,
        /// Whether there is a bias.
        bias: bool,
    },
    /// round(x / scale) with scale = max |x| / 127.
    Quantize,
    /// An RMS norm, rounded to the type of x, then quantized.
    RmsNormQuantize {
        /// The type of the weight.
        weight: Dtype,
    },
    /// Σ x.
    Sum,
    /// The largest x.
    Max,
    /// The smallest x.
    Min,
}

/// The threads that compute one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Team {
    /// One warp; the four warps of a block take one row each.
    Warp,
    /// A block of 128 threads.
    Block128,
    /// A block of 256 threads.
    Block256,
    /// A block of 512 threads.
    Block512,
    /// A block of 1024 threads.
    Block1024,
}

/// Where a row waits between the passes over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RowStorage {
    /// In registers: so many steps a thread.
    Registers {
        /// Steps of [`Dtype::lanes`] elements.
        steps: u32,
    },
    /// In registers and, beyond those, in dynamic shared memory, where a thread reads only what it put there itself. For [`Access::Vector`].
    Split {
        /// Steps of a thread in registers, the row's first ones.
        registers: u32,
        /// Steps of a thread in shared memory, the others.
        shared: u32,
    },
    /// In memory: every pass reads it again.
    Memory,
}

/// How elements are read and written. It changes no result: the same thread takes the same elements in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// 16 bytes at a time: every row starts on 16 bytes and is whole steps long.
    Vector,
    /// One by one: any alignment, any length.
    Element,
}

impl Operation {
    /// The addresses that matter for [`Access`] are those of tensors of these types, x aside.
    fn weight(self) -> Option<Dtype> {
        match self {
            Self::RmsNorm { weight } | Self::LayerNorm { weight, .. } | Self::RmsNormQuantize { weight } => {
                Some(weight)
            }
            Self::Softmax | Self::Quantize | Self::Sum | Self::Max | Self::Min => None,
        }
    }

    /// The name that kernels begin with.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::RmsNorm { .. } => "rms_norm",
            Self::LayerNorm { .. } => "layer_norm",
            Self::Quantize => "quantize",
            Self::RmsNormQuantize { .. } => "rms_norm_quantize",
            Self::Sum => "row_sum",
            Self::Max => "row_max",
            Self::Min => "row_min",
        }
    }
}

impl Team {
    /// All of them, smallest first.
    pub const ALL: [Self; 5] = [Self::Warp, Self::Block128, Self::Block256, Self::Block512, Self::Block1024];

    /// Threads that compute one row.
    #[must_use]
    pub const fn threads(self) -> u32 {
        match self {
            Self::Warp => 32,
            Self::Block128 => 128,
            Self::Block256 => 256,
            Self::Block512 => 512,
            Self::Block1024 => 1024,
        }
    }

    /// Rows that one block computes.
    #[must_use]
    pub const fn rows_per_block(self) -> u32 {
        match self {
            Self::Warp => 4,
            Self::Block128 | Self::Block256 | Self::Block512 | Self::Block1024 => 1,
        }
    }

    /// The block size of a launch.
    #[must_use]
    pub const fn block(self) -> [u32; 3] {
        [self.threads(), self.rows_per_block(), 1]
    }
}

/// Who computes longer rows than any block keeps.
const STREAMING: (Team, RowStorage) = (Team::Block1024, RowStorage::Memory);

const fn registers(steps: u32) -> RowStorage {
    RowStorage::Registers { steps }
}

const fn split(registers: u32, shared: u32) -> RowStorage {
    RowStorage::Split { registers, shared }
}

/// The teams and where they keep a row, shortest rows first.
///
/// What a block keeps is bounded so that a multiprocessor has room for several, whose reads, arithmetic and writes overlap; only the longest rows of f32
/// fill it alone.
const fn arrangements(x: Dtype) -> [(Team, RowStorage); 7] {
    let (warp, long, longest) = match x {
        // 40 and 80 KiB a block: of the larger, two blocks on sm_80 and sm_90, one on sm_86 and sm_89.
        Dtype::F16 | Dtype::Bf16 => (4, (Team::Block512, split(3, 5)), (Team::Block512, split(6, 10))),
        Dtype::F32 => (8, (Team::Block512, registers(8)), (Team::Block1024, split(6, 10))),
    };
    [
        (Team::Warp, registers(1)),
        (Team::Warp, registers(warp)),
        (Team::Block128, registers(4)),
        (Team::Block256, registers(4)),
        (Team::Block512, registers(4)),
        long,
        longest,
    ]
}

impl RowStorage {
    /// What it is for another operation, team or way to read: what does not go into registers or shared memory there is read again instead.
    const fn with(self, operation: Operation, team: Team, access: Access) -> Self {
        match (self, operation, team, access) {
            // Copies to shared memory are 16 bytes each.
            (Self::Split { .. }, _, _, Access::Element) => Self::Memory,
            // 1024 threads have 64 registers each, of which weight and bias leave four steps' worth.
            (Self::Split { registers, shared }, Operation::LayerNorm { .. }, Team::Block1024, _) => {
                split(4, registers + shared - 4)
            }
            _ => self,
        }
    }

    /// Steps of a thread; nothing if any number of them.
    const fn steps(self) -> Option<u32> {
        match self {
            Self::Registers { steps } => Some(steps),
            Self::Split { registers, shared } => Some(registers + shared),
            Self::Memory => None,
        }
    }
}

impl Plan {
    /// The kernel for rows of `problem`'s length. `aligned` says that every tensor starts on a multiple of 16 bytes.
    ///
    /// Team and storage, and with them the order of every sum, depend on the type of x and the columns alone.
    #[must_use]
    pub fn new(operation: Operation, x: Dtype, problem: Problem, aligned: bool) -> Self {
        let steps = problem.columns().div_ceil(x.lanes());
        let fits = |(team, row): &(Team, RowStorage)| row.steps().is_some_and(|kept| steps <= team.threads() * kept);
        let (team, row) = arrangements(x).into_iter().find(fits).unwrap_or(STREAMING);
        let whole = problem.columns().is_multiple_of(x.lanes());
        let access = if aligned && whole { Access::Vector } else { Access::Element };
        Self { operation, x, team, row: row.with(operation, team, access), access }
    }

    /// The plan for a device whose blocks have at most `shared_bytes` of shared memory: this one, or one that reads the row again instead of keeping it. The
    /// results are the same: the same threads take the same elements in the same order.
    #[must_use]
    pub fn within(self, shared_bytes: u32) -> Self {
        // The reductions' partial results, in static shared memory.
        let partial = self.team.threads() / 8;
        if self.shared_bytes() + partial <= shared_bytes { self } else { Self { row: RowStorage::Memory, ..self } }
    }

    /// Registers that a thread may use: 64 where rows are read 16 bytes at a time, so that 1024 threads share a multiprocessor. Left to itself the assembler
    /// takes more, or spills a few bytes on some targets to make room for more blocks.
    #[must_use]
    pub const fn max_registers(&self) -> u32 {
        let norm = matches!(self.operation, Operation::LayerNorm { .. });
        match (self.access, self.team, self.row) {
            // Three blocks; a layer norm would spill.
            (Access::Vector, Team::Block512, RowStorage::Registers { steps: 4 }) if !norm && self.x.bytes() == 2 => 40,
            (Access::Vector, ..) | (_, Team::Block1024, _) => 64,
            (Access::Element, ..) => 128,
        }
    }

    /// Dynamic shared memory that a launch asks for.
    #[must_use]
    pub const fn shared_bytes(&self) -> u32 {
        match self.row {
            RowStorage::Split { shared, .. } => shared * self.team.threads() * 16,
            RowStorage::Registers { .. } | RowStorage::Memory => 0,
        }
    }

    /// Whether x and y leave the caches first: where x is read once, and there is something that should stay, a weight that all rows read.
    pub(crate) fn passes_through(&self) -> bool {
        self.row != RowStorage::Memory && self.operation.weight().is_some()
    }

    /// The kernel's name.
    #[must_use]
    pub fn name(&self) -> String {
        self.to_string()
    }

    /// Blocks that a launch over `rows` rows needs.
    #[must_use]
    pub const fn blocks(&self, rows: u32) -> u32 {
        rows.div_ceil(self.team.rows_per_block())
    }

    /// The longest chain of additions, one rounding each, from an element of a row of `columns` to the row's sum.
    #[must_use]
    pub const fn additions(&self, columns: u32) -> u32 {
        let steps = match self.row.steps() {
            Some(steps) => steps,
            None => columns.div_ceil(self.team.threads() * self.x.lanes()),
        };
        steps * self.x.lanes() + self.team.threads().ilog2()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.operation.name(), self.x)?;
        if let Some(weight) = self.operation.weight() {
            write!(f, "_{weight}")?;
        }
        if let Operation::LayerNorm { bias: true, .. } = self.operation {
            f.write_str("_bias")?;
        }
        write!(f, "_{}", self.team.threads())?;
        match self.row {
            RowStorage::Registers { steps } => write!(f, "x{steps}")?,
            RowStorage::Split { registers, shared } => write!(f, "x{registers}s{shared}")?,
            RowStorage::Memory => f.write_str("_streaming")?,
        }
        match self.access {
            Access::Vector => f.write_str("_vector"),
            Access::Element => Ok(()),
        }
    }
}

/// Every plan with weights of x's type or f32, the ones that can be chosen for some shape.
#[must_use]
pub fn plans() -> Vec<Plan> {
    let mut plans = Vec::new();
    for x in Dtype::ALL {
        for operation in operations(x) {
            for (team, row) in arrangements(x).into_iter().chain([STREAMING]) {
                for access in [Access::Vector, Access::Element] {
                    let plan = Plan { operation, x, team, row: row.with(operation, team, access), access };
                    if !plans.contains(&plan) {
                        plans.push(plan);
                    }
                }
            }
        }
    }
    plans
}

fn operations(x: Dtype) -> Vec<Operation> {
    let weights = if x == Dtype::F32 { vec![x] } else { vec![x, Dtype::F32] };
    let mut operations = vec![Operation::Softmax, Operation::Quantize, Operation::Sum, Operation::Max, Operation::Min];
    for weight in weights {
        operations.extend([Operation::RmsNorm { weight }, Operation::RmsNormQuantize { weight }]);
        operations.extend([false, true].map(|bias| Operation::LayerNorm { weight, bias }));
    }
    operations
}
