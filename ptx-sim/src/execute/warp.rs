//! A warp: lanes that run together while they are at the same place.
//!
//! Lanes that part at a branch become fragments. The fragment that is furthest behind in the code runs first, and fragments that meet
//! become one again: for code whose branches nest, that is where the branch ends. Nothing in PTX promises more, and nothing here relies on it.

use super::LANES;
use super::barrier;
use super::copy::Copies;
use super::local::Local;
use super::mbarrier::Poll;
use super::scene::Scene;
use super::step::{Flow, step};
use crate::decode::Code;
use crate::launch::Converge;
use crate::memory::shared::Actor;
use crate::registers::Registers;
use crate::report::{Action, Kind};

/// A warp of the current block.
#[derive(Debug, Default)]
pub(crate) struct Warp {
    index: u32,
    pub(crate) registers: Registers,
    pub(crate) copies: Copies,
    pub(crate) local: Local,
    fragments: Vec<Fragment>,
    /// Lanes that it began with.
    pub(crate) started: u32,
    /// Lanes that have not exited.
    pub(crate) live: u32,
    /// Where each lane that has exited did so.
    exits: [u32; 32],
    /// The furthest barrier in the code that each lane has come to.
    barriers: [u32; 32],
    /// What each lane asked for in vain.
    pub(super) polls: [Poll; 32],
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
    /// Instructions since it last parted, waited or met another.
    spent: u64,
}

/// Instructions after which lanes that wait for others of their warp let them go on, wherever they are: what one lane spins for, another may have
/// to do.
const PATIENCE: u64 = 4096;

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
    /// Waits for all lanes of its warp.
    Warp,
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
        self.local.reset(scene.context.kernel.local_bytes);
        self.fragments.clear();
        self.fragments.push(Fragment { pc: 0, lanes: live, state: State::Running, spent: 0 });
        self.started = live;
        self.live = live;
        self.exits = [0; 32];
        self.barriers = [0; 32];
        self.polls = [Poll::default(); 32];
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

    #[expect(clippy::cast_possible_truncation, reason = "a block has 1024 threads")]
    pub(crate) const fn actor(&self, lane: u32, pc: u32) -> Actor {
        Actor { thread: (self.index * LANES + lane) as u16, turn: self.turn, pc }
    }

    /// All lanes that run together with these, which do so with each other.
    pub(crate) fn together(&self, lanes: u32) -> u32 {
        self.fragments.iter().find(|fragment| fragment.lanes & lanes != 0).map_or(lanes, |fragment| fragment.lanes)
    }

    /// The lanes that a barrier waits for: those that are there, and those that have gone around it. Who left before it in the code, or was at it earlier and
    /// left later, is not waited for.
    pub(crate) fn wanted_at_barrier(&self, pc: u32) -> u32 {
        if self.live == self.started {
            return self.started;
        }
        let has_left = |lane: &usize| self.exits[*lane] < pc || self.barriers[*lane] >= pc;
        let left = (0..32usize).filter(has_left).fold(0, |left, lane| left | 1u32 << lane);
        self.started & (self.live | !left)
    }

    /// Notes that lanes have come to a barrier.
    pub(crate) fn come_to_barrier(&mut self, lanes: u32, pc: u32) {
        for (lane, furthest) in self.barriers.iter_mut().enumerate() {
            *furthest = (*furthest).max(if lanes >> lane & 1 == 1 { pc } else { 0 });
        }
    }

    /// How lanes wait, and where: for others, or for a barrier in shared memory that they ask in vain. `None` if some do something else.
    pub(crate) fn waiting(&self, scene: &Scene<'_>) -> Option<Vec<(Action, u32, u32)>> {
        let mut waiting = Vec::new();
        for fragment in &self.fragments {
            if fragment.state != State::Running {
                waiting.push((Action::Wait, self.first_thread(fragment.lanes), fragment.pc));
                continue;
            }
            for lane in (0..LANES).filter(|lane| fragment.lanes >> lane & 1 == 1) {
                let (action, pc) = scene.vain(self.polls.get(lane as usize)?)?;
                waiting.push((action, self.first_thread(1 << lane), pc));
            }
        }
        Some(waiting)
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
    fn pick(&mut self, scene: &mut Scene<'_>) -> Option<usize> {
        for index in 0..self.fragments.len() {
            let Fragment { pc, lanes, state, .. } = self.fragments[index];
            if let State::Barrier { id, generation } = state
                && scene.barriers[id as usize % 16].generation != generation
            {
                let instruction = scene.context.kernel.instructions.get(pc as usize);
                if let Some(Code::Barrier { combine: Some(combine), .. }) =
                    instruction.map(|instruction| &instruction.code)
                {
                    barrier::answer(self, scene.votes(id, generation), combine, lanes);
                }
                self.fragments[index].state = State::Running;
                self.fragments[index].pc += 1;
            }
        }
        let adversary = scene.context.options.converge == Converge::Adversarial;
        if self.fragments.len() > 1 {
            self.join(adversary);
        }
        let running = self.fragments.iter().enumerate().filter(|(_, fragment)| fragment.state == State::Running);
        let patience = if scene.context.kernel.communicates { PATIENCE } else { u64::MAX };
        if adversary {
            let candidates: Vec<usize> = running.map(|(index, _)| index).collect();
            let next = candidates.get(self.draw(scene, candidates.len())).copied();
            if next.is_none() {
                self.look_for_divergence(scene);
            }
            return next;
        }
        let next = running.min_by_key(|(_, fragment)| (fragment.spent / patience, fragment.pc)).map(|(index, _)| index);
        if next.is_none() {
            self.look_for_divergence(scene);
        }
        next
    }

    /// A number below `limit` that follows from the seed and how far the warp has come.
    fn draw(&self, scene: &Scene<'_>, limit: usize) -> usize {
        let seed = scene.context.options.seed ^ u64::from(self.index) << 32;
        let mixed = (self.executed ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        usize::try_from(mixed >> 33).unwrap_or(0) % limit.max(1)
    }

    /// A fragment that waits for the whole warp, of which the rest waits elsewhere for lanes, waits for ever.
    fn look_for_divergence(&self, scene: &mut Scene<'_>) {
        let others_come = self.fragments.iter().any(|fragment| matches!(fragment.state, State::Barrier { .. }));
        let waiting = self.fragments.iter().find(|fragment| fragment.state == State::Warp);
        if let (Some(fragment), false) = (waiting, others_come) {
            let here = (Action::Execute, self.first_thread(fragment.lanes), fragment.pc);
            let kind = Kind::Divergence { lanes: fragment.lanes, wanted: self.live };
            let mut accesses = vec![here];
            let elsewhere = self.fragments.iter().filter(|other| other.pc != fragment.pc);
            accesses.extend(elsewhere.map(|other| (Action::Wait, self.first_thread(other.lanes), other.pc)));
            scene.report(kind, None, accesses);
            scene.stop();
        }
    }

    /// Joins running fragments with those at the same place that run or wait for lanes.
    fn join(&mut self, adversary: bool) {
        let mut index = 0;
        while index < self.fragments.len() {
            let Fragment { pc, state, .. } = self.fragments[index];
            let twin = self.fragments[index + 1..].iter().position(|other| {
                other.pc == pc
                    && ((!adversary && (state, other.state) == (State::Running, State::Running))
                        || matches!(
                            (state, other.state),
                            (State::Running, State::Lanes | State::Warp) | (State::Lanes | State::Warp, State::Running)
                        ))
            });
            match twin {
                Some(offset) => {
                    let other = self.fragments.remove(index + 1 + offset);
                    self.fragments[index].lanes |= other.lanes;
                    self.fragments[index].state = State::Running;
                    self.fragments[index].spent = 0;
                }
                None => index += 1,
            }
        }
    }

    /// Runs one fragment until it ends, waits, parts, or meets or passes another.
    fn run_fragment(&mut self, index: usize, scene: &mut Scene<'_>, end: u64) {
        let kernel = scene.context.kernel;
        let limit = scene.context.options.max_instructions;
        let adversary = scene.context.options.converge == Converge::Adversarial;
        // Lanes run on their own for a while that the seed decides.
        let pause = if adversary && self.fragments.len() > 1 {
            self.executed + 1 + self.draw(scene, 60) as u64
        } else {
            u64::MAX
        };
        // Others lie ahead: up to the nearest of them this one runs alone; an adversary's meet only those that wait.
        let others = self.fragments.iter().enumerate().filter(|(other, fragment)| {
            let waits = matches!(fragment.state, State::Lanes | State::Warp);
            *other != index && (waits || (fragment.state == State::Running && !adversary))
        });
        let others: Vec<u32> = others.map(|(_, fragment)| fragment.pc).collect();
        let nearest = others.iter().copied().min().unwrap_or(u32::MAX);
        let alone = (self.fragments.len() > 1 && scene.context.kernel.communicates).then_some(PATIENCE);
        // Lines are counted, and an adversary's lanes met, one instruction at a time.
        let straight = scene.lines.is_empty() && (!adversary || self.fragments.len() == 1);
        let Fragment { mut pc, lanes, .. } = self.fragments[index];
        loop {
            let Some(instruction) = kernel.instructions.get(pc as usize) else {
                // Control cannot run off the end of a verified kernel.
                self.exit(index, lanes, pc, scene);
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
            if straight {
                // Up to where something else may have to be done.
                let spent = self.fragments[index].spent;
                let patience = alone.map_or(u64::MAX, |patience| patience - spent % patience);
                let meets = if nearest > pc { nearest - pc } else { 1 };
                let limit = (end.min(limit) - self.executed).min(patience).min(meets.into());
                let count = self.run_straight(scene, pc, lanes, limit);
                if count > 0 {
                    self.executed += u64::from(count);
                    self.fragments[index].spent += u64::from(count);
                    pc += count;
                    let is_impatient =
                        alone.is_some_and(|patience| self.fragments[index].spent.is_multiple_of(patience));
                    if pc >= nearest || is_impatient {
                        self.fragments[index].pc = pc;
                        return;
                    }
                    continue;
                }
            }
            self.executed += 1;
            self.fragments[index].spent += 1;
            let before = if scene.lines.is_empty() { None } else { Some(scene.statistics) };
            scene.statistics.count(instruction.class);
            let active = match instruction.guard {
                None => lanes,
                Some((slot, is_negated)) => {
                    let holds = self.registers.pred(slot, lanes);
                    lanes & if is_negated { !holds } else { holds }
                }
            };
            let flow = if active == 0 { Flow::Next } else { step(self, scene, instruction, pc, active) };
            self.settle_missing(scene, pc, active);
            if let (Some(before), Some(counted)) = (before, scene.lines.get_mut(pc as usize)) {
                counted.add(&scene.statistics.since(&before));
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
                    self.exit(index, active, pc, scene);
                    return;
                }
                Flow::Barrier { id, generation } => {
                    // A barrier that this arrival completed is passed at the next look.
                    self.fragments[index].pc = pc + 1;
                    self.part(index, active, pc, State::Barrier { id, generation });
                    return;
                }
                Flow::Scatter(targets) => {
                    self.fragments[index].pc = pc + 1;
                    self.scatter(index, active, &targets);
                    return;
                }
                Flow::WaitForWarp => {
                    self.fragments[index].pc = pc + 1;
                    self.part(index, active, pc, State::Warp);
                    return;
                }
                Flow::WaitForLanes => {
                    self.fragments[index].pc = pc + 1;
                    self.part(index, active, pc, State::Lanes);
                    return;
                }
            }
            let is_impatient = alone.is_some_and(|patience| self.fragments[index].spent.is_multiple_of(patience));
            let meets = if adversary { others.contains(&pc) } else { pc >= nearest };
            if meets || is_impatient || self.executed >= pause {
                self.fragments[index].pc = pc;
                return;
            }
        }
    }

    /// Takes `lanes` out of a fragment into one of their own; a fragment without lanes is gone.
    fn part(&mut self, index: usize, lanes: u32, pc: u32, state: State) {
        self.fragments[index].lanes &= !lanes;
        let separate = Fragment { pc, lanes, state, spent: 0 };
        if self.fragments[index].lanes == 0 {
            self.fragments[index] = separate;
        } else {
            self.fragments.push(separate);
        }
    }

    /// Sends each of `lanes` to its own target.
    fn scatter(&mut self, index: usize, lanes: u32, targets: &[u32; 32]) {
        let mut rest = lanes;
        while rest != 0 {
            let target = targets[rest.trailing_zeros() as usize % 32];
            let group = (0..32usize).filter(|lane| rest >> lane & 1 == 1 && targets[*lane] == target);
            let group = group.fold(0u32, |group, lane| group | 1 << lane);
            // The last group takes the fragment's place.
            self.part(index, group, target, State::Running);
            rest &= !group;
        }
    }

    fn exit(&mut self, index: usize, lanes: u32, pc: u32, scene: &mut Scene<'_>) {
        self.live &= !lanes;
        for (lane, place) in self.exits.iter_mut().enumerate() {
            if lanes >> lane & 1 == 1 {
                *place = pc;
            }
        }
        self.fragments[index].lanes &= !lanes;
        if self.fragments[index].lanes == 0 {
            self.fragments.remove(index);
        }
        // Lanes that waited for these wait no longer; a warp that had to be whole never will be, but at a barrier that does not want these.
        for index in 0..self.fragments.len() {
            let fragment = self.fragments[index];
            let instruction = scene.context.kernel.instructions.get(fragment.pc as usize);
            let is_barrier = instruction.is_some_and(|instruction| matches!(instruction.code, Code::Barrier { .. }));
            let is_wanted = !is_barrier || self.wanted_at_barrier(fragment.pc) & lanes != 0;
            if fragment.state == State::Lanes || (fragment.state == State::Warp && !is_wanted) {
                self.fragments[index].state = State::Running;
            } else if fragment.state == State::Warp {
                let here = (Action::Execute, self.first_thread(fragment.lanes), fragment.pc);
                let kind = Kind::Divergence { lanes: fragment.lanes, wanted: self.live | lanes };
                scene.report_and_stop(kind, None, here);
            }
        }
        scene.exit(lanes);
    }
}
