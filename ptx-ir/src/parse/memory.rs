//! Loads, stores, atomics, fences and asynchronous copies.

use super::inst::Modifiers;
use super::operand::{Cursor, Result};
use crate::ir::{AtomicOp, Cache, EvictionPriority, FenceOrder, Immediate, LoadOrder, Op, Scope, Space, StoreOrder};

/// Reads the instruction called `name`; `None` if the form is not known.
pub(super) fn read(cursor: &mut Cursor<'_>, name: &str, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    match name {
        "ld" => load(cursor, modifiers),
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
        "createpolicy" => {
            if !modifiers.flag("fractional") {
                return Ok(None);
            }
            let priority = modifiers.take(|part| part.strip_prefix("L2::").and_then(EvictionPriority::from_name));
            let (Some(priority), true) = (priority, modifiers.flag("b64")) else { return Ok(None) };
            let dst = cursor.register()?;
            let fraction = match cursor.maybe(Cursor::immediate)? {
                Some(Immediate::F32(bits)) => bits,
                None => 1f32.to_bits(),
                Some(_) => return Ok(None),
            };
            Ok(Some(Op::CreatePolicy { priority, fraction, dst }))
        }
        "prefetch" => {
            let level = modifiers.take(|part| match part {
                "L1" => Some(1),
                "L2" => Some(2),
                _ => None,
            });
            let (Some(level), Some(Space::Global)) = (level, modifiers.space()) else { return Ok(None) };
            Ok(Some(Op::Prefetch { level, address: cursor.address()? }))
        }
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

fn load(cursor: &mut Cursor<'_>, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    let Some(ty) = modifiers.last_type() else { return Ok(None) };
    let width = vector(modifiers);
    let order = modifiers.take(non_empty(LoadOrder::from_name)).unwrap_or(LoadOrder::Weak);
    modifiers.flag("weak");
    let (scope, space) = (modifiers.take(Scope::from_name), modifiers.space().unwrap_or(Space::Generic));
    let cache = modifiers.take(non_empty(Cache::from_name)).unwrap_or(Cache::Default);
    let l1 = modifiers
        .take(|part| part.strip_prefix("L1::").and_then(EvictionPriority::from_name))
        .unwrap_or(EvictionPriority::Normal);
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
    let order = modifiers.take(non_empty(StoreOrder::from_name)).unwrap_or(StoreOrder::Weak);
    modifiers.flag("weak");
    let (scope, space) = (modifiers.take(Scope::from_name), modifiers.space().unwrap_or(Space::Generic));
    let cache = modifiers.take(non_empty(Cache::from_name)).unwrap_or(Cache::Default);
    let hint = modifiers.flag("L2::cache_hint");
    let address = cursor.address()?;
    let srcs = cursor.then(|cursor| cursor.list(Cursor::operand))?;
    let policy = if hint { Some(cursor.then(Cursor::register)?) } else { None };
    Ok((srcs.len() == width).then_some(Op::Store { space, ty, order, scope, cache, policy, srcs, address }))
}

fn atomic(cursor: &mut Cursor<'_>, modifiers: &mut Modifiers<'_>, answers: bool) -> Result<Option<Op>> {
    let (Some(ty), order) = (modifiers.last_type(), modifiers.take(FenceOrder::from_name)) else { return Ok(None) };
    modifiers.flag("noftz");
    let (scope, space) = (modifiers.take(Scope::from_name), modifiers.space().unwrap_or(Space::Generic));
    let Some(op) = modifiers.take(AtomicOp::from_name) else { return Ok(None) };
    let dst = if answers {
        let dst = cursor.destination(ty.class())?;
        cursor.mark(',', "`,`")?;
        Some(dst)
    } else {
        None
    };
    let (address, a) = (cursor.address()?, cursor.then(Cursor::operand)?);
    let b = if op == AtomicOp::CompareSwap { Some(cursor.then(Cursor::operand)?) } else { None };
    Ok(Some(Op::Atomic { op, space, ty, order, scope, dst, address, a, b }))
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
    let cache = modifiers.take(non_empty(Cache::from_name));
    let (hint, l2_prefetch) = (modifiers.flag("L2::cache_hint"), prefetch_size(modifiers));
    let spaces = (modifiers.space(), modifiers.space());
    let (Some(cache), (Some(Space::Shared), Some(Space::Global))) = (cache, spaces) else { return Ok(None) };
    let (dst, src, bytes) = (cursor.address()?, cursor.then(Cursor::address)?, cursor.then(Cursor::unsigned)?);
    // With a hint the policy is last; a size may stand before it.
    let mut extra = Vec::new();
    while let Some(operand) = cursor.maybe(Cursor::operand)? {
        extra.push(operand);
    }
    let policy = if hint { extra.pop().and_then(crate::ir::Operand::reg) } else { None };
    let known = extra.len() <= 1 && hint == policy.is_some();
    Ok(known.then(|| Op::CpAsync { cache, bytes, l2_prefetch, dst, src, source_bytes: extra.pop(), policy }))
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
