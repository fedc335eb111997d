//! What each crate's kernels are asked: small shapes with inputs that hurt, judged by the crate's own oracle.

mod attention;
mod data;
mod gpu;
mod matmul_f16;
mod matmul_int4;
mod matmul_int8;
mod plans;
mod qkv_fused;
mod reduce;
mod rope;

use std::fmt;

pub use gpu::Gpu;

/// The crate that a kernel belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Group {
    /// `tilewright-reduce`.
    Reduce,
    /// `tilewright-matmul-f16`.
    MatmulF16,
    /// `tilewright-matmul-int8`.
    MatmulInt8,
    /// `tilewright-matmul-int4`.
    MatmulInt4,
    /// `tilewright-qkv-fused`.
    QkvFused,
    /// `tilewright-attention`.
    Attention,
}

impl Group {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Reduce, Self::MatmulF16, Self::MatmulInt8, Self::MatmulInt4, Self::QkvFused, Self::Attention];

    /// The crate's folder.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reduce => "reduce",
            Self::MatmulF16 => "matmul-f16",
            Self::MatmulInt8 => "matmul-int8",
            Self::MatmulInt4 => "matmul-int4",
            Self::QkvFused => "qkv-fused",
            Self::Attention => "attention",
        }
    }
}

/// Why a result is not what it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// An element is too far from what the oracle says.
    #[error("{tensor}[{index}] is {got}, wanted {wanted} within {bound:e}")]
    Wrong {
        /// Which tensor.
        tensor: &'static str,
        /// Which element of it.
        index: usize,
        /// What it is.
        got: f64,
        /// What it should be.
        wanted: f64,
        /// How far it may be from it.
        bound: f64,
    },
    /// What is no output, or lies in front of one, was written.
    #[error("{what} was written")]
    Written {
        /// What.
        what: &'static str,
    },
    /// The driver refused a call of the case's own.
    #[error(transparent)]
    Driver(#[from] tilewright_ffi::Error),
    /// The crate refused, or the driver refused the crate.
    #[error("refused: {0}")]
    Crate(Box<dyn std::error::Error + Send + Sync>),
    /// The case itself is wrong.
    #[error("no such case: {0}")]
    Case(&'static str),
}

impl Failure {
    fn of(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Crate(Box::new(error))
    }
}

type Check = Box<dyn Fn(&Gpu) -> Result<(), Failure> + Send + Sync>;

/// One call of a crate's host API, and what must come of it.
pub struct Case {
    group: Group,
    name: String,
    cost: u64,
    depths: Option<[u64; 2]>,
    plan: Option<String>,
    check: Check,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({})", self.name)
    }
}

impl Case {
    fn new(
        group: Group,
        name: String,
        cost: usize,
        check: impl Fn(&Gpu) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        Self { group, name, cost: cost as u64, depths: None, plan: None, check: Box::new(check) }
    }

    /// The same, whose kernel host code chooses for k from the first to the second of `depths` only.
    fn with_depths(self, depths: Option<[u64; 2]>) -> Self {
        Self { depths, ..self }
    }

    /// The same, with what decides which kernel it runs: cases of one crate in which this is the same run the same kernel.
    fn with_plan(self, plan: Option<String>) -> Self {
        Self { plan, ..self }
    }

    /// Every case, crate by crate, always in the same order.
    #[must_use]
    pub fn all() -> Vec<Self> {
        Group::ALL.into_iter().flat_map(Self::of).collect()
    }

    /// Every case of a crate.
    #[must_use]
    pub fn of(group: Group) -> Vec<Self> {
        match group {
            Group::Reduce => reduce::cases(),
            Group::MatmulF16 => matmul_f16::cases(),
            Group::MatmulInt8 => matmul_int8::cases(),
            Group::MatmulInt4 => matmul_int4::cases(),
            Group::QkvFused => qkv_fused::cases(),
            Group::Attention => [attention::cases(), rope::cases()].into_iter().flatten().collect(),
        }
    }

    /// Its crate.
    #[must_use]
    pub const fn group(&self) -> Group {
        self.group
    }

    /// What it calls, with which shape.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long it takes, in a measure of its crate's own.
    #[must_use]
    pub const fn cost(&self) -> u64 {
        self.cost
    }

    /// The least and the largest k for which host code chooses its kernel, if not all.
    #[must_use]
    pub const fn depths(&self) -> Option<[u64; 2]> {
        self.depths
    }

    /// What decides which kernel it runs, if that is known without running it.
    #[must_use]
    pub fn plan(&self) -> Option<&str> {
        self.plan.as_deref()
    }

    /// Calls it and looks at the result.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, gpu: &Gpu) -> Result<(), Failure> {
        (self.check)(gpu)
    }
}
