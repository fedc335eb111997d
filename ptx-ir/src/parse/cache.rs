//! Policies of the caches, prefetches and what else is said about lines, and events for profilers.

use super::inst::Modifiers;
use super::operand::{Cursor, Result};
use crate::ir::{EvictionPriority, Immediate, Op, PrefetchLevel, Space};

/// Reads the instruction called `name`; `None` if the form is not known.
pub(super) fn read(cursor: &mut Cursor<'_>, name: &str, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    match name {
        "createpolicy" => create_policy(cursor, modifiers),
        "prefetch" => {
            let space = modifiers.space().unwrap_or(Space::Generic);
            let Some(level) = modifiers.take(PrefetchLevel::from_name) else { return Ok(None) };
            Ok(Some(Op::Prefetch { space, level, address: cursor.address()? }))
        }
        "prefetchu" if modifiers.flag("L1") => Ok(Some(Op::PrefetchUniform { address: cursor.address()? })),
        "applypriority" | "discard" => {
            let space = modifiers.space().unwrap_or(Space::Generic);
            if !modifiers.flag(if name == "discard" { "L2" } else { "L2::evict_normal" }) {
                return Ok(None);
            }
            let (address, bytes) = (cursor.address()?, cursor.then(Cursor::unsigned)?);
            Ok((bytes == 128).then_some(match name {
                "discard" => Op::Discard { space, address },
                _ => Op::ApplyPriority { space, address },
            }))
        }
        "pmevent" => Ok(Some(Op::PerformanceEvent { is_mask: modifiers.flag("mask"), event: cursor.unsigned()? })),
        _ => Ok(None),
    }
}

fn create_policy(cursor: &mut Cursor<'_>, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    if !modifiers.flag("b64") {
        return Ok(None);
    }
    if modifiers.flag("cvt") {
        let known = modifiers.flag("L2");
        let (dst, src) = (cursor.register()?, cursor.then(Cursor::operand)?);
        return Ok(known.then_some(Op::CreatePolicyFrom { dst, src }));
    }
    let mut priority = || modifiers.take(|part| part.strip_prefix("L2::").and_then(EvictionPriority::from_name));
    let (Some(priority), secondary) = (priority(), priority()) else { return Ok(None) };
    if modifiers.flag("fractional") {
        let dst = cursor.register()?;
        #[expect(clippy::cast_possible_truncation, reason = "a decimal fraction is rounded to f32")]
        let fraction = match cursor.maybe(Cursor::immediate)? {
            Some(Immediate::F32(bits)) => bits,
            Some(Immediate::F64(bits)) => (f64::from_bits(bits) as f32).to_bits(),
            None => 1f32.to_bits(),
            Some(_) => return Ok(None),
        };
        return Ok(Some(Op::CreatePolicy { priority, secondary, fraction, dst }));
    }
    if !modifiers.flag("range") {
        return Ok(None);
    }
    let space = modifiers.space().unwrap_or(Space::Generic);
    let (dst, address) = (cursor.register()?, cursor.then(Cursor::address)?);
    let (primary_bytes, total_bytes) = (cursor.then(Cursor::operand)?, cursor.then(Cursor::operand)?);
    Ok(Some(Op::CreatePolicyRange { space, priority, secondary, dst, address, primary_bytes, total_bytes }))
}
