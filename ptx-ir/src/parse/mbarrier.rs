//! Barriers in shared memory.

use super::inst::Modifiers;
use super::operand::{Cursor, Result};
use crate::ir::{Op, RegClass, Space};

/// Reads an `mbarrier`; `None` if the form is not known.
pub(super) fn read(cursor: &mut Cursor<'_>, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    if !modifiers.flag("b64") {
        return Ok(None);
    }
    let space = modifiers.space().unwrap_or(Space::Generic);
    if modifiers.flag("init") {
        let address = cursor.address()?;
        return Ok(Some(Op::MbarrierInit { space, address, count: cursor.then(Cursor::operand)? }));
    }
    if modifiers.flag("inval") {
        return Ok(Some(Op::MbarrierInvalidate { space, address: cursor.address()? }));
    }
    if modifiers.flag("pending_count") {
        let (dst, state) = (cursor.register()?, cursor.then(Cursor::operand)?);
        return Ok((space == Space::Generic).then_some(Op::MbarrierPendingCount { dst, state }));
    }
    let drops = modifiers.flag("arrive_drop");
    if drops || modifiers.flag("arrive") {
        // What an arrival does where nothing is said.
        modifiers.flag("release");
        modifiers.flag("cta");
        let no_complete = modifiers.flag("noComplete");
        let (state, address) = (cursor.destination(RegClass::B64)?, cursor.then(Cursor::address)?);
        let count = cursor.maybe(Cursor::operand)?;
        return Ok(Some(Op::MbarrierArrive { space, drops, no_complete, state, address, count }));
    }
    let tries = modifiers.flag("try_wait");
    if !tries && !modifiers.flag("test_wait") {
        return Ok(None);
    }
    modifiers.flag("acquire");
    modifiers.flag("cta");
    let parity = modifiers.flag("parity");
    let (dst, address) = (cursor.register()?, cursor.then(Cursor::address)?);
    let (phase, time) = (cursor.then(Cursor::operand)?, cursor.maybe(Cursor::operand)?);
    Ok(Some(Op::MbarrierWait { space, tries, parity, dst, address, phase, time }))
}

/// The same of `cp.async.mbarrier`.
pub(super) fn copy(cursor: &mut Cursor<'_>, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    let known = modifiers.flag("arrive") && modifiers.flag("b64");
    let (increments, space) = (!modifiers.flag("noinc"), modifiers.space().unwrap_or(Space::Generic));
    Ok(known.then_some(Op::CpAsyncMbarrierArrive { space, increments, address: cursor.address()? }))
}
