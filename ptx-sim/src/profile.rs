//! The chips that the simulator can be.

use tilewright_ptx_ir::Target;

use crate::tensor_core::Model;

/// A chip: its arithmetic, its limits, the code it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// A100.
    Sm80,
    /// GeForce and workstation Ampere.
    Sm86,
    /// Ada.
    Sm89,
    /// Hopper; also runs sm_90a code.
    Sm90,
}

/// What a chip can hold.
///
/// # Source
/// CUDA C++ Programming Guide 13.0, table "Technical Specifications per Compute Capability".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of shared memory that a block has without asking for more.
    pub shared_bytes_per_block: u32,
    /// Bytes of shared memory that a block may ask for.
    pub shared_bytes_per_block_opt_in: u32,
    /// Bytes of shared memory in a multiprocessor.
    pub shared_bytes_per_multiprocessor: u32,
    /// Bytes of shared memory in every block that the driver keeps for itself.
    pub shared_bytes_reserved_per_block: u32,
    /// 32-bit registers in a multiprocessor, and for one block.
    pub registers_per_multiprocessor: u32,
    /// 32-bit registers that one thread may use.
    pub registers_per_thread: u32,
    /// Threads in a block.
    pub threads_per_block: u32,
    /// Threads in a multiprocessor at a time.
    pub threads_per_multiprocessor: u32,
    /// Warps in a multiprocessor at a time.
    pub warps_per_multiprocessor: u32,
    /// Blocks in a multiprocessor at a time.
    pub blocks_per_multiprocessor: u32,
    /// Multiprocessors of a chip that is sold with this architecture.
    pub multiprocessors: u32,
    /// Bytes of second-level cache.
    pub l2_bytes: u32,
}

impl Profile {
    /// Every profile, oldest first.
    pub const ALL: [Self; 4] = [Self::Sm80, Self::Sm86, Self::Sm89, Self::Sm90];

    /// The name of its architecture, as `.target` writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sm80 => "sm_80",
            Self::Sm86 => "sm_86",
            Self::Sm89 => "sm_89",
            Self::Sm90 => "sm_90",
        }
    }

    /// The profile called `name`; `sm_90a` is another name of [`Profile::Sm90`].
    ///
    /// # Example
    /// ```
    /// use tilewright_ptx_sim::Profile;
    /// assert_eq!(Profile::from_name("sm_90a"), Some(Profile::Sm90));
    /// assert_eq!(Profile::from_name("sm_70"), None);
    /// ```
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "sm_90a" => Some(Self::Sm90),
            _ => Self::ALL.into_iter().find(|profile| profile.name() == name),
        }
    }

    /// Major and minor number of its compute capability.
    #[must_use]
    pub const fn compute_capability(self) -> (u32, u32) {
        match self {
            Self::Sm80 => (8, 0),
            Self::Sm86 => (8, 6),
            Self::Sm89 => (8, 9),
            Self::Sm90 => (9, 0),
        }
    }

    /// How its tensor cores add.
    #[must_use]
    pub const fn tensor_core(self) -> Model {
        match self {
            Self::Sm80 | Self::Sm86 | Self::Sm89 => Model::AMPERE,
            Self::Sm90 => Model::HOPPER,
        }
    }

    /// Whether code for `target` runs on it.
    #[must_use]
    pub const fn accepts(self, target: Target) -> bool {
        let (major, minor) = self.compute_capability();
        match target {
            Target::Sm90a => matches!(self, Self::Sm90),
            other => other.capability() <= 10 * major + minor,
        }
    }

    /// What the chip can hold.
    #[must_use]
    pub const fn limits(self) -> Limits {
        const KIB: u32 = 1024;
        let (opt_in, shared, threads, blocks, multiprocessors, l2_mib) = match self {
            Self::Sm80 => (163, 164, 2048, 32, 108, 40),
            Self::Sm86 => (99, 100, 1536, 16, 84, 6),
            Self::Sm89 => (99, 100, 1536, 24, 128, 72),
            Self::Sm90 => (227, 228, 2048, 32, 132, 50),
        };
        Limits {
            shared_bytes_per_block: 48 * KIB,
            shared_bytes_per_block_opt_in: opt_in * KIB,
            shared_bytes_per_multiprocessor: shared * KIB,
            shared_bytes_reserved_per_block: KIB,
            registers_per_multiprocessor: 65_536,
            registers_per_thread: 255,
            threads_per_block: 1024,
            threads_per_multiprocessor: threads,
            warps_per_multiprocessor: threads / 32,
            blocks_per_multiprocessor: blocks,
            multiprocessors,
            l2_bytes: l2_mib * KIB * KIB,
        }
    }
}
