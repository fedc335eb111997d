//! Barriers in shared memory.

use std::fmt::{self, Formatter};

use super::{Flag, Line, Tail};
use crate::ir::Op;

impl Line<'_> {
    pub(super) fn mbarrier(&self, f: &mut Formatter<'_>, op: &Op) -> fmt::Result {
        match op {
            Op::MbarrierInit { space, address, count } => {
                write!(f, "mbarrier.init{}.b64 {}, {count}", space.modifier(), self.address(*address))
            }
            Op::MbarrierInvalidate { space, address } => {
                write!(f, "mbarrier.inval{}.b64 {}", space.modifier(), self.address(*address))
            }
            Op::MbarrierArrive { space, drops, no_complete, state, address, count } => {
                let (drop, no_complete) = (Flag(*drops, "_drop"), Flag(*no_complete, ".noComplete"));
                let (space, address) = (space.modifier(), self.address(*address));
                write!(f, "mbarrier.arrive{drop}{no_complete}{space}.b64 {state}, {address}{}", Tail(*count))
            }
            Op::MbarrierWait { space, tries, parity, dst, address, phase, time } => {
                let (verb, parity) = (if *tries { "try" } else { "test" }, Flag(*parity, ".parity"));
                let (space, address) = (space.modifier(), self.address(*address));
                write!(f, "mbarrier.{verb}_wait{parity}{space}.b64 {dst}, {address}, {phase}{}", Tail(*time))
            }
            Op::MbarrierPendingCount { dst, state } => write!(f, "mbarrier.pending_count.b64 {dst}, {state}"),
            Op::CpAsyncMbarrierArrive { space, increments, address } => {
                let no_increment = Flag(!increments, ".noinc");
                let address = self.address(*address);
                write!(f, "cp.async.mbarrier.arrive{no_increment}{}.b64 {address}", space.modifier())
            }
            _ => Err(fmt::Error),
        }
    }
}
