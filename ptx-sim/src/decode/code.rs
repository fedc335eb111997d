//! An instruction as the executor sees it.

use tilewright_ptx_ir::ir::{AtomicOp, BarrierOp, BoolOp, MmaForm, MmaShape, Op, ShuffleMode, Special, Type, VoteMode};

use super::address::{Place, Window};
use super::generic::Generic;
use super::operand::{Destination, Narrow, Source, Wide};
use super::plain::Plain;
use super::strength::{Reach, Strength};
use crate::statistics::Class;

/// An instruction with its guard (slot, whether it is negated) and its line of the text.
#[derive(Debug)]
pub(crate) struct Instruction {
    pub(crate) guard: Option<(u32, bool)>,
    pub(crate) code: Code,
    pub(crate) class: Class,
    pub(crate) line: u32,
}

/// What an instruction does. Slots are positions in the register files.
#[derive(Debug)]
pub(crate) enum Code {
    Move {
        dst: Destination,
        src: Source,
    },
    Special {
        dst: Destination,
        special: Special,
    },
    Pack {
        dst: Destination,
        srcs: Vec<Source>,
        part_bits: u32,
    },
    Unpack {
        dsts: Vec<Destination>,
        src: Source,
        part_bits: u32,
    },
    Select {
        dst: Destination,
        a: Source,
        b: Source,
        pred: u32,
    },
    Plain(Plain),
    /// Any comparison, lane by lane.
    CompareGeneric {
        compare: Generic,
        dst: u32,
        combine: Option<(BoolOp, u32)>,
    },
    Generic {
        f: Generic,
        dst: Destination,
    },
    /// Two results of the same operands.
    Both {
        first: Generic,
        dst: Destination,
        second: Generic,
        other: Destination,
    },
    /// Between an offset in the thread's own memory and its generic address.
    LocalWindow {
        enter: bool,
        dst: u32,
        src: Wide,
    },
    /// Whether generic addresses lie in a window.
    IsSpace {
        window: Window,
        dst: u32,
        src: Source,
    },

    LoadParam {
        dsts: Vec<Destination>,
        offset: u64,
        access: Access,
    },
    Load {
        window: Window,
        access: Access,
        dsts: Vec<Destination>,
        place: Place,
    },
    Store {
        window: Window,
        access: Access,
        srcs: Vec<Source>,
        place: Place,
    },
    Atomic {
        window: Window,
        strength: Strength,
        op: AtomicOp,
        ty: Type,
        dst: Option<Destination>,
        place: Place,
        a: Source,
        b: Option<Source>,
    },
    /// Atomics of one element each, behind one another in so many bytes.
    AtomicVector {
        parts: Vec<Code>,
        window: Window,
        place: Place,
        bytes: u32,
    },
    LoadMatrix {
        transpose: bool,
        dsts: Vec<u32>,
        place: Place,
    },
    Copy {
        bytes: u32,
        to: Place,
        from: Place,
        source_bytes: Option<Narrow>,
        /// Where it holds, or does not, nothing is read.
        ignored: Option<(u32, bool)>,
    },
    /// What is in a line of device memory is undefined from now on.
    Discard {
        window: Window,
        place: Place,
    },
    StoreMatrix {
        transpose: bool,
        srcs: Vec<u32>,
        place: Place,
    },
    MoveMatrix {
        dst: u32,
        src: u32,
    },
    CopyCommit,
    /// Waits until at most so many groups are pending; all copies, committed or not, for `None`.
    CopyWait {
        pending: Option<u32>,
    },

    Shuffle {
        mode: ShuffleMode,
        dst: u32,
        pred: Option<u32>,
        src: Narrow,
        lane: Narrow,
        clamp: Narrow,
        mask: SyncMask,
    },
    Vote {
        mode: VoteMode,
        dst: Destination,
        src: Condition,
        mask: SyncMask,
    },
    MatchAny {
        dst: u32,
        src: Source,
        mask: SyncMask,
    },
    MatchAll {
        dst: u32,
        pred: Option<u32>,
        src: Source,
        mask: SyncMask,
    },
    Reduce {
        op: AtomicOp,
        ty: Type,
        dst: u32,
        src: Narrow,
        mask: SyncMask,
    },
    ActiveMask {
        dst: u32,
    },
    WarpSync {
        mask: SyncMask,
    },
    Mma {
        shape: MmaShape,
        satfinite: bool,
        dsts: Vec<u32>,
        a: Vec<u32>,
        b: Vec<u32>,
        c: Vec<u32>,
    },

    MmaForm {
        form: MmaForm,
        satfinite: bool,
        dsts: Vec<Destination>,
        a: Vec<Source>,
        b: Vec<Source>,
        c: Vec<Source>,
    },
    Elect {
        dst: u32,
        pred: u32,
        mask: SyncMask,
    },

    Mbarrier {
        window: Window,
        place: Place,
        act: MbarrierAct,
    },
    Barrier {
        aligned: bool,
        /// Arrives without waiting.
        arrives_only: bool,
        id: Narrow,
        threads: Option<Narrow>,
        combine: Option<Combine>,
    },
    Fence {
        reach: Reach,
    },
    Branch {
        target: u32,
    },
    BranchIndexed {
        index: u32,
        targets: Vec<u32>,
    },
    Exit,
    Trap,
    /// Hints and delays: nothing that this model needs to do.
    Nothing,
}

/// What is done with a barrier in shared memory.
#[derive(Clone, Copy, Debug)]
pub(crate) enum MbarrierAct {
    Init {
        count: Narrow,
    },
    Invalidate,
    Arrive {
        drops: bool,
        no_complete: bool,
        count: Option<Narrow>,
        state: Destination,
    },
    /// By the asynchronous copies of the thread so far.
    Copies {
        increments: bool,
    },
    /// For the phase of a state, or of a parity.
    Wait {
        parity: bool,
        phase: Source,
        dst: u32,
    },
}

/// The lanes that a warp instruction names.
pub(crate) type SyncMask = Narrow;

/// A predicate, negated or not, or a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Pred { slot: u32, negate: bool },
    Constant(bool),
}

/// The elements of a load or store: how many bytes each has, and whether a load extends their sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) element_bytes: u32,
    pub(crate) is_signed: bool,
    pub(crate) strength: Strength,
    /// A load that promises that nobody writes there during the launch.
    pub(crate) is_constant: bool,
}

/// What `bar.red` does with the threads' predicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Combine {
    pub(crate) op: BarrierOp,
    pub(crate) dst: Destination,
    pub(crate) src: u32,
    pub(crate) negate: bool,
}

impl Code {
    /// Whether threads may wait for each other by it, or order their accesses, other than by barriers of all threads.
    pub(crate) const fn communicates(&self) -> bool {
        match self {
            Self::Atomic { window, strength, .. } => {
                !matches!(window, Window::Shared) || strength.acquires || strength.releases
            }
            Self::Load { access, .. } | Self::Store { access, .. } => access.strength.reach.is_some(),
            Self::Fence { .. } | Self::AtomicVector { .. } | Self::Mbarrier { .. } => true,
            // Some lanes of a warp order what the turns of the warp do not.
            Self::WarpSync { mask } => !matches!(mask, Narrow::Constant(u32::MAX)),
            Self::Barrier { arrives_only, threads, .. } => *arrives_only || threads.is_some(),
            _ => false,
        }
    }

    pub(crate) fn class(&self, op: &Op) -> Class {
        match self {
            Self::Load { window: Window::Shared, .. }
            | Self::Store { window: Window::Shared, .. }
            | Self::Atomic { window: Window::Shared, .. }
            | Self::StoreMatrix { .. }
            | Self::Mbarrier { .. }
            | Self::LoadMatrix { .. } => Class::Shared,
            Self::Load { .. }
            | Self::Store { .. }
            | Self::Atomic { .. }
            | Self::AtomicVector { .. }
            | Self::Copy { .. }
            | Self::Discard { .. } => Class::Global,
            Self::Mma { .. } | Self::MmaForm { .. } => Class::Tensor,
            Self::Shuffle { .. }
            | Self::Vote { .. }
            | Self::MatchAny { .. }
            | Self::MatchAll { .. }
            | Self::Reduce { .. }
            | Self::ActiveMask { .. }
            | Self::MoveMatrix { .. }
            | Self::Elect { .. }
            | Self::WarpSync { .. } => Class::Warp,
            Self::Barrier { .. }
            | Self::Branch { .. }
            | Self::BranchIndexed { .. }
            | Self::Fence { .. }
            | Self::Exit
            | Self::Trap
            | Self::Nothing
            | Self::CopyCommit
            | Self::CopyWait { .. } => Class::Control,
            _ => match op {
                Op::Unary { ty, .. } | Op::Binary { ty, .. } | Op::Ternary { ty, .. } if ty.is_float() => Class::Float,
                _ => Class::Arithmetic,
            },
        }
    }
}

impl Access {
    /// A loaded value as 64 bits.
    pub(crate) const fn extend(self, value: u64) -> u64 {
        if !self.is_signed {
            return value;
        }
        let unused = 64 - 8 * self.element_bytes;
        ((value << unused).cast_signed() >> unused).cast_unsigned()
    }
}
