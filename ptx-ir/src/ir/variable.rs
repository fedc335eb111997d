//! Variables: of the module, and of one thread.

use super::types::Space;

/// A variable of the module.
///
/// # Source
/// PTX ISA 9.0, section 5.4 (Variables).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// `Global` or `Const`.
    pub space: Space,
    /// Alignment in bytes.
    pub align: u32,
    /// Size in bytes.
    pub bytes: u32,
    /// What its first bytes hold when the module is loaded; the others are zeros.
    pub data: Vec<u8>,
    /// Eight bytes each that hold the address of a variable, in ascending order.
    pub pointers: Vec<Pointer>,
}

/// A generic address in the initialiser of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// Where it stands: a multiple of eight bytes.
    pub at: u32,
    /// The variable that it names.
    pub to: String,
    /// Bytes added to the variable's address.
    pub offset: i64,
}

/// Memory of each thread, declared in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Its name, unique in the body.
    pub name: String,
    /// What it is for.
    pub kind: LocalKind,
    /// Alignment in bytes.
    pub align: u32,
    /// Size in bytes.
    pub bytes: u32,
}

/// What memory of a thread is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LocalKind {
    /// `.local`: addresses can be taken.
    Stack,
    /// `.param` in a body: what a call passes or answers.
    Argument,
}
