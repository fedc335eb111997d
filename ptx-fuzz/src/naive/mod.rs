//! The naive evaluator: one lane at a time, one instruction at a time, written from the PTX ISA's text.
//!
//! It shares the IR with the simulator, and nothing else: integers are computed in `i128`, bit by bit where the ISA says so; floats by `rustc_apfloat`. Where
//! the ISA leaves something open it does what was measured on an H200 and an H100:
//!
//! - A NaN result is 0x7FFFFFFF in f32 and 0x7FFF in f16 and bf16, also of `neg` and `abs`. In f64 it is the last operand that is a NaN, for a quotient the
//!   dividend first, made quiet, else 0xFFF8000000000000; `neg` and `abs` change the sign alone.
//! - A conversion to or from f64 keeps the leading bits of a NaN and makes it quiet; from bf16 to f32 it stays as it is. `cvt.f32.f32` changes it
//!   with `.ftz` alone. `cvt.rna.tf32` cuts it.
//! - `.ftz` flushes a result after it was rounded, and does not flush what is converted to f16.
//!
//! It is no checker: an access outside its memory ends it with an error, and that is all.
//!
//! # Source
//! PTX ISA 9.0, section 9.7 (Instructions).

mod calls;
mod comparisons;
mod conversions;
mod extended;
mod floats;
mod integers;
mod lane;
mod matrices;
mod memory;
mod packed;
mod warp;

use tilewright_ptx_ir::ir::{Kernel, Label, Module, Op, Param, RegClass, Space, Special, Statement};

use lane::{Lane, Lanes};

/// Why a kernel was not evaluated to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NaiveError {
    /// An instruction that the evaluator does not know.
    #[error("`{what}` is not evaluated")]
    Unknown {
        /// The instruction.
        what: String,
    },
    /// An access outside the memory that the kernel was given.
    #[error("address {address:#x} in {space:?} memory is outside")]
    Outside {
        /// The space.
        space: Space,
        /// The address.
        address: u64,
    },
    /// Threads that wait for each other, or a thread that does not end.
    #[error("the kernel does not end")]
    Endless,
}

type Outcome<T> = Result<T, NaiveError>;

/// How many instructions a lane may execute.
const MOST_INSTRUCTIONS: u32 = 1 << 20;

/// A block while it runs.
struct Block<'k> {
    module: &'k Module,
    kernel: &'k Kernel,
    /// The results of the function that is executed, if it is one.
    results: &'k [Param],
    input: &'k [u8],
    output: &'k mut [u8],
    executions: &'k mut [u64],
    shared: Vec<u8>,
    index: u32,
    blocks: u32,
    threads: u32,
}

/// What a lane does next that it cannot do alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// At an instruction of the whole warp, by its place.
    Warp(usize),
    /// At a barrier, by its place.
    Barrier(usize),
    Ended,
}

/// What a kernel left, and how often each of its statements was executed, by all threads together.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Evaluated {
    /// The output.
    pub output: Vec<u8>,
    /// Executions by the place of the statement; an instruction whose guard is false is not executed.
    pub executions: Vec<u64>,
}

/// Runs a module's first kernel with the parameters `input` and `output`; the output begins as zeros.
///
/// # Errors
/// [`NaiveError`].
pub fn run(module: &Module, blocks: u32, threads: u32, input: &[u8]) -> Result<Evaluated, NaiveError> {
    let Some(kernel) = module.kernels.first() else { return Err(NaiveError::Endless) };
    let mut output = vec![0; input.len()];
    let mut executions = vec![0; kernel.body.len()];
    for index in 0..blocks {
        let shared = vec![0; kernel.static_shared_bytes() as usize];
        let (output, executions) = (&mut output[..], &mut executions[..]);
        let mut block =
            Block { module, kernel, results: &[], input, output, executions, shared, index, blocks, threads };
        block.run()?;
    }
    Ok(Evaluated { output, executions })
}

impl Block<'_> {
    fn run(&mut self) -> Outcome<()> {
        let mut lanes: Vec<Lane> = (0..self.threads).map(|thread| Lane::new(self.kernel, thread)).collect();
        lanes.iter_mut().for_each(|lane| lane.passed = memory::parameters());
        loop {
            let mut stops = Vec::new();
            for warp in lanes.chunks_mut(32) {
                stops.extend(self.run_warp(warp)?);
            }
            match stops.first() {
                Some(Stop::Ended) if stops.iter().all(|stop| *stop == Stop::Ended) => return Ok(()),
                Some(Stop::Barrier(place)) if stops.iter().all(|stop| *stop == Stop::Barrier(*place)) => {
                    self.barrier(*place, &mut lanes)?;
                }
                _ => return Err(NaiveError::Endless),
            }
        }
    }

    /// Runs the lanes of a warp until each is at a barrier or has ended.
    fn run_warp(&mut self, lanes: &mut [Lane]) -> Outcome<Vec<Stop>> {
        loop {
            let mut stops = Vec::new();
            for lane in lanes.iter_mut() {
                stops.push(self.run_lane(lane)?);
            }
            let Some(Stop::Warp(place)) = stops.first().copied() else { return Ok(stops) };
            if stops.iter().any(|stop| *stop != Stop::Warp(place)) {
                return Err(NaiveError::Endless);
            }
            let Some(Statement::Inst(inst)) = self.kernel.body.get(place) else { return Err(NaiveError::Endless) };
            match &inst.op {
                Op::LdMatrix { transpose, dsts, address } => self.load_matrices(*transpose, dsts, *address, lanes)?,
                op => warp::execute(op, lanes)?,
            }
            lanes.iter_mut().for_each(|lane| lane.place += 1);
        }
    }

    fn barrier(&self, place: usize, lanes: &mut [Lane]) -> Outcome<()> {
        let Some(Statement::Inst(inst)) = self.kernel.body.get(place) else { return Err(NaiveError::Endless) };
        warp::barrier(&inst.op, lanes);
        lanes.iter_mut().for_each(|lane| lane.place += 1);
        Ok(())
    }

    /// Runs a lane until it cannot go on alone.
    fn run_lane(&mut self, lane: &mut Lane) -> Outcome<Stop> {
        loop {
            let inst = match self.kernel.body.get(lane.place) {
                Some(Statement::Inst(inst)) => inst,
                Some(_) => {
                    lane.place += 1;
                    continue;
                }
                None => return Ok(Stop::Ended),
            };
            lane.executed += 1;
            if lane.executed > MOST_INSTRUCTIONS {
                return Err(NaiveError::Endless);
            }
            if inst.guard.is_some_and(|guard| (lane.read(guard.pred) != 0) == guard.negate) {
                lane.place += 1;
                continue;
            }
            if let Some(count) = self.executions.get_mut(lane.place) {
                *count += 1;
            }
            match &inst.op {
                Op::Shuffle { .. }
                | Op::Vote { .. }
                | Op::MatchAny { .. }
                | Op::MatchAll { .. }
                | Op::Redux { .. }
                | Op::LdMatrix { .. }
                | Op::MmaForm { .. }
                | Op::MoveMatrix { .. }
                | Op::Mma { .. } => return Ok(Stop::Warp(lane.place)),
                Op::BarrierSync { .. } | Op::BarrierReduce { .. } => return Ok(Stop::Barrier(lane.place)),
                Op::Return | Op::Exit => return Ok(Stop::Ended),
                Op::Branch { label, .. } => lane.place = self.place(*label)?,
                Op::BranchIndexed { index, labels, .. } => {
                    let label = usize::try_from(lane.read(*index)).ok().and_then(|index| labels.get(index));
                    lane.place = self.place(*label.ok_or_else(|| unknown(&inst.op))?)?;
                }
                op => {
                    self.step(op, lane)?;
                    lane.place += 1;
                }
            }
        }
    }

    fn place(&self, label: Label) -> Outcome<usize> {
        let found = self.kernel.body.iter().position(|statement| *statement == Statement::Label(label));
        found.ok_or(NaiveError::Endless)
    }

    fn step(&mut self, op: &Op, lane: &mut Lane) -> Outcome<()> {
        match op {
            Op::ReadSpecial { dst, src } => {
                let value = self.special(*src, lane.thread).ok_or_else(|| unknown(op))?;
                lane.write(*dst, value);
                Ok(())
            }
            // Nobody sees when these happen: a thread's accesses keep their order here, and a copy is done at once.
            Op::Fence { .. }
            | Op::Prefetch { .. }
            | Op::PrefetchUniform { .. }
            | Op::ApplyPriority { .. }
            | Op::PerformanceEvent { .. }
            | Op::Nanosleep { .. }
            | Op::WarpSync { .. }
            | Op::CpAsyncCommit
            | Op::CpAsyncWait { .. }
            | Op::CpAsyncWaitAll => Ok(()),
            Op::Call { function, results, arguments, .. } => self.call(*function, results, arguments, lane),
            op => match self.access(op, lane) {
                Some(outcome) => outcome,
                None => alone(op, lane),
            },
        }
    }

    fn special(&self, special: Special, thread: u32) -> Option<u64> {
        let lane = thread % 32;
        let below = (1u32 << lane) - 1;
        let value = match special {
            Special::TidX => thread,
            Special::NtidX => self.threads,
            Special::CtaidX => self.index,
            Special::NctaidX => self.blocks,
            Special::TidY | Special::TidZ | Special::CtaidY | Special::CtaidZ => 0,
            Special::NtidY | Special::NtidZ | Special::NctaidY | Special::NctaidZ => 1,
            Special::LaneId => lane,
            Special::LaneMaskLt => below,
            Special::LaneMaskEq => 1 << lane,
            Special::LaneMaskLe => below | 1 << lane,
            Special::LaneMaskGe => !below,
            Special::LaneMaskGt => !below & !(1 << lane),
            _ => return None,
        };
        Some(value.into())
    }
}

/// An instruction whose lanes have nothing to do with each other or with memory.
fn alone(op: &Op, lane: &mut Lane) -> Outcome<()> {
    let done = integers::execute(op, lane)
        .or_else(|| extended::execute(op, lane))
        .or_else(|| packed::execute(op, lane))
        .or_else(|| comparisons::execute(op, lane))
        .or_else(|| floats::execute(op, lane))
        .or_else(|| conversions::execute(op, lane));
    done.ok_or_else(|| unknown(op))
}

fn unknown(op: &Op) -> NaiveError {
    NaiveError::Unknown { what: format!("{op:?}") }
}

/// Bits of a register of `class`.
const fn class_bits(class: RegClass) -> u32 {
    match class {
        RegClass::Pred => 1,
        RegClass::B16 => 16,
        RegClass::B32 | RegClass::F32 => 32,
        _ => 64,
    }
}
