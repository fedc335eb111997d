//! Narrow tiles of packed weights: rows of x that there are not, and the sums of the round before the first.

use tilewright_ptx_ir::ir::{Access, BinaryOp, Immediate, Inst, Kernel, Op, Operand, Reg, Space, Statement, Type};

use crate::case::Group;
use crate::edit::Mutant;

const ZERO: Operand = Operand::Imm(Immediate::F32(0));
const ONE: Operand = Operand::Imm(Immediate::Int(1));

/// Why the mutant does not matter.
pub(super) fn reason(group: Group, kernel: &Kernel, mutant: &Mutant) -> Option<&'static str> {
    let is_packed = match group {
        Group::MatmulInt4 => kernel.name.contains("w4a16_16x"),
        Group::MatmulInt8 => kernel.name.contains("w8a16_16x"),
        Group::QkvFused => kernel.name.contains("a16_16x"),
        _ => false,
    };
    let at = mutant.edit.at;
    let Some(Statement::Inst(Inst { guard: None, op: old })) = kernel.body.get(at) else { return None };
    if !is_packed || mutant.edit.removed != 1 {
        return None;
    }
    match (mutant.operator, old) {
        // `RowTile::with_present_rows_only`: a row past the last is not copied, nor are those further down that are reached from where it would be.
        ("drop-limit", Op::Binary { op: BinaryOp::Min, b: Operand::Reg(last), .. }) if is_last_row(kernel, *last) => {
            Some("a row past the last is not copied")
        }
        // min(row, m) and, as 1 - m is 0 or above every row, min(row, 1 - m) are the row where there is one.
        ("immediate-minus" | "operand-swap", Op::Binary { op: BinaryOp::Sub, dst, b: ONE, .. })
            if is_last_row(kernel, *dst) && is_only_a_limit(kernel, *dst) =>
        {
            Some("a row past the last is not copied")
        }
        // `shared_groups::Work::new`: the first round adds these with scales that are 0 until the round is over.
        ("initial-value", Op::Mov { ty: Type::F32, src: ZERO, dst })
            if kernel.name.contains("_shared") && is_only_put_down(kernel, at, *dst) =>
        {
            Some("the sums of the round before the first are multiplied with scales of 0")
        }
        _ => None,
    }
}

fn insts(kernel: &Kernel) -> impl Iterator<Item = (usize, &Inst)> {
    kernel.body.iter().enumerate().filter_map(|(at, statement)| match statement {
        Statement::Inst(inst) => Some((at, inst)),
        _ => None,
    })
}

/// The only write of a register.
fn definition(kernel: &Kernel, reg: Reg) -> Option<&Op> {
    let mut writes = insts(kernel).filter(|(_, inst)| {
        let mut is_it = false;
        inst.op.for_each_write(|other| is_it |= other == reg);
        is_it
    });
    let (_, inst) = writes.next()?;
    (inst.guard.is_none() && writes.next().is_none()).then_some(&inst.op)
}

/// Those that read a register.
fn readers(kernel: &Kernel, reg: Reg) -> Vec<(usize, &Op)> {
    let reads = |inst: &Inst| {
        let mut is_it = false;
        inst.for_each_register(|other, access| is_it |= other == reg && access == Access::Read);
        is_it
    };
    insts(kernel).filter(|(_, inst)| reads(inst)).map(|(at, inst)| (at, &inst.op)).collect()
}

/// Whether a register is m - 1, by the name of the parameter.
fn is_last_row(kernel: &Kernel, reg: Reg) -> bool {
    let Some(Op::Binary { op: BinaryOp::Sub, a: Operand::Reg(rows), b: ONE, .. }) = definition(kernel, reg) else {
        return false;
    };
    match definition(kernel, *rows) {
        Some(Op::Load { space: Space::Param, address, .. }) => {
            matches!(address.base, tilewright_ptx_ir::ir::Base::Param(param)
                if kernel.params.get(param.0 as usize).is_some_and(|param| param.name == "m" || param.name.ends_with("_m")))
        }
        _ => false,
    }
}

/// Whether a register is nothing but the second operand of `min`.
fn is_only_a_limit(kernel: &Kernel, reg: Reg) -> bool {
    let readers = readers(kernel, reg);
    !readers.is_empty()
        && readers.iter().all(|(_, op)| {
            matches!(op, Op::Binary { op: BinaryOp::Min, ty, a, b: Operand::Reg(limit), .. }
                if *limit == reg && *a != Operand::Reg(reg) && !ty.is_signed())
        })
}

/// Whether a register is nothing but an element of a store to shared memory in front of the first barrier.
fn is_only_put_down(kernel: &Kernel, at: usize, reg: Reg) -> bool {
    let barrier = insts(kernel).find(|(_, inst)| matches!(inst.op, Op::BarrierSync { .. })).map_or(0, |(at, _)| at);
    let readers = readers(kernel, reg);
    definition(kernel, reg).is_some()
        && !readers.is_empty()
        && readers.iter().all(|(place, op)| {
            *place > at
                && *place < barrier
                && matches!(op, Op::Store { space: Space::Shared, ty: Type::F32, srcs, .. } if srcs.contains(&Operand::Reg(reg)))
        })
}
