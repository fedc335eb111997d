//! The kernels that cases load.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tilewright_ptx_ir::ir::{Kernel, Module};

use crate::case::{Case, Gpu};
use crate::judge::{run, simulator};

/// A kernel and the cases that run it, cheapest first.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The module as its crate builds it.
    pub module: Module,
    /// Positions of its cases among all.
    pub cases: Vec<usize>,
}

impl Subject {
    /// The kernel of the module.
    #[must_use]
    pub fn kernel(&self) -> Option<&Kernel> {
        self.module.kernels.first()
    }
}

/// What a case runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Seen {
    /// The kernel's name.
    pub kernel: String,
    /// A hash of the module's text.
    pub module: u64,
}

/// The module that `case` loads. Nothing runs: the driver is given a module without kernels, in which the case does not find what it wants.
///
/// # Errors
/// If the case loads none or several.
pub fn discover(case: &Case) -> Result<(Module, Seen), String> {
    let loaded: Arc<Mutex<Vec<Module>>> = Arc::default();
    let keep = Arc::clone(&loaded);
    simulator().set_rewrite(move |module| {
        let empty = Module::new(module.target, Vec::new());
        keep.lock().unwrap_or_else(PoisonError::into_inner).push(module);
        empty
    });
    let outcome = Gpu::open(simulator()).map(|gpu| case.check(&gpu));
    simulator().clear_rewrite();
    let why = match outcome {
        Err(error) => return Err(error.to_string()),
        Ok(outcome) => outcome.err().map(|failure| failure.to_string()).unwrap_or_default(),
    };
    let modules = std::mem::take(&mut *loaded.lock().unwrap_or_else(PoisonError::into_inner));
    match <[Module; 1]>::try_from(modules) {
        Ok([module]) => {
            let mut hasher = DefaultHasher::new();
            module.to_string().hash(&mut hasher);
            let kernel = module.kernels.first().map(|kernel| kernel.name.clone()).unwrap_or_default();
            Ok((module, Seen { kernel, module: hasher.finish() }))
        }
        Err(modules) => Err(format!("{}: loads {} modules: {why}", case.name(), modules.len())),
    }
}

/// An error if a case does not hold for the kernel as it is.
///
/// # Errors
/// What is wrong.
pub(crate) fn verify(case: &Case) -> Result<(), String> {
    simulator().clear_rewrite();
    let gpu = Gpu::open(simulator()).map_err(|error| error.to_string())?;
    match run(case, &gpu) {
        None => Ok(()),
        Some(kill) => Err(format!("{}: does not hold: {kill}", case.name())),
    }
}
