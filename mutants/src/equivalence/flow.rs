//! Which statements can be reached, given the branches whose conditions are always the same.

use std::collections::BTreeMap;

use tilewright_ptx_ir::ir::{Inst, Kernel, Label, Op, Statement};

use super::range::Ranges;

/// For each statement, whether it can be reached.
pub(super) fn reachable(kernel: &Kernel, ranges: &Ranges) -> Vec<bool> {
    let labels: BTreeMap<Label, usize> = kernel
        .body
        .iter()
        .enumerate()
        .filter_map(|(at, statement)| match statement {
            Statement::Label(label) => Some((*label, at)),
            _ => None,
        })
        .collect();
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
