//! An access: who, when, and how strong.

use crate::decode::Reach;

/// An access that is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The block's number in the grid.
    pub(crate) block: u32,
    /// Barriers of all threads that the block had passed.
    pub(crate) epoch: u32,
    /// Synchronizations of all lanes that the warp had passed.
    pub(crate) turn: u32,
    /// Releases that the thread had made.
    pub(crate) clock: u32,
    /// What is written to the word or byte, if that is known.
    pub(crate) value: u32,
    pub(crate) pc: u32,
    pub(crate) thread: u16,
    pub(crate) nature: Nature,
}

/// What kind of access it is, in a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nature(u8);

impl Nature {
    const IS: u8 = 1;
    const BLOCK: u8 = 2;
    const DEVICE: u8 = 4;
    const VOLATILE: u8 = 8;
    const CONSTANT: u8 = 16;
    const ATOMIC: u8 = 32;
    const KNOWN: u8 = 64;

    /// An ordinary access.
    pub(crate) const fn new() -> Self {
        Self(Self::IS)
    }

    /// Among whom it is one step; `None` for an ordinary access.
    pub(crate) const fn with_reach(self, reach: Option<Reach>) -> Self {
        match reach {
            None => self,
            Some(Reach::Block) => Self(self.0 | Self::BLOCK),
            Some(Reach::Device) => Self(self.0 | Self::DEVICE),
        }
    }

    /// A volatile access to shared memory.
    pub(crate) const fn with_volatile(self, holds: bool) -> Self {
        self.with(Self::VOLATILE, holds)
    }

    /// A load that promises that nobody writes.
    pub(crate) const fn with_constant(self, holds: bool) -> Self {
        self.with(Self::CONSTANT, holds)
    }

    /// A read-modify-write.
    pub(crate) const fn with_atomic(self, holds: bool) -> Self {
        self.with(Self::ATOMIC, holds)
    }

    const fn with(self, bit: u8, holds: bool) -> Self {
        if holds { Self(self.0 | bit) } else { self }
    }

    pub(super) const fn is_constant(self) -> bool {
        self.0 & Self::CONSTANT != 0
    }

    pub(crate) const fn is_atomic(self) -> bool {
        self.0 & Self::ATOMIC != 0
    }
}

impl Stamp {
    /// No access.
    pub(super) const NONE: Self =
        Self { block: 0, epoch: 0, turn: 0, clock: 0, value: 0, pc: 0, thread: 0, nature: Nature(0) };

    pub(super) const fn is_none(&self) -> bool {
        self.nature.0 == 0
    }

    /// The write of a value.
    #[inline]
    pub(super) const fn storing(self, value: u32) -> Self {
        Self { value, nature: self.nature.with(Nature::KNOWN, true), ..self }
    }

    /// The write to a byte of the word.
    pub(super) const fn of_byte(self, byte: usize) -> Self {
        Self { value: self.value >> (8 * byte) & 0xFF, ..self }
    }

    /// Whether one instruction writes one value in both: it does not matter which of them does it.
    pub(super) const fn is_same_write(&self, other: &Self) -> bool {
        self.pc == other.pc
            && self.value == other.value
            && self.nature.0 & other.nature.0 & Nature::KNOWN != 0
            && !self.nature.is_atomic()
    }

    pub(super) fn some(&self) -> Option<Self> {
        (!self.is_none()).then_some(*self)
    }

    pub(super) const fn is_by_thread_of(&self, other: &Self) -> bool {
        self.block == other.block && self.thread == other.thread
    }

    /// Whether both accesses are one step each among threads that include the other's.
    ///
    /// Volatile accesses to shared memory are such steps by the word of PTX ISA 9.0, section 8, and lanes of a warp that exchange values by nothing else still
    /// depend on who comes first: that is code which takes its warp to run in lockstep, and no lane of it is meant to see what another has not written yet.
    pub(super) const fn is_mutual(&self, other: &Self) -> bool {
        let (a, b) = (self.nature.0, other.nature.0);
        let strong = Nature::BLOCK | Nature::DEVICE;
        if a & strong == 0 || b & strong == 0 {
            return false;
        }
        let same_block = self.block == other.block;
        let is_lockstep = a & b & Nature::VOLATILE != 0 && same_block && self.thread / 32 == other.thread / 32;
        !is_lockstep && (same_block || a & b & Nature::DEVICE != 0)
    }
}

/// The access that one clashes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clash {
    pub(crate) earlier: Stamp,
    pub(crate) is_write: bool,
    /// The clash is with a load that promised that nobody writes, whatever orders the two.
    pub(crate) is_promise: bool,
}
