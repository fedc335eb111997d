//! What lanes and threads do together, and control.

use super::inst::Modifiers;
use super::operand::{Cursor, Result};
use crate::ir::{AtomicOp, MmaShape, Op, ShuffleMode, VoteMode};

/// Reads the instruction called `name`; `None` if the form is not known.
pub(super) fn read(cursor: &mut Cursor<'_>, name: &str, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    match name {
        "shfl" | "vote" | "match" | "redux" => exchange(cursor, name, modifiers),
        "activemask" => Ok(if modifiers.flag("b32") { Some(Op::ActiveMask { dst: cursor.register()? }) } else { None }),
        "mma" => mma(cursor, modifiers),
        "bar" if modifiers.flag("warp") => {
            Ok(if modifiers.flag("sync") { Some(Op::WarpSync { mask: cursor.operand()? }) } else { None })
        }
        "bar" | "barrier" => barrier(cursor, name, modifiers),
        "bra" => Ok(Some(Op::Branch { uniform: modifiers.flag("uni"), label: cursor.label()? })),
        "ret" => {
            modifiers.flag("uni");
            Ok(Some(Op::Return))
        }
        "exit" => Ok(Some(Op::Exit)),
        "trap" => Ok(Some(Op::Trap)),
        "nanosleep" => {
            Ok(if modifiers.flag("u32") { Some(Op::Nanosleep { duration: cursor.operand()? }) } else { None })
        }
        _ => Ok(None),
    }
}

fn exchange(cursor: &mut Cursor<'_>, name: &str, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    if !modifiers.flag("sync") {
        return Ok(None);
    }
    match name {
        "shfl" => {
            let (Some(mode), true) = (modifiers.take(ShuffleMode::from_name), modifiers.flag("b32")) else {
                return Ok(None);
            };
            let dst = cursor.register()?;
            let pred = if cursor.accept('|') { Some(cursor.register()?) } else { None };
            let (src, lane) = (cursor.then(Cursor::operand)?, cursor.then(Cursor::operand)?);
            Ok(Some(Op::Shuffle {
                mode,
                dst,
                pred,
                src,
                lane,
                clamp: cursor.then(Cursor::operand)?,
                mask: cursor.then(Cursor::operand)?,
            }))
        }
        "vote" => {
            let Some(mode) = modifiers.take(VoteMode::from_name) else { return Ok(None) };
            let expected = if mode == VoteMode::Ballot { "b32" } else { "pred" };
            if !modifiers.flag(expected) {
                return Ok(None);
            }
            let dst = cursor.register()?;
            cursor.mark(',', "`,`")?;
            let (negate, src) = (cursor.accept('!'), cursor.register()?);
            Ok(Some(Op::Vote { mode, dst, src, negate, mask: cursor.then(Cursor::operand)? }))
        }
        "match" => {
            let (true, Some(ty)) = (modifiers.flag("any"), modifiers.last_type()) else { return Ok(None) };
            let (dst, src) = (cursor.register()?, cursor.then(Cursor::operand)?);
            Ok(Some(Op::MatchAny { ty, dst, src, mask: cursor.then(Cursor::operand)? }))
        }
        _ => {
            let (Some(ty), Some(op)) = (modifiers.last_type(), modifiers.take(AtomicOp::from_name)) else {
                return Ok(None);
            };
            let (dst, src) = (cursor.register()?, cursor.then(Cursor::operand)?);
            Ok(Some(Op::Redux { op, ty, dst, src, mask: cursor.then(Cursor::operand)? }))
        }
    }
}

fn mma(cursor: &mut Cursor<'_>, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    let satfinite = modifiers.flag("satfinite");
    let mnemonic = format!("mma.{}", modifiers.rest().join("."));
    let Some(shape) = MmaShape::ALL.into_iter().find(|shape| shape.mnemonic() == mnemonic) else { return Ok(None) };
    while modifiers.take(|_| Some(())).is_some() {}
    let dsts = cursor.list(Cursor::register)?;
    let mut next = || cursor.then(|cursor| cursor.list(Cursor::register));
    Ok(Some(Op::Mma { shape, satfinite, dsts, a: next()?, b: next()?, c: next()? }))
}

fn barrier(cursor: &mut Cursor<'_>, name: &str, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    modifiers.flag("cta");
    let (sync, arrive) = (modifiers.flag("sync"), modifiers.flag("arrive"));
    let aligned = modifiers.flag("aligned") || name == "bar";
    let id = cursor.operand()?;
    match (sync, arrive) {
        (true, false) => Ok(Some(Op::BarrierSync { aligned, id, threads: cursor.maybe(Cursor::operand)? })),
        (false, true) => Ok(Some(Op::BarrierArrive { aligned, id, threads: cursor.then(Cursor::operand)? })),
        _ => Ok(None),
    }
}
