//! What each instruction reads and writes: the one place that the verifier, the simulator and register counting share.

use super::kernel::Inst;
use super::op::Op;
use super::operand::{Address, Base, Operand, Reg};

/// How an instruction touches a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// The register's value is used.
    Read,
    /// The register gets a new value.
    Write,
}

impl Inst {
    /// Calls `visit` for each register the instruction names, guard first, reads before writes.
    pub fn for_each_register(&self, mut visit: impl FnMut(Reg, Access)) {
        if let Some(guard) = self.guard {
            visit(guard.pred, Access::Read);
        }
        self.op.for_each_register(visit);
    }
}

impl Op {
    /// Calls `visit` for each register the instruction names, reads before writes.
    pub fn for_each_register(&self, mut visit: impl FnMut(Reg, Access)) {
        self.for_each_read(|reg| visit(reg, Access::Read));
        self.for_each_write(|reg| visit(reg, Access::Write));
    }

    /// Calls `visit` for each register the instruction writes.
    pub fn for_each_write(&self, mut visit: impl FnMut(Reg)) {
        match self {
            Self::Mov { dst, .. }
            | Self::ReadSpecial { dst, .. }
            | Self::SharedAddress { dst, .. }
            | Self::LocalAddress { dst, .. }
            | Self::SymbolAddress { dst, .. }
            | Self::CvtTf32 { dst, .. }
            | Self::TestProperty { dst, .. }
            | Self::IsSpace { dst, .. }
            | Self::BarrierReduce { dst, .. }
            | Self::Pack { dst, .. }
            | Self::Cvt { dst, .. }
            | Self::CvtPair { dst, .. }
            | Self::CvtFp8Pair { dst, .. }
            | Self::CvtFp8 { dst, .. }
            | Self::CvtPackS8 { dst, .. }
            | Self::Cvta { dst, .. }
            | Self::Select { dst, .. }
            | Self::Unary { dst, .. }
            | Self::Binary { dst, .. }
            | Self::Ternary { dst, .. }
            | Self::Mul { dst, .. }
            | Self::Mad { dst, .. }
            | Self::CvtPack { dst, .. }
            | Self::VideoParts { dst, .. }
            | Self::Video { dst, .. }
            | Self::Pair { dst, .. }
            | Self::Rectified { dst, .. }
            | Self::Mul24 { dst, .. }
            | Self::Mad24 { dst, .. }
            | Self::Dp2a { dst, .. }
            | Self::Permute { dst, .. }
            | Self::SelectBySign { dst, .. }
            | Self::Lop3 { dst, .. }
            | Self::BitFieldInsert { dst, .. }
            | Self::SetPredicate { dst, .. }
            | Self::Set { dst, .. }
            | Self::CreatePolicy { dst, .. }
            | Self::CreatePolicyRange { dst, .. }
            | Self::CreatePolicyFrom { dst, .. }
            | Self::MoveMatrix { dst, .. }
            | Self::MbarrierArrive { state: dst, .. }
            | Self::MbarrierWait { dst, .. }
            | Self::MbarrierPendingCount { dst, .. }
            | Self::Vote { dst, .. }
            | Self::MatchAny { dst, .. }
            | Self::Redux { dst, .. }
            | Self::ActiveMask { dst } => visit(*dst),
            Self::CarrySum { dst, carry_out, .. } | Self::CarryMad { dst, carry_out, .. } => {
                visit(*dst);
                carry_out.then_some(Reg::CARRY).into_iter().for_each(visit);
            }
            Self::Unpack { dsts, .. }
            | Self::Load { dsts, .. }
            | Self::LdMatrix { dsts, .. }
            | Self::AtomicVector { dsts, .. }
            | Self::MmaForm { dsts, .. }
            | Self::Mma { dsts, .. } => {
                dsts.iter().copied().for_each(visit);
            }
            Self::Atomic { dst, .. } => dst.iter().copied().for_each(visit),
            Self::SetPredicates { dst, other, .. } => {
                visit(*dst);
                other.iter().copied().for_each(visit);
            }
            Self::Elect { dst, pred, .. } => {
                visit(*dst);
                visit(*pred);
            }
            Self::Shuffle { dst, pred, .. } | Self::MatchAll { dst, pred, .. } => {
                visit(*dst);
                pred.iter().copied().for_each(visit);
            }
            Self::Store { .. }
            | Self::Fence { .. }
            | Self::CpAsync { .. }
            | Self::CpAsyncCommit
            | Self::CpAsyncWait { .. }
            | Self::CpAsyncWaitAll
            | Self::Prefetch { .. }
            | Self::PrefetchUniform { .. }
            | Self::ApplyPriority { .. }
            | Self::Discard { .. }
            | Self::PerformanceEvent { .. }
            | Self::StMatrix { .. }
            | Self::MbarrierInit { .. }
            | Self::MbarrierInvalidate { .. }
            | Self::CpAsyncMbarrierArrive { .. }
            | Self::GridDependency { .. }
            | Self::WarpSync { .. }
            | Self::BarrierSync { .. }
            | Self::BarrierArrive { .. }
            | Self::Branch { .. }
            | Self::BranchIndexed { .. }
            | Self::Call { .. }
            | Self::Return
            | Self::Exit
            | Self::Trap
            | Self::Nanosleep { .. } => {}
        }
    }

    /// Calls `visit` for each register the instruction reads, without its guard.
    pub fn for_each_read(&self, mut visit: impl FnMut(Reg)) {
        let mut operand = |operand: &Operand| {
            if let Operand::Reg(reg) = operand {
                visit(*reg);
            }
        };
        match self {
            Self::Mov { src, .. }
            | Self::CreatePolicyFrom { src, .. }
            | Self::Cvt { src, .. }
            | Self::CvtTf32 { src, .. } => operand(src),
            Self::ReadSpecial { .. }
            | Self::SharedAddress { .. }
            | Self::LocalAddress { .. }
            | Self::SymbolAddress { .. }
            | Self::CreatePolicy { .. }
            | Self::ActiveMask { .. } => {}
            Self::Pack { srcs, .. } => srcs.iter().for_each(operand),
            Self::Unpack { src, .. } | Self::Cvta { src, .. } | Self::IsSpace { src, .. } => visit(*src),
            Self::CvtFp8 { src, .. } => visit(*src),
            Self::CvtPair { high, low, .. } | Self::CvtFp8Pair { high, low, .. } => {
                [high, low].into_iter().for_each(operand)
            }
            Self::CvtPackS8 { a, b, c, .. }
            | Self::Ternary { a, b, c, .. }
            | Self::Mad { a, b, c, .. }
            | Self::Mad24 { a, b, c, .. }
            | Self::Dp2a { a, b, c, .. }
            | Self::Permute { a, b, c, .. }
            | Self::SelectBySign { a, b, c, .. }
            | Self::Lop3 { a, b, c, .. } => {
                [a, b, c].into_iter().for_each(operand);
            }
            Self::CvtPack { a, b, c, .. } => [Some(a), Some(b), c.as_ref()].into_iter().flatten().for_each(operand),
            Self::VideoParts { a, b, c, .. } => [a, b, c].into_iter().copied().for_each(visit),
            Self::Video { a, b, c, .. } => {
                [Some(&a.operand), Some(&b.operand), c.as_ref()].into_iter().flatten().for_each(operand);
            }
            Self::Pair { a, b, .. } => [a, b].into_iter().copied().for_each(visit),
            Self::CarrySum { carry_in, a, b, .. } => {
                [a, b].into_iter().for_each(operand);
                carry_in.then_some(Reg::CARRY).into_iter().for_each(visit);
            }
            Self::CarryMad { carry_in, a, b, c, .. } => {
                [a, b, c].into_iter().for_each(operand);
                carry_in.then_some(Reg::CARRY).into_iter().for_each(visit);
            }
            Self::Select { a, b, pred, .. } => {
                [a, b].into_iter().for_each(operand);
                visit(*pred);
            }
            Self::Unary { a, .. } | Self::TestProperty { a, .. } => operand(a),
            Self::Binary { a, b, .. }
            | Self::Mul { a, b, .. }
            | Self::Mul24 { a, b, .. }
            | Self::Rectified { a, b, .. } => [a, b].into_iter().for_each(operand),
            Self::BitFieldInsert { a, b, start, length, .. } => [a, b, start, length].into_iter().for_each(operand),
            Self::SetPredicate { a, b, combine, .. } => {
                [a, b].into_iter().for_each(operand);
                combine.iter().for_each(|(_, pred)| visit(*pred));
            }
            Self::SetPredicates { a, b, combine, .. } | Self::Set { a, b, combine, .. } => {
                [a, b].into_iter().for_each(operand);
                combine.iter().filter_map(|(_, condition)| condition.reg()).for_each(visit);
            }
            Self::Load { address, policy, .. } => {
                address.reg().into_iter().for_each(&mut visit);
                policy.iter().copied().for_each(visit);
            }
            Self::Store { address, srcs, policy, .. } | Self::AtomicVector { address, srcs, policy, .. } => {
                srcs.iter().for_each(operand);
                address.reg().into_iter().for_each(&mut visit);
                policy.iter().copied().for_each(visit);
            }
            Self::Atomic { address, a, b, policy, .. } => {
                operand(a);
                b.iter().for_each(operand);
                address.reg().into_iter().chain(*policy).for_each(visit);
            }
            Self::CreatePolicyRange { address, primary_bytes, total_bytes, .. } => {
                [primary_bytes, total_bytes].into_iter().for_each(operand);
                address.reg().into_iter().for_each(visit);
            }
            Self::CpAsync { dst, src, source_bytes, ignored, policy, .. } => {
                source_bytes.iter().for_each(operand);
                ignored.iter().for_each(|guard| visit(guard.pred));
                [dst, src].into_iter().filter_map(|address| address.reg()).for_each(&mut visit);
                policy.iter().copied().for_each(visit);
            }
            Self::Prefetch { address, .. }
            | Self::PrefetchUniform { address }
            | Self::ApplyPriority { address, .. }
            | Self::Discard { address, .. }
            | Self::MbarrierInvalidate { address, .. }
            | Self::CpAsyncMbarrierArrive { address, .. }
            | Self::LdMatrix { address, .. } => address.reg().into_iter().for_each(visit),
            Self::MbarrierInit { address, count, .. } => {
                operand(count);
                address.reg().into_iter().for_each(visit);
            }
            Self::MbarrierArrive { address, count, .. } => {
                count.iter().for_each(operand);
                address.reg().into_iter().for_each(visit);
            }
            Self::MbarrierWait { address, phase, time, .. } => {
                [Some(phase), time.as_ref()].into_iter().flatten().for_each(operand);
                address.reg().into_iter().for_each(visit);
            }
            Self::MbarrierPendingCount { state, .. } => operand(state),
            Self::Shuffle { src, lane, clamp, mask, .. } => [src, lane, clamp, mask].into_iter().for_each(operand),
            Self::Vote { src, mask, .. } => {
                operand(mask);
                src.reg().into_iter().for_each(visit);
            }
            Self::MatchAny { src, mask, .. } | Self::MatchAll { src, mask, .. } | Self::Redux { src, mask, .. } => {
                [src, mask].into_iter().for_each(operand)
            }
            Self::WarpSync { mask } | Self::Elect { mask, .. } => operand(mask),
            Self::MoveMatrix { src, .. } => visit(*src),
            Self::StMatrix { srcs, address, .. } => srcs.iter().copied().chain(address.reg()).for_each(visit),
            Self::Mma { a, b, c, .. } | Self::MmaForm { a, b, c, .. } => {
                a.iter().chain(b).chain(c).copied().for_each(visit)
            }
            Self::BarrierSync { id, threads, .. } => {
                operand(id);
                threads.iter().for_each(operand);
            }
            Self::BarrierReduce { id, threads, src, .. } => {
                operand(id);
                threads.iter().for_each(operand);
                visit(*src);
            }
            Self::BranchIndexed { index, .. } => visit(*index),
            Self::BarrierArrive { id, threads, .. } => [id, threads].into_iter().for_each(operand),
            Self::Nanosleep { duration } => operand(duration),
            Self::Fence { .. }
            | Self::PerformanceEvent { .. }
            | Self::GridDependency { .. }
            | Self::CpAsyncCommit
            | Self::CpAsyncWait { .. }
            | Self::CpAsyncWaitAll
            | Self::Branch { .. }
            | Self::Call { .. }
            | Self::Return
            | Self::Exit
            | Self::Trap => {}
        }
    }
}

impl Address {
    /// The register that the address starts from, if it starts from one.
    #[must_use]
    pub const fn reg(&self) -> Option<Reg> {
        match self.base {
            Base::Reg(reg) => Some(reg),
            Base::Shared(_) | Base::Param(_) | Base::Result(_) | Base::Local(_) | Base::Symbol(_) => None,
        }
    }
}
