//! What a launch is told and what it answers.

use crate::report::Report;
use crate::statistics::{LineStatistics, Statistics};

/// How many blocks of how many threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "constructed by name at every launch")]
pub struct Launch {
    /// Blocks along x, y and z.
    pub grid: [u32; 3],
    /// Threads of a block along x, y and z.
    pub block: [u32; 3],
    /// Bytes of dynamic shared memory.
    pub dynamic_shared_bytes: u32,
}

/// What a launch leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "constructed by name")]
pub struct Options {
    /// In which order warps run, and when asynchronous copies read their source.
    pub seed: u64,
    /// With a seed, approximate instructions answer anywhere inside their documented bounds.
    pub jitter: Option<u64>,
    /// Warp instructions that one warp may execute.
    pub max_instructions: u64,
    /// When lanes of a warp that parted run together again.
    pub converge: Converge,
    /// What is looked for.
    pub check: Check,
}

/// What is looked for while a kernel runs. Less is faster; a kernel in which [`Check::All`] finds nothing gives the same bits at every level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Check {
    /// Only what cannot be gone on after: accesses outside allocations, misaligned ones, writes to constants, warps that cannot meet or do not end.
    Off,
    /// Also registers and memory that were read before they were written. Bytes of an asynchronous copy that nobody has waited for are not written yet.
    Errors,
    /// Also races, and promises that nobody writes.
    #[default]
    All,
}

impl Check {
    /// Every level, the least first.
    pub const LEVELS: &[Self] = &[Self::Off, Self::Errors, Self::All];

    /// What the level is called: `off`, `errors` or `all`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Errors => "errors",
            Self::All => "all",
        }
    }

    /// The level of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::LEVELS.iter().copied().find(|level| level.name() == name)
    }

    /// Whether reads of what was never written are looked for.
    pub(crate) const fn finds_uninitialised(self) -> bool {
        !matches!(self, Self::Off)
    }

    /// Whether races are looked for.
    pub(crate) const fn finds_races(self) -> bool {
        matches!(self, Self::All)
    }
}

/// When lanes of a warp that parted run together again. PTX promises it nowhere but where an instruction names lanes that must meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Converge {
    /// Where their ways meet, as compilers arrange it.
    #[default]
    Early,
    /// Only where an instruction makes them; until then each part runs as long as the seed lets it.
    Adversarial,
}

impl Options {
    /// Seed 0, correctly rounded answers, 2^32 instructions a warp, every check.
    pub const DEFAULT: Self =
        Self { seed: 0, jitter: None, max_instructions: 1 << 32, converge: Converge::Early, check: Check::All };
}

impl Default for Options {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What came of a launch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// What was found; what the kernel wrote counts only if that is nothing.
    pub report: Report,
    /// What it did. Blocks that did not run because something was found are not in it.
    pub statistics: Statistics,
    /// What each line of the text did, in order, if [`Program::launch_by_line`](crate::Program::launch_by_line) was asked.
    pub lines: Vec<LineStatistics>,
}
