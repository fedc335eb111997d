//! Checks a module before it is printed. (Placeholder until the rules land: accepts everything.)

use crate::ir::Module;

/// Everything wrong with a module.
#[derive(Debug, thiserror::Error)]
#[error("module does not verify")]
#[non_exhaustive]
pub struct VerifyErrors {}

/// Checks `module`.
///
/// # Errors
/// Never yet.
pub const fn verify(_module: &Module) -> Result<(), VerifyErrors> {
    Ok(())
}
