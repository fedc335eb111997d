//! Loads, stores, atomics, fences, copies and cache hints.

use super::{operand, register, require_type};
use crate::ir::{
    AtomicOp, Cache, EvictionPriority, FenceOrder, LoadOrder, Op, Operand, Reg, RegClass, Scope, Space, StoreOrder,
    Type,
};
use crate::verify::error::Reason;

pub(super) fn memory(op: &Op, report: &mut impl FnMut(Reason)) {
    match op {
        Op::Load { .. } => load(op, report),
        Op::Store { .. } => store(op, report),
        Op::Atomic { op, space, ty, order, dst, a, b, policy, .. } => {
            if !is_strong(*space) {
                report(Reason::Modifier { what: "atomics act on global, shared or generic addresses" });
            }
            let plain = matches!(order, None | Some(FenceOrder::Relaxed | FenceOrder::Release));
            if *order == Some(FenceOrder::SeqCst) || (dst.is_none() && !plain) {
                report(Reason::Modifier {
                    what: "atom is relaxed, acquire, release or acq_rel; red is relaxed or release",
                });
            }
            require_type(*ty, atomic_has(*op, *ty, dst.is_some()), report);
            policy.iter().for_each(|policy| register("policy", *policy, Type::U64, report));
            if policy.is_some() && (*op == AtomicOp::CompareSwap || !matches!(space, Space::Global | Space::Generic)) {
                report(Reason::Modifier { what: "policies belong to global and generic addresses, and not to cas" });
            }
            dst.iter().for_each(|dst| register("d", *dst, *ty, report));
            operand("b", *a, *ty, report);
            b.iter().for_each(|b| operand("c", *b, *ty, report));
            if (*op == AtomicOp::CompareSwap) != b.is_some() {
                report(Reason::Count {
                    operand: "c",
                    found: usize::from(b.is_some()),
                    wanted: usize::from(b.is_none()),
                });
            }
        }
        Op::AtomicVector { .. } => atomic_vector(op, report),
        Op::Fence { order, .. } if !matches!(order, FenceOrder::AcqRel | FenceOrder::SeqCst) => {
            report(Reason::Modifier { what: "a fence is acq_rel or sc" });
        }
        Op::CpAsync { cache, bytes, l2_prefetch, source_bytes, ignored, policy, .. } => {
            prefetch_size(*l2_prefetch, report);
            let fits = match cache {
                Cache::Global => *bytes == 16,
                Cache::All => matches!(bytes, 4 | 8 | 16),
                _ => false,
            };
            if !fits {
                report(Reason::Modifier { what: "cp.async copies 16 bytes with .cg and 4, 8 or 16 with .ca" });
            }
            source_bytes.iter().for_each(|size| operand("src-size", *size, Type::U32, report));
            ignored.iter().for_each(|guard| register("ignore-src", guard.pred, Type::Pred, report));
            if source_bytes.is_some() && ignored.is_some() {
                report(Reason::Modifier { what: "cp.async takes a size or a predicate" });
            }
            policy.iter().for_each(|policy| register("policy", *policy, Type::U64, report));
        }
        Op::LdMatrix { dsts, .. } => {
            if !matches!(dsts.len(), 1 | 2 | 4) {
                report(Reason::Count { operand: "d", found: dsts.len(), wanted: 4 });
            }
            dsts.iter().for_each(|dst| register("d", *dst, Type::U32, report));
        }
        _ => {}
    }
}

fn atomic_vector(op: &Op, report: &mut impl FnMut(Reason)) {
    let Op::AtomicVector { op, space, ty, order, dsts, srcs, policy, .. } = op else { return };
    if !matches!(space, Space::Global | Space::Generic) {
        report(Reason::Modifier { what: "atomics on vectors act on global or generic addresses" });
    }
    let plain = matches!(order, None | Some(FenceOrder::Relaxed | FenceOrder::Release));
    if *order == Some(FenceOrder::SeqCst) || (dsts.is_empty() && !plain) {
        report(Reason::Modifier { what: "atom is relaxed, acquire, release or acq_rel; red is relaxed or release" });
    }
    let most = match (op, ty) {
        (AtomicOp::Add, Type::F32) => 4,
        (AtomicOp::Add | AtomicOp::Min | AtomicOp::Max, Type::F16x2 | Type::Bf16x2) => 4,
        (AtomicOp::Add | AtomicOp::Min | AtomicOp::Max, Type::F16 | Type::Bf16) => 8,
        _ => 0,
    };
    require_type(*ty, most > 0, report);
    if !matches!(srcs.len(), 2 | 4 | 8) || srcs.len() > most {
        report(Reason::Vector { elements: srcs.len(), ty: *ty });
    }
    if !dsts.is_empty() && dsts.len() != srcs.len() {
        report(Reason::Count { operand: "d", found: dsts.len(), wanted: srcs.len() });
    }
    dsts.iter().for_each(|dst| register("d", *dst, *ty, report));
    srcs.iter().for_each(|src| operand("b", *src, *ty, report));
    policy.iter().for_each(|policy| register("policy", *policy, Type::U64, report));
}

fn load(op: &Op, report: &mut impl FnMut(Reason)) {
    let Op::Load { space, ty, order, scope, cache, l1, l2_prefetch, policy, dsts, .. } = op else { return };
    vector(*ty, dsts.len(), report);
    dsts.iter().for_each(|dst| memory_register("d", *dst, *ty, report));
    same_class("d", dsts.iter().copied(), *ty, report);
    policy.iter().for_each(|policy| register("policy", *policy, Type::U64, report));
    prefetch_size(*l2_prefetch, report);
    if *cache == Cache::NonCoherent && *space != Space::Global {
        report(Reason::Modifier { what: ".nc belongs to global memory" });
    }
    if matches!(cache, Cache::WriteBack | Cache::WriteThrough) {
        report(Reason::Modifier { what: "loads are cached .ca, .cg, .cs, .lu, .cv or .nc" });
    }
    if *cache == Cache::Uniform && !matches!(space, Space::Global | Space::Generic) {
        report(Reason::Modifier { what: "ldu reads global and generic addresses" });
    }
    let hinted = *l1 != EvictionPriority::Normal || l2_prefetch.is_some() || policy.is_some();
    let ordered = matches!(order, LoadOrder::Relaxed | LoadOrder::Acquire | LoadOrder::Mmio);
    check_mmio(*order == LoadOrder::Mmio, *space, *scope, (dsts.len(), hinted), report);
    check_order(*order == LoadOrder::Volatile, ordered, *space, *scope, report);
    check_hints(*space, *cache, (*order == LoadOrder::Weak, *order == LoadOrder::Volatile), hinted, report);
    if (*l1 != EvictionPriority::Normal && !matches!(cache, Cache::Default | Cache::NonCoherent))
        || (hinted && *cache == Cache::Uniform)
    {
        report(Reason::Modifier { what: "an L1 priority stands in place of a cache operator" });
    }
}

fn store(op: &Op, report: &mut impl FnMut(Reason)) {
    let Op::Store { space, ty, order, scope, cache, l1, policy, srcs, .. } = op else { return };
    vector(*ty, srcs.len(), report);
    if *space == Space::Const {
        report(Reason::Modifier { what: "constants cannot be stored to" });
    }
    for src in srcs {
        match src {
            Operand::Reg(reg) => memory_register("b", *reg, *ty, report),
            Operand::Imm(_) => operand("b", *src, *ty, report),
        }
    }
    same_class("b", srcs.iter().filter_map(|src| src.reg()), *ty, report);
    policy.iter().for_each(|policy| register("policy", *policy, Type::U64, report));
    if matches!(cache, Cache::NonCoherent | Cache::All | Cache::LastUse | Cache::Volatile | Cache::Uniform) {
        report(Reason::Modifier { what: "stores are cached .wb, .cg, .cs or .wt" });
    }
    let hinted = *l1 != EvictionPriority::Normal || policy.is_some();
    let ordered = matches!(order, StoreOrder::Relaxed | StoreOrder::Release | StoreOrder::Mmio);
    check_mmio(*order == StoreOrder::Mmio, *space, *scope, (srcs.len(), hinted), report);
    check_order(*order == StoreOrder::Volatile, ordered, *space, *scope, report);
    check_hints(*space, *cache, (*order == StoreOrder::Weak, *order == StoreOrder::Volatile), hinted, report);
    if *l1 != EvictionPriority::Normal && *cache != Cache::Default {
        report(Reason::Modifier { what: "an L1 priority stands in place of a cache operator" });
    }
}

/// Registers of devices are accessed one by one, for everybody, past the caches.
fn check_mmio(
    is_mmio: bool,
    space: Space,
    scope: Option<Scope>,
    (elements, hinted): (usize, bool),
    report: &mut impl FnMut(Reason),
) {
    let fits = matches!(space, Space::Global | Space::Generic) && scope == Some(Scope::Sys) && elements == 1 && !hinted;
    if is_mmio && !fits {
        report(Reason::Modifier { what: ".mmio is for one element of global memory, .sys, without hints" });
    }
}

/// An order and its scope stand together, where other threads can see the memory.
fn check_order(volatile: bool, ordered: bool, space: Space, scope: Option<Scope>, report: &mut impl FnMut(Reason)) {
    if ordered != scope.is_some() {
        report(Reason::Modifier { what: "relaxed, acquire and release want a scope, other accesses take none" });
    }
    if (ordered || volatile) && !is_strong(space) {
        report(Reason::Modifier { what: "this memory has no such order" });
    }
}

fn check_hints(
    space: Space,
    cache: Cache,
    (weak, volatile): (bool, bool),
    hinted: bool,
    report: &mut impl FnMut(Reason),
) {
    if cache != Cache::Default && !weak {
        report(Reason::Modifier { what: "a cache operator belongs to weak accesses" });
    }
    if cache != Cache::Default && space == Space::Param {
        report(Reason::Modifier { what: "parameters take no cache operator" });
    }
    if hinted && volatile {
        report(Reason::Modifier { what: "volatile accesses take no hints" });
    }
    if hinted && !matches!(space, Space::Global | Space::Generic) {
        report(Reason::Modifier { what: "priorities, prefetches and policies belong to global and generic addresses" });
    }
}

const fn is_strong(space: Space) -> bool {
    matches!(space, Space::Global | Space::Shared | Space::Generic)
}

fn prefetch_size(bytes: Option<u32>, report: &mut impl FnMut(Reason)) {
    if !matches!(bytes, None | Some(64 | 128 | 256)) {
        report(Reason::Modifier { what: "L2 prefetches 64, 128 or 256 bytes" });
    }
}

/// Elements of a vector are registers of one class.
fn same_class(name: &'static str, regs: impl Iterator<Item = Reg>, ty: Type, report: &mut impl FnMut(Reason)) {
    let mut first = None;
    for reg in regs {
        if *first.get_or_insert(reg.class) != reg.class {
            report(Reason::class(name, reg, ty));
        }
    }
}

fn vector(ty: Type, elements: usize, report: &mut impl FnMut(Reason)) {
    // PTX has no ld.f16: 16-bit floats move as b16, pairs as b32.
    require_type(ty, ty != Type::Pred && !matches!(ty, Type::F16 | Type::F16x2 | Type::Bf16 | Type::Bf16x2), report);
    if !matches!(elements, 1 | 2 | 4) || elements * ty.bytes() as usize > 16 {
        report(Reason::Vector { elements, ty });
    }
}

/// A register that memory is moved into or from: it may be wider than an integer in memory.
fn memory_register(operand: &'static str, reg: Reg, ty: Type, report: &mut impl FnMut(Reason)) {
    let wider = !ty.is_float()
        && matches!(reg.class, RegClass::B16 | RegClass::B32 | RegClass::B64)
        && reg.class.declared().bytes() >= ty.bytes();
    if !wider {
        register(operand, reg, ty, report);
    }
}

fn atomic_has(op: AtomicOp, ty: Type, answers: bool) -> bool {
    let float = matches!(ty, Type::F32 | Type::F64 | Type::F16 | Type::F16x2 | Type::Bf16 | Type::Bf16x2);
    match op {
        AtomicOp::Add => float || matches!(ty, Type::U32 | Type::S32 | Type::U64),
        AtomicOp::Min | AtomicOp::Max => matches!(ty, Type::U32 | Type::S32 | Type::U64 | Type::S64),
        AtomicOp::And | AtomicOp::Or | AtomicOp::Xor => matches!(ty, Type::B32 | Type::B64),
        AtomicOp::Exchange => answers && matches!(ty, Type::B32 | Type::B64),
        AtomicOp::CompareSwap => answers && matches!(ty, Type::B16 | Type::B32 | Type::B64),
        AtomicOp::Increment | AtomicOp::Decrement => ty == Type::U32,
    }
}
