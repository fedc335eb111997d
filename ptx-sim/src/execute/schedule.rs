//! Which blocks run when.
//!
//! Blocks that cannot notice each other run in parallel on all cores, each to its end. Blocks of a kernel whose threads communicate run by turns on one
//! core, as many at a time as a chip could hold, so that one can wait for another; the seed decides whose turn it is and how long it lasts.

use std::sync::atomic::Ordering;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::block::{Block, Progress, QUANTUM};
use super::{Context, LANES, Worker};
use crate::memory::shared::Shared;

/// Warps that run at a time when blocks run by turns.
const RESIDENT_WARPS: u32 = 2048;

pub(super) fn run(context: &Context<'_>) -> Vec<Worker> {
    let blocks = context.launch.grid.map(u64::from).iter().product::<u64>();
    let blocks = u32::try_from(blocks).unwrap_or(u32::MAX);
    if context.kernel.communicates {
        return vec![by_turns(context, blocks)];
    }
    (0..blocks)
        .into_par_iter()
        .fold(Worker::default, |mut worker, number| {
            if !context.is_stopped.load(Ordering::Relaxed) {
                worker.run(context, number);
            }
            worker
        })
        .collect()
}

fn by_turns(context: &Context<'_>, blocks: u32) -> Worker {
    let mut worker = Worker::default();
    let multiprocessors = context.profile.limits().multiprocessors;
    let room = (RESIDENT_WARPS / context.threads().div_ceil(LANES).max(1)).clamp(1, multiprocessors) as usize;
    let mut waiting = 0..blocks;
    let mut resident: Vec<Block<'_>> = Vec::new();
    let seed = context.options.seed;
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut has_worked = true;
    loop {
        while resident.len() < room
            && let Some(number) = waiting.next()
        {
            resident.push(Block::new(context, number, Shared::default(), Vec::new()));
            has_worked = true;
        }
        if resident.is_empty() {
            return worker;
        }
        if !has_worked {
            // Every block waits, and none for something that can still happen.
            for block in &mut resident {
                block.report_deadlock();
            }
        }
        has_worked = false;
        state = (state ^ state >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9).wrapping_add(seed);
        let count = resident.len();
        // In order, and long turns, for seed 0.
        let (first, quantum) =
            if seed == 0 { (0, QUANTUM / 16) } else { ((state >> 33) as usize % count, 16 << (state >> 20 & 7)) };
        for turn in 0..count {
            let index = (first + turn) % count;
            has_worked |= resident.get_mut(index).is_some_and(|block| block.go_on(quantum) != Progress::Waiting);
            if context.is_stopped.load(Ordering::Relaxed) {
                resident.drain(..).for_each(|block| worker.take(block));
                return worker;
            }
        }
        let mut index = 0;
        while index < resident.len() {
            if resident[index].has_ended {
                worker.take(resident.remove(index));
            } else {
                index += 1;
            }
        }
    }
}
