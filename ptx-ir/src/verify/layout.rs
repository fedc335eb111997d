//! Names, parameters and shared arrays.

use std::collections::{HashMap, HashSet};

use super::error::{Reason, VerifyError};
use crate::ir::{Kernel, Module, SharedSize, Space, Type};
use crate::target::Target;

/// Bytes of parameters that every target and version takes.
const PARAMETER_BYTES: u32 = 4352;
const MAX_ALIGN: u32 = 1024;

pub(super) fn check_module(module: &Module, errors: &mut Vec<VerifyError>) {
    let mut names = HashSet::new();
    for variable in &module.variables {
        let name = &variable.name;
        let mut reasons = Vec::new();
        if !names.insert(name) {
            reasons.push(Reason::Duplicate { what: "variable", name: name.clone() });
        }
        if !is_identifier(name) {
            reasons.push(Reason::Identifier { name: name.clone() });
        }
        check_alignment(name, variable.align, &mut reasons);
        if !matches!(variable.space, Space::Global | Space::Const) {
            reasons.push(Reason::Modifier { what: "variables of the module lie in global or constant memory" });
        }
        let points = |pointer: &crate::ir::Pointer| {
            pointer.at.is_multiple_of(8)
                && variable.bytes.is_multiple_of(8)
                && pointer.at.checked_add(8).is_some_and(|end| end <= variable.bytes)
                && module.variables.iter().any(|other| other.name == pointer.to)
        };
        if variable.data.len() > variable.bytes as usize || !variable.pointers.iter().all(points) {
            reasons.push(Reason::Initialiser { name: name.clone() });
        }
        errors.extend(reasons.into_iter().map(VerifyError::of_module));
    }
    for function in &module.functions {
        if !names.insert(&function.code.name) {
            let name = function.code.name.clone();
            errors.push(VerifyError::of_module(Reason::Duplicate { what: "function", name }));
        }
    }
    for kernel in &module.kernels {
        if !names.insert(&kernel.name) {
            errors.push(VerifyError::of_module(Reason::Duplicate { what: "kernel", name: kernel.name.clone() }));
        }
    }
    // Dynamic arrays are printed at module level under their kernel's name. Twice in one kernel is that kernel's violation.
    let mut owners = HashMap::new();
    for kernel in &module.kernels {
        for array in kernel.shared.iter().filter(|array| array.size == SharedSize::Dynamic) {
            let name = format!("{}_{}", kernel.name, array.name);
            if *owners.entry(name.clone()).or_insert(&kernel.name) != &kernel.name {
                errors.push(VerifyError::of_module(Reason::Duplicate { what: "dynamic shared array", name }));
            }
        }
    }
}

pub(super) fn check_kernel(kernel: &Kernel, reasons: &mut Vec<Reason>) {
    let params = kernel.params.iter().map(|param| &param.name);
    let arrays = kernel.shared.iter().map(|array| &array.name).chain(kernel.locals.iter().map(|local| &local.name));
    for name in [&kernel.name].into_iter().chain(params.clone()).chain(arrays.clone()) {
        if !is_identifier(name) {
            reasons.push(Reason::Identifier { name: name.clone() });
        }
    }
    duplicates("parameter", params, reasons);
    duplicates("shared array", arrays, reasons);
    let mut end = 0u64;
    for param in &kernel.params {
        check_alignment(&param.name, param.align, reasons);
        let is_array = param.ty == Type::B8 && param.bytes > 1;
        if param.bytes == 0 || (!is_array && param.bytes != param.ty.bytes()) {
            reasons.push(Reason::ParameterSize { name: param.name.clone(), bytes: param.bytes, ty: param.ty });
        }
        end = end.next_multiple_of(u64::from(param.align.max(1))) + u64::from(param.bytes);
    }
    if end > u64::from(PARAMETER_BYTES) {
        reasons.push(Reason::ParameterSpace { bytes: end, limit: PARAMETER_BYTES });
    }
    for local in &kernel.locals {
        check_alignment(&local.name, local.align, reasons);
    }
    check_shared(kernel, reasons);
}

fn check_shared(kernel: &Kernel, reasons: &mut Vec<Reason>) {
    let mut end = 0u64;
    for array in &kernel.shared {
        check_alignment(&array.name, array.align, reasons);
        if let SharedSize::Static(bytes) = array.size {
            end = end.next_multiple_of(u64::from(array.align.max(1))) + u64::from(bytes);
        }
    }
    if end > u64::from(Target::STATIC_SHARED_BYTES) {
        reasons.push(Reason::SharedSpace { bytes: end, limit: Target::STATIC_SHARED_BYTES });
    }
}

fn check_alignment(name: &str, align: u32, reasons: &mut Vec<Reason>) {
    if !align.is_power_of_two() || align > MAX_ALIGN {
        reasons.push(Reason::Alignment { name: name.to_owned(), align });
    }
}

fn duplicates<'a>(what: &'static str, names: impl Iterator<Item = &'a String>, reasons: &mut Vec<Reason>) {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            reasons.push(Reason::Duplicate { what, name: name.clone() });
        }
    }
}

/// # Source
/// PTX ISA 9.0, section 4.4 (Identifiers).
fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    let follows = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    match characters.next() {
        Some(first) if first.is_ascii_alphabetic() => characters.all(follows),
        Some('_' | '$' | '%') => !name[1..].is_empty() && characters.all(follows),
        _ => false,
    }
}
