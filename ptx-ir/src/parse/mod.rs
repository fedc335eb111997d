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
mod matrix;
mod mbarrier;
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
    read(text, None)
}

/// Reads of a text one kernel, the functions that it calls and what stands outside of both: what other kernels and functions have need not be supported.
/// The module has no kernel if there is none of this name.
///
/// # Errors
/// As [`parse`], of what is read.
///
/// # Example
/// ```
/// let text = ".version 7.0
/// .target sm_80
/// .address_size 64
/// .visible .entry one() { ret; }
/// .visible .entry other() { tex.1d.v4.f32.s32 {%f0, %f1, %f2, %f3}, [image, {%r0}]; ret; }";
/// assert!(tilewright_ptx_ir::parse(text).is_err());
/// assert_eq!(tilewright_ptx_ir::parse_kernel(text, "one")?.module.kernels.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn parse_kernel(text: &str, name: &str) -> Result<Source, ParseErrors> {
    read(text, Some(name))
}

fn read(text: &str, wanted: Option<&str>) -> Result<Source, ParseErrors> {
    let (tokens, mut errors) = token::scan(text);
    let source = declare::read_module(&tokens, wanted, &mut errors);
    match source {
        Some(source) if errors.is_empty() => Ok(source),
        _ => Err(ParseErrors::new(errors)),
    }
}
