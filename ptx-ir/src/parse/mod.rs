//! The parser: PTX text to IR.
//!
//! Reads everything that the printer writes and the usual variations of hand-written and compiled PTX within the instructions that
//! [`Op`](crate::ir::Op) has. All errors of a text are collected, each with its line.
//!
//! # Source
//! PTX ISA 9.0, sections 4 (Syntax) and 9.7 (Instructions).

mod body;
mod cache;
mod compare;
mod declare;
mod error;
mod inst;
mod integer;
mod memory;
mod operand;
mod packed;
mod scope;
mod token;
mod variable;
mod warp;

pub use error::{ParseError, ParseErrors, Problem};

use crate::ir::Module;

/// A parsed text: the module, and where each statement stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What the text says.
    pub module: Module,
    /// For each kernel, the 1-based line of each statement of its body.
    pub lines: Vec<Vec<u32>>,
    /// The same for each function.
    pub function_lines: Vec<Vec<u32>>,
}

/// Reads PTX text.
///
/// # Errors
/// Everything that is malformed, and every instruction or directive that is not supported, each with its line.
pub fn parse(text: &str) -> Result<Source, ParseErrors> {
    let (tokens, mut errors) = token::scan(text);
    let source = declare::read_module(&tokens, &mut errors);
    match source {
        Some(source) if errors.is_empty() => Ok(source),
        _ => Err(ParseErrors::new(errors)),
    }
}
