//! Which statements can be reached, given the branches whose conditions are always the same.

use std::collections::BTreeMap;

use tilewright_ptx_ir::ir::{
    Access, BinaryOp, Compare, Immediate, Inst, Kernel, Label, Op, Operand, Reg, Space, Statement, Type,
};

use super::range::Ranges;

/// For each statement, whether it can be reached.
pub(super) fn reachable(kernel: &Kernel, ranges: &Ranges) -> Vec<bool> {
    let labels = places(kernel);
    let mut reached = vec![false; kernel.body.len()];
    let mut pending = vec![0];
    while let Some(at) = pending.pop() {
        match reached.get_mut(at) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        let mut goes_on = true;
        if let Some(Statement::Inst(Inst { guard, op })) = kernel.body.get(at) {
            let holds = match guard {
                None => Some(true),
                Some(guard) => ranges.predicate(guard.pred).map(|value| value != guard.negate),
            };
            let ends = matches!(op, Op::Branch { .. } | Op::BranchIndexed { .. } | Op::Return | Op::Exit | Op::Trap);
            if holds != Some(false) {
                match op {
                    Op::Branch { label, .. } => pending.extend(labels.get(label)),
                    Op::BranchIndexed { labels: targets, .. } => {
                        pending.extend(targets.iter().filter_map(|label| labels.get(label)));
                    }
                    _ => {}
                }
            }
            goes_on = !(ends && holds == Some(true));
        }
        if goes_on {
            pending.push(at + 1);
        }
    }
    reached
}

/// A loop of `Builder::for_`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loop {
    /// Its first statement.
    pub(super) head: usize,
    /// The counter's increment; the comparison with the end and the branch to the head follow.
    pub(super) step: usize,
    /// The counter.
    pub(super) counter: Reg,
    /// What the counter is below from the head to its increment.
    pub(super) end: Operand,
}

/// A pointer that goes round: `add p, p, by; …; setp.ge q, p, end; @q mov p, start`, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    /// The addition.
    pub(super) step: usize,
    /// The most that a step of this pointer adds, and the bits of all that they add.
    pub(super) by: u64,
    pub(super) steps: u64,
    /// What the pointer is below behind the last of the statements of a step, if it is not the start.
    pub(super) ends: Vec<Operand>,
    /// The statements that put it somewhere; all others that write it are such steps.
    pub(super) starts: Vec<usize>,
}

/// The rings of a kernel.
pub(super) fn rings(kernel: &Kernel) -> Vec<Ring> {
    let inst = |at: usize| match kernel.body.get(at) {
        Some(Statement::Inst(inst)) => Some(inst),
        _ => None,
    };
    let step = |at: usize| -> Option<(Reg, u64, Operand)> {
        let Inst {
            guard: None,
            op: Op::Binary { op: BinaryOp::Add, ty: Type::U32, dst, a, b: Operand::Imm(Immediate::Int(by)), .. },
        } = inst(at)?
        else {
            return None;
        };
        // The end is made in between.
        let Inst { guard: None, op: Op::Binary { op: BinaryOp::Add, dst: made, .. } } = inst(at + 1)? else {
            return None;
        };
        let Inst {
            guard: None,
            op:
                Op::SetPredicate {
                    compare: Compare::Ge,
                    ty: Type::U32,
                    dst: pred,
                    a: Operand::Reg(left),
                    b,
                    combine: None,
                    ..
                },
        } = inst(at + 2)?
        else {
            return None;
        };
        let Inst { guard: Some(guard), op: Op::Mov { dst: back, .. } } = inst(at + 3)? else { return None };
        let is_it = *a == Operand::Reg(*dst)
            && left == dst
            && back == dst
            && made != dst
            && guard.pred == *pred
            && !guard.negate;
        is_it.then(|| Some((*dst, u64::try_from(*by).ok()?, *b))).flatten()
    };
    let steps: Vec<_> =
        (0..kernel.body.len()).filter_map(|at| step(at).map(|(reg, by, end)| (at, reg, by, end))).collect();
    let writes =
        |reg: Reg| (0..kernel.body.len()).filter(move |at| inst(*at).is_some_and(|inst| writes_it(&inst.op, reg)));
    let made = steps.iter().map(|(at, reg, ..)| {
        let own = || steps.iter().filter(|(_, other, ..)| other == reg);
        Ring {
            step: *at,
            by: own().map(|(_, _, by, _)| *by).max().unwrap_or(u64::MAX),
            steps: own().fold(0, |bits, (_, _, by, _)| bits | by),
            ends: own().map(|(.., end)| *end).collect(),
            starts: writes(*reg).filter(|place| own().all(|(step, ..)| step != place)).collect(),
        }
    });
    made.collect()
}

fn writes_it(op: &Op, reg: Reg) -> bool {
    let mut is_it = false;
    op.for_each_write(|other| is_it |= other == reg);
    is_it
}

/// Statements in which a register is below a bound.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    /// The statements.
    pub(super) body: std::ops::RangeInclusive<usize>,
    /// The register.
    pub(super) reg: Reg,
    /// The bound.
    pub(super) end: Operand,
}

/// The bodies of loops, and what `setp.lt p, a, b; @!p bra done; …; done:` jumps over, where neither is entered in another way and nothing writes a.
pub(super) fn scopes(kernel: &Kernel, loops: &[Loop]) -> Vec<Scope> {
    let bodies = loops.iter().map(|each| Scope { body: each.head..=each.step, reg: each.counter, end: each.end });
    let labels = places(kernel);
    let choices = (0..kernel.body.len()).filter_map(|at| {
        let (Some(Statement::Inst(test)), Some(Statement::Inst(branch))) =
            (kernel.body.get(at), kernel.body.get(at + 1))
        else {
            return None;
        };
        let (None, Op::SetPredicate { compare: Compare::Lt, ty, dst, a, b, combine: None, .. }) =
            (test.guard, &test.op)
        else {
            return None;
        };
        let (Some(guard), Op::Branch { label, .. }) = (branch.guard, &branch.op) else { return None };
        let (reg, end) = (a.reg()?, *labels.get(label)?);
        let body = at + 2..end;
        let is_it = !ty.is_signed() && ty.is_integer() && guard.pred == *dst && guard.negate && end > at + 2;
        (is_it && !writes(kernel, reg, &body) && !is_entered(kernel, &body)).then(|| Scope {
            body: at + 2..=end - 1,
            reg,
            end: *b,
        })
    });
    bodies.chain(choices).collect()
}

fn writes(kernel: &Kernel, reg: Reg, range: &std::ops::Range<usize>) -> bool {
    kernel.body.iter().take(range.end).skip(range.start).any(|statement| match statement {
        Statement::Inst(inst) => {
            let mut is_it = false;
            inst.op.for_each_write(|other| is_it |= reg == other);
            is_it
        }
        _ => false,
    })
}

/// Whether something outside jumps to a label inside.
fn is_entered(kernel: &Kernel, inside: &std::ops::Range<usize>) -> bool {
    let labels = places(kernel);
    let leads_in = |label: &Label| labels.get(label).is_some_and(|target| inside.contains(target));
    kernel.body.iter().enumerate().any(|(from, statement)| match statement {
        Statement::Inst(Inst { op: Op::Branch { label, .. }, .. }) => leads_in(label) && !inside.contains(&from),
        Statement::Inst(Inst { op: Op::BranchIndexed { labels, .. }, .. }) => labels.iter().any(leads_in),
        _ => false,
    })
}

/// The loops of `Builder::for_`, each with the bound that the counter is below whenever it is incremented:
/// `setp.lt p, i, end; @!p bra done; head: …; add i, i, step; setp.lt q, i, end; @q bra head; done:`, with no other way to the head and no other write to i but
/// one in front of it.
pub(super) fn loops(kernel: &Kernel) -> Vec<Loop> {
    let inst = |at: usize| match kernel.body.get(at) {
        Some(Statement::Inst(inst)) => Some(inst),
        _ => None,
    };
    let below = |at: usize| match inst(at) {
        Some(Inst { guard: None, op: Op::SetPredicate { compare: Compare::Lt, ty, dst, a, b, combine: None, .. } })
            if !ty.is_signed() =>
        {
            Some((*dst, *a, *b))
        }
        _ => None,
    };
    let branch = |at: usize| match inst(at) {
        Some(Inst { guard: Some(guard), op: Op::Branch { label, .. } }) => Some((*guard, *label)),
        _ => None,
    };
    let mut found = Vec::new();
    for at in 0..kernel.body.len() {
        let Some(Inst { guard: None, op: Op::Binary { op: BinaryOp::Add, dst, a, .. } }) = inst(at) else { continue };
        let (Some((again, left, end)), Some((back, head))) = (below(at + 1), branch(at + 2)) else { continue };
        let start = kernel.body.iter().position(|statement| *statement == Statement::Label(head));
        let Some(start) = start.filter(|start| *start >= 2 && *start < at) else { continue };
        let (Some((enters, first, bound)), Some((skip, _))) = (below(start - 2), branch(start - 1)) else { continue };
        let counter = Operand::Reg(*dst);
        let shape = *a == counter && left == counter && first == counter && end == bound;
        let guards = back.pred == again && !back.negate && skip.pred == enters && skip.negate;
        let writes = |range: std::ops::Range<usize>| {
            range
                .filter_map(inst)
                .filter(|inst| {
                    let mut is_it = false;
                    inst.op.for_each_write(|reg| is_it |= reg == *dst);
                    is_it
                })
                .count()
        };
        let ways = kernel.body.iter().filter(|statement| match statement {
            Statement::Inst(Inst { op: Op::Branch { label, .. }, .. }) => *label == head,
            Statement::Inst(Inst { op: Op::BranchIndexed { labels, .. }, .. }) => labels.contains(&head),
            _ => false,
        });
        let alone = writes(0..start) == 1 && writes(start..kernel.body.len()) == 1;
        // Into the body leads the head alone: every label in it is jumped to from inside.
        let entered = is_entered(kernel, &(start + 1..at));
        if shape && guards && alone && ways.count() == 1 && !entered {
            found.push(Loop { head: start, step: at, counter: *dst, end });
        }
    }
    found
}

/// Whether from the barrier at `at` every way leads over nothing that others may see to another barrier, which then orders all that this one does, or to the end.
pub(super) fn is_followed(kernel: &Kernel, at: usize) -> bool {
    let labels = places(kernel);
    let mut seen = vec![false; kernel.body.len()];
    let mut pending = vec![at + 1];
    while let Some(at) = pending.pop() {
        match seen.get_mut(at) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        let Some(Statement::Inst(Inst { guard, op })) = kernel.body.get(at) else {
            pending.push(at + 1);
            continue;
        };
        match op {
            Op::BarrierSync { .. } if guard.is_none() => continue,
            Op::Return | Op::Exit if guard.is_none() => continue,
            Op::Branch { label, .. } => {
                pending.extend(labels.get(label));
                if guard.is_none() {
                    continue;
                }
            }
            Op::BranchIndexed { .. } => return false,
            op if touches(op) || matches!(op, Op::BarrierReduce { .. } | Op::BarrierArrive { .. }) => return false,
            _ => {}
        }
        pending.push(at + 1);
    }
    true
}

/// Whether an instruction touches memory that other threads may touch too; loads of device memory read what nobody writes, and nobody reads the results there.
const fn touches(op: &Op) -> bool {
    matches!(
        op,
        Op::Store { space: Space::Shared | Space::Generic, .. }
            | Op::Atomic { .. }
            | Op::CpAsync { .. }
            | Op::LdMatrix { .. }
            | Op::BarrierSync { .. }
            | Op::Load { space: Space::Shared | Space::Generic, .. }
            | Op::Call { .. }
    )
}

fn places(kernel: &Kernel) -> BTreeMap<Label, usize> {
    let labels = kernel.body.iter().enumerate().filter_map(|(at, statement)| match statement {
        Statement::Label(label) => Some((*label, at)),
        _ => None,
    });
    labels.collect()
}

/// Whether no thread writes anything, or reads shared memory, before it comes to statement `at` for the first time, and none comes to it twice.
pub(super) fn is_first(kernel: &Kernel, at: usize) -> bool {
    let earlier = kernel.body.iter().take(at);
    let quiet = earlier.clone().all(|statement| !matches!(statement, Statement::Inst(inst) if touches(&inst.op)));
    let labels: Vec<Label> = earlier
        .filter_map(|statement| match statement {
            Statement::Label(label) => Some(*label),
            _ => None,
        })
        .collect();
    let returns = kernel.body.iter().skip(at).any(|statement| match statement {
        Statement::Inst(Inst { op: Op::Branch { label, .. }, .. }) => labels.contains(label),
        Statement::Inst(Inst { op: Op::BranchIndexed { .. }, .. }) => true,
        _ => false,
    });
    quiet && !returns
}

/// The statements whose write to `reg` may be what statement `at` reads, given the branches whose conditions are always the same.
pub(super) fn reaching(kernel: &Kernel, ranges: &Ranges, at: usize, reg: Reg) -> Vec<usize> {
    let jumps: BTreeMap<usize, Vec<usize>> = jumps(kernel, ranges);
    let mut seen = vec![false; kernel.body.len()];
    let mut found = Vec::new();
    let before = |at: usize| {
        let falls = at.checked_sub(1).filter(|before| falls_through(kernel, ranges, *before));
        falls.into_iter().chain(jumps.get(&at).into_iter().flatten().copied())
    };
    let mut pending: Vec<usize> = before(at).collect();
    while let Some(at) = pending.pop() {
        match seen.get_mut(at) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        if let Some(Statement::Inst(inst)) = kernel.body.get(at) {
            let mut writes = false;
            inst.op.for_each_write(|other| writes |= other == reg);
            if writes {
                found.push(at);
                if inst.guard.is_none() {
                    continue;
                }
            }
        }
        pending.extend(before(at));
    }
    found
}

/// Whether what is written to `reg` behind statement `at` may be read.
pub(super) fn is_read_behind(kernel: &Kernel, ranges: &Ranges, at: usize, reg: Reg) -> bool {
    let labels = places(kernel);
    let mut seen = vec![false; kernel.body.len()];
    let mut pending = vec![at + 1];
    while let Some(at) = pending.pop() {
        match seen.get_mut(at) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        if let Some(Statement::Inst(inst)) = kernel.body.get(at) {
            let (mut reads, mut writes) = (false, false);
            inst.for_each_register(|other, access| reads |= other == reg && access == Access::Read);
            inst.op.for_each_write(|other| writes |= other == reg);
            match &inst.op {
                _ if reads => return true,
                _ if writes && inst.guard.is_none() => continue,
                Op::Branch { label, .. } if holds(inst, ranges) != Some(false) => pending.extend(labels.get(label)),
                Op::BranchIndexed { .. } => return true,
                _ => {}
            }
        }
        if falls_through(kernel, ranges, at) {
            pending.push(at + 1);
        }
    }
    false
}

/// From where each label is jumped to.
fn jumps(kernel: &Kernel, ranges: &Ranges) -> BTreeMap<usize, Vec<usize>> {
    let labels = places(kernel);
    let mut jumps: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (from, statement) in kernel.body.iter().enumerate() {
        let Statement::Inst(inst) = statement else { continue };
        let targets: Vec<Label> = match &inst.op {
            Op::Branch { label, .. } if holds(inst, ranges) != Some(false) => vec![*label],
            Op::BranchIndexed { labels, .. } => labels.clone(),
            _ => continue,
        };
        for target in targets.iter().filter_map(|label| labels.get(label)) {
            jumps.entry(*target).or_default().push(from);
        }
    }
    jumps
}

fn falls_through(kernel: &Kernel, ranges: &Ranges, at: usize) -> bool {
    match kernel.body.get(at) {
        Some(Statement::Inst(inst)) => {
            let ends =
                matches!(inst.op, Op::Branch { .. } | Op::BranchIndexed { .. } | Op::Return | Op::Exit | Op::Trap);
            !(ends && holds(inst, ranges) == Some(true))
        }
        _ => true,
    }
}

/// Whether the guard always holds, or never.
fn holds(inst: &Inst, ranges: &Ranges) -> Option<bool> {
    match inst.guard {
        None => Some(true),
        Some(guard) => ranges.predicate(guard.pred).map(|value| value != guard.negate),
    }
}
