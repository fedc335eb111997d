//! Groups of asynchronous copies: whether a kernel with another `commit` or `wait` still waits for every copy that it did.
//!
//! Kernel and mutant go the same ways. On each of them the copies that may be on their way are counted, statement by statement: groups end in their order, so that it is the newest of
//! a statement's copies that may. The mutant is as good if nowhere it has more of them than the kernel.

use std::collections::{BTreeMap, BTreeSet};

use tilewright_ptx_ir::ir::{BinaryOp, Compare, Immediate, Inst, Kernel, Label, Op, Operand, Reg, Statement};

use super::flow::loops;
use super::range::Ranges;
use crate::edit::Mutant;

/// States before nothing is claimed.
const MOST_STATES: usize = 50_000;
/// Groups on their way before nothing is claimed.
const MOST_GROUPS: usize = 12;

type Counts = BTreeMap<usize, usize>;

/// The copies of one thread that may be on their way.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Copies {
    /// Committed, oldest first.
    groups: Vec<Counts>,
    /// Not committed yet.
    open: Counts,
}

/// Where a thread is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    at: usize,
    /// Counters that are compared with constants.
    counters: BTreeMap<Reg, i64>,
    kernel: Copies,
    mutant: Copies,
}

impl Copies {
    fn act(&mut self, at: usize, op: Option<&Op>) {
        match op {
            Some(Op::CpAsync { .. }) => *self.open.entry(at).or_default() += 1,
            Some(Op::CpAsyncCommit) => {
                let group = std::mem::take(&mut self.open);
                self.groups.push(group);
            }
            Some(Op::CpAsyncWait { pending }) => {
                let done = self.groups.len().saturating_sub(usize::try_from(*pending).unwrap_or(usize::MAX));
                self.groups.drain(..done);
            }
            // Those that are not committed too.
            Some(Op::CpAsyncWaitAll) => *self = Self::default(),
            _ => {}
        }
    }

    fn pending(&self) -> Counts {
        let mut all = Counts::new();
        for (at, count) in self.groups.iter().chain([&self.open]).flatten() {
            *all.entry(*at).or_default() += count;
        }
        all
    }

    fn is_no_more_than(&self, other: &Self) -> bool {
        let other = other.pending();
        self.pending().iter().all(|(at, count)| other.get(at).is_some_and(|most| count <= most))
    }
}

/// Why another `commit` or `wait` is as good.
pub(super) fn reason(kernel: &Kernel, ranges: &Ranges, mutant: &Mutant) -> Option<&'static str> {
    let Some(Statement::Inst(Inst { guard: None, op })) = kernel.body.get(mutant.edit.at) else { return None };
    if !matches!(op, Op::CpAsyncCommit | Op::CpAsyncWait { .. } | Op::CpAsyncWaitAll) || mutant.edit.removed != 1 {
        return None;
    }
    let changed = match mutant.edit.inserted.as_slice() {
        [] => None,
        [Statement::Inst(Inst { guard: None, op })] => Some(op),
        _ => return None,
    };
    let labels: BTreeMap<Label, usize> = (0..kernel.body.len())
        .filter_map(|at| match kernel.body.get(at) {
            Some(Statement::Label(label)) => Some((*label, at)),
            _ => None,
        })
        .collect();
    let counted: BTreeSet<Reg> =
        loops(kernel).iter().filter(|each| each.end.reg().is_none()).map(|each| each.counter).collect();
    let (mut seen, mut pending) = (BTreeSet::new(), vec![State::default()]);
    while let Some(mut state) = pending.pop() {
        if !seen.insert(state.clone()) {
            continue;
        }
        if seen.len() > MOST_STATES || state.kernel.groups.len().max(state.mutant.groups.len()) > MOST_GROUPS {
            return None;
        }
        let at = state.at;
        state.at += 1;
        let Some(statement) = kernel.body.get(at) else { continue };
        let Statement::Inst(inst) = statement else {
            pending.push(state);
            continue;
        };
        state.kernel.act(at, Some(&inst.op));
        state.mutant.act(at, if at == mutant.edit.at { changed } else { Some(&inst.op) });
        let is_sync = matches!(inst.op, Op::CpAsyncCommit | Op::CpAsyncWait { .. } | Op::CpAsyncWaitAll);
        if !is_sync && !state.mutant.is_no_more_than(&state.kernel) {
            return None;
        }
        state.count(&counted, &inst.op);
        let goes = state.goes(kernel, ranges, at, inst);
        match &inst.op {
            Op::Return | Op::Exit | Op::Trap if goes == Some(true) => {}
            Op::Branch { label, .. } => {
                let target = *labels.get(label)?;
                // A thread that leaves copies out has fewer on their way in both, in the same groups.
                let leaves_out = goes.is_none() && only_copies(kernel, at + 1, target);
                if goes != Some(false) && !leaves_out {
                    pending.push(State { at: target, ..state.clone() });
                }
                if goes != Some(true) {
                    pending.push(state);
                }
            }
            Op::BranchIndexed { .. } | Op::Call { .. } => return None,
            _ => pending.push(state),
        }
    }
    Some("every wait still covers every copy that it did")
}

/// Whether from `start` to `end` there are copies, and neither branches back, nor `commit`, nor `wait`.
fn only_copies(kernel: &Kernel, start: usize, end: usize) -> bool {
    let insts = || {
        kernel.body.iter().take(end).skip(start).filter_map(|statement| match statement {
            Statement::Inst(inst) => Some(&inst.op),
            _ => None,
        })
    };
    let inside = |label: &Label| {
        kernel.body.iter().take(end).skip(start).any(|statement| *statement == Statement::Label(*label))
    };
    start < end
        && insts().any(|op| matches!(op, Op::CpAsync { .. }))
        && insts().all(|op| match op {
            Op::CpAsyncCommit
            | Op::CpAsyncWait { .. }
            | Op::CpAsyncWaitAll
            | Op::Return
            | Op::Exit
            | Op::BranchIndexed { .. } => false,
            Op::Branch { label, .. } => inside(label),
            _ => true,
        })
}

impl State {
    /// Keeps the counters' values.
    fn count(&mut self, counted: &BTreeSet<Reg>, op: &Op) {
        match op {
            Op::Mov { dst, src: Operand::Imm(Immediate::Int(value)), .. } if counted.contains(dst) => {
                self.counters.insert(*dst, *value);
            }
            Op::Binary { op: BinaryOp::Add, dst, a, b: Operand::Imm(Immediate::Int(step)), .. }
                if counted.contains(dst) && *a == Operand::Reg(*dst) =>
            {
                if let Some(value) = self.counters.get_mut(dst) {
                    *value += step;
                }
            }
            op => op.for_each_write(|reg| {
                self.counters.remove(&reg);
            }),
        }
    }

    /// Whether the instruction's guard holds, if that is known: always, or by the comparison in front of it.
    fn goes(&self, kernel: &Kernel, ranges: &Ranges, at: usize, inst: &Inst) -> Option<bool> {
        let Some(guard) = inst.guard else { return Some(true) };
        let compared = match at.checked_sub(1).and_then(|before| kernel.body.get(before)) {
            Some(Statement::Inst(Inst {
                guard: None,
                op:
                    Op::SetPredicate {
                        compare: Compare::Lt,
                        dst,
                        a: Operand::Reg(reg),
                        b: Operand::Imm(Immediate::Int(end)),
                        combine: None,
                        ..
                    },
            })) if *dst == guard.pred => self.counters.get(reg).map(|value| value < end),
            _ => None,
        };
        compared.or_else(|| ranges.predicate(guard.pred)).map(|value| value != guard.negate)
    }
}
