//! What the driver wants of the simulator: programs from text, and launches with what was found in them.

use tilewright_ptx_ir::parse;
use tilewright_ptx_sim::{self as sim, Kind, Memory, Profile, Program, Report, Statistics};

use crate::code::Code;
use crate::driver::{KernelFacts, Launch, LoadFailure};
use crate::options::{Options, Rewrite};

/// A program and what the driver knows of its kernels.
pub(crate) struct Loaded {
    pub(crate) program: Program,
    pub(crate) kernels: Vec<KernelFacts>,
}

/// Parses PTX text, rewrites it if that is wanted, verifies and decodes it.
pub(crate) fn load(text: &str, profile: Profile, rewrite: Option<&Rewrite>) -> Result<Loaded, LoadFailure> {
    let mut source = parse(text).map_err(|errors| LoadFailure {
        code: if errors.is_unsupported() { Code::NOT_SUPPORTED } else { Code::INVALID_PTX },
        log: errors.to_string(),
    })?;
    let mut rewritten = None;
    if let Some(rewrite) = rewrite {
        source.module = rewrite.apply(source.module);
        rewritten = Some(source.module.to_string());
    }
    let text = rewritten.as_deref().unwrap_or(text);
    if !profile.accepts(source.module.target) {
        let log = format!("the module is written for {}, the device is {}", source.module.target, profile.name());
        return Err(LoadFailure { code: Code::NO_BINARY_FOR_GPU, log });
    }
    let program = Program::load(text, profile).map_err(|error| LoadFailure {
        code: if error.is_unsupported() { Code::NOT_SUPPORTED } else { Code::INVALID_PTX },
        log: error.to_string(),
    })?;
    Ok(Loaded { program, kernels: source.module.kernels.iter().map(KernelFacts::new).collect() })
}

/// Runs a launch whose numbers were checked; what it did, or, if something was found in it, the error that a chip's driver would return,
/// and the report.
pub(crate) fn launch(memory: &Memory, launch: &Launch, options: Options) -> Result<Statistics, (Code, Report)> {
    let shape = sim::Launch {
        grid: launch.shape.grid,
        block: launch.shape.block,
        dynamic_shared_bytes: launch.shape.dynamic_shared_bytes,
    };
    let options = sim::Options {
        seed: options.seed,
        jitter: options.jitter,
        max_instructions: options.max_instructions.unwrap_or(sim::Options::DEFAULT.max_instructions),
        converge: options.converge,
        check: options.check,
    };
    let function = &launch.function;
    let outcome = function.module.program.launch(memory, &function.facts.name, shape, &launch.arguments, &options);
    // Everything that it refuses was checked before.
    let outcome = outcome.map_err(|_| (Code::UNKNOWN, Report::new(&function.facts.name, options.seed)))?;
    let Some(first) = outcome.report.findings.first() else { return Ok(outcome.statistics) };
    let code = match first.kind {
        Kind::OutOfBounds { .. } => Code::ILLEGAL_ADDRESS,
        Kind::Misaligned { .. } => Code::MISALIGNED_ADDRESS,
        Kind::Endless { .. } | Kind::Deadlock => Code::LAUNCH_TIMEOUT,
        _ => Code::LAUNCH_FAILED,
    };
    Err((code, outcome.report))
}
