//! The warps of a block, by turns.

use super::scene::Scene;
use super::warp::{self, Warp};
use super::{ALL, Context, LANES};
use crate::memory::shared::Shared;
use crate::report::{Action, Kind};

/// Instructions that a warp may execute before it is another one's turn.
pub(crate) const QUANTUM: u64 = 16_384;

/// A block that runs.
pub(crate) struct Block<'l> {
    pub(crate) scene: Scene<'l>,
    pub(crate) warps: Vec<Warp>,
    round: u64,
    /// Whether there is nothing more to run.
    pub(crate) has_ended: bool,
}

/// How a turn of all warps ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Working,
    /// No warp could go on.
    Waiting,
    Ended,
}

impl<'l> Block<'l> {
    /// A block at its start; memory and warps are those of one that has ended.
    pub(crate) fn new(context: &'l Context<'l>, number: u32, shared: Shared, mut warps: Vec<Warp>) -> Self {
        let scene = Scene::new(context, number, shared);
        let threads = context.threads();
        let count = threads.div_ceil(LANES);
        warps.resize_with(count as usize, Warp::default);
        for (index, warp) in (0..count).zip(warps.iter_mut()) {
            let left = threads - index * LANES;
            let live = if left >= LANES { ALL } else { (1 << left) - 1 };
            warp.reset(index, live, &scene);
        }
        let round = context.options.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(number);
        Self { scene, warps, round, has_ended: false }
    }

    /// Gives every warp a turn. A block on its own that cannot go on is a deadlock, and ends.
    pub(crate) fn go_on(&mut self, quantum: u64) -> Progress {
        if self.has_ended {
            return Progress::Ended;
        }
        let seed = self.scene.context.options.seed;
        let count = u32::try_from(self.warps.len()).unwrap_or(u32::MAX);
        let (mut has_progressed, mut is_alive) = (false, false);
        for turn in 0..count {
            let index = pick(seed, self.round, turn, count);
            let Some(warp) = self.warps.get_mut(index as usize) else { continue };
            let before = warp.executed();
            let progress = warp.run(&mut self.scene, quantum);
            if self.scene.is_stopped {
                self.has_ended = true;
                return Progress::Ended;
            }
            has_progressed |= warp.executed() != before;
            is_alive |= progress != warp::Progress::Ended;
        }
        self.round = self.round.wrapping_add(1);
        if !is_alive {
            self.has_ended = true;
            return Progress::Ended;
        }
        if has_progressed {
            if self.scene.is_quiet() && self.warps.iter().all(|warp| warp.waiting(&self.scene).is_some()) {
                self.report_deadlock();
            }
            return Progress::Working;
        }
        if !self.scene.context.kernel.communicates {
            self.report_deadlock();
        }
        Progress::Waiting
    }

    pub(crate) fn report_deadlock(&mut self) {
        let mut waiting: Vec<(Action, u32, u32)> = Vec::new();
        for warp in &self.warps {
            for (action, thread, pc) in warp.waiting(&self.scene).unwrap_or_default() {
                if !waiting.iter().any(|(known, _, place)| (*known, *place) == (action, pc)) {
                    waiting.push((action, thread, pc));
                }
            }
        }
        self.scene.report(Kind::Deadlock, None, waiting);
        self.scene.stop();
        self.has_ended = true;
    }
}

/// Which warp runs at a turn: in order for seed 0, otherwise rotated and perhaps backwards.
fn pick(seed: u64, round: u64, turn: u32, count: u32) -> u32 {
    if seed == 0 {
        return turn;
    }
    let mixed = (round ^ round >> 31).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let (start, backwards) = ((mixed >> 33) as u32 % count, mixed & 1 == 1);
    let index = (start + turn) % count;
    if backwards { count - 1 - index } else { index }
}
