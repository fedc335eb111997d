//! Violations.

use std::fmt;

use crate::ir::{Kernel, Label, Reg, Type};
use crate::requirement::Requirement;
use crate::target::Target;

/// Everything wrong with a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyErrors {
    errors: Vec<VerifyError>,
}

impl VerifyErrors {
    pub(super) const fn new(errors: Vec<VerifyError>) -> Self {
        Self { errors }
    }

    /// The violations, at least one.
    #[must_use]
    pub fn errors(&self) -> &[VerifyError] {
        &self.errors
    }
}

impl fmt::Display for VerifyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for VerifyErrors {}

/// One violation and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyError {
    /// The kernel's name, empty for the module itself.
    pub kernel: String,
    /// The statement's index and text, if it is about one.
    pub statement: Option<(usize, String)>,
    /// What is wrong.
    pub reason: Reason,
}

impl VerifyError {
    pub(super) const fn of_module(reason: Reason) -> Self {
        Self { kernel: String::new(), statement: None, reason }
    }

    pub(super) fn of_kernel(kernel: &Kernel, reason: Reason) -> Self {
        Self { kernel: kernel.name.clone(), statement: None, reason }
    }

    pub(super) fn of_statement(kernel: &Kernel, index: usize, reason: Reason) -> Self {
        let text = kernel.statement_text(index).unwrap_or_default();
        Self { kernel: kernel.name.clone(), statement: Some((index, text)), reason }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.statement {
            Some((index, text)) => write!(f, "{}, statement {index} `{text}`: {}", self.kernel, self.reason),
            None if self.kernel.is_empty() => write!(f, "module: {}", self.reason),
            None => write!(f, "{}: {}", self.kernel, self.reason),
        }
    }
}

impl std::error::Error for VerifyError {}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// A name that PTX would not take.
    #[error("`{name}` is not a PTX identifier")]
    Identifier {
        /// The name.
        name: String,
    },
    /// A name used twice for the same kind of thing.
    #[error("{what} `{name}` is declared twice")]
    Duplicate {
        /// Kernel, parameter or shared array.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// An alignment that is not a power of two.
    #[error("`{name}` has alignment {align}, wanted a power of two up to 1024")]
    Alignment {
        /// The parameter or array.
        name: String,
        /// Its alignment.
        align: u32,
    },
    /// A parameter without a size, or whose size is not its type's.
    #[error("parameter `{name}` has {bytes} bytes, which does not fit its type .{ty}")]
    ParameterSize {
        /// The parameter.
        name: String,
        /// Its size.
        bytes: u32,
        /// Its type.
        ty: Type,
    },
    /// Memory that is passed to or received from a function, of another size than the function's parameter.
    #[error("`{name}` has {bytes} bytes, the function's parameter has {wanted}")]
    ArgumentSize {
        /// What is passed or received.
        name: String,
        /// Its size.
        bytes: u32,
        /// The parameter's.
        wanted: u32,
    },
    /// An initialiser that is longer than its variable, or points where there is no variable or from between two words.
    #[error("the initialiser of `{name}` does not fit it, or points at something that is no variable")]
    Initialiser {
        /// The variable.
        name: String,
    },
    /// More parameters than a launch can pass.
    #[error("parameters take {bytes} bytes, at most {limit} can be passed")]
    ParameterSpace {
        /// Bytes of all parameters.
        bytes: u64,
        /// The limit.
        limit: u32,
    },
    /// More static shared memory than a kernel may declare.
    #[error("static shared arrays take {bytes} bytes, at most {limit} can be declared")]
    SharedSpace {
        /// Bytes of all arrays.
        bytes: u64,
        /// The limit.
        limit: u32,
    },
    /// A label placed twice.
    #[error("label {label} is placed twice")]
    DuplicateLabel {
        /// The label.
        label: Label,
    },
    /// A branch to a label that is placed nowhere.
    #[error("label {label} is placed nowhere")]
    MissingLabel {
        /// The label.
        label: Label,
    },
    /// The last statement can be passed.
    #[error("control runs off the end of the body")]
    RunsOff,
    /// A register whose class the instruction does not take in this place.
    #[error("operand {operand} is {reg}, a .{} register; the instruction wants .{wanted}", reg.class.declared())]
    Class {
        /// Which operand, as the instruction calls it.
        operand: &'static str,
        /// The register.
        reg: Reg,
        /// The type wanted.
        wanted: Type,
    },
    /// A literal where PTX takes none, or of the wrong kind.
    #[error("operand {operand} cannot be this literal in a .{ty} instruction")]
    Literal {
        /// Which operand.
        operand: &'static str,
        /// The type wanted.
        ty: Type,
    },
    /// A type that the instruction does not have.
    #[error("the instruction has no .{ty} form")]
    NoSuchType {
        /// The type.
        ty: Type,
    },
    /// A modifier that must or must not be there.
    #[error("{what}")]
    Modifier {
        /// Which, and why.
        what: &'static str,
    },
    /// A wrong number of registers.
    #[error("operand {operand} has {found} registers, wanted {wanted}")]
    Count {
        /// Which operand.
        operand: &'static str,
        /// How many there are.
        found: usize,
        /// How many are wanted.
        wanted: usize,
    },
    /// A vector of a width that memory instructions do not have.
    #[error("a vector of {elements} elements of .{ty}; wanted 1, 2 or 4 and at most 16 bytes")]
    Vector {
        /// Elements.
        elements: usize,
        /// Their type.
        ty: Type,
    },
    /// A register read that no write precedes on some path.
    #[error("{reg} is read before it is written on some path")]
    Undefined {
        /// The register.
        reg: Reg,
    },
    /// A parameter or array that the kernel does not declare.
    #[error("{what} {index} is not declared")]
    Undeclared {
        /// Parameter or shared array.
        what: &'static str,
        /// Its position.
        index: u32,
    },
    /// A constant address outside what it names.
    #[error("access to bytes {offset} to {end} of `{name}`, which has {bytes}")]
    OutOfBounds {
        /// The parameter or array.
        name: String,
        /// First byte.
        offset: i64,
        /// One past the last byte.
        end: i64,
        /// Its size.
        bytes: u32,
    },
    /// A constant address that the access's size does not divide.
    #[error("access of {bytes} bytes at offset {offset} of `{name}`, which is aligned to {align}")]
    Misaligned {
        /// The parameter or array.
        name: String,
        /// Bytes of the access.
        bytes: u32,
        /// First byte.
        offset: i64,
        /// Alignment of the start.
        align: u32,
    },
    /// A constant offset that the access's size does not divide, from an address in a register.
    #[error("access of {bytes} bytes at offset {offset} from {reg}")]
    MisalignedOffset {
        /// Bytes of the access.
        bytes: u32,
        /// The offset.
        offset: i32,
        /// The base.
        reg: Reg,
    },
    /// An address of the wrong width for its state space.
    #[error("{reg} is a .{} register and cannot hold an address here", reg.class.declared())]
    AddressWidth {
        /// The register.
        reg: Reg,
    },
    /// An instruction that the target does not have.
    #[error("{target} lacks it: it needs sm_{}{}", requirement.capability, if requirement.sm90a { "a" } else { "" })]
    TargetLacks {
        /// The module's target.
        target: Target,
        /// What the instruction needs.
        requirement: Requirement,
    },
}

impl Reason {
    pub(super) const fn class(operand: &'static str, reg: Reg, wanted: Type) -> Self {
        Self::Class { operand, reg, wanted }
    }
}
