//! Running a kernel: blocks in parallel, the warps of a block by turns, the lanes of a warp together as long as they agree on the way.
//!
//! | file | what |
//! |---|---|
//! | `schedule` | which blocks run when |
//! | `block` | the warps of a block until all have ended or none can go on |
//! | `barrier` | the sixteen barriers of a block |
//! | `mbarrier` | barriers in shared memory |
//! | `watch`, `order` | races on device memory; what fences and atomics order |
//! | `local` | the memory of each thread |
//! | `scene` | what the warps of a block share: shared memory, barriers, findings |
//! | `warp` | the fragments of a warp, and which of them runs |
//! | `step` | one instruction |
//! | `straight` | a run of instructions that are functions of registers |
//! | `access`, `atomic`, `matrix`, `copy` | the instructions on memory |
//! | `row` | loads and stores of a whole warp, one word after the other |
//! | `together` | loads and stores all of whose lanes stay in one place |
//! | `target` | where an access goes, or why it cannot be made |
//! | `exchange` | the instructions between lanes |
//! | `unwritten` | what nobody has written, from where it was read to where it is used |
//! | `traffic` | sectors and bank conflicts |

mod access;
mod atomic;
mod barrier;
mod block;
mod copy;
mod discard;
mod exchange;
mod local;
mod matrix;
mod mbarrier;
mod order;
mod row;
mod rows;
mod scene;
mod schedule;
mod step;
mod straight;
mod target;
mod together;
mod traffic;
mod unwritten;
mod warp;
mod watch;

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use order::Order;

use crate::decode::Decoded;
use crate::launch::{Launch, Options, Outcome};
use crate::memory::shadow::Shadow;
use crate::memory::shared::Shared;
use crate::memory::{Memory, Variables, View};
use crate::profile::Profile;
use crate::report::Report;
use crate::statistics::{LineStatistics, Statistics};

/// What all blocks of a launch share.
pub(crate) struct Context<'l> {
    pub(crate) profile: Profile,
    pub(crate) kernel: &'l Decoded,
    pub(crate) lines: &'l [String],
    pub(crate) view: &'l View,
    pub(crate) params: &'l [u8],
    pub(crate) launch: Launch,
    pub(crate) options: &'l Options,
    /// Who touched what that is not one block's alone.
    pub(crate) shadow: Shadow<'l>,
    /// What orders accesses besides barriers of all threads, if the kernel has such and races are looked for.
    pub(crate) order: Option<Mutex<Order>>,
    /// Whether each instruction is counted on its own.
    pub(crate) counts_lines: bool,
    /// Set when something was found after which nothing can be trusted: blocks that have not begun do not.
    pub(crate) is_stopped: AtomicBool,
}

/// What a launch was asked to do, checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'l> {
    pub(crate) launch: Launch,
    pub(crate) params: &'l [u8],
    pub(crate) options: &'l Options,
    /// Whether each instruction is counted on its own.
    pub(crate) counts_lines: bool,
}

/// Lanes of a warp.
pub(crate) const LANES: u32 = 32;
/// All of them.
pub(crate) const ALL: u32 = u32::MAX;

impl Context<'_> {
    /// The index in the grid of a block.
    pub(crate) fn block_index(&self, number: u32) -> [u32; 3] {
        let [width, height, _] = self.launch.grid.map(u64::from);
        let number = u64::from(number);
        let at = |index: u64| u32::try_from(index).unwrap_or(u32::MAX);
        [at(number % width), at(number / width % height), at(number / (width * height))]
    }

    pub(crate) fn threads(&self) -> u32 {
        self.launch.block.iter().product()
    }

    pub(crate) fn shared_bytes(&self) -> u32 {
        self.kernel.info.static_shared_bytes + self.launch.dynamic_shared_bytes
    }
}

/// Runs every block of a launch.
pub(crate) fn run(
    profile: Profile,
    kernel: &Decoded,
    lines: &Arc<Vec<String>>,
    (memory, variables): (&Memory, &Arc<Variables>),
    request: Request<'_>,
) -> Outcome {
    let Request { launch, params, options, counts_lines } = request;
    let mut view = memory.view(Arc::clone(variables));
    if let Some(written) = &kernel.written {
        view.limit_writes(written.iter().flat_map(|(offset, bytes)| pointers(params, *offset, *bytes)));
    }
    let shadow = Shadow::new(&view, kernel.info.static_shared_bytes + launch.dynamic_shared_bytes);
    let context = Context {
        profile,
        kernel,
        lines,
        view: &view,
        params,
        launch,
        options,
        is_stopped: AtomicBool::new(false),
        shadow,
        order: (kernel.communicates && options.check.finds_races()).then(Mutex::default),
        counts_lines,
    };
    let mut results = schedule::run(&context);
    let mut statistics = Statistics::default();
    let mut found = Vec::new();
    let mut by_line: BTreeMap<u32, Statistics> = BTreeMap::new();
    for worker in &mut results {
        statistics.add(&worker.statistics);
        for (instruction, counted) in kernel.instructions.iter().zip(&worker.lines) {
            by_line.entry(instruction.line).or_default().add(counted);
        }
        found.append(&mut worker.findings);
    }
    let lines = by_line.into_iter().map(|(line, statistics)| LineStatistics { line, statistics }).collect();
    found.sort_by_key(|(block, ..)| *block);
    let mut seen = HashSet::new();
    let findings = found
        .into_iter()
        .filter(|(_, key, _)| seen.insert(*key))
        .map(|(.., finding)| finding)
        .take(Report::LIMIT)
        .collect();
    Outcome {
        report: Report { kernel: kernel.info.name.clone(), seed: options.seed, converge: options.converge, findings },
        statistics,
        lines,
    }
}

/// The 64-bit values that a parameter holds, which may be pointers.
fn pointers(params: &[u8], offset: u32, bytes: u32) -> impl Iterator<Item = u64> + '_ {
    let (start, end) = (offset as usize, (offset + bytes) as usize);
    params.get(start..end).unwrap_or(&[]).chunks_exact(8).map(|chunk| {
        let mut value = [0; 8];
        value.copy_from_slice(chunk);
        u64::from_le_bytes(value)
    })
}

/// What one thread of the host keeps from block to block.
#[derive(Default)]
pub(crate) struct Worker {
    shared: Shared,
    warps: Vec<warp::Warp>,
    pub(crate) statistics: Statistics,
    /// Counts of each instruction, if they were wanted.
    lines: Vec<Statistics>,
    pub(crate) findings: Vec<(u64, scene::Key, crate::report::Finding)>,
}

impl Worker {
    /// Runs one block to its end.
    pub(crate) fn run(&mut self, context: &Context<'_>, number: u32) {
        let mut block =
            block::Block::new(context, number, std::mem::take(&mut self.shared), std::mem::take(&mut self.warps));
        while block.go_on(block::QUANTUM) == block::Progress::Working {}
        self.take(block);
    }

    /// Takes over what a block leaves behind.
    pub(crate) fn take(&mut self, mut block: block::Block<'_>) {
        block.scene.forget();
        let number = u64::from(block.scene.number);
        self.warps = block.warps;
        self.shared = block.scene.shared;
        self.statistics.add(&block.scene.statistics);
        self.lines.resize(self.lines.len().max(block.scene.lines.len()), Statistics::ZERO);
        for (sum, counted) in self.lines.iter_mut().zip(&block.scene.lines) {
            sum.add(counted);
        }
        self.findings.extend(block.scene.findings.into_iter().map(|(key, finding)| (number, key, finding)));
    }
}
