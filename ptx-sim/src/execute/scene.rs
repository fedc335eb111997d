//! What the warps of a block share.

use std::sync::atomic::Ordering;

use super::Context;
use super::warp::Warp;
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
    pub(crate) shared: Shared,
    pub(crate) barriers: [Barrier; 16],
    /// Threads that have not exited.
    pub(crate) live_threads: u32,
    pub(crate) statistics: Statistics,
    pub(crate) findings: Vec<(Key, Finding)>,
    /// Set when the block cannot go on.
    pub(crate) is_stopped: bool,
}

/// A named barrier.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Barrier {
    /// How often it was completed.
    pub(crate) generation: u32,
    arrived: u32,
    /// Threads that the ones who arrived named; all of the block otherwise.
    threads: Option<u32>,
}

impl<'l> Scene<'l> {
    pub(crate) fn new(context: &'l Context<'l>, block: [u32; 3], mut shared: Shared) -> Self {
        shared.start_block(context.shared_bytes());
        Self {
            context,
            block,
            shared,
            barriers: [Barrier::default(); 16],
            live_threads: context.threads(),
            statistics: Statistics::default(),
            findings: Vec::new(),
            is_stopped: false,
        }
    }

    /// Records a finding, once for each pair of instructions.
    pub(crate) fn report(&mut self, kind: Kind, location: Option<Location>, accesses: Vec<(Action, u32, u32)>) {
        let pc = |index: usize| accesses.get(index).map_or(u32::MAX, |(.., pc)| *pc);
        let key = (std::mem::discriminant(&kind), pc(0), pc(1));
        if self.findings.iter().any(|(known, _)| *known == key) {
            return;
        }
        let accesses = accesses.into_iter().map(|(action, thread, pc)| self.access(action, thread, pc)).collect();
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

    fn access(&self, action: Action, thread: u32, pc: u32) -> Access {
        let line = self.context.kernel.instructions.get(pc as usize).map_or(0, |instruction| instruction.line);
        let text = (line as usize).checked_sub(1).and_then(|index| self.context.lines.get(index));
        Access { action, block: self.block, thread, line, instruction: text.cloned().unwrap_or_default() }
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
            Action::Execute | Action::Wait => 0,
        };
        match trouble {
            Trouble::Uninitialised => self.report(Kind::UninitialisedMemory, location, vec![now]),
            Trouble::Race { earlier } => self.report(Kind::Race, location, vec![before(earlier, bytes), now]),
            Trouble::Pending { earlier } => {
                let (_, thread, pc) = before(earlier, bytes);
                self.report(Kind::PendingCopy, location, vec![(Action::Copy(bytes), thread, pc), now]);
            }
        }
    }

    /// `lanes` of a warp arrive at barrier `id`. Whether the block can judge it; the generation that they wait for the end of.
    pub(crate) fn arrive(&mut self, id: u32, threads: Option<u32>, lanes: u32, warp: &Warp, pc: u32) -> Option<u32> {
        let here = (Action::Execute, warp.first_thread(lanes), pc);
        let all = self.context.threads();
        if threads.is_some_and(|threads| threads < all) {
            let what = "a barrier of some of the block's threads";
            self.report_and_stop(Kind::NotModelled { what }, None, here);
            return None;
        }
        let barrier = &mut self.barriers[id as usize % 16];
        let generation = barrier.generation;
        if barrier.arrived > 0 && barrier.threads != threads {
            let (first, second) = (barrier.threads.unwrap_or(all), threads.unwrap_or(all));
            if first != second {
                self.report_and_stop(Kind::BarrierMismatch { first, second }, None, here);
                return None;
            }
        }
        let barrier = &mut self.barriers[id as usize % 16];
        barrier.threads = threads;
        barrier.arrived += lanes.count_ones();
        self.complete_barriers();
        Some(generation)
    }

    /// `lanes` threads have exited: barriers no longer wait for them.
    pub(crate) fn exit(&mut self, lanes: u32) {
        self.live_threads -= lanes.count_ones();
        self.complete_barriers();
    }

    fn complete_barriers(&mut self) {
        for barrier in &mut self.barriers {
            if barrier.arrived > 0 && barrier.arrived >= self.live_threads {
                barrier.arrived = 0;
                barrier.generation += 1;
                self.shared.end_epoch();
            }
        }
    }
}
