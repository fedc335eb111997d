//! Synchronisation that is not there.

use tilewright_ptx_ir::ir::{Op, Space, Statement};

use super::Site;
use crate::edit::Edit;

pub(super) fn drop_barrier(site: &Site<'_>) -> Vec<Edit> {
    removed(site, matches!(site.op(), Op::BarrierSync { .. }))
}

pub(super) fn drop_commit(site: &Site<'_>) -> Vec<Edit> {
    removed(site, matches!(site.op(), Op::CpAsyncCommit))
}

pub(super) fn drop_wait(site: &Site<'_>) -> Vec<Edit> {
    removed(site, matches!(site.op(), Op::CpAsyncWait { .. } | Op::CpAsyncWaitAll))
}

pub(super) fn late_wait(site: &Site<'_>) -> Vec<Edit> {
    match site.op() {
        Op::CpAsyncWait { pending } => vec![site.replace(Op::CpAsyncWait { pending: pending + 1 })],
        Op::CpAsyncWaitAll => vec![site.replace(Op::CpAsyncWait { pending: 1 })],
        _ => Vec::new(),
    }
}

/// Up to where control flow may part; a barrier with no access behind it stays.
pub(super) fn late_barrier(site: &Site<'_>) -> Vec<Edit> {
    let Op::BarrierSync { .. } = site.op() else { return Vec::new() };
    let behind = site.kernel.body.iter().skip(site.at + 1);
    let straight = behind.take_while(|statement| match statement {
        Statement::Inst(inst) => !ends_a_block(&inst.op),
        _ => false,
    });
    let access = straight.into_iter().position(|statement| match statement {
        Statement::Inst(inst) => touches_shared(&inst.op),
        _ => false,
    });
    let Some(access) = access else { return Vec::new() };
    let mut inserted: Vec<_> = site.kernel.body.iter().skip(site.at + 1).take(access + 1).cloned().collect();
    inserted.push(Statement::Inst(site.inst.clone()));
    vec![Edit { at: site.at, removed: access + 2, inserted, threads: None }]
}

const fn ends_a_block(op: &Op) -> bool {
    matches!(
        op,
        Op::Branch { .. }
            | Op::BranchIndexed { .. }
            | Op::Call { .. }
            | Op::Return
            | Op::Exit
            | Op::Trap
            | Op::BarrierSync { .. }
    )
}

const fn touches_shared(op: &Op) -> bool {
    matches!(
        op,
        Op::Load { space: Space::Shared, .. }
            | Op::Store { space: Space::Shared, .. }
            | Op::Atomic { space: Space::Shared, .. }
            | Op::CpAsync { .. }
            | Op::LdMatrix { .. }
    )
}

fn removed(site: &Site<'_>, is_it: bool) -> Vec<Edit> {
    if is_it { vec![Edit::remove(site.at)] } else { Vec::new() }
}
