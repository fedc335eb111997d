//! Targets (`.target`) and PTX ISA versions (`.version`), and the per-block limits that come with a target.

use std::fmt;

/// A PTX ISA version, as `.version` states it.
///
/// # Source
/// PTX ISA 9.0, section 11.1 (PTX module directives: `.version`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PtxVersion {
    /// The number before the dot.
    pub major: u8,
    /// The number after the dot.
    pub minor: u8,
}

impl PtxVersion {
    /// The lowest version this crate ever prints; sm_80 appeared in it.
    pub const V7_0: Self = Self::new(7, 0);

    /// Version `major.minor`.
    #[must_use]
    pub const fn new(major: u8, minor: u8) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for PtxVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The architecture that a module is written for, as `.target` states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Target {
    /// A100.
    Sm80,
    /// Consumer Ampere.
    Sm86,
    /// Ada.
    Sm89,
    /// Hopper, portable subset.
    Sm90,
    /// Hopper with its own instructions; loads on compute capability 9.0 only.
    Sm90a,
}

impl Target {
    /// Every target, oldest first.
    pub const ALL: [Self; 5] = [Self::Sm80, Self::Sm86, Self::Sm89, Self::Sm90, Self::Sm90a];

    /// The name that `.target` takes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sm80 => "sm_80",
            Self::Sm86 => "sm_86",
            Self::Sm89 => "sm_89",
            Self::Sm90 => "sm_90",
            Self::Sm90a => "sm_90a",
        }
    }

    /// The target called `name`, if it is one of [`Target::ALL`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name() == name)
    }

    /// The best target of [`Target::ALL`] that a device of this compute capability runs, or `None` for one older than 8.0.
    ///
    /// Devices newer than 9.0 run sm_90 code; sm_90a code runs on 9.0 alone. Consumer Blackwell (12.x) has the shared memory of Ada, and is taken for it.
    #[must_use]
    pub const fn for_compute_capability(major: u32, minor: u32) -> Option<Self> {
        match (major, minor) {
            (0..=7, _) => None,
            (8, 0..=5) => Some(Self::Sm80),
            (8, 6..=8) => Some(Self::Sm86),
            (8, _) => Some(Self::Sm89),
            (9, 0) => Some(Self::Sm90a),
            (12, _) => Some(Self::Sm89),
            _ => Some(Self::Sm90),
        }
    }

    /// Ten times the compute capability: 80, 86, 89 or 90.
    #[must_use]
    pub const fn capability(self) -> u32 {
        match self {
            Self::Sm80 => 80,
            Self::Sm86 => 86,
            Self::Sm89 => 89,
            Self::Sm90 | Self::Sm90a => 90,
        }
    }

    /// Whether `self` has the instructions that only sm_90a has.
    #[must_use]
    pub const fn has_sm90a(self) -> bool {
        matches!(self, Self::Sm90a)
    }

    /// The PTX version in which this target appeared.
    #[must_use]
    pub const fn version(self) -> PtxVersion {
        match self {
            Self::Sm80 => PtxVersion::new(7, 0),
            Self::Sm86 => PtxVersion::new(7, 1),
            Self::Sm89 | Self::Sm90 => PtxVersion::new(7, 8),
            Self::Sm90a => PtxVersion::new(8, 0),
        }
    }

    /// Bytes of shared memory that one block may have, static and dynamic together.
    ///
    /// # Source
    /// CUDA C++ Programming Guide, table "Technical Specifications per Compute Capability".
    #[must_use]
    pub const fn shared_bytes_per_block(self) -> u32 {
        match self {
            Self::Sm80 => 163 * 1024,
            Self::Sm86 | Self::Sm89 => 99 * 1024,
            Self::Sm90 | Self::Sm90a => 227 * 1024,
        }
    }

    /// Bytes of shared memory that a block may have if another such block is to run beside it: each takes 1024 more, for the system.
    ///
    /// # Source
    /// CUDA C++ Programming Guide, sections "Shared Memory" of compute capabilities 8.x and 9.0.
    #[must_use]
    pub const fn shared_bytes_of_two_blocks(self) -> u32 {
        (self.shared_bytes_per_block() + 1024) / 2 - 1024
    }

    /// Bytes of shared memory that a kernel may declare statically.
    pub const STATIC_SHARED_BYTES: u32 = 48 * 1024;
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
