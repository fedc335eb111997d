//! The warps of a block, by turns.

use super::scene::Scene;
use super::warp::{Progress, Warp};
use super::{ALL, LANES};
use crate::report::{Action, Kind};

/// Instructions that a warp may execute before it is another one's turn.
const QUANTUM: u64 = 16_384;

/// Runs a block to its end, or until it cannot go on.
pub(crate) fn run(scene: &mut Scene<'_>, warps: &mut Vec<Warp>, number: u64) {
    let threads = scene.context.threads();
    let count = threads.div_ceil(LANES);
    warps.resize_with(count as usize, Warp::default);
    for (index, warp) in (0..count).zip(warps.iter_mut()) {
        let left = threads - index * LANES;
        let live = if left >= LANES { ALL } else { (1 << left) - 1 };
        warp.reset(index, live, scene);
    }
    let mut round = scene.context.options.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number;
    loop {
        let mut has_progressed = false;
        let mut is_alive = false;
        for turn in 0..count {
            let index = pick(scene.context.options.seed, round, turn, count);
            let Some(warp) = warps.get_mut(index as usize) else { continue };
            let before = warp.executed();
            let progress = warp.run(scene, QUANTUM);
            if scene.is_stopped {
                return;
            }
            has_progressed |= warp.executed() != before;
            is_alive |= progress != Progress::Ended;
        }
        if !is_alive {
            return;
        }
        if !has_progressed {
            report_deadlock(scene, warps);
            return;
        }
        round = round.wrapping_add(1);
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

fn report_deadlock(scene: &mut Scene<'_>, warps: &[Warp]) {
    let mut waiting: Vec<(Action, u32, u32)> = Vec::new();
    for warp in warps {
        for (pc, lanes) in warp.waiting() {
            if !waiting.iter().any(|(.., known)| *known == pc) {
                waiting.push((Action::Wait, warp.first_thread(lanes), pc));
            }
        }
    }
    scene.report(Kind::Deadlock, None, waiting);
    scene.stop();
}
