//! What a launch is told and what it answers.

use crate::report::Report;
use crate::statistics::Statistics;

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
}

impl Options {
    /// Seed 0, correctly rounded answers, 2^32 instructions a warp.
    pub const DEFAULT: Self = Self { seed: 0, jitter: None, max_instructions: 1 << 32 };
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
}
