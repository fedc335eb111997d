//! Running a kernel: blocks in parallel, the warps of a block by turns, the lanes of a warp together as long as they agree on the way.
//!
//! | file | what |
//! |---|---|
//! | `block` | the warps of a block until all have ended or none can go on |
//! | `scene` | what the warps of a block share: shared memory, barriers, findings |
//! | `warp` | the fragments of a warp, and which of them runs |
//! | `registers` | the register files of a warp |
//! | `step` | one instruction |
//! | `access`, `copy`, `exchange` | the instructions on memory, asynchronous copies, and between lanes |
//! | `traffic` | sectors and bank conflicts |

mod access;
mod block;
mod copy;
mod exchange;
mod registers;
mod scene;
mod step;
mod traffic;
mod warp;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::decode::Decoded;
use crate::launch::{Launch, Options, Outcome};
use crate::memory::shared::Shared;
use crate::memory::{Memory, View};
use crate::profile::Profile;
use crate::report::Report;
use crate::statistics::Statistics;

/// What all blocks of a launch share.
pub(crate) struct Context<'l> {
    pub(crate) profile: Profile,
    pub(crate) kernel: &'l Decoded,
    pub(crate) lines: &'l [String],
    pub(crate) view: View,
    pub(crate) params: &'l [u8],
    pub(crate) launch: Launch,
    pub(crate) options: &'l Options,
    /// Set when something was found after which nothing can be trusted: blocks that have not begun do not.
    pub(crate) is_stopped: AtomicBool,
}

/// Lanes of a warp.
pub(crate) const LANES: u32 = 32;
/// All of them.
pub(crate) const ALL: u32 = u32::MAX;

impl Context<'_> {
    pub(crate) fn threads(&self) -> u32 {
        self.launch.block.iter().product()
    }

    pub(crate) fn shared_bytes(&self) -> u32 {
        self.kernel.info.static_shared_bytes + self.launch.dynamic_shared_bytes
    }
}

/// Runs every block of a launch that was checked.
pub(crate) fn run(
    profile: Profile,
    kernel: &Decoded,
    lines: &Arc<Vec<String>>,
    memory: &Memory,
    launch: Launch,
    params: &[u8],
    options: &Options,
) -> Outcome {
    let context = Context {
        profile,
        kernel,
        lines,
        view: memory.view(),
        params,
        launch,
        options,
        is_stopped: AtomicBool::new(false),
    };
    let [width, height, depth] = launch.grid.map(u64::from);
    let blocks = width * height * depth;
    // A worker's shared memory and registers serve one block after the other.
    let mut results: Vec<_> = (0..blocks)
        .into_par_iter()
        .fold(Worker::default, |mut worker, number| {
            if !context.is_stopped.load(Ordering::Relaxed) {
                worker.run(&context, number);
            }
            worker
        })
        .map(|worker| (worker.findings, worker.statistics))
        .collect();
    let mut statistics = Statistics::default();
    let mut found = Vec::new();
    for (findings, counted) in &mut results {
        statistics.add(counted);
        found.append(findings);
    }
    found.sort_by_key(|(block, ..)| *block);
    let mut seen = HashSet::new();
    let findings = found
        .into_iter()
        .filter(|(_, key, _)| seen.insert(*key))
        .map(|(.., finding)| finding)
        .take(Report::LIMIT)
        .collect();
    Outcome { report: Report { kernel: kernel.info.name.clone(), seed: options.seed, findings }, statistics }
}

/// What one thread of the host keeps from block to block.
#[derive(Default)]
struct Worker {
    shared: Shared,
    warps: Vec<warp::Warp>,
    statistics: Statistics,
    findings: Vec<(u64, scene::Key, crate::report::Finding)>,
}

impl Worker {
    fn run(&mut self, context: &Context<'_>, number: u64) {
        let [width, height, _] = context.launch.grid.map(u64::from);
        let at = |index: u64| u32::try_from(index).unwrap_or(u32::MAX);
        let index = [at(number % width), at(number / width % height), at(number / (width * height))];
        let mut scene = scene::Scene::new(context, index, std::mem::take(&mut self.shared));
        block::run(&mut scene, &mut self.warps, number);
        self.shared = scene.shared;
        self.statistics.add(&scene.statistics);
        self.findings.extend(scene.findings.into_iter().map(|(key, finding)| (number, key, finding)));
    }
}
