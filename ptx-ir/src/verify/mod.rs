//! The verifier: everything that is wrong with a module, each with its place and its reason.
//!
//! # Rules
//! - **Names** are PTX identifiers; kernels of a module, parameters and shared arrays of a kernel are distinct.
//! - **Parameters** have a size and an alignment that is a power of two; at most 4,352 bytes of them.
//! - **Shared arrays** have an alignment that is a power of two; statically sized ones take at most 48 KiB.
//! - **Variables** lie in global or constant memory, have an alignment that is a power of two, and initialisers that fit them; what a body names is
//!   declared; **calls** pass what the function wants.
//! - **Labels** are placed once, branches have targets, and control cannot run off the end.
//! - **Types**: every operand's register class fits the instruction's type; literals stand only where PTX takes them, floats where floats are wanted;
//!   the type is one that the instruction has; vectors have 1, 2 or 4 elements and at most 16 bytes.
//! - **Modifiers**: rounding where PTX demands one and not where it forbids one; `wide` products of 16 and 32 bits only; copies of 4, 8 or 16
//!   bytes; `ldmatrix` of 1, 2 or 4 tiles; `mma` with the register counts of its shape; barrier numbers 0 to 15.
//! - **Definition before use**: on every path from the entry, a register is written before it is read. A guarded write counts as a definition:
//!   whether the guard held is a property of values, which the simulator checks lane by lane.
//! - **Addresses**: constant offsets into parameters and static shared arrays stay inside them and fit the access's alignment.
//! - **Target**: the target has every instruction.
//!
//! # Source
//! PTX ISA 9.0, sections 5, 9.4 and the description of each instruction.

mod addresses;
mod error;
mod flow;
mod form;
mod layout;

pub use error::{Reason, VerifyError, VerifyErrors};

use crate::ir::{Kernel, Module, Param, Statement};

/// Checks `module` against every rule of this module's documentation.
///
/// # Errors
/// All violations, in the order of the text.
pub fn verify(module: &Module) -> Result<(), VerifyErrors> {
    let mut errors = Vec::new();
    layout::check_module(module, &mut errors);
    for function in module.functions.iter().filter(|function| !function.is_external) {
        check_kernel(&function.code, Some(&function.results), module, &mut errors);
    }
    for kernel in &module.kernels {
        check_kernel(kernel, None, module, &mut errors);
    }
    if errors.is_empty() { Ok(()) } else { Err(VerifyErrors::new(errors)) }
}

fn check_kernel(kernel: &Kernel, results: Option<&[Param]>, module: &Module, errors: &mut Vec<VerifyError>) {
    let names = addresses::Names { kernel, results, module };
    let target = module.target;
    let mut reasons = Vec::new();
    layout::check_kernel(kernel, &mut reasons);
    errors.extend(reasons.into_iter().map(|reason| VerifyError::of_kernel(kernel, reason)));
    let mut found = Vec::new();
    for (index, statement) in kernel.body.iter().enumerate() {
        if let Statement::Inst(inst) = statement {
            let mut report = |reason| found.push((index, reason));
            form::check(inst, &mut report);
            addresses::check(names, inst, &mut report);
            let requirement = inst.op.requirement();
            if !requirement.met_by(target) {
                report(Reason::TargetLacks { target, requirement });
            }
        }
    }
    flow::check(kernel, &mut found);
    found.sort_by_key(|(index, _)| *index);
    errors.extend(found.into_iter().map(|(index, reason)| VerifyError::of_statement(kernel, index, reason)));
}
