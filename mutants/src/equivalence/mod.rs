//! Proofs that a mutant cannot matter.

use tilewright_ptx_ir::ir::Kernel;

use crate::case::Group;
use crate::edit::Mutant;

/// What is known of a kernel whatever its arguments are.
#[derive(Debug)]
pub struct Facts {}

impl Facts {
    /// The facts of a kernel.
    #[must_use]
    pub fn of(_kernel: &Kernel, _group: Group) -> Self {
        Self {}
    }

    /// Why the mutant does the same as the kernel, if a rule proves it.
    #[must_use]
    pub fn proof(&self, _kernel: &Kernel, _mutant: &Mutant) -> Option<String> {
        None
    }
}
