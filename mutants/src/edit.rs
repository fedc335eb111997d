//! A change of a kernel's statements.

use tilewright_ptx_ir::ir::Reg;
use tilewright_ptx_ir::ir::{Inst, Kernel, Op, RegClass, Statement};

/// Statements that take the place of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The first that goes.
    pub at: usize,
    /// How many go.
    pub removed: usize,
    /// What comes in their place.
    pub inserted: Vec<Statement>,
    /// Threads of a block that the kernel is for instead.
    pub threads: Option<[u32; 3]>,
}

/// A kernel with one fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// The operator's name.
    pub operator: &'static str,
    /// The fault.
    pub edit: Edit,
}

impl Edit {
    /// Nothing instead of statement `at`.
    #[must_use]
    pub const fn remove(at: usize) -> Self {
        Self { at, removed: 1, inserted: Vec::new(), threads: None }
    }

    /// Another operation instead of that of statement `at`, under the same guard.
    #[must_use]
    pub fn replace(at: usize, inst: &Inst, op: Op) -> Self {
        Self { at, removed: 1, inserted: vec![Statement::Inst(Inst { guard: inst.guard, op })], threads: None }
    }

    /// `op` in front of another operation that takes the place of statement `at`.
    #[must_use]
    pub fn prepare(at: usize, inst: &Inst, before: Op, op: Op) -> Self {
        let before = Statement::Inst(Inst { guard: None, op: before });
        Self { at, removed: 1, inserted: vec![before, Statement::Inst(Inst { guard: inst.guard, op })], threads: None }
    }

    /// The kernel after it.
    #[must_use]
    pub fn apply(&self, kernel: &Kernel) -> Kernel {
        let mut changed = kernel.clone();
        let end = self.at.saturating_add(self.removed).min(changed.body.len());
        if self.threads.is_some() {
            changed.limits.required_threads = self.threads;
        }
        changed.body.splice(self.at.min(end)..end, self.inserted.iter().cloned());
        changed
    }

    /// What it makes of which text.
    #[must_use]
    pub fn describe(&self, kernel: &Kernel) -> String {
        let old: Vec<_> = (self.at..self.at + self.removed).filter_map(|at| kernel.statement_text(at)).collect();
        let changed = self.apply(kernel);
        let new: Vec<_> =
            (self.at..self.at + self.inserted.len()).filter_map(|at| changed.statement_text(at)).collect();
        if let Some([x, y, z]) = self.threads {
            return format!(".reqntid {x}, {y}, {z}");
        }
        match new.as_slice() {
            [] => format!("without {}", old.join(" ")),
            new => format!("{} for {}", new.join(" "), old.join(" ")),
        }
    }
}

/// A register that the kernel does not use.
#[must_use]
pub(crate) fn fresh(kernel: &Kernel, class: RegClass) -> Reg {
    Reg { class, number: kernel.register_count(class) }
}
