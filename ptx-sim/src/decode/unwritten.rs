//! What comes of reading a register that nobody has written.
//!
//! Compilers read such registers where the result does not matter: in lanes that a guard kept away from a load, or in the unused part of a vector; and
//! programs load memory that nobody has written, and drop it. So that only what counts is a finding, a result is as unwritten as what it was computed from,
//! until it decides where a lane goes, what it accesses or what it stores.

use tilewright_ptx_ir::ir::{Op, Type, VoteMode};

use super::Context;
use super::operand::{Destination, Source};
use super::trace::{Trace, traces};

/// What an instruction does with a source that nobody has written.
#[derive(Debug)]
pub(crate) enum Unwritten {
    /// It counts.
    Used,
    /// So do these bits of what is stored; the address counts whole.
    Stored { values: Box<[Source]>, bits: u64 },
    /// These are unwritten then, in the lanes that read it.
    Lane(Box<[Destination]>),
    /// The same in every lane that takes part; the lanes that are named count.
    Group { mask: Source, results: Box<[Destination]> },
    /// The same of the bits of lanes that read it.
    Ballot { mask: Source, result: Destination },
    /// Some bits of the results are.
    Traced(Vec<Trace>),
}

impl Unwritten {
    pub(super) fn of(op: &Op, context: &mut Context<'_>) -> Self {
        let mut results = Vec::new();
        op.for_each_write(|reg| results.push(context.slots.destination(reg)));
        let results = results.into_boxed_slice();
        match op {
            // Addresses, what is stored and where lanes go; a shuffle sees to its source itself.
            Op::Load { .. }
            | Op::Atomic { .. }
            | Op::AtomicVector { .. }
            | Op::CpAsync { .. }
            | Op::LdMatrix { .. }
            | Op::Mma { .. }
            | Op::MmaForm { .. }
            | Op::MoveMatrix { .. }
            | Op::Elect { .. }
            | Op::MbarrierArrive { .. }
            | Op::MbarrierWait { .. }
            | Op::Shuffle { .. }
            | Op::BarrierReduce { .. } => Self::Used,
            Op::Store { ty, srcs, address, .. } => {
                let values = srcs.iter().filter_map(|src| src.reg()).filter(|reg| address.reg() != Some(*reg));
                let values = values.map(|reg| context.slots.register(reg)).collect();
                Self::Stored { values, bits: u64::MAX.checked_shr(64 - 8 * ty.bytes()).unwrap_or(u64::MAX) }
            }
            Op::Vote { mode, mask, .. } => match (context.slots.source(*mask, Type::B32), mode, &*results) {
                (Some(mask), VoteMode::Ballot, [result]) => Self::Ballot { mask, result: *result },
                (Some(mask), ..) => Self::Group { mask, results },
                _ => Self::Used,
            },
            Op::MatchAny { mask, .. } | Op::MatchAll { mask, .. } | Op::Redux { mask, .. } => {
                context.slots.source(*mask, Type::B32).map_or(Self::Used, |mask| Self::Group { mask, results })
            }
            _ if results.is_empty() => Self::Used,
            _ => traces(op, context).map_or(Self::Lane(results), Self::Traced),
        }
    }

    /// The results of an instruction that is a function of registers.
    pub(crate) fn results(&self) -> Option<Vec<Destination>> {
        match self {
            Self::Lane(results) => Some(results.to_vec()),
            Self::Traced(traces) => Some(traces.iter().map(|trace| trace.result).collect()),
            _ => None,
        }
    }
}
