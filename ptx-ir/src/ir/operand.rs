//! Registers, immediates, addresses, special registers and labels.

use std::fmt;

use super::types::RegClass;

/// A virtual register: its class and its number within the class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reg {
    /// What the register can hold.
    pub class: RegClass,
    /// Its number; registers of different classes may share one.
    pub number: u32,
}

impl Reg {
    /// The carry flag, which instructions such as `add.cc` write and `addc` reads: [`Inst::for_each_register`](super::Inst::for_each_register) names it
    /// with their operands.
    pub const CARRY: Self = Self { class: RegClass::Carry, number: 0 };
}

impl fmt::Display for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.class == RegClass::Carry {
            return f.write_str("CC.CF");
        }
        write!(f, "%{}{}", self.class.prefix(), self.number)
    }
}

/// A literal. Floats are kept as bits, so that equality is identity and printing is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Immediate {
    /// An integer; an instruction uses its low bits.
    Int(i64),
    /// An f32 by its bits, printed `0fXXXXXXXX`.
    F32(u32),
    /// An f64 by its bits, printed `0dXXXXXXXXXXXXXXXX`.
    F64(u64),
}

/// A value that an instruction reads: a register or a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operand {
    /// A register.
    Reg(Reg),
    /// A literal.
    Imm(Immediate),
}

impl Operand {
    /// The register, if this is one.
    #[must_use]
    pub const fn reg(self) -> Option<Reg> {
        match self {
            Self::Reg(reg) => Some(reg),
            Self::Imm(_) => None,
        }
    }
}

impl From<Reg> for Operand {
    fn from(reg: Reg) -> Self {
        Self::Reg(reg)
    }
}

/// A truth value that an instruction reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "PTX has no third kind")]
pub enum Condition {
    /// That of a predicate, or its opposite.
    Pred {
        /// The predicate register.
        pred: Reg,
        /// Whether it holds where the predicate is false.
        negate: bool,
    },
    /// Always the same one.
    Constant(bool),
}

impl Condition {
    /// The register, if there is one.
    #[must_use]
    pub const fn reg(self) -> Option<Reg> {
        match self {
            Self::Pred { pred, .. } => Some(pred),
            Self::Constant(_) => None,
        }
    }
}

impl From<Reg> for Condition {
    fn from(pred: Reg) -> Self {
        Self::Pred { pred, negate: false }
    }
}

/// A kernel parameter by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParamIndex(pub u32);

/// A shared array by its position among the kernel's shared declarations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shared(pub u32);

/// Memory of a thread by its position among the body's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalIndex(pub u32);

/// A variable or function of the module by its position among [`Kernel::symbols`](super::Kernel::symbols).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(pub u32);

/// A branch target by its number, printed `$L{number}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(pub u32);

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$L{}", self.0)
    }
}

/// Where an address starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Base {
    /// An address in a register: 64 bits wide, or 32 for shared memory.
    Reg(Reg),
    /// The start of a shared array.
    Shared(Shared),
    /// The start of a kernel parameter.
    Param(ParamIndex),
    /// The start of a function's result, by its position.
    Result(ParamIndex),
    /// The start of memory of the thread.
    Local(LocalIndex),
    /// The start of a variable of the module.
    Symbol(Symbol),
}

/// A memory address: a base and a constant offset in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// Where it starts.
    pub base: Base,
    /// Bytes added to the base.
    pub offset: i32,
}

/// A special register, read by `mov`.
///
/// # Source
/// PTX ISA 9.0, section 10 (Special registers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Special {
    /// Thread index in the block.
    TidX,
    /// Thread index in the block.
    TidY,
    /// Thread index in the block.
    TidZ,
    /// Block size.
    NtidX,
    /// Block size.
    NtidY,
    /// Block size.
    NtidZ,
    /// Block index in the grid.
    CtaidX,
    /// Block index in the grid.
    CtaidY,
    /// Block index in the grid.
    CtaidZ,
    /// Grid size in blocks.
    NctaidX,
    /// Grid size in blocks.
    NctaidY,
    /// Grid size in blocks.
    NctaidZ,
    /// Lane index in the warp.
    LaneId,
    /// Warp index in the block; PTX calls it volatile, so kernels derive it from the thread index instead.
    WarpId,
    /// Multiprocessor index.
    SmId,
    /// Lanes below the own one, as a mask.
    LaneMaskLt,
    /// Lanes up to the own one, as a mask.
    LaneMaskLe,
    /// Lanes above the own one, as a mask.
    LaneMaskGt,
    /// Lanes from the own one on, as a mask.
    LaneMaskGe,
    /// The own lane, as a mask.
    LaneMaskEq,
    /// Low half of the cycle counter.
    Clock,
    /// The cycle counter, 64 bits.
    Clock64,
    /// Nanoseconds, 64 bits.
    GlobalTimer,
    /// Warps that a block can have.
    WarpCount,
    /// Multiprocessors of the device.
    SmCount,
    /// The grid's number, 64 bits.
    GridId,
    /// Dynamic shared memory of the launch, in bytes.
    DynamicSharedSize,
    /// Static and dynamic shared memory of the block, in bytes.
    TotalSharedSize,
    /// Index of the block's cluster in the grid.
    ClusterIdX,
    /// Index of the block's cluster in the grid.
    ClusterIdY,
    /// Index of the block's cluster in the grid.
    ClusterIdZ,
    /// Clusters of the grid.
    ClusterCountX,
    /// Clusters of the grid.
    ClusterCountY,
    /// Clusters of the grid.
    ClusterCountZ,
    /// Block index in the cluster.
    ClusterBlockX,
    /// Block index in the cluster.
    ClusterBlockY,
    /// Block index in the cluster.
    ClusterBlockZ,
    /// Blocks of a cluster.
    ClusterSizeX,
    /// Blocks of a cluster.
    ClusterSizeY,
    /// Blocks of a cluster.
    ClusterSizeZ,
    /// Number of the block in its cluster.
    ClusterRank,
    /// Blocks of a cluster, all of them.
    ClusterBlocks,
}

impl Special {
    /// Every special register, in declaration order.
    pub const ALL: [Self; 42] = [
        Self::TidX,
        Self::TidY,
        Self::TidZ,
        Self::NtidX,
        Self::NtidY,
        Self::NtidZ,
        Self::CtaidX,
        Self::CtaidY,
        Self::CtaidZ,
        Self::NctaidX,
        Self::NctaidY,
        Self::NctaidZ,
        Self::LaneId,
        Self::WarpId,
        Self::SmId,
        Self::LaneMaskLt,
        Self::LaneMaskLe,
        Self::LaneMaskGt,
        Self::LaneMaskGe,
        Self::LaneMaskEq,
        Self::Clock,
        Self::Clock64,
        Self::GlobalTimer,
        Self::WarpCount,
        Self::SmCount,
        Self::GridId,
        Self::DynamicSharedSize,
        Self::TotalSharedSize,
        Self::ClusterIdX,
        Self::ClusterIdY,
        Self::ClusterIdZ,
        Self::ClusterCountX,
        Self::ClusterCountY,
        Self::ClusterCountZ,
        Self::ClusterBlockX,
        Self::ClusterBlockY,
        Self::ClusterBlockZ,
        Self::ClusterSizeX,
        Self::ClusterSizeY,
        Self::ClusterSizeZ,
        Self::ClusterRank,
        Self::ClusterBlocks,
    ];

    /// The name with its percent sign.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TidX => "%tid.x",
            Self::TidY => "%tid.y",
            Self::TidZ => "%tid.z",
            Self::NtidX => "%ntid.x",
            Self::NtidY => "%ntid.y",
            Self::NtidZ => "%ntid.z",
            Self::CtaidX => "%ctaid.x",
            Self::CtaidY => "%ctaid.y",
            Self::CtaidZ => "%ctaid.z",
            Self::NctaidX => "%nctaid.x",
            Self::NctaidY => "%nctaid.y",
            Self::NctaidZ => "%nctaid.z",
            Self::LaneId => "%laneid",
            Self::WarpId => "%warpid",
            Self::SmId => "%smid",
            Self::LaneMaskLt => "%lanemask_lt",
            Self::LaneMaskLe => "%lanemask_le",
            Self::LaneMaskGt => "%lanemask_gt",
            Self::LaneMaskGe => "%lanemask_ge",
            Self::LaneMaskEq => "%lanemask_eq",
            Self::Clock => "%clock",
            Self::Clock64 => "%clock64",
            Self::GlobalTimer => "%globaltimer",
            Self::WarpCount => "%nwarpid",
            Self::SmCount => "%nsmid",
            Self::GridId => "%gridid",
            Self::DynamicSharedSize => "%dynamic_smem_size",
            Self::TotalSharedSize => "%total_smem_size",
            Self::ClusterIdX => "%clusterid.x",
            Self::ClusterIdY => "%clusterid.y",
            Self::ClusterIdZ => "%clusterid.z",
            Self::ClusterCountX => "%nclusterid.x",
            Self::ClusterCountY => "%nclusterid.y",
            Self::ClusterCountZ => "%nclusterid.z",
            Self::ClusterBlockX => "%cluster_ctaid.x",
            Self::ClusterBlockY => "%cluster_ctaid.y",
            Self::ClusterBlockZ => "%cluster_ctaid.z",
            Self::ClusterSizeX => "%cluster_nctaid.x",
            Self::ClusterSizeY => "%cluster_nctaid.y",
            Self::ClusterSizeZ => "%cluster_nctaid.z",
            Self::ClusterRank => "%cluster_ctarank",
            Self::ClusterBlocks => "%cluster_nctarank",
        }
    }

    /// The special register called `name`, percent sign included.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|special| special.name() == name)
    }

    /// Whether it is about clusters of blocks, which sm_90 has.
    #[must_use]
    pub const fn is_of_cluster(self) -> bool {
        self as u8 >= Self::ClusterIdX as u8
    }

    /// Whether it is 64 bits wide; the others are 32.
    #[must_use]
    pub const fn is_wide(self) -> bool {
        matches!(self, Self::Clock64 | Self::GlobalTimer | Self::GridId)
    }
}
