//! What the driver wants of the simulator: programs from text, and launches with what was found in them.

use tilewright_ptx_ir::parse;
use tilewright_ptx_sim::{Profile, Program};

use crate::code::Code;
use crate::driver::{KernelFacts, LoadFailure};

/// A program and what the driver knows of its kernels.
pub(crate) struct Loaded {
    pub(crate) program: Program,
    pub(crate) kernels: Vec<KernelFacts>,
}

/// Parses, verifies and decodes PTX text.
pub(crate) fn load(text: &str, profile: Profile) -> Result<Loaded, LoadFailure> {
    let source = parse(text).map_err(|errors| LoadFailure {
        code: if errors.is_unsupported() { Code::NOT_SUPPORTED } else { Code::INVALID_PTX },
        log: errors.to_string(),
    })?;
    if !profile.accepts(source.module.target) {
        let log = format!("the module is written for {}, the device is {}", source.module.target, profile.name());
        return Err(LoadFailure { code: Code::NO_BINARY_FOR_GPU, log });
    }
    let program = Program::load(text, profile)
        .map_err(|error| LoadFailure { code: Code::INVALID_PTX, log: error.to_string() })?;
    Ok(Loaded { program, kernels: source.module.kernels.iter().map(KernelFacts::new).collect() })
}
