//! The sixteen barriers of a block.
//!
//! A barrier without a number of threads is completed by all threads that have not exited. One with a number is completed by so many; warps that reach it
//! together count as whole warps. Threads that only arrive do not wait and learn nothing from the others.
//!
//! # Source
//! PTX ISA 9.0, section 9.7.13.1 (`bar`, `barrier`).

use super::order::Moment;
use super::scene::Scene;
use super::warp::Warp;
use crate::decode::Combine;
use crate::report::{Action, Kind};
use tilewright_ptx_ir::ir::BarrierOp;

/// A named barrier.
#[derive(Clone, Debug, Default)]
pub(crate) struct Barrier {
    /// How often it was completed.
    pub(crate) generation: u32,
    /// Threads that have arrived, whole warps for barriers with a number.
    arrived: u32,
    /// Threads that the ones who arrived named; all of the block otherwise.
    threads: Option<u32>,
    /// Threads that arrived and wait.
    waits: u32,
    votes: Votes,
    /// The answers of the last generations, newest last.
    answers: Vec<(u32, Votes)>,
    arriving: Vec<Moment>,
    waiting: Vec<Moment>,
    /// The first that arrived, for reports: its number and instruction.
    first: (u32, u32),
}

/// What the threads' predicates were.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Votes {
    holding: u32,
    asked: u32,
}

impl Votes {
    /// What `bar.red` answers.
    pub(crate) fn answer(self, op: BarrierOp) -> u64 {
        match op {
            BarrierOp::And => u64::from(self.holding == self.asked),
            BarrierOp::Or => u64::from(self.holding > 0),
            _ => u64::from(self.holding),
        }
    }
}

/// An arrival of some lanes of a warp.
pub(super) struct Arrival {
    pub(super) id: u32,
    pub(super) threads: Option<u32>,
    pub(super) arrives_only: bool,
    /// Whether the whole warp is here and counts as one.
    pub(super) aligned: bool,
    /// Lanes whose predicate holds, if there is one.
    pub(super) holds: Option<u32>,
}

impl Scene<'_> {
    /// `lanes` of a warp arrive. The generation that they wait for the end of; `None` if they cannot.
    pub(super) fn arrive(&mut self, arrival: &Arrival, lanes: u32, warp: &Warp, pc: u32) -> Option<u32> {
        let Arrival { id, threads, arrives_only, aligned, holds } = *arrival;
        let here = (Action::Execute, warp.first_thread(lanes), pc);
        let all = self.context.threads().next_multiple_of(32);
        if id > 15 {
            self.report_and_stop(Kind::BarrierNumber { id }, None, here);
            return None;
        }
        if threads.is_some_and(|threads| threads == 0 || threads % 32 != 0 || threads > all) {
            let threads = threads.unwrap_or(0);
            self.report_and_stop(Kind::BarrierCount { threads }, None, here);
            return None;
        }
        let moments: Vec<Moment> = if self.watches_shared() {
            (0..32).filter(|lane| lanes >> lane & 1 == 1).map(|lane| self.moment(warp.actor(lane, pc))).collect()
        } else {
            Vec::new()
        };
        let barrier = self.barriers.get_mut(id as usize)?;
        let generation = barrier.generation;
        if barrier.arrived > 0 && barrier.threads != threads {
            let (first, second) = (barrier.threads.unwrap_or(all), threads.unwrap_or(all));
            if first != second {
                let (thread, place) = barrier.first;
                let kind = Kind::BarrierMismatch { first, second };
                self.report(kind, None, vec![(Action::Execute, thread, place), here]);
                self.stop();
                return None;
            }
        }
        if barrier.arrived == 0 {
            barrier.first = (warp.first_thread(lanes), pc);
        }
        barrier.threads = threads;
        barrier.arrived += if aligned && threads.is_some() { 32 } else { lanes.count_ones() };
        if !arrives_only {
            barrier.waits += lanes.count_ones();
            barrier.waiting.extend(&moments);
        }
        barrier.arriving.extend(moments);
        if let Some(holds) = holds {
            barrier.votes.asked += lanes.count_ones();
            barrier.votes.holding += (holds & lanes).count_ones();
        }
        self.complete(id as usize);
        Some(generation)
    }

    /// `lanes` threads have exited: barriers of all threads no longer wait for them.
    pub(super) fn exit(&mut self, lanes: u32) {
        self.live_threads -= lanes.count_ones();
        for id in 0..self.barriers.len() {
            self.complete(id);
        }
    }

    /// What a barrier that a fragment waited at answers.
    pub(super) fn votes(&self, id: u32, generation: u32) -> Votes {
        let answers = self.barriers.get(id as usize).map_or(&[][..], |barrier| &barrier.answers);
        answers.iter().find(|(known, _)| *known == generation).map_or(Votes::default(), |(_, votes)| *votes)
    }

    /// Ends the generation of a barrier that all have come to.
    fn complete(&mut self, id: usize) {
        let live = self.live_threads;
        let Some(barrier) = self.barriers.get_mut(id) else { return };
        if barrier.arrived == 0 || barrier.arrived < barrier.threads.unwrap_or(live) {
            return;
        }
        let (arriving, waiting) = (std::mem::take(&mut barrier.arriving), std::mem::take(&mut barrier.waiting));
        // Those that have left are not ordered by a barrier of some.
        let joins_all =
            barrier.waits >= live && barrier.threads.is_none_or(|threads| threads >= self.context.threads());
        barrier.arrived = 0;
        barrier.waits = 0;
        let votes = std::mem::take(&mut barrier.votes);
        if votes.asked > 0 {
            if barrier.answers.len() >= 64 {
                barrier.answers.remove(0);
            }
            barrier.answers.push((barrier.generation, votes));
        }
        barrier.generation += 1;
        if joins_all {
            self.shared.end_epoch();
            self.meet_all();
        } else {
            self.meet(&arriving, &waiting);
        }
    }
}

/// Writes what `bar.red` answers to the lanes that waited.
pub(super) fn answer(warp: &mut Warp, votes: Votes, combine: &Combine, lanes: u32) {
    warp.registers.set(combine.dst, &[votes.answer(combine.op); 32], lanes);
}
