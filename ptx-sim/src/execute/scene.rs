//! What the warps of a block share.

use std::sync::atomic::Ordering;

use super::Context;
use super::barrier::Barrier;
use super::mbarrier::Mbarriers;
use crate::memory::shared::{Actor, Earlier, Shared, Trouble};
use crate::report::{Access, Action, Finding, Kind, Location, Report};
use crate::statistics::Statistics;

/// A finding is the same as another if both have the same kind and the same instructions.
pub(crate) type Key = (std::mem::Discriminant<Kind>, u32, u32);

/// The block and its surroundings, without its warps.
pub(crate) struct Scene<'l> {
    pub(crate) context: &'l Context<'l>,
    /// The block's index in the grid.
    pub(crate) block: [u32; 3],
    /// The block's number in the grid.
    pub(crate) number: u32,
    pub(crate) shared: Shared,
    pub(crate) barriers: [Barrier; 16],
    /// Barriers in shared memory.
    pub(super) mbarriers: Mbarriers,
    /// Threads that have not exited.
    pub(crate) live_threads: u32,
    pub(crate) statistics: Statistics,
    /// Counts of each instruction; empty if they are not wanted.
    pub(crate) lines: Vec<Statistics>,
    pub(crate) findings: Vec<(Key, Finding)>,
    /// Set when the block cannot go on.
    pub(crate) is_stopped: bool,
}

impl<'l> Scene<'l> {
    pub(crate) fn new(context: &'l Context<'l>, number: u32, mut shared: Shared) -> Self {
        shared.start_block(context.shared_bytes(), context.options.check.finds_uninitialised());
        Self {
            context,
            block: context.block_index(number),
            number,
            shared,
            barriers: std::array::from_fn(|_| Barrier::default()),
            mbarriers: Mbarriers::default(),
            live_threads: context.threads(),
            statistics: Statistics::default(),
            lines: if context.counts_lines {
                vec![Statistics::ZERO; context.kernel.instructions.len()]
            } else {
                Vec::new()
            },
            findings: Vec::new(),
            is_stopped: false,
        }
    }

    /// Whether a finding of this kind is looked for.
    fn is_wanted(&self, kind: &Kind) -> bool {
        let check = self.context.options.check;
        match kind {
            Kind::Race | Kind::PendingCopy => check.finds_races(),
            Kind::UninitialisedRegister { .. } | Kind::UninitialisedMemory => check.finds_uninitialised(),
            _ => true,
        }
    }

    /// Records a finding, once for each pair of instructions.
    pub(crate) fn report(&mut self, kind: Kind, location: Option<Location>, accesses: Vec<(Action, u32, u32)>) {
        let block = self.block;
        self.report_of(kind, location, accesses.into_iter().map(|access| (block, access)));
    }

    /// The same for accesses of several blocks.
    pub(crate) fn report_of(
        &mut self,
        kind: Kind,
        location: Option<Location>,
        accesses: impl IntoIterator<Item = ([u32; 3], (Action, u32, u32))>,
    ) {
        if !self.is_wanted(&kind) {
            return;
        }
        let accesses: Vec<_> = accesses.into_iter().collect();
        let pc = |index: usize| accesses.get(index).map_or(u32::MAX, |(_, (.., pc))| *pc);
        let key = (std::mem::discriminant(&kind), pc(0), pc(1));
        if self.findings.iter().any(|(known, _)| *known == key) {
            return;
        }
        let accesses =
            accesses.into_iter().map(|(block, (action, thread, pc))| self.access(block, action, thread, pc)).collect();
        self.findings.push((key, Finding { kind, location, accesses }));
        if self.findings.len() >= Report::LIMIT {
            self.stop();
        }
    }

    /// Records a finding after which nothing that follows can be trusted.
    pub(crate) fn report_and_stop(&mut self, kind: Kind, location: Option<Location>, access: (Action, u32, u32)) {
        self.report(kind, location, vec![access]);
        self.stop();
    }

    pub(crate) fn stop(&mut self) {
        self.is_stopped = true;
        self.context.is_stopped.store(true, Ordering::Relaxed);
    }

    fn access(&self, block: [u32; 3], action: Action, thread: u32, pc: u32) -> Access {
        let line = self.context.kernel.instructions.get(pc as usize).map_or(0, |instruction| instruction.line);
        let text = (line as usize).checked_sub(1).and_then(|index| self.context.lines.get(index));
        Access { action, block, thread, line, instruction: text.cloned().unwrap_or_default() }
    }

    /// Records what is wrong with an access to shared memory.
    pub(crate) fn report_shared(&mut self, trouble: Trouble, offset: u32, action: Action, actor: Actor) {
        let location = Some(Location::Shared { offset });
        let now = (action, u32::from(actor.thread), actor.pc);
        let before = |earlier: Earlier, bytes: u32| {
            let action = if earlier.is_write { Action::Write(bytes) } else { Action::Read(bytes) };
            (action, u32::from(earlier.thread), earlier.pc)
        };
        let bytes = match action {
            Action::Read(bytes) | Action::Write(bytes) | Action::Atomic(bytes) | Action::Copy(bytes) => bytes,
            Action::Execute | Action::Use | Action::Wait | Action::Await { .. } => 0,
        };
        match trouble {
            // Barriers are not all that orders this kernel's accesses: races are found elsewhere.
            Trouble::Race { .. } if self.watches_shared() => {}
            Trouble::Race { earlier } => self.report(Kind::Race, location, vec![before(earlier, bytes), now]),
            // To whom races do not matter such bytes are not there yet.
            Trouble::Pending { .. } if !self.context.options.check.finds_races() => {
                if matches!(action, Action::Read(_) | Action::Atomic(_)) {
                    self.report(Kind::UninitialisedMemory, location, vec![now]);
                }
            }
            Trouble::Pending { earlier } => {
                let (_, thread, pc) = before(earlier, bytes);
                self.report(Kind::PendingCopy, location, vec![(Action::Copy(bytes), thread, pc), now]);
            }
        }
    }
}
