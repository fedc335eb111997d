//! What comes of reading a register that nobody has written.
//!
//! Compilers read such registers where the result does not matter: in lanes that a guard kept away from a load, or in the unused part of a vector. So
//! that only what counts is a finding, a result is as unwritten as what it was computed from, until it decides where a lane goes, what it accesses or what
//! it stores.

use tilewright_ptx_ir::ir::Op;

use super::Context;
use super::operand::Destination;

/// What an instruction does with a source that nobody has written.
#[derive(Debug)]
pub(crate) enum Unwritten {
    /// It counts.
    Used,
    /// These are unwritten then, in the lanes that read it.
    Lane(Box<[Destination]>),
    /// The same in every lane that takes part.
    Group(Box<[Destination]>),
}

impl Unwritten {
    pub(super) fn of(op: &Op, context: &mut Context<'_>) -> Self {
        let mut results = Vec::new();
        op.for_each_write(|reg| results.push(context.slots.destination(reg)));
        let results = results.into_boxed_slice();
        match op {
            // Addresses, what is stored and where lanes go; a shuffle sees to its source itself.
            Op::Load { .. }
            | Op::Store { .. }
            | Op::Atomic { .. }
            | Op::AtomicVector { .. }
            | Op::CpAsync { .. }
            | Op::LdMatrix { .. }
            | Op::Mma { .. }
            | Op::MmaForm { .. }
            | Op::MoveMatrix { .. }
            | Op::Elect { .. }
            | Op::Shuffle { .. }
            | Op::BarrierReduce { .. } => Self::Used,
            Op::Vote { .. } | Op::MatchAny { .. } | Op::MatchAll { .. } | Op::Redux { .. } => Self::Group(results),
            _ if results.is_empty() => Self::Used,
            _ => Self::Lane(results),
        }
    }
}
