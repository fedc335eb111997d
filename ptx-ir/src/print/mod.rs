//! The printer: IR to PTX text.
//!
//! The text is canonical: the same module prints the same bytes, and [`parse`](crate::parse) reads them back to the same module. Parameters and dynamic
//! shared arrays are printed `kernel_name`, since PTX wants them unique in the module. Dynamic arrays stand before the entry and static ones
//! inside it: a kernel that declares them in another order comes back with the dynamic ones first.

mod compare;
mod inst;
mod integer;
mod variable;

use std::fmt::{self, Display, Formatter};

use crate::ir::{Function, Inst, Kernel, Local, LocalKind, Module, Op, Param, RegClass, SharedSize, Statement, Type};

impl Display for Module {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, ".version {}\n.target {}\n.address_size 64", self.version(), self.target)?;
        for variable in &self.variables {
            writeln!(f, "{variable}")?;
        }
        for function in &self.functions {
            write!(f, "\n{function}")?;
        }
        for kernel in &self.kernels {
            writeln!(f)?;
            for array in &kernel.shared {
                if array.size == SharedSize::Dynamic {
                    writeln!(f, ".extern .shared .align {} .b8 {}_{}[];", array.align, kernel.name, array.name)?;
                }
            }
            kernel.fmt(f)?;
        }
        Ok(())
    }
}

/// Prints the entry alone; [`Module`]'s text has the headers that make it complete.
impl Display for Kernel {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, ".visible .entry {}(", self.name)?;
        for (index, param) in self.params.iter().enumerate() {
            write!(f, "{}\n    ", if index == 0 { "" } else { "," })?;
            print_param(f, &self.name, param)?;
        }
        writeln!(f, "{})", if self.params.is_empty() { "" } else { "\n" })?;
        print_limits(self, f)?;
        self.print_body(f)
    }
}

/// A function with its body, or the declaration of one that is elsewhere.
impl Display for Function {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let code = &self.code;
        f.write_str(if self.is_external { ".extern .func " } else { ".func " })?;
        if !self.results.is_empty() {
            f.write_str("(")?;
            for (index, result) in self.results.iter().enumerate() {
                f.write_str(if index == 0 { "" } else { ", " })?;
                print_param(f, &code.name, result)?;
            }
            f.write_str(") ")?;
        }
        write!(f, "{}(", code.name)?;
        for (index, param) in code.params.iter().enumerate() {
            write!(f, "{}\n    ", if index == 0 { "" } else { "," })?;
            print_param(f, &code.name, param)?;
        }
        f.write_str(if code.params.is_empty() { ")" } else { "\n)" })?;
        if self.is_external {
            return writeln!(f, ";");
        }
        writeln!(f)?;
        // A function's results are part of its names.
        code.print_body_of(Some(&self.results), f)
    }
}

impl Kernel {
    fn print_body(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.print_body_of(None, f)
    }

    fn print_body_of(&self, results: Option<&[Param]>, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{{")?;
        for class in RegClass::ALL {
            let count = self.register_count(class);
            if count > 0 {
                writeln!(f, "    .reg .{} %{}<{count}>;", class.declared(), class.prefix())?;
            }
        }
        for array in &self.shared {
            if let SharedSize::Static(bytes) = array.size {
                writeln!(f, "    .shared .align {} .b8 {}[{bytes}];", array.align, array.name)?;
            }
        }
        for local in &self.locals {
            print_local(f, local)?;
        }
        let mut tables = Vec::new();
        for statement in &self.body {
            if let Statement::Inst(Inst { op: Op::BranchIndexed { labels, .. }, .. }) = statement
                && !tables.contains(&labels)
            {
                tables.push(labels);
                let targets = labels.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                writeln!(f, "{}: .branchtargets {targets};", inst::table_name(labels))?;
            }
            match statement {
                Statement::Label(label) => writeln!(f, "{label}:")?,
                Statement::Inst(inst) => writeln!(f, "    {}", inst::Line { kernel: self, results, inst })?,
            }
        }
        writeln!(f, "}}")
    }
}

impl Kernel {
    /// The text of statement `index`, as the printer writes it, without indentation.
    #[must_use]
    pub fn statement_text(&self, index: usize) -> Option<String> {
        self.body.get(index).map(|statement| match statement {
            Statement::Label(label) => format!("{label}:"),
            Statement::Inst(inst) => inst::Line { kernel: self, results: None, inst }.to_string(),
        })
    }
}

fn print_param(f: &mut Formatter<'_>, kernel: &str, param: &Param) -> fmt::Result {
    let Param { name, ty, bytes, align } = param;
    if *ty == Type::B8 && *bytes > 1 {
        write!(f, ".param .align {align} .b8 {kernel}_{name}[{bytes}]")
    } else if *align == ty.bytes() {
        write!(f, ".param .{ty} {kernel}_{name}")
    } else {
        write!(f, ".param .align {align} .{ty} {kernel}_{name}")
    }
}

fn print_local(f: &mut Formatter<'_>, local: &Local) -> fmt::Result {
    let Local { name, kind, align, bytes } = local;
    match (kind, bytes) {
        (LocalKind::Stack, _) => writeln!(f, "    .local .align {align} .b8 {name}[{bytes}];"),
        (LocalKind::Argument, 1 | 2 | 4 | 8) if align == bytes => writeln!(f, "    .param .b{} {name};", 8 * bytes),
        (LocalKind::Argument, _) => writeln!(f, "    .param .align {align} .b8 {name}[{bytes}];"),
    }
}

fn print_limits(kernel: &Kernel, f: &mut Formatter<'_>) -> fmt::Result {
    let limits = kernel.limits;
    if let Some([x, y, z]) = limits.required_threads {
        writeln!(f, ".reqntid {x}, {y}, {z}")?;
    }
    if let Some([x, y, z]) = limits.max_threads {
        writeln!(f, ".maxntid {x}, {y}, {z}")?;
    }
    if let Some(blocks) = limits.min_blocks {
        writeln!(f, ".minnctapersm {blocks}")?;
    }
    if let Some(registers) = limits.max_registers {
        writeln!(f, ".maxnreg {registers}")?;
    }
    Ok(())
}
