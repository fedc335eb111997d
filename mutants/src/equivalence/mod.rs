//! Proofs that a mutant cannot matter.
//!
//! What is known of a kernel for every launch that its host code allows: the values that its integer registers may have, which bits of them reach anything, of which
//! power of two its floats are multiples, which statements can be reached. The rules look at the changed instruction in this light.

mod absent;
mod by_hand;
mod demanded;
mod domain;
mod entry;
mod exponents;
mod flow;
mod granule;
mod groups;
mod heads;
mod packed_rows;
mod quotient;
mod range;
mod rows;
mod rules;
mod sums;
mod tiles;
mod uses;
mod value;

use tilewright_ptx_ir::ir::{Access, BinaryOp, Compare, Immediate, Inst, Kernel, Op, Operand, Reg, Statement};

use crate::case::Group;
use crate::edit::Mutant;
use demanded::Demanded;
use domain::Domain;
use granule::Granules;
use range::Ranges;
use value::Value;

/// What is known of a kernel whatever its arguments are.
#[derive(Clone, Debug)]
pub struct Facts {
    kernel: Kernel,
    group: Group,
    domain: Domain,
    ranges: Ranges,
    demanded: Demanded,
    granules: Granules,
    reachable: Vec<bool>,
    copies: bool,
}

impl Facts {
    /// The facts of a kernel; `depths` are the least and the largest k that it is launched with, if host code chooses it by k.
    #[must_use]
    pub fn of(kernel: &Kernel, group: Group, depths: Option<[u64; 2]>) -> Self {
        let domain = Domain::of(group, kernel, depths);
        let ranges = Ranges::of(kernel, &domain);
        let reachable = flow::reachable(kernel, &ranges);
        let is_copy = |statement: &Statement| matches!(statement, Statement::Inst(Inst { op: Op::CpAsync { .. }, .. }));
        let copies = kernel.body.iter().any(is_copy);
        Self {
            kernel: kernel.clone(),
            group,
            ranges,
            demanded: Demanded::of(kernel),
            // Rows of f32 are copied; elsewhere what is copied is no f32.
            granules: Granules::of(kernel, copies && group == Group::Reduce && has_single_rows(kernel)),
            reachable,
            copies,
            domain,
        }
    }

    fn result(&self, op: &Op, bits: u32) -> Option<Value> {
        self.ranges.result(op, bits, &self.kernel, &self.domain)
    }

    /// Why the mutant does the same as the kernel, if a rule proves it or somebody has.
    #[must_use]
    pub fn proof(&self, mutant: &Mutant) -> Option<String> {
        let here = Self { ranges: self.ranges.at(mutant.edit.at), ..self.clone() };
        here.by_rule(mutant)
            .or_else(|| groups::reason(&self.kernel, &self.ranges, mutant))
            .or_else(|| absent::reason(&self.kernel, &self.domain, mutant))
            .or_else(|| entry::reason(&here, mutant))
            .or_else(|| packed_rows::reason(self.group, &self.kernel, mutant))
            .or_else(|| if self.group == Group::Attention { heads::reason(&self.kernel, mutant) } else { None })
            .or_else(|| if self.group == Group::Attention { tiles::reason(&self.kernel, mutant) } else { None })
            .or_else(|| if self.group == Group::Attention { exponents::reason(&self.kernel, mutant) } else { None })
            .or_else(|| if self.group == Group::Reduce { rows::reason(self, mutant) } else { None })
            .or_else(|| by_hand::reason(self.group, &self.kernel, mutant))
            .map(str::to_owned)
    }

    fn by_rule(&self, mutant: &Mutant) -> Option<&'static str> {
        let edit = &mutant.edit;
        if edit.threads.is_some() {
            return None;
        }
        if self.reachable.get(edit.at) == Some(&false) {
            return Some("never reached");
        }
        let Some(Statement::Inst(old)) = self.kernel.body.get(edit.at) else { return None };
        let waits = matches!(old.op, Op::CpAsyncCommit | Op::CpAsyncWait { .. } | Op::CpAsyncWaitAll);
        if waits && !self.copies {
            return Some("the kernel makes no asynchronous copies");
        }
        let barrier = matches!(old.op, Op::BarrierSync { .. }) && edit.inserted.len() < edit.removed.max(2);
        if (barrier || mutant.operator == "late-barrier") && flow::is_first(&self.kernel, edit.at) {
            return Some("nothing in front of the barrier touches memory that others do");
        }
        if barrier && flow::is_followed(&self.kernel, edit.at) {
            return Some("the next barrier comes before any access to memory that others touch");
        }
        match (edit.removed, edit.inserted.as_slice()) {
            (1, []) => self.removable(old),
            (1, [Statement::Inst(new)]) => {
                let same_guard = old.guard == new.guard && old.guard.is_none();
                rules::same(self, old, new)
                    .or_else(|| self.saturated(&old.op, &new.op))
                    .or_else(|| if same_guard { uses::same(self, edit.at, &old.op, &new.op) } else { None })
                    .or_else(|| if same_guard { sums::same(self, edit.at, &old.op, &new.op) } else { None })
            }
            (1, [Statement::Inst(kept), Statement::Inst(Inst { guard: None, op: Op::Mov { dst, .. } })])
                if kept == old =>
            {
                let is_read = flow::is_read_behind(&self.kernel, &self.ranges, edit.at, *dst);
                (!is_read).then_some("nothing reads the register any more")
            }
            (1, [Statement::Inst(before), Statement::Inst(new)]) => {
                let ranges = rules::extended(self, &before.op)?;
                let extended = Self { ranges, ..self.clone() };
                rules::same(&extended, old, new)
                    .or_else(|| rules::moved_bound(self, &old.op, &before.op, &new.op))
                    .or_else(|| self.widened(&old.op, &before.op, &new.op))
                    .or_else(|| uses::negated_addend(&extended, &old.op, &before.op, &new.op))
                    .or_else(|| sums::negated(self, edit.at, &old.op, &before.op, &new.op))
            }
            _ => None,
        }
    }

    /// Why an instruction may go.
    fn removable(&self, old: &Inst) -> Option<&'static str> {
        let guard = old.guard?;
        let holds = self.ranges.predicate(guard.pred).map(|value| value != guard.negate);
        (holds == Some(false)).then_some("the guard never holds")
    }

    /// `y < x + 1` is `y <= x` if nothing wraps around.
    fn widened(&self, old: &Op, before: &Op, new: &Op) -> Option<&'static str> {
        let Op::SetPredicate { compare: Compare::Lt, ty, b, .. } = old else { return None };
        let Op::Binary { op: BinaryOp::Add, b: Operand::Imm(Immediate::Int(1)), .. } = before else { return None };
        let bits = 8 * ty.bytes();
        let fits = self.ranges.operand(*b, bits)?.high < value::mask(bits);
        let mut at_most = new.clone();
        if let Op::SetPredicate { compare, b: bound, .. } = &mut at_most {
            (*compare, *bound) = (Compare::Le, *b);
        }
        if fits { self.saturated(old, &at_most) } else { None }
    }

    /// `y < x ? x - y : 0` is 0 where the two are equal, whatever the comparison says of that.
    fn saturated(&self, old: &Op, new: &Op) -> Option<&'static str> {
        let Op::SetPredicate { compare: Compare::Lt, dst, a, b, combine: None, .. } = old else { return None };
        let mut plain = new.clone();
        match &mut plain {
            Op::SetPredicate { compare: compare @ Compare::Le, .. } => *compare = Compare::Lt,
            _ => return None,
        }
        if plain != *old {
            return None;
        }
        let reads = |inst: &Inst| {
            let mut is_it = false;
            inst.for_each_register(|reg, access| is_it |= reg == *dst && access == Access::Read);
            is_it
        };
        let insts = || {
            self.kernel.body.iter().filter_map(|statement| match statement {
                Statement::Inst(inst) => Some(inst),
                _ => None,
            })
        };
        let difference = |reg: Option<Reg>| {
            let Some(reg) = reg else { return false };
            let mut writes = insts().filter(|inst| rules::destination(&inst.op) == Some(reg));
            let (first, second) = (writes.next(), writes.next());
            let is_it = |inst: &Inst| matches!(&inst.op, Op::Binary { op: BinaryOp::Sub, a: whole, b: part, .. } if (whole, part) == (b, a));
            first.is_some_and(|inst| inst.guard.is_none() && is_it(inst)) && second.is_none()
        };
        let zero = Operand::Imm(Immediate::Int(0));
        let harmless = |inst: &Inst| matches!(&inst.op, Op::Select { a, b, pred, .. } if pred == dst && *b == zero && difference(a.reg()));
        insts()
            .filter(|inst| reads(inst))
            .all(harmless)
            .then_some("a difference of equals is the 0 of the other choice")
    }
}

/// Whether a row kernel's rows are of f32, by its name: the first type in it.
fn has_single_rows(kernel: &Kernel) -> bool {
    kernel.name.split('_').find(|word| ["f32", "f16", "bf16"].contains(word)) == Some("f32")
}
