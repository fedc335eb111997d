//! Labels, the end of the body, and definition before use.

use std::collections::{HashMap, HashSet};

use super::error::Reason;
use crate::ir::{Access, Inst, Kernel, Label, Op, Reg, Statement};

pub(super) fn check(kernel: &Kernel, found: &mut Vec<(usize, Reason)>) {
    let labels = place_labels(kernel, found);
    let (successors, ends) = successors(kernel, &labels, found);
    let reached = check_definitions(kernel, &successors, found);
    for index in ends {
        // Compilers leave a label at the end that nothing jumps to.
        if reached.get(index).copied().unwrap_or(true) {
            found.push((index, Reason::RunsOff));
        }
    }
}

fn place_labels(kernel: &Kernel, found: &mut Vec<(usize, Reason)>) -> HashMap<Label, usize> {
    let mut labels = HashMap::new();
    for (index, statement) in kernel.body.iter().enumerate() {
        if let Statement::Label(label) = statement
            && labels.insert(*label, index).is_some()
        {
            found.push((index, Reason::DuplicateLabel { label: *label }));
        }
    }
    labels
}

/// For each statement, the statements that can follow it; and those that the end of the body can follow.
fn successors(
    kernel: &Kernel,
    labels: &HashMap<Label, usize>,
    found: &mut Vec<(usize, Reason)>,
) -> (Vec<Vec<usize>>, Vec<usize>) {
    let mut ends = Vec::new();
    let count = kernel.body.len();
    let mut all = Vec::with_capacity(count);
    for (index, statement) in kernel.body.iter().enumerate() {
        let mut next = Vec::new();
        if falls_through(statement) {
            next.push(index + 1);
        }
        if let Statement::Inst(Inst { op: Op::Branch { label, .. }, .. }) = statement {
            match labels.get(label) {
                Some(target) => next.push(*target),
                None => found.push((index, Reason::MissingLabel { label: *label })),
            }
        }
        if let Statement::Inst(Inst { op: Op::BranchIndexed { labels: targets, .. }, .. }) = statement {
            for label in targets {
                match labels.get(label) {
                    Some(target) => next.push(*target),
                    None => found.push((index, Reason::MissingLabel { label: *label })),
                }
            }
        }
        if next.contains(&count) {
            ends.push(index);
        }
        next.retain(|target| *target < count);
        all.push(next);
    }
    if count == 0 {
        ends.push(0);
    }
    (all, ends)
}

fn falls_through(statement: &Statement) -> bool {
    match statement {
        Statement::Inst(inst) => {
            inst.guard.is_some()
                || !matches!(inst.op, Op::Branch { .. } | Op::BranchIndexed { .. } | Op::Return | Op::Exit | Op::Trap)
        }
        Statement::Label(_) => true,
    }
}

/// Forward dataflow: the registers written on every path so far. Answers which statements are reached.
fn check_definitions(kernel: &Kernel, successors: &[Vec<usize>], found: &mut Vec<(usize, Reason)>) -> Vec<bool> {
    let registers = Numbering::new(kernel);
    let words = registers.count().div_ceil(64);
    let mut entry: Vec<Option<Vec<u64>>> = vec![None; kernel.body.len()];
    let mut work = Vec::new();
    if let Some(first) = entry.first_mut() {
        *first = Some(vec![0; words]);
        work.push(0);
    }
    while let Some(index) = work.pop() {
        let Some(mut defined) = entry.get(index).cloned().flatten() else { continue };
        visit(kernel, index, |reg, access| {
            if access == Access::Write {
                registers.set(&mut defined, reg);
            }
        });
        for next in successors.get(index).into_iter().flatten() {
            let Some(slot) = entry.get_mut(*next) else { continue };
            let changed = match slot {
                None => {
                    *slot = Some(defined.clone());
                    true
                }
                Some(before) => narrow(before, &defined),
            };
            if changed {
                work.push(*next);
            }
        }
    }
    let reached = entry.iter().map(Option::is_some).collect();
    for (index, defined) in entry.into_iter().enumerate() {
        let Some(defined) = defined else { continue };
        let mut reported = HashSet::new();
        visit(kernel, index, |reg, access| {
            if access == Access::Read && !registers.has(&defined, reg) && reported.insert(reg) {
                found.push((index, Reason::Undefined { reg }));
            }
        });
    }
    reached
}

fn visit(kernel: &Kernel, index: usize, visitor: impl FnMut(Reg, Access)) {
    if let Some(Statement::Inst(inst)) = kernel.body.get(index) {
        inst.for_each_register(visitor);
    }
}

/// Intersects `before` with `other`; whether that changed it.
fn narrow(before: &mut [u64], other: &[u64]) -> bool {
    let mut changed = false;
    for (word, other) in before.iter_mut().zip(other) {
        changed |= *word & !other != 0;
        *word &= other;
    }
    changed
}

/// A dense index for each register of a kernel.
struct Numbering(HashMap<Reg, usize>);

impl Numbering {
    fn new(kernel: &Kernel) -> Self {
        let mut numbers = HashMap::new();
        for index in 0..kernel.body.len() {
            visit(kernel, index, |reg, _| {
                let next = numbers.len();
                numbers.entry(reg).or_insert(next);
            });
        }
        Self(numbers)
    }

    fn count(&self) -> usize {
        self.0.len()
    }

    fn set(&self, bits: &mut [u64], reg: Reg) {
        if let Some(index) = self.0.get(&reg)
            && let Some(word) = bits.get_mut(index / 64)
        {
            *word |= 1 << (index % 64);
        }
    }

    fn has(&self, bits: &[u64], reg: Reg) -> bool {
        self.0
            .get(&reg)
            .and_then(|index| bits.get(index / 64).map(|word| word >> (index % 64) & 1 == 1))
            .unwrap_or(false)
    }
}
