//! A warp: lanes that run together while they are at the same place.
//!
//! Lanes that part at a branch become fragments. The fragment that is furthest behind in the code runs first, and fragments that meet
//! become one again: for code whose branches nest, that is where the branch ends. Nothing in PTX promises more, and nothing here relies on it.

use super::LANES;
use super::copy::Copies;
use super::registers::Registers;
use super::scene::Scene;
use super::step::{Flow, step};
use crate::memory::shared::Actor;
use crate::report::{Action, Kind};

/// A warp of the current block.
#[derive(Debug, Default)]
pub(crate) struct Warp {
    index: u32,
    pub(crate) registers: Registers,
    pub(crate) copies: Copies,
    fragments: Vec<Fragment>,
    /// Lanes that have not exited.
    pub(crate) live: u32,
    /// Counted up whenever all lanes have synchronized.
    pub(crate) turn: u32,
    executed: u64,
}

/// Lanes at one place.
#[derive(Clone, Copy, Debug)]
struct Fragment {
    pc: u32,
    lanes: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    /// Waits at a barrier until its generation is over.
    Barrier {
        id: u32,
        generation: u32,
    },
    /// Waits for other lanes of its warp.
    Lanes,
}

/// How a warp's turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Ended,
    Waiting,
    /// Its time was up.
    Interrupted,
}

impl Warp {
    /// A new warp with its lanes at the start of the kernel.
    pub(crate) fn reset(&mut self, index: u32, live: u32, scene: &Scene<'_>) {
        self.index = index;
        self.registers.reset(&scene.context.kernel.slots);
        self.copies.reset();
        self.fragments.clear();
        self.fragments.push(Fragment { pc: 0, lanes: live, state: State::Running });
        self.live = live;
        self.turn = 0;
        self.executed = 0;
    }

    pub(crate) const fn index(&self) -> u32 {
        self.index
    }

    pub(crate) const fn executed(&self) -> u64 {
        self.executed
    }

    /// The number in the block of the first of `lanes`.
    pub(crate) const fn first_thread(&self, lanes: u32) -> u32 {
        self.index * LANES + lanes.trailing_zeros() % LANES
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a block has 1024 threads; instances only have to differ from near ones"
    )]
    pub(crate) const fn actor(&self, lane: u32, pc: u32) -> Actor {
        Actor { thread: (self.index * LANES + lane) as u16, turn: self.turn, instance: self.executed as u32, pc }
    }

    /// Where lanes wait.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.fragments.iter().map(|fragment| (fragment.pc, fragment.lanes))
    }

    /// Runs until everything waits or has ended, or until so many instructions were executed.
    pub(crate) fn run(&mut self, scene: &mut Scene<'_>, quantum: u64) -> Progress {
        let end = self.executed + quantum;
        while let Some(index) = self.pick(scene) {
            self.run_fragment(index, scene, end);
            if scene.is_stopped || self.executed >= end {
                return Progress::Interrupted;
            }
        }
        if self.fragments.is_empty() { Progress::Ended } else { Progress::Waiting }
    }

    /// Wakes fragments, joins those that have met, and picks the one that is furthest behind.
    fn pick(&mut self, scene: &Scene<'_>) -> Option<usize> {
        for fragment in &mut self.fragments {
            if let State::Barrier { id, generation } = fragment.state
                && scene.barriers[id as usize % 16].generation != generation
            {
                fragment.state = State::Running;
                fragment.pc += 1;
            }
        }
        if self.fragments.len() > 1 {
            self.join();
        }
        let running = self.fragments.iter().enumerate().filter(|(_, fragment)| fragment.state == State::Running);
        running.min_by_key(|(_, fragment)| fragment.pc).map(|(index, _)| index)
    }

    /// Joins running fragments with those at the same place that run or wait for lanes.
    fn join(&mut self) {
        let mut index = 0;
        while index < self.fragments.len() {
            let Fragment { pc, state, .. } = self.fragments[index];
            let twin = self.fragments[index + 1..].iter().position(|other| {
                other.pc == pc
                    && matches!(
                        (state, other.state),
                        (State::Running, State::Running | State::Lanes) | (State::Lanes, State::Running)
                    )
            });
            match twin {
                Some(offset) => {
                    let other = self.fragments.remove(index + 1 + offset);
                    self.fragments[index].lanes |= other.lanes;
                    self.fragments[index].state = State::Running;
                }
                None => index += 1,
            }
        }
    }

    /// Runs one fragment until it ends, waits, parts, or meets or passes another.
    fn run_fragment(&mut self, index: usize, scene: &mut Scene<'_>, end: u64) {
        let kernel = scene.context.kernel;
        let limit = scene.context.options.max_instructions;
        // Others lie ahead: up to the nearest of them this one runs alone.
        let nearest = self
            .fragments
            .iter()
            .enumerate()
            .filter(|(other, fragment)| *other != index && !matches!(fragment.state, State::Barrier { .. }))
            .map(|(_, fragment)| fragment.pc)
            .min()
            .unwrap_or(u32::MAX);
        let Fragment { mut pc, lanes, .. } = self.fragments[index];
        loop {
            let Some(instruction) = kernel.instructions.get(pc as usize) else {
                // Control cannot run off the end of a verified kernel.
                self.exit(index, lanes, scene);
                return;
            };
            if self.executed >= limit {
                let here = (Action::Execute, self.first_thread(lanes), pc);
                scene.report_and_stop(Kind::Endless { limit }, None, here);
            }
            if self.executed >= end || scene.is_stopped {
                self.fragments[index].pc = pc;
                return;
            }
            self.executed += 1;
            scene.statistics.count(instruction.class);
            let active = match instruction.guard {
                None => lanes,
                Some((slot, is_negated)) => {
                    let holds = self.registers.pred(slot, lanes);
                    lanes & if is_negated { !holds } else { holds }
                }
            };
            let flow = if active == 0 { Flow::Next } else { step(self, scene, instruction, pc, active) };
            if let Some((source, missing)) = self.registers.take_missing() {
                let register = kernel.slots.name(source);
                let here = (Action::Execute, self.first_thread(missing), pc);
                scene.report(Kind::UninitialisedRegister { register }, None, vec![here]);
            }
            match flow {
                Flow::Next => pc += 1,
                Flow::Jump(target) if active == lanes => pc = target,
                Flow::Jump(target) => {
                    self.fragments[index].pc = pc + 1;
                    self.part(index, active, target, State::Running);
                    return;
                }
                Flow::Exit => {
                    self.fragments[index].pc = pc + 1;
                    self.exit(index, active, scene);
                    return;
                }
                Flow::Barrier { id, generation } => {
                    // A barrier that this arrival completed is passed at the next look.
                    self.fragments[index].pc = pc + 1;
                    self.part(index, active, pc, State::Barrier { id, generation });
                    return;
                }
                Flow::WaitForLanes => {
                    self.fragments[index].pc = pc + 1;
                    self.part(index, active, pc, State::Lanes);
                    return;
                }
            }
            if pc >= nearest {
                self.fragments[index].pc = pc;
                return;
            }
        }
    }

    /// Takes `lanes` out of a fragment into one of their own; a fragment without lanes is gone.
    fn part(&mut self, index: usize, lanes: u32, pc: u32, state: State) {
        self.fragments[index].lanes &= !lanes;
        let separate = Fragment { pc, lanes, state };
        if self.fragments[index].lanes == 0 {
            self.fragments[index] = separate;
        } else {
            self.fragments.push(separate);
        }
    }

    fn exit(&mut self, index: usize, lanes: u32, scene: &mut Scene<'_>) {
        self.live &= !lanes;
        self.fragments[index].lanes &= !lanes;
        if self.fragments[index].lanes == 0 {
            self.fragments.remove(index);
        }
        // Lanes that waited for these wait no longer.
        for fragment in &mut self.fragments {
            if fragment.state == State::Lanes {
                fragment.state = State::Running;
            }
        }
        scene.exit(lanes);
    }
}
