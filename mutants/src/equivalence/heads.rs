//! Attention: rows that there are not, tiles that are whole, tiles of which nothing is seen.

use std::collections::BTreeSet;

use tilewright_ptx_ir::ir::{
    Access, Address, Base, BinaryOp, Compare, Immediate, Inst, Kernel, Op, Operand, Reg, Space, Statement, Type,
};

use super::rules::destination;
use crate::edit::Mutant;

const ZERO: Operand = Operand::Imm(Immediate::Int(0));

/// Why a mutant of an attention kernel cannot matter.
pub(super) fn reason(kernel: &Kernel, mutant: &Mutant) -> Option<&'static str> {
    let at = mutant.edit.at;
    let old = inst(kernel, at)?;
    match (mutant.operator, &old.op) {
        // `Copier`: where a row is not there its address is that of the tensor's first, which is. A key that is not there is masked in every row, and a query that is not
        // there is not stored; scores of other keys and other queries do not depend on it, whatever it holds.
        ("drop-guard", Op::Load { space: Space::Global, ty: Type::U16, address, .. })
            if is_query_or_key(kernel, *address) =>
        {
            Some(
                "what is read for an absent query or key does not matter, and its address is that of one that is there",
            )
        }
        ("drop-zero-fill", Op::CpAsync { src, source_bytes: Some(_), .. }) if is_query_or_key(kernel, *src) => Some(
            "what is read for an absent query or key does not matter, and its address is that of one that is there",
        ),
        ("select-first", Op::Select { dst, b: ZERO, .. }) if only_sizes(kernel, *dst) => Some(
            "what is read for an absent query or key does not matter, and its address is that of one that is there",
        ),
        // `Copier::copy`: the one comparison of this kind asks whether all rows of a tile are there.
        ("compare-boundary" | "bound-minus", Op::SetPredicate { compare: Compare::Le, ty: Type::U32, dst, .. })
            if chooses_copies(kernel, at + 1, *dst) =>
        {
            Some("a whole tile may be copied as one is that is not whole")
        }
        ("always-branch", Op::Branch { .. }) => {
            let whole = inst(kernel, at.checked_sub(1)?)?;
            let Op::SetPredicate { compare: Compare::Le, ty: Type::U32, dst, .. } = whole.op else { return None };
            chooses_copies(kernel, at, dst).then_some("a whole tile may be copied as one is that is not whole")
        }
        // `build`: without a mask the end is that of the keys, below which every tile begins, or 0 for rows that there are not.
        (
            "compare-boundary" | "bound-plus",
            Op::SetPredicate { compare: Compare::Lt, ty: Type::U32, b: Operand::Reg(end), .. },
        ) if !kernel.name.contains("_causal") && is_end(kernel, *end) => {
            Some("every tile begins below the end of the keys, and rows that there are not are not stored")
        }
        _ => None,
    }
}

fn inst(kernel: &Kernel, at: usize) -> Option<&Inst> {
    match kernel.body.get(at) {
        Some(Statement::Inst(inst)) => Some(inst),
        _ => None,
    }
}

fn insts(kernel: &Kernel) -> impl Iterator<Item = &Inst> {
    kernel.body.iter().filter_map(|statement| match statement {
        Statement::Inst(inst) => Some(inst),
        _ => None,
    })
}

fn reads(inst: &Inst, reg: Reg) -> bool {
    let mut is_it = false;
    inst.for_each_register(|other, access| is_it |= other == reg && access == Access::Read);
    is_it
}

/// Whether the address comes from the pointer to q alone, or to k: no other pointer goes into it.
fn is_query_or_key(kernel: &Kernel, address: Address) -> bool {
    let Base::Reg(start) = address.base else { return false };
    let (mut seen, mut pending, mut pointers) = (BTreeSet::new(), vec![start], BTreeSet::new());
    while let Some(reg) = pending.pop() {
        if !seen.insert(reg) {
            continue;
        }
        for inst in insts(kernel) {
            let mut writes = false;
            inst.op.for_each_write(|other| writes |= other == reg);
            if !writes {
                continue;
            }
            match &inst.op {
                Op::Load { space: Space::Param, address: Address { base: Base::Param(param), .. }, .. } => {
                    let name = kernel.params.get(param.0 as usize).map(|param| param.name.as_str());
                    pointers.extend(name.filter(|name| ["q", "k", "v", "o"].contains(name)));
                }
                Op::Load { .. } => return false,
                op => op.for_each_register(|other, access| {
                    if access == Access::Read {
                        pending.push(other);
                    }
                }),
            }
        }
    }
    pointers.len() == 1 && (pointers.contains("q") || pointers.contains("k"))
}

/// Whether the register is nothing but how many bytes are copied, all of them of queries or keys.
fn only_sizes(kernel: &Kernel, reg: Reg) -> bool {
    let mut readers = insts(kernel).filter(|inst| reads(inst, reg)).peekable();
    readers.peek().is_some()
        && readers.all(|inst| {
            matches!(&inst.op, Op::CpAsync { dst, src, source_bytes: Some(Operand::Reg(bytes)), .. }
                if *bytes == reg && dst.reg() != Some(reg) && src.reg() != Some(reg) && is_query_or_key(kernel, *src))
        })
}

/// Whether the branch at `at` goes, if `pred` does not hold, to copies that look at every row, past copies that do not.
fn chooses_copies(kernel: &Kernel, at: usize, pred: Reg) -> bool {
    let Some(Inst { guard: Some(guard), op: Op::Branch { label, .. } }) = inst(kernel, at) else { return false };
    let Some(other) = kernel.body.iter().position(|statement| *statement == Statement::Label(*label)) else {
        return false;
    };
    let copies = |range: std::ops::Range<usize>| -> Vec<bool> {
        let sizes = range.filter_map(|at| match &inst(kernel, at)?.op {
            Op::CpAsync { source_bytes, .. } => Some(source_bytes.is_some()),
            _ => None,
        });
        sizes.collect()
    };
    let (whole, mut rest) = (copies(at + 1..other), copies(other..kernel.body.len()));
    rest.truncate(whole.len());
    let used_once = insts(kernel).filter(|inst| reads(inst, pred)).count() == 1;
    guard.pred == pred
        && guard.negate
        && used_once
        && other > at
        && !whole.is_empty()
        && whole.iter().all(|has_size| !has_size)
        && rest.len() == whole.len()
        && rest.iter().all(|has_size| *has_size)
}

/// Whether the register is what `Block::reach` says is the end of all that rows see: the keys, or 0.
fn is_end(kernel: &Kernel, reg: Reg) -> bool {
    let only = |reg: Reg| {
        let mut writes = insts(kernel).filter(|inst| destination(&inst.op) == Some(reg));
        let first = writes.next().filter(|inst| inst.guard.is_none())?;
        writes.next().is_none().then_some(&first.op)
    };
    let Some(Op::Select { a: Operand::Reg(seen), b: ZERO, .. }) = only(reg) else { return false };
    let Some(Op::Cvt { src: Operand::Reg(limited), .. }) = only(*seen) else { return false };
    let Some(Op::Binary { op: BinaryOp::Max, a: Operand::Reg(signed), b: ZERO, .. }) = only(*limited) else {
        return false;
    };
    let Some(Op::Cvt { src: Operand::Reg(len), .. }) = only(*signed) else { return false };
    match only(*len) {
        Some(Op::Load { space: Space::Param, address: Address { base: Base::Param(param), .. }, .. }) => {
            kernel.params.get(param.0 as usize).is_some_and(|param| param.name.ends_with("len_kv"))
        }
        _ => false,
    }
}
