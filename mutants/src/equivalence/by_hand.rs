//! What no rule proves, but somebody has, kernel by kernel.

use tilewright_ptx_ir::ir::Kernel;

use crate::case::Group;
use crate::edit::Mutant;

/// Why a mutant cannot matter.
pub(super) fn reason(_group: Group, _kernel: &Kernel, _mutant: &Mutant) -> Option<&'static str> {
    None
}
