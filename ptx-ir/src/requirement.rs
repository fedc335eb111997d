//! What an instruction needs: capability and PTX version, as ptxas 13.0 accepts them.

use crate::ir::{
    BinaryOp, EvictionPriority, LoadOrder, MmaBits, Op, PrefetchLevel, Scope, StoreOrder, TernaryOp, Type, UnaryOp,
};
use crate::target::{PtxVersion, Target};

/// The least that an instruction, with its modifiers, assembles for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Requirement {
    /// Ten times the compute capability.
    pub capability: u32,
    /// Whether only sm_90a has it.
    pub sm90a: bool,
    /// The PTX version that introduced it.
    pub version: PtxVersion,
}

impl Requirement {
    const BASE: Self = Self { capability: 80, sm90a: false, version: PtxVersion::V7_0 };

    const fn version(minor: u8) -> Self {
        Self { version: PtxVersion::new(7, minor), ..Self::BASE }
    }

    /// Whether `target` has it.
    #[must_use]
    pub const fn met_by(&self, target: Target) -> bool {
        target.capability() >= self.capability && (!self.sm90a || target.has_sm90a())
    }
}

impl Op {
    /// What the instruction needs.
    ///
    /// # Source
    /// PTX ISA 9.0, the "PTX ISA Notes" and "Target ISA Notes" of each instruction.
    #[must_use]
    pub fn requirement(&self) -> Requirement {
        const HOPPER: Requirement = Requirement { capability: 90, sm90a: false, version: PtxVersion::new(7, 8) };
        match self {
            Self::Binary {
                op: BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul, ty: Type::Bf16 | Type::Bf16x2, ..
            } => HOPPER,
            Self::Cvt { to: Type::Bf16, from, .. } if *from != Type::F32 => HOPPER,
            Self::Cvt { from: Type::Bf16, to, .. } if *to != Type::F32 => HOPPER,
            Self::Cvt { from: Type::Bf16, to: Type::F32, ftz: true, .. } => HOPPER,
            Self::Cvt { from: Type::Bf16, to: Type::F32, .. } => Requirement::version(1),
            Self::Atomic { ty: Type::Bf16 | Type::Bf16x2, .. } => HOPPER,
            Self::Unary { op: UnaryOp::Ex2 | UnaryOp::Tanh, ty: Type::Bf16 | Type::Bf16x2, .. } => HOPPER,
            Self::Unary { op: UnaryOp::Neg | UnaryOp::Abs, ty: Type::Bf16 | Type::Bf16x2, .. }
            | Self::Ternary { op: TernaryOp::Fma, ty: Type::Bf16 | Type::Bf16x2, .. } => Requirement::BASE,
            Self::Binary {
                op: BinaryOp::BitMaskClamp | BinaryOp::BitMaskWrap | BinaryOp::ExtendClamp | BinaryOp::ExtendWrap,
                ..
            } => Requirement::version(6),
            Self::Pair { .. } | Self::Rectified { .. } => Requirement { version: PtxVersion::new(8, 0), ..HOPPER },
            Self::SetPredicate { ty: Type::Bf16, .. }
            | Self::SetPredicates { ty: Type::Bf16 | Type::Bf16x2, .. }
            | Self::Set { ty: Type::Bf16 | Type::Bf16x2, .. }
            | Self::Set { to: Type::Bf16, .. } => HOPPER,
            Self::IsSpace { space: crate::ir::Space::Param, .. } => Requirement::version(7),
            Self::Load { scope: Some(Scope::Cluster), .. }
            | Self::Atomic { scope: Some(Scope::Cluster), .. }
            | Self::Store { scope: Some(Scope::Cluster), .. }
            | Self::Fence { scope: Scope::Cluster, .. } => HOPPER,
            Self::Load { l1, l2_prefetch, policy, .. }
                if *l1 != EvictionPriority::Normal || l2_prefetch.is_some() || policy.is_some() =>
            {
                Requirement::version(4)
            }
            Self::Load { order: LoadOrder::Mmio, .. } | Self::Store { order: StoreOrder::Mmio, .. } => {
                Requirement { version: PtxVersion::new(8, 2), ..Requirement::BASE }
            }
            Self::Store { l1, policy, .. } if *l1 != EvictionPriority::Normal || policy.is_some() => {
                Requirement::version(4)
            }
            Self::MmaForm { form, .. } if form.is_f64() && form.m() == 16 => HOPPER,
            Self::MmaForm { form, .. } if form.bits() == Some(MmaBits::And) => Requirement::version(1),
            Self::MoveMatrix { .. } => Requirement::version(8),
            Self::ReadSpecial { src, .. } if src.is_of_cluster() => HOPPER,
            Self::StMatrix { .. } | Self::GridDependency { .. } => HOPPER,
            Self::MbarrierWait { tries: true, .. }
            | Self::MbarrierArrive { count: Some(_), no_complete: false, .. } => HOPPER,
            Self::MbarrierWait { parity: true, .. } => Requirement::version(1),
            // On sm_90 7.8 would do.
            Self::CvtFp8Pair { .. } | Self::CvtFp8 { .. } => {
                Requirement { capability: 89, sm90a: false, version: PtxVersion::new(8, 1) }
            }
            Self::AtomicVector { .. } => Requirement { version: PtxVersion::new(8, 1), ..HOPPER },
            Self::Elect { .. } => Requirement { version: PtxVersion::new(8, 0), ..HOPPER },
            Self::Atomic { policy: Some(_), .. }
            | Self::CreatePolicy { .. }
            | Self::CreatePolicyRange { .. }
            | Self::CreatePolicyFrom { .. }
            | Self::Prefetch { level: PrefetchLevel::L2EvictLast | PrefetchLevel::L2EvictNormal, .. }
            | Self::ApplyPriority { .. }
            | Self::Discard { .. } => Requirement::version(4),
            Self::CpAsync { ignored: Some(_), .. } => Requirement::version(5),
            Self::CpAsync { l2_prefetch, policy, .. } if l2_prefetch.is_some() || policy.is_some() => {
                Requirement::version(4)
            }
            _ => Requirement::BASE,
        }
    }
}

impl crate::ir::Module {
    /// The lowest PTX version that covers the target and every instruction.
    #[must_use]
    pub fn version(&self) -> PtxVersion {
        let instructions = self.bodies().flat_map(|code| &code.body).filter_map(|statement| match statement {
            crate::ir::Statement::Inst(inst) => Some(inst.op.requirement().version),
            crate::ir::Statement::Label(_) => None,
        });
        instructions.fold(self.target.version(), Ord::max)
    }
}
