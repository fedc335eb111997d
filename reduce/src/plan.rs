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
            Self::RmsNorm { weight } | Self::LayerNorm { weight, .. } => Some(weight),
            Self::Softmax | Self::Sum | Self::Max | Self::Min => None,
        }
    }

    /// The name that kernels begin with.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::RmsNorm { .. } => "rms_norm",
            Self::LayerNorm { .. } => "layer_norm",
            Self::Sum => "row_sum",
            Self::Max => "row_max",
            Self::Min => "row_min",
        }
    }
}

impl Team {
    /// All of them, smallest first.
    pub const ALL: [Self; 4] = [Self::Warp, Self::Block128, Self::Block256, Self::Block1024];

    /// Threads that compute one row.
    #[must_use]
    pub const fn threads(self) -> u32 {
        match self {
            Self::Warp => 32,
            Self::Block128 => 128,
            Self::Block256 => 256,
            Self::Block1024 => 1024,
        }
    }

    /// Rows that one block computes.
    #[must_use]
    pub const fn rows_per_block(self) -> u32 {
        match self {
            Self::Warp => 4,
            Self::Block128 | Self::Block256 | Self::Block1024 => 1,
        }
    }

    /// Registers that a thread may use. Left to itself the assembler spills a few bytes on some targets to make room for more blocks.
    #[must_use]
    pub const fn max_registers(self) -> u32 {
        match self {
            Self::Warp | Self::Block128 | Self::Block256 => 128,
            // All that there are: 65,536 for 1024 threads.
            Self::Block1024 => 64,
        }
    }

    /// The block size of a launch.
    #[must_use]
    pub const fn block(self) -> [u32; 3] {
        [self.threads(), self.rows_per_block(), 1]
    }
}

/// Steps that a thread of the team keeps in registers at most. A block of 1024 threads has 64 registers a thread, and a step of 16-bit elements takes eight.
const fn max_steps(team: Team, x: Dtype) -> u32 {
    match (team, x) {
        (Team::Block1024, Dtype::F16 | Dtype::Bf16) => 2,
        _ => 4,
    }
}

impl Plan {
    /// The kernel for rows of `problem`'s length. `aligned` says that every tensor starts on a multiple of 16 bytes.
    ///
    /// Team and storage, and with them the order of every sum, depend on the type of x and the columns alone.
    #[must_use]
    pub fn new(operation: Operation, x: Dtype, problem: Problem, aligned: bool) -> Self {
        let steps = problem.columns().div_ceil(x.lanes());
        let fits = |team: &Team| steps <= team.threads() * max_steps(*team, x);
        let (team, row) = match Team::ALL.into_iter().find(fits) {
            Some(team) if steps <= team.threads() => (team, RowStorage::Registers { steps: 1 }),
            Some(team) => (team, RowStorage::Registers { steps: max_steps(team, x) }),
            None => (Team::Block1024, RowStorage::Memory),
        };
        let whole = problem.columns().is_multiple_of(x.lanes());
        let access = if aligned && whole { Access::Vector } else { Access::Element };
        Self { operation, x, team, row, access }
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
        let steps = match self.row {
            RowStorage::Registers { steps } => steps,
            RowStorage::Memory => columns.div_ceil(self.team.threads() * self.x.lanes()),
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
            for (team, row) in arrangements(x) {
                plans.extend([Access::Vector, Access::Element].map(|access| Plan { operation, x, team, row, access }));
            }
        }
    }
    plans
}

fn operations(x: Dtype) -> Vec<Operation> {
    let weights = if x == Dtype::F32 { vec![x] } else { vec![x, Dtype::F32] };
    let mut operations = vec![Operation::Softmax, Operation::Sum, Operation::Max, Operation::Min];
    for weight in weights {
        operations.push(Operation::RmsNorm { weight });
        operations.extend([false, true].map(|bias| Operation::LayerNorm { weight, bias }));
    }
    operations
}

fn arrangements(x: Dtype) -> Vec<(Team, RowStorage)> {
    let registers = |team| (team, RowStorage::Registers { steps: max_steps(team, x) });
    let one_step = (Team::Warp, RowStorage::Registers { steps: 1 });
    let streaming = (Team::Block1024, RowStorage::Memory);
    [one_step].into_iter().chain(Team::ALL.map(registers)).chain([streaming]).collect()
}
