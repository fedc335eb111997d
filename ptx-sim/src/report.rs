//! What was found in a launch.

use std::fmt;

use crate::launch::Converge;

/// All findings of one launch. None means clean.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The kernel.
    pub kernel: String,
    /// The seed that repeats it.
    pub seed: u64,
    /// The way of running together that repeats it.
    pub converge: Converge,
    /// At most [`Report::LIMIT`] findings, each pair of instructions once.
    pub findings: Vec<Finding>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// Where, in which memory, if it is about memory.
    pub location: Option<Location>,
    /// Who did it. A race has two accesses, the earlier one first, and so has the use of what nobody has written, after its reading; a deadlock has one for
    /// each group of threads that waits.
    pub accesses: Vec<Access>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// An access that is not inside an allocation, the block's shared memory or a parameter.
    OutOfBounds {
        /// Size of what should have been accessed, if the address names anything.
        limit_bytes: Option<u64>,
        /// Whether it names an allocation that was freed.
        was_freed: bool,
    },
    /// An access to an address that is not a multiple of its size.
    Misaligned {
        /// What the address must be a multiple of.
        align: u32,
    },
    /// Memory was read that nobody has written, and it, or what was computed from it, decided where a thread goes, what it accesses or what it stores.
    UninitialisedMemory,
    /// A register that this thread has not written, or a result of it, decided where the thread goes, what it accesses or what it stores.
    UninitialisedRegister {
        /// Its name.
        register: String,
    },
    /// Two threads access the same bytes, one of them writes, and nothing orders them.
    Race,
    /// Memory is written that cannot be, or that a load promised nobody writes during the launch.
    ReadOnly,
    /// Bytes that an asynchronous copy has not finished writing were accessed.
    PendingCopy,
    /// An asynchronous copy is to read more bytes than it writes.
    CopySize {
        /// Bytes that it is to read.
        read: u32,
        /// Bytes that it writes.
        written: u32,
    },
    /// A barrier, or an instruction that the whole warp must execute together, was reached by part of the warp.
    Divergence {
        /// Lanes that reached it.
        lanes: u32,
        /// Lanes that had to.
        wanted: u32,
    },
    /// A lane executes a warp instruction whose mask does not name it, or reads from a lane that it does not name.
    LaneMask {
        /// The mask.
        mask: u32,
    },
    /// Threads wait for each other for ever.
    Deadlock,
    /// Something is done with an mbarrier that is undefined.
    Mbarrier {
        /// What.
        what: &'static str,
    },
    /// A barrier that is not one of sixteen.
    BarrierNumber {
        /// Its number.
        id: u32,
    },
    /// A barrier for a number of threads that is not whole warps of the block.
    BarrierCount {
        /// The number.
        threads: u32,
    },
    /// Two threads give different numbers of threads to one barrier.
    BarrierMismatch {
        /// Threads that the first one named.
        first: u32,
        /// Threads that the second one named.
        second: u32,
    },
    /// A warp has executed more instructions than the launch allows.
    Endless {
        /// How many are allowed.
        limit: u64,
    },
    /// `brx.idx` with an index past its labels.
    BranchIndex {
        /// The index.
        index: u32,
        /// How many labels there are.
        count: u32,
    },
    /// The kernel executed `trap`, or an assertion of it failed.
    Trap,
    /// Something correct that the simulator cannot judge.
    NotModelled {
        /// What.
        what: &'static str,
    },
}

/// A place in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Location {
    /// Device memory.
    Global {
        /// The allocation's number, from 1; 0 if the address names none.
        allocation: u64,
        /// Offset in bytes.
        offset: u64,
    },
    /// The block's shared memory.
    Shared {
        /// Offset in bytes.
        offset: u32,
    },
    /// The thread's own memory.
    Local {
        /// Offset in bytes.
        offset: u32,
    },
    /// The kernel's parameters.
    Param {
        /// Offset in bytes.
        offset: u32,
    },
}

/// What a thread did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// What it did.
    pub action: Action,
    /// Its block.
    pub block: [u32; 3],
    /// Its number in the block: x + y · width + z · width · height.
    pub thread: u32,
    /// Line of the PTX text, from 1.
    pub line: u32,
    /// The line.
    pub instruction: String,
}

/// The verb of an [`Access`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Read so many bytes.
    Read(u32),
    /// Wrote so many bytes.
    Write(u32),
    /// Read and wrote so many bytes at once.
    Atomic(u32),
    /// Started to copy so many bytes.
    Copy(u32),
    /// Executed the instruction.
    Execute,
    /// Used what nobody has written, or what was computed from it.
    Use,
    /// Waits at the instruction.
    Wait,
    /// Asks again and again whether a phase of an mbarrier has ended.
    Await {
        /// Where it lies in shared memory.
        offset: u32,
        /// Phases of it that have ended.
        phase: u32,
        /// Arrivals that it has not had.
        missing: u32,
    },
}

impl Report {
    /// The most findings that are kept of a launch.
    pub const LIMIT: usize = 20;

    /// A report without findings.
    #[must_use]
    pub fn new(kernel: &str, seed: u64) -> Self {
        Self { kernel: kernel.to_owned(), seed, converge: Converge::Early, findings: Vec::new() }
    }

    /// Whether nothing was found.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", finding.kind)?;
            if let Some(location) = finding.location {
                write!(f, " on {}", location.memory())?;
            }
            let adversarial = if self.converge == Converge::Adversarial { ", adversarial" } else { "" };
            write!(f, " in {} (seed {}{adversarial})", self.kernel, self.seed)?;
            for access in &finding.accesses {
                let [x, y, z] = access.block;
                let Access { thread, line, instruction, action, .. } = access;
                write!(f, "\n  block ({x},{y},{z}) thread {thread} {action}")?;
                // What nobody has written is used elsewhere.
                if let Some(location) = finding.location.filter(|_| *action != Action::Use) {
                    write!(f, " at {location}")?;
                }
                write!(f, "   line {line}: {instruction}")?;
            }
            if let (Kind::Race, [first, second]) = (&finding.kind, finding.accesses.as_slice()) {
                let strong = |access: &Access| matches!(access.action, Action::Atomic(_));
                let wanted = match (first.block == second.block, strong(first) && strong(second)) {
                    (true, _) => "no barrier",
                    (false, true) => "the scope of one is too narrow for both",
                    (false, false) => "no release and acquire at device scope",
                };
                write!(f, "\n  nothing orders them: {wanted} between line {} and line {}", first.line, second.line)?;
            }
        }
        Ok(())
    }
}

impl Kind {
    /// A word for it, for machines: `race`, `out-of-bounds`, …
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::OutOfBounds { .. } => "out-of-bounds",
            Self::Misaligned { .. } => "misaligned",
            Self::UninitialisedMemory => "uninitialised-memory",
            Self::UninitialisedRegister { .. } => "uninitialised-register",
            Self::Race => "race",
            Self::ReadOnly => "read-only",
            Self::PendingCopy => "pending-copy",
            Self::CopySize { .. } => "copy-size",
            Self::Divergence { .. } => "divergence",
            Self::LaneMask { .. } => "lane-mask",
            Self::Deadlock => "deadlock",
            Self::Mbarrier { .. } => "mbarrier",
            Self::BarrierNumber { .. } => "barrier-number",
            Self::BarrierCount { .. } => "barrier-count",
            Self::BarrierMismatch { .. } => "barrier-mismatch",
            Self::Endless { .. } => "endless",
            Self::BranchIndex { .. } => "branch-index",
            Self::Trap => "trap",
            Self::NotModelled { .. } => "not-modelled",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfBounds { was_freed: true, .. } => f.write_str("access to freed memory"),
            Self::OutOfBounds { limit_bytes: Some(limit), .. } => write!(f, "access past the end ({limit:#x} bytes)"),
            Self::OutOfBounds { .. } => f.write_str("access outside all allocations"),
            Self::Misaligned { align } => write!(f, "access that is not aligned to {align} bytes"),
            Self::UninitialisedMemory => f.write_str("read of uninitialised bytes"),
            Self::UninitialisedRegister { register } => write!(f, "read of uninitialised register {register}"),
            Self::Race => f.write_str("race"),
            Self::ReadOnly => f.write_str("write to read-only bytes"),
            Self::PendingCopy => f.write_str("access to bytes of an unfinished asynchronous copy"),
            Self::CopySize { read, written } => {
                write!(f, "asynchronous copy of {written} bytes that is to read {read}")
            }
            Self::Divergence { lanes, wanted } => {
                write!(f, "divergent warp: lanes {lanes:#010x} are here, {wanted:#010x} must be")
            }
            Self::LaneMask { mask } => write!(f, "mask {mask:#010x} does not name a lane that takes part"),
            Self::Deadlock => f.write_str("deadlock"),
            Self::Mbarrier { what } => write!(f, "wrong use of an mbarrier, {what},"),
            Self::BarrierNumber { id } => write!(f, "barrier {id}, there are 0 to 15"),
            Self::BarrierCount { threads } => {
                write!(f, "barrier for {threads} threads, which are not whole warps of the block")
            }
            Self::BarrierMismatch { first, second } => {
                write!(f, "barrier for {first} threads met by one for {second} threads")
            }
            Self::Endless { limit } => write!(f, "a warp did not end within {limit} instructions"),
            Self::BranchIndex { index, count } => write!(f, "branch to label {index} of {count}"),
            Self::Trap => f.write_str("trap"),
            Self::NotModelled { what } => write!(f, "not modelled: {what}"),
        }
    }
}

impl Location {
    /// A place in device memory.
    pub(crate) const fn of_device(address: u64) -> Self {
        let (allocation, offset) = crate::memory::name(address);
        Self::Global { allocation, offset }
    }

    const fn memory(self) -> &'static str {
        match self {
            Self::Global { .. } => "global memory",
            Self::Shared { .. } => "shared memory",
            Self::Local { .. } => "local memory",
            Self::Param { .. } => "parameters",
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global { allocation: 0, offset } => write!(f, "address {offset:#x}"),
            Self::Global { allocation, offset } => write!(f, "allocation {allocation}[{offset:#x}]"),
            Self::Shared { offset } => write!(f, "shared[{offset:#x}]"),
            Self::Local { offset } => write!(f, "local[{offset:#x}]"),
            Self::Param { offset } => write!(f, "param[{offset:#x}]"),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(bytes) => write!(f, "read {bytes} bytes"),
            Self::Write(bytes) => write!(f, "wrote {bytes} bytes"),
            Self::Atomic(bytes) => write!(f, "changed {bytes} bytes"),
            Self::Copy(bytes) => write!(f, "copies {bytes} bytes"),
            Self::Execute => f.write_str("executed it"),
            Self::Use => f.write_str("used it"),
            Self::Wait => f.write_str("waits"),
            Self::Await { offset, phase, missing } => {
                write!(
                    f,
                    "waits for phase {phase} of the mbarrier at shared[{offset:#x}], where {missing} arrivals are missing,"
                )
            }
        }
    }
}
