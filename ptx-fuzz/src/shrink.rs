//! A failing kernel made small.

use tilewright_ptx_ir::ir::{Access, Inst, Label, Op, Reg, RegClass, Statement};
use tilewright_ptx_ir::verify;

use crate::generate::Case;
use crate::generate::memory::number_symbols;
use crate::registers::slots;

/// The kernel without every instruction that `fails` can do without. What prepares a register for another instruction stays as long as that does: without it
/// the kernel would fail for a reason of its own.
#[must_use]
pub fn shrink(case: &Case, fails: impl Fn(&Case) -> bool) -> Case {
    let mut smallest = case.clone();
    loop {
        let before = smallest.kernel().body.len();
        let (front, behind) = smallest.frame;
        for index in (front..before - behind).rev() {
            if is_removable(&smallest.kernel().body, index) {
                let mut without = smallest.clone();
                without.module.kernels[0].body.remove(index);
                number_symbols(&mut without.module.kernels[0]);
                if verify(&without.module).is_ok() && fails(&without) {
                    smallest = without;
                }
            }
        }
        if smallest.kernel().body.len() == before {
            return smallest;
        }
    }
}

fn is_removable(body: &[Statement], index: usize) -> bool {
    match body.get(index) {
        Some(Statement::Inst(inst)) => {
            !matches!(inst.op, Op::Return | Op::Exit)
                && prepared(inst).is_none_or(|reg| !is_read_after(body, index, reg))
        }
        Some(Statement::Label(label)) => !body.iter().any(|statement| jumps_to(statement, *label)),
        _ => false,
    }
}

/// The register, not one of those that are stored in the end, that an instruction writes.
fn prepared(inst: &Inst) -> Option<Reg> {
    let mut found = None;
    inst.for_each_register(|reg, access| {
        if access == Access::Write && slots().all(|(_, slot)| slot != reg) {
            found = Some(reg);
        }
    });
    found
}

/// Whether a register is read behind an instruction, before it is written again; registers of loops anywhere.
fn is_read_after(body: &[Statement], index: usize, reg: Reg) -> bool {
    let counts = matches!(reg.class, RegClass::B32 if reg.number >= crate::generate::FIRST_COUNTER);
    for (place, statement) in body.iter().enumerate() {
        let Statement::Inst(inst) = statement else { continue };
        let (mut reads, mut writes) = (false, false);
        inst.for_each_register(|other, access| {
            reads |= other == reg && access == Access::Read;
            writes |= other == reg && access == Access::Write;
        });
        if reads && !writes && (place > index || counts) {
            return true;
        }
        if place > index && writes && !reads && !counts && inst.guard.is_none() {
            return false;
        }
    }
    false
}

fn jumps_to(statement: &Statement, label: Label) -> bool {
    match statement {
        Statement::Inst(Inst { op: Op::Branch { label: to, .. }, .. }) => *to == label,
        Statement::Inst(Inst { op: Op::BranchIndexed { labels, .. }, .. }) => labels.contains(&label),
        _ => false,
    }
}
