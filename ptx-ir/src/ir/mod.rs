//! The IR as plain data: a module holds kernels, a kernel holds a flat list of statements.
//!
//! One concept a file: [`types`](Type), [`operand`](Operand), [`op`](Op) with the words an instruction is made of, [`visit`](Access) with
//! what each instruction reads and writes.

mod kernel;
mod mma;
mod mma_form;
mod op;
mod operand;
mod packed;
mod types;
mod variable;
mod visit;
mod words;

pub use kernel::{Function, Guard, Inst, Kernel, Limits, Module, Param, SharedArray, SharedSize, Statement};
pub use mma::MmaShape;
pub use mma_form::{MmaBits, MmaElement, MmaForm};
pub use op::Op;
pub use operand::{
    Address, Base, Condition, Immediate, Label, LocalIndex, Operand, ParamIndex, Reg, Shared, Special, Symbol,
};
pub use packed::{PackedInteger, Selected, VideoAction, VideoOp, VideoPart, VideoSecond};
pub use types::{RegClass, Space, Type};
pub use variable::{Local, LocalKind, Pointer, Variable};
pub use visit::Access;
pub use words::{
    AtomicOp, BarrierOp, BinaryOp, BoolOp, Cache, Compare, EvictionPriority, FenceOrder, FloatTest, Fp8Pair, LoadOrder,
    MulPart, PermuteMode, PrefetchLevel, Rounding, Scope, ShuffleMode, StoreOrder, TernaryOp, UnaryOp, VoteMode,
};
