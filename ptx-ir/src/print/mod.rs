//! The printer: IR to PTX text.
//!
//! The text is canonical: the same module prints the same bytes, and [`parse`](crate::parse) reads them back to the same module. Parameters and dynamic
//! shared arrays are printed `kernel_name`, since PTX wants them unique in the module. Dynamic arrays stand before the entry and static ones
//! inside it: a kernel that declares them in another order comes back with the dynamic ones first.

mod inst;

use std::fmt::{self, Display, Formatter};

use crate::ir::{Kernel, Module, Param, RegClass, SharedSize, Statement, Type};

impl Display for Module {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, ".version {}\n.target {}\n.address_size 64", self.version(), self.target)?;
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
        for statement in &self.body {
            match statement {
                Statement::Label(label) => writeln!(f, "{label}:")?,
                Statement::Inst(inst) => writeln!(f, "    {}", inst::Line { kernel: self, inst })?,
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
            Statement::Inst(inst) => inst::Line { kernel: self, inst }.to_string(),
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
