//! Barriers in shared memory.
//!
//! A phase of one ends when it has had as many arrivals as it was made for. What an arriving thread did and knew happens before what those do next who find
//! that the phase has ended. Asynchronous copies that a barrier waits for have arrived when their thread says so, which is as early as they may; their bytes
//! may be read by who has found their phase ended.
//!
//! What lies in memory stands for the state, so that ordinary stores to it are noticed.
//!
//! # Source
//! PTX ISA 9.0, section 9.7.13.15 (`mbarrier`), 9.7.9.25.3 (`cp.async.mbarrier.arrive`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::copy::{self, Tracked};
use super::order::Knowledge;
use super::scene::Scene;
use super::target::{Target, report_fault, target};
use super::warp::Warp;
use super::watch::Touch;
use super::{LANES, access};
use crate::decode::{COUNT_BITS, Code, MbarrierAct, Reach, Strength};
use crate::memory::Fault;
use crate::memory::shared::{Actor, How};
use crate::report::{Action, Kind, Location};

/// The most arrivals that a phase can be made for.
const MOST: u32 = (1 << COUNT_BITS) - 1;
/// Times that a thread asks in vain, while its block does nothing else, before it is taken to ask for ever.
const PATIENCE: u32 = 1 << 14;
const BYTES: u32 = 8;
/// One step for all threads of the block; what it orders is looked at by phases.
const STRONG: Strength = Strength { reach: Some(Reach::Block), acquires: false, releases: false, is_volatile: false };

/// The barriers of a block.
#[derive(Debug, Default)]
pub(super) struct Mbarriers {
    at: BTreeMap<u32, Mbarrier>,
    /// Copies that some of them wait for.
    pub(super) tracked: Vec<Tracked>,
    quiet: Quiet,
}

/// A time in which a block asks in vain and does nothing else in memory or between lanes.
#[derive(Clone, Copy, Debug, Default)]
struct Quiet {
    /// Counts them.
    number: u64,
    /// Other accesses before it, and asking in vain in it.
    effects: u64,
    vain: u64,
}

/// How often a lane asked in vain for the end of a phase.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Poll {
    quiet: u64,
    count: u32,
    /// Where, and for which phase.
    asked: (u64, u64),
    offset: u32,
    pc: u32,
}

#[derive(Debug, Default)]
struct Mbarrier {
    /// Phases that have ended.
    phase: u32,
    expected: u32,
    pending: u32,
    /// What those who arrived knew.
    arrived: Knowledge,
    /// What is among that.
    known: Vec<Arc<Knowledge>>,
    /// The same of the last phase.
    ended: Arc<Knowledge>,
}

impl Mbarrier {
    fn state(&self) -> u64 {
        u64::from(self.phase) << 32 | u64::from(self.pending)
    }

    /// What lies in memory.
    const fn words(&self) -> [u32; 2] {
        [self.pending | self.phase << COUNT_BITS, self.expected | 0xB << (COUNT_BITS + 8)]
    }

    /// So many arrivals; what is wrong with them, if something is.
    fn arrive(&mut self, count: u32, drops: bool, completes: bool) -> Result<(), &'static str> {
        if count == 0 || count > MOST {
            return Err("which counts arrivals from 1 to 1048575");
        }
        let left = self.pending.checked_sub(count).ok_or("which has had all arrivals of its phase")?;
        if left == 0 && !completes {
            return Err("whose phase an arrival without completion would complete");
        }
        if drops {
            self.expected = self.expected.checked_sub(count).ok_or("of which more leave than take part")?;
        }
        self.pending = left;
        if left == 0 {
            self.phase += 1;
            self.pending = self.expected;
            self.ended = Arc::new(std::mem::take(&mut self.arrived));
            self.known.clear();
        }
        Ok(())
    }

    /// Whether the phase of a state, or the last of a parity, has ended.
    fn has_ended(&self, parity: bool, phase: u64) -> Result<bool, &'static str> {
        if parity {
            return Ok(u64::from(self.phase & 1) != phase & 1);
        }
        match u64::from(self.phase).checked_sub(phase >> 32) {
            Some(ended @ (0 | 1)) => Ok(ended == 1),
            Some(_) => Err("whose state is of an earlier phase than the last one"),
            None => Err("whose state is not one of its own"),
        }
    }
}

pub(super) fn mbarrier(warp: &mut Warp, scene: &mut Scene<'_>, code: &Code, lanes: u32, pc: u32) {
    let Code::Mbarrier { window, place, act } = code else { return };
    let addresses = warp.addresses(*place, lanes);
    access::count(scene, *window, &addresses, lanes, BYTES);
    let operands = match act {
        MbarrierAct::Init { count } | MbarrierAct::Arrive { count: Some(count), .. } => {
            warp.registers.narrow(*count, lanes).map(u64::from)
        }
        MbarrierAct::Wait { phase, .. } => warp.registers.any(*phase, lanes),
        _ => [1; 32],
    };
    if let MbarrierAct::Wait { dst, .. } = act
        && scene.is_vain_again(warp, (&addresses, &operands), lanes)
    {
        warp.registers.set_pred(*dst, 0, lanes);
        return;
    }
    let (mut answers, mut offsets, mut vain) = ([0; 32], [0; 32], 0);
    let mut phases = Vec::new();
    for lane in (0..LANES).filter(|lane| lanes >> lane & 1 == 1) {
        let (address, actor) = (addresses[lane as usize], warp.actor(lane, pc));
        let offset = match target(scene, *window, address, BYTES, BYTES, actor.thread) {
            Ok(Target::Shared(offset)) => offset,
            place => {
                let nowhere = Fault::OutOfBounds { allocation_bytes: None, was_freed: false };
                let here = (Action::Atomic(BYTES), u32::from(actor.thread), pc);
                return report_fault(scene, place.err().unwrap_or(nowhere), *window, address, BYTES, here);
            }
        };
        offsets[lane as usize] = offset;
        match scene.act(*act, offset, operands[lane as usize], actor) {
            Ok(answer) => {
                answers[lane as usize] = answer;
                vain |= u32::from(matches!(act, MbarrierAct::Wait { .. }) && answer == 0) << lane;
                if matches!(act, MbarrierAct::Copies { .. }) {
                    phases.push((lane, (offset, (answer >> 32) as u32)));
                }
            }
            Err(what) => {
                let here = (Action::Execute, u32::from(actor.thread), pc);
                return scene.report_and_stop(Kind::Mbarrier { what }, Some(Location::Shared { offset }), here);
            }
        }
    }
    match act {
        MbarrierAct::Arrive { state, .. } => warp.registers.set(*state, &answers, lanes),
        MbarrierAct::Copies { .. } => copy::track(warp, scene, &phases),
        MbarrierAct::Wait { dst, .. } => {
            let ended = (0..32).fold(0, |ended, lane| ended | u32::from(answers[lane] != 0) << lane);
            warp.registers.set_pred(*dst, ended, lanes);
            if vain == lanes {
                let asked = std::array::from_fn(|lane| (addresses[lane], operands[lane]));
                scene.note_vain(warp, (&offsets, &asked), lanes, pc);
            }
        }
        _ => {}
    }
}

impl Scene<'_> {
    /// One thread does something with the barrier at `offset`: what it answers, or what is wrong.
    fn act(&mut self, act: MbarrierAct, offset: u32, operand: u64, actor: Actor) -> Result<u64, &'static str> {
        let touch = match act {
            MbarrierAct::Init { .. } => (Touch::Write(None), Strength::WEAK),
            MbarrierAct::Wait { .. } => (Touch::Read { is_constant: false }, STRONG),
            // Who invalidates it too early leaves others one that was not initialised, by some schedule.
            _ => (Touch::ReadModifyWrite, STRONG),
        };
        if self.watches_shared() {
            self.watch_shared(offset, BYTES, actor, touch.0, touch.1);
        }
        let is_whole = |scene: &mut Self, barrier: &Mbarrier| scene.mbarrier_words(offset, actor) == barrier.words();
        let found = self.mbarriers.at.remove(&offset);
        let count = u32::try_from(operand).unwrap_or(u32::MAX);
        if let MbarrierAct::Init { .. } = act {
            if found.is_some_and(|barrier| is_whole(self, &barrier)) {
                return Err("which was made before and not invalidated");
            }
            if count == 0 || count > MOST {
                return Err("which counts arrivals from 1 to 1048575");
            }
            self.put(offset, Mbarrier { expected: count, pending: count, ..Mbarrier::default() }, actor);
            return Ok(0);
        }
        let mut barrier = found.ok_or("which was not initialised")?;
        if !is_whole(self, &barrier) {
            return Err("which was overwritten");
        }
        let before = barrier.state();
        let answer = match act {
            MbarrierAct::Arrive { drops, no_complete, .. } => {
                self.release(actor, &mut barrier.arrived, &mut barrier.known);
                barrier.arrive(count, drops, !no_complete)?;
                before
            }
            MbarrierAct::Copies { increments } => {
                self.release(actor, &mut barrier.arrived, &mut barrier.known);
                barrier.pending += u32::from(increments);
                if barrier.pending > MOST {
                    return Err("which waits for more than 1048575 arrivals");
                }
                barrier.arrive(1, false, true)?;
                before
            }
            MbarrierAct::Wait { parity, .. } => {
                let has_ended = barrier.has_ended(parity, operand)?;
                if has_ended {
                    copy::land(self, offset, barrier.phase);
                    self.acquire(actor, &barrier.ended);
                }
                u64::from(has_ended)
            }
            _ => return Ok(0),
        };
        self.put(offset, barrier, actor);
        Ok(answer)
    }

    fn mbarrier_words(&mut self, offset: u32, actor: Actor) -> [u32; 2] {
        [offset, offset + 4].map(|at| self.shared.read(at, 4, &actor, How::Atomic).value)
    }

    fn put(&mut self, offset: u32, barrier: Mbarrier, actor: Actor) {
        for (at, word) in [offset, offset + 4].into_iter().zip(barrier.words()) {
            self.shared.write(at, 4, word, &actor, How::Atomic);
        }
        self.mbarriers.at.insert(offset, barrier);
    }

    /// Whether lanes ask what they asked before in vain, and nothing else was done meanwhile: then that is still so, and is noted.
    fn is_vain_again(&mut self, warp: &mut Warp, (addresses, operands): (&[u64; 32], &[u64; 32]), lanes: u32) -> bool {
        let Quiet { number, .. } = self.quiet();
        let is_same = |lane: usize| {
            let poll = warp.polls.get(lane).copied().unwrap_or_default();
            poll.count > 0 && poll.quiet == number && poll.asked == (addresses[lane], operands[lane])
        };
        if !(0..32usize).all(|lane| lanes >> lane & 1 == 0 || is_same(lane)) {
            return false;
        }
        self.mbarriers.quiet.vain += 1;
        for (_, poll) in warp.polls.iter_mut().enumerate().filter(|(lane, _)| lanes >> lane & 1 == 1) {
            poll.count += 1;
        }
        true
    }

    /// All lanes that asked did so in vain.
    fn note_vain(&mut self, warp: &mut Warp, (offsets, asked): (&[u32; 32], &[(u64, u64); 32]), lanes: u32, pc: u32) {
        let quiet = self.quiet();
        self.mbarriers.quiet = Quiet { vain: quiet.vain + 1, ..quiet };
        for (lane, poll) in warp.polls.iter_mut().enumerate().filter(|(lane, _)| lanes >> lane & 1 == 1) {
            let count = if (poll.quiet, poll.asked) == (quiet.number, asked[lane]) { poll.count } else { 0 };
            *poll = Poll { quiet: quiet.number, count: count + 1, asked: asked[lane], offset: offsets[lane], pc };
        }
    }

    /// The time that it is for the lanes that ask now: a new one, if something else was done since the last ones asked in vain.
    fn quiet(&self) -> Quiet {
        let (mix, quiet) = (&self.statistics.mix, self.mbarriers.quiet);
        // Asking is an access, too: this one, and those in vain.
        let effects = (mix.global + mix.shared + mix.warp).saturating_sub(1);
        if effects == quiet.effects + quiet.vain { quiet } else { Quiet { number: quiet.number + 1, effects, vain: 0 } }
    }

    /// Whether it is time to ask whether all threads wait for ever.
    pub(super) fn is_quiet(&self) -> bool {
        self.mbarriers.quiet.vain >= u64::from(PATIENCE)
    }

    /// What a lane asks for in vain, if for ever as it seems: where, how, and the instruction.
    pub(super) fn vain(&self, poll: &Poll) -> Option<(Action, u32)> {
        if poll.quiet != self.mbarriers.quiet.number || poll.count < PATIENCE {
            return None;
        }
        let barrier = self.mbarriers.at.get(&poll.offset)?;
        Some((Action::Await { offset: poll.offset, phase: barrier.phase, missing: barrier.pending }, poll.pc))
    }
}
