//! Loads, stores, atomics, fences and asynchronous copies.

use super::inst::Modifiers;
use super::operand::{Cursor, Result};
use crate::ir::{
    AtomicOp, Cache, EvictionPriority, FenceOrder, Guard, LoadOrder, Op, Operand, RegClass, Scope, Space, StoreOrder,
    Type,
};

/// Reads the instruction called `name`; `None` if the form is not known.
pub(super) fn read(cursor: &mut Cursor<'_>, name: &str, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    match name {
        "ld" => load(cursor, modifiers, Cache::Default),
        "ldu" => load(cursor, modifiers, Cache::Uniform),
        "st" => store(cursor, modifiers),
        "atom" | "red" => atomic(cursor, modifiers, name == "atom"),
        "fence" => {
            let (order, scope) = (modifiers.take(FenceOrder::from_name), modifiers.take(Scope::from_name));
            Ok(order.zip(scope).map(|(order, scope)| Op::Fence { order, scope }))
        }
        "membar" => {
            let scope = modifiers.take(|part| match part {
                "cta" => Some(Scope::Cta),
                "gl" => Some(Scope::Gpu),
                "sys" => Some(Scope::Sys),
                _ => None,
            });
            Ok(scope.map(|scope| Op::Fence { order: FenceOrder::SeqCst, scope }))
        }
        "cp" => copy(cursor, modifiers),
        "ldmatrix" => {
            let shaped =
                modifiers.flag("sync") && modifiers.flag("aligned") && modifiers.flag("m8n8") && modifiers.flag("b16");
            let (transpose, shared) = (modifiers.flag("trans"), modifiers.space() == Some(Space::Shared));
            let count = modifiers.take(|part| match part {
                "x1" => Some(1),
                "x2" => Some(2),
                "x4" => Some(4),
                _ => None,
            });
            let dsts = cursor.destinations()?;
            let address = cursor.then(Cursor::address)?;
            let known = shaped && shared && count == Some(dsts.len());
            Ok(known.then_some(Op::LdMatrix { transpose, dsts, address }))
        }
        _ => Ok(None),
    }
}

/// With the cache operator that the instruction has if it names none.
fn load(cursor: &mut Cursor<'_>, modifiers: &mut Modifiers<'_>, cache: Cache) -> Result<Option<Op>> {
    let Some(ty) = modifiers.last_type() else { return Ok(None) };
    let width = vector(modifiers);
    let order = match (modifiers.flag("mmio"), modifiers.take(non_empty(LoadOrder::from_name))) {
        (true, Some(LoadOrder::Relaxed)) => LoadOrder::Mmio,
        (true, _) => return Ok(None),
        (false, order) => order.unwrap_or(LoadOrder::Weak),
    };
    modifiers.flag("weak");
    let (scope, space) = (modifiers.take(Scope::from_name), modifiers.space().unwrap_or(Space::Generic));
    let cache = if cache == Cache::Uniform { cache } else { cache_operator(modifiers) };
    let l1 = l1_priority(modifiers);
    let (hint, l2_prefetch) = (modifiers.flag("L2::cache_hint"), prefetch_size(modifiers));
    let dsts = cursor.destinations()?;
    let address = cursor.then(Cursor::address)?;
    let policy = if hint { Some(cursor.then(Cursor::register)?) } else { None };
    Ok((dsts.len() == width).then_some(Op::Load {
        space,
        ty,
        order,
        scope,
        cache,
        l1,
        l2_prefetch,
        policy,
        dsts,
        address,
    }))
}

fn store(cursor: &mut Cursor<'_>, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    let Some(ty) = modifiers.last_type() else { return Ok(None) };
    let width = vector(modifiers);
    let order = match (modifiers.flag("mmio"), modifiers.take(non_empty(StoreOrder::from_name))) {
        (true, Some(StoreOrder::Relaxed)) => StoreOrder::Mmio,
        (true, _) => return Ok(None),
        (false, order) => order.unwrap_or(StoreOrder::Weak),
    };
    modifiers.flag("weak");
    let (scope, space) = (modifiers.take(Scope::from_name), modifiers.space().unwrap_or(Space::Generic));
    let (cache, l1) = (cache_operator(modifiers), l1_priority(modifiers));
    let hint = modifiers.flag("L2::cache_hint");
    let address = cursor.address()?;
    let srcs = cursor.then(|cursor| cursor.list(Cursor::operand))?;
    let policy = if hint { Some(cursor.then(Cursor::register)?) } else { None };
    Ok((srcs.len() == width).then_some(Op::Store { space, ty, order, scope, cache, l1, policy, srcs, address }))
}

fn atomic(cursor: &mut Cursor<'_>, modifiers: &mut Modifiers<'_>, answers: bool) -> Result<Option<Op>> {
    // The type stands last, or before the operation of a vector.
    let width = atomic_vector(modifiers);
    let ty = match (modifiers.last_type(), width) {
        (None, Some(_)) => modifiers.take(Type::from_name),
        (ty, _) => ty,
    };
    let (Some(ty), order) = (ty, modifiers.take(FenceOrder::from_name)) else { return Ok(None) };
    modifiers.flag("noftz");
    let hint = modifiers.flag("L2::cache_hint");
    let (scope, space) = (modifiers.take(Scope::from_name), modifiers.space().unwrap_or(Space::Generic));
    let Some(op) = modifiers.take(AtomicOp::from_name) else { return Ok(None) };
    if let Some(width) = width {
        let dsts = if answers { cursor.destinations()? } else { Vec::new() };
        if answers {
            cursor.mark(',', "`,`")?;
        }
        let (address, srcs) = (cursor.address()?, cursor.then(|cursor| cursor.list(Cursor::operand))?);
        let policy = if hint { Some(cursor.then(Cursor::register)?) } else { None };
        let known = srcs.len() == width && (!answers || dsts.len() == width);
        return Ok(known.then_some(Op::AtomicVector { op, space, ty, order, scope, dsts, address, srcs, policy }));
    }
    let dst = if answers {
        let dst = cursor.destination(ty.class())?;
        cursor.mark(',', "`,`")?;
        Some(dst)
    } else {
        None
    };
    let (address, a) = (cursor.address()?, cursor.then(Cursor::operand)?);
    let b = if op == AtomicOp::CompareSwap { Some(cursor.then(Cursor::operand)?) } else { None };
    let policy = if hint { Some(cursor.then(Cursor::register)?) } else { None };
    Ok(Some(Op::Atomic { op, space, ty, order, scope, dst, address, a, b, policy }))
}

fn copy(cursor: &mut Cursor<'_>, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    if !modifiers.flag("async") {
        return Ok(None);
    }
    if modifiers.flag("commit_group") {
        return Ok(Some(Op::CpAsyncCommit));
    }
    if modifiers.flag("wait_all") {
        return Ok(Some(Op::CpAsyncWaitAll));
    }
    if modifiers.flag("wait_group") {
        return Ok(Some(Op::CpAsyncWait { pending: cursor.unsigned()? }));
    }
    if modifiers.flag("mbarrier") {
        return super::mbarrier::copy(cursor, modifiers);
    }
    let cache = modifiers.take(non_empty(Cache::from_name));
    let (hint, l2_prefetch) = (modifiers.flag("L2::cache_hint"), prefetch_size(modifiers));
    let spaces = (modifiers.space(), modifiers.space());
    let (Some(cache), (Some(Space::Shared), Some(Space::Global))) = (cache, spaces) else { return Ok(None) };
    let (dst, src, bytes) = (cursor.address()?, cursor.then(Cursor::address)?, cursor.then(Cursor::unsigned)?);
    // With a hint the policy is last; a size or a predicate may stand before it.
    let (mut extra, mut ignored) = (Vec::new(), None);
    while cursor.accept(',') {
        let negate = cursor.accept('!');
        match cursor.operand()? {
            Operand::Reg(pred) if pred.class == RegClass::Pred && extra.is_empty() && ignored.is_none() => {
                ignored = Some(Guard { pred, negate });
            }
            operand if !negate => extra.push(operand),
            _ => return Ok(None),
        }
    }
    let policy = if hint { extra.pop().and_then(Operand::reg) } else { None };
    let known = extra.len() + usize::from(ignored.is_some()) <= 1 && hint == policy.is_some();
    Ok(known.then(|| Op::CpAsync { cache, bytes, l2_prefetch, dst, src, source_bytes: extra.pop(), ignored, policy }))
}

fn atomic_vector(modifiers: &mut Modifiers<'_>) -> Option<usize> {
    modifiers.take(|part| match part {
        "v2" => Some(2),
        "v4" => Some(4),
        "v8" => Some(8),
        _ => None,
    })
}

fn vector(modifiers: &mut Modifiers<'_>) -> usize {
    modifiers
        .take(|part| match part {
            "v2" => Some(2),
            "v4" => Some(4),
            _ => None,
        })
        .unwrap_or(1)
}

/// What stands there in place of `ldu`'s own.
fn cache_operator(modifiers: &mut Modifiers<'_>) -> Cache {
    let named = non_empty(|part| Cache::from_name(part).filter(|cache| *cache != Cache::Uniform));
    modifiers.take(named).unwrap_or(Cache::Default)
}

fn l1_priority(modifiers: &mut Modifiers<'_>) -> EvictionPriority {
    let named = modifiers.take(|part| part.strip_prefix("L1::").and_then(EvictionPriority::from_name));
    named.unwrap_or(EvictionPriority::Normal)
}

fn prefetch_size(modifiers: &mut Modifiers<'_>) -> Option<u32> {
    modifiers.take(|part| match part {
        "L2::64B" => Some(64),
        "L2::128B" => Some(128),
        "L2::256B" => Some(256),
        _ => None,
    })
}

/// `from_name` without the word that stands for nothing.
fn non_empty<T>(from_name: impl Fn(&str) -> Option<T>) -> impl Fn(&str) -> Option<T> {
    move |part| if part.is_empty() { None } else { from_name(part) }
}
