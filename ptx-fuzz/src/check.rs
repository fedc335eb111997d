//! One kernel: printed, parsed, run by both evaluators, compared.

use std::fmt;

use tilewright_ptx_ir::ir::Reg;
use tilewright_ptx_ir::{ParseErrors, VerifyErrors, parse, verify};
use tilewright_ptx_sim::{Converge, Launch, LoadError, Memory, Options, Profile, Program};

use crate::generate::{Case, offsets};
use crate::naive::{self, NaiveError};
use crate::registers::{Kind, slots, thread_bytes};

/// What is wrong with a kernel, or with who ran it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The verifier refuses it.
    #[error("the verifier refuses it: {0}")]
    Verify(#[from] VerifyErrors),
    /// The parser refuses what the printer printed.
    #[error("the parser refuses it: {0}")]
    Parse(#[from] ParseErrors),
    /// What was printed, parsed and printed again is another text or another module.
    #[error("printed, parsed and printed it is another one")]
    Reprint,
    /// The simulator does not load it.
    #[error("the simulator refuses it: {0}")]
    Load(#[from] LoadError),
    /// The simulator cannot run it.
    #[error("the simulator does not run it: {what}")]
    Launch {
        /// What it says.
        what: String,
    },
    /// The simulator finds a hazard in it.
    #[error("the simulator finds: {report}")]
    Finding {
        /// What it says.
        report: String,
    },
    /// The naive evaluator cannot run it.
    #[error("the naive evaluator: {0}")]
    Naive(#[from] NaiveError),
    /// The two do not agree.
    #[error("the simulator and the naive evaluator differ: {0}")]
    Differ(Difference),
    /// A GPU and the simulator do not agree.
    #[error("the GPU and the simulator differ: {0}")]
    DeviceDiffers(Difference),
    /// A GPU does not run it.
    #[error("the GPU: {0}")]
    Device(#[from] tilewright_ffi::Error),
}

/// The first register that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The register.
    pub register: Reg,
    /// The block.
    pub block: u32,
    /// The thread in the block.
    pub thread: u32,
    /// What the first ended with.
    pub first: u64,
    /// What the second ended with.
    pub second: u64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { register, block, thread, first, second } = self;
        write!(f, "{register} of thread {thread} of block {block} is {first:#x} and {second:#x}")
    }
}

/// Runs a kernel both ways.
///
/// # Errors
/// [`Failure`].
pub fn check(case: &Case) -> Result<(), Failure> {
    verify(&case.module)?;
    let text = case.module.to_string();
    let source = parse(&text)?;
    if source.module != case.module || source.module.to_string() != text {
        return Err(Failure::Reprint);
    }
    let simulated = simulate(case, &text)?;
    // The module as it came out of the text.
    let evaluated = naive::run(&source.module, case.blocks, case.threads, &case.input)?;
    difference(case, &simulated, &evaluated.output, true).map_or(Ok(()), |difference| Err(Failure::Differ(difference)))
}

/// The output of the simulator, with every check.
///
/// # Errors
/// [`Failure`].
pub fn simulate(case: &Case, text: &str) -> Result<Vec<u8>, Failure> {
    let program = Program::load(text, Profile::Sm80)?;
    let bytes = case.input.len() as u64;
    let memory = Memory::new(4 * bytes);
    let refused = |error: &dyn fmt::Display| Failure::Launch { what: error.to_string() };
    let allocate = || memory.allocate(bytes).map_err(|error| refused(&error));
    let (input, output) = (allocate()?, allocate()?);
    memory.write(input, &case.input).map_err(|error| refused(&error))?;
    memory.fill(output, 0, bytes).map_err(|error| refused(&error))?;
    let launch = Launch { grid: [case.blocks, 1, 1], block: [case.threads, 1, 1], dynamic_shared_bytes: 0 };
    let converge = if case.seed.is_multiple_of(2) { Converge::Early } else { Converge::Adversarial };
    let options = Options { seed: case.seed, converge, ..Options::DEFAULT };
    let arguments = [input.to_le_bytes(), output.to_le_bytes()].concat();
    let name = &case.kernel().name;
    let outcome = program.launch(&memory, name, launch, &arguments, &options).map_err(|error| refused(&error))?;
    if !outcome.report.is_clean() {
        return Err(Failure::Finding { report: outcome.report.to_string() });
    }
    let mut read = vec![0; case.input.len()];
    memory.read(output, &mut read).map_err(|error| refused(&error))?;
    Ok(read)
}

/// The first register in which two outputs differ. If f64's NaNs do not count, any is as good as another.
pub(crate) fn difference(case: &Case, first: &[u8], second: &[u8], double_nans: bool) -> Option<Difference> {
    let per_thread = thread_bytes() as usize;
    for (index, (one, other)) in (0u32..).zip(first.chunks_exact(per_thread).zip(second.chunks_exact(per_thread))) {
        for ((kind, register), offset) in slots().zip(offsets()) {
            let (first, second) = (slot(one, kind, offset), slot(other, kind, offset));
            let open =
                !double_nans && kind == Kind::F64 && [first, second].iter().all(|bits| f64::from_bits(*bits).is_nan());
            if first != second && !open {
                let (block, thread) = (index / case.threads, index % case.threads);
                return Some(Difference { register, block, thread, first, second });
            }
        }
    }
    None
}

fn slot(bytes: &[u8], kind: Kind, offset: i32) -> u64 {
    let from = offset.cast_unsigned() as usize;
    let bytes = bytes.get(from..from + kind.memory_type().bytes() as usize).unwrap_or_default();
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use tilewright_ptx_ir::ir::RegClass;

    use super::*;

    /// Two outputs that differ in a register of `kind`, of the last thread.
    fn outputs(case: &Case, kind: Kind, first: u64, second: u64) -> [Vec<u8>; 2] {
        let place = slots().zip(offsets()).find(|((of, _), _)| *of == kind).unwrap().1 as usize;
        let at = case.input.len() - thread_bytes() as usize + place;
        [first, second].map(|bits| {
            let mut output = vec![0; case.input.len()];
            output[at..at + 8].copy_from_slice(&bits.to_le_bytes());
            output
        })
    }

    #[test]
    fn the_first_register_that_differs_is_found() {
        let case = Case::new(1);
        let [first, second] = outputs(&case, Kind::I32, 7, 8);
        let found = difference(&case, &first, &second, true).unwrap();
        assert_eq!(found.register, Reg { class: RegClass::B32, number: 0 });
        assert_eq!((found.block, found.thread), (case.blocks - 1, case.threads - 1));
        assert_eq!((found.first, found.second), (7, 8));
        assert_eq!(difference(&case, &first, &first, true), None);
    }

    #[test]
    fn patterns_of_nan_count_unless_they_are_of_f64_on_a_gpu() {
        let case = Case::new(0);
        let (nan, other) = (0x7FF8_0000_0000_0000, 0xFFF8_0000_0000_0001);
        for (kind, first, second, on_gpu, counts) in [
            (Kind::F64, nan, other, true, false),
            (Kind::F64, nan, other, false, true),
            (Kind::F64, nan, 0, true, true),
            (Kind::I64, nan, other, true, true),
            (Kind::F32, 0x7FFF_FFFF, 0x7FC0_0000, true, true),
        ] {
            let [one, two] = outputs(&case, kind, first, second);
            assert_eq!(difference(&case, &one, &two, !on_gpu).is_some(), counts, "{kind:?} {first:#x} {second:#x}");
        }
    }
}
