//! What can go wrong before a kernel runs.

use tilewright_ptx_ir::{ParseErrors, Target, VerifyErrors};

/// Why a program was not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The text is not PTX, or has instructions that the parser does not know.
    #[error("{0}")]
    Parse(#[from] ParseErrors),
    /// The module is wrong.
    #[error("{0}")]
    Verify(#[from] VerifyErrors),
    /// The profile does not run code of this target.
    #[error("the module is written for {target}, which {profile} does not run")]
    Target {
        /// What the module is written for.
        target: Target,
        /// The profile's name.
        profile: &'static str,
    },
    /// The host has not enough memory for a variable.
    #[error("no memory for the variable `{name}` of {bytes} bytes")]
    Variable {
        /// The variable.
        name: String,
        /// Its size.
        bytes: u32,
    },
    /// Instructions that are correct but not modelled.
    #[error("not modelled: {}", places.iter().map(|(line, what)| format!("line {line}: {what}")).collect::<Vec<_>>().join("; "))]
    NotModelled {
        /// The line of each and its text.
        places: Vec<(u32, String)>,
    },
}

impl LoadError {
    /// Whether the text may well be right, and has what is not modelled: nothing is known of it then.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        match self {
            Self::Parse(errors) => errors.is_unsupported(),
            Self::NotModelled { .. } => true,
            _ => false,
        }
    }
}

/// Why a launch was refused. Nothing has run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// The program has no such kernel.
    #[error("no kernel is called `{name}`")]
    NoKernel {
        /// The name.
        name: String,
    },
    /// The arguments do not have the size of the parameters.
    #[error("the arguments have {got} bytes, wanted {wanted}")]
    Arguments {
        /// Bytes given.
        got: usize,
        /// Bytes of all parameters with the gaps between them.
        wanted: usize,
    },
    /// A grid or block without threads, or one that the chip or the kernel does not allow.
    #[error("{what} {} x {} x {} is not possible", got[0], got[1], got[2])]
    Extents {
        /// `grid` or `block`.
        what: &'static str,
        /// What was asked for.
        got: [u32; 3],
    },
    /// More shared memory than a block can have.
    #[error("{got} bytes of shared memory, a block can have {limit}")]
    Shared {
        /// Static and dynamic.
        got: u32,
        /// The chip's limit.
        limit: u32,
    },
}

/// Why memory could not be allocated, freed or copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// There is not so much left.
    #[error("{bytes} bytes wanted, {left} are left")]
    OutOfMemory {
        /// Bytes wanted.
        bytes: u64,
        /// Bytes left.
        left: u64,
    },
    /// The address is not the start of an allocation.
    #[error("{address:#x} is not the start of an allocation")]
    NotAllocated {
        /// The address.
        address: u64,
    },
    /// The bytes do not lie in one allocation.
    #[error("{bytes} bytes at {address:#x} do not lie in one allocation")]
    OutOfBounds {
        /// Where they start.
        address: u64,
        /// How many.
        bytes: u64,
    },
}
