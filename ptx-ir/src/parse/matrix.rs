//! Matrices in the lanes of a warp.

use super::inst::Modifiers;
use super::operand::{Cursor, Result};
use crate::ir::{MmaForm, MmaShape, Op, RegClass, Space};

/// Reads the instruction called `name`; `None` if the form is not known.
pub(super) fn read(cursor: &mut Cursor<'_>, name: &str, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    match name {
        "mma" => mma(cursor, modifiers),
        "movmatrix" => {
            let known = modifiers.rest() == ["sync", "aligned", "m8n8", "trans", "b16"];
            while modifiers.take(|_| Some(())).is_some() {}
            let (dst, src) = (cursor.register()?, cursor.then(Cursor::register)?);
            Ok(known.then_some(Op::MoveMatrix { dst, src }))
        }
        "stmatrix" => {
            let shaped = ["sync", "aligned", "m8n8", "b16"].into_iter().all(|word| modifiers.flag(word));
            let (transpose, shared) = (modifiers.flag("trans"), modifiers.space() == Some(Space::Shared));
            let count = modifiers.take(|part| match part {
                "x1" => Some(1),
                "x2" => Some(2),
                "x4" => Some(4),
                _ => None,
            });
            let (address, srcs) = (cursor.address()?, cursor.then(|cursor| cursor.list(Cursor::register))?);
            let known = shaped && shared && count == Some(srcs.len());
            Ok(known.then_some(Op::StMatrix { transpose, srcs, address }))
        }
        "elect" if modifiers.flag("sync") => {
            let dst = cursor.destination(RegClass::B32)?;
            cursor.mark('|', "`|`")?;
            Ok(Some(Op::Elect { dst, pred: cursor.register()?, mask: cursor.then(Cursor::operand)? }))
        }
        "griddepcontrol" => {
            let waits = modifiers.flag("wait");
            Ok((waits || modifiers.flag("launch_dependents")).then_some(Op::GridDependency { waits }))
        }
        _ => Ok(None),
    }
}

fn mma(cursor: &mut Cursor<'_>, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    let satfinite = modifiers.flag("satfinite");
    let mnemonic = format!("mma.{}", modifiers.rest().join("."));
    let shape = MmaShape::ALL.into_iter().find(|shape| shape.mnemonic() == mnemonic);
    let form = MmaForm::from_mnemonic(&mnemonic);
    if shape.is_none() && form.is_none() {
        return Ok(None);
    }
    while modifiers.take(|_| Some(())).is_some() {}
    let dsts = cursor.destinations()?;
    let mut next = || cursor.then(|cursor| cursor.list(Cursor::register));
    let (a, b, c) = (next()?, next()?, next()?);
    Ok(match (shape, form) {
        (Some(shape), _) => Some(Op::Mma { shape, satfinite, dsts, a, b, c }),
        (None, form) => form.map(|form| Op::MmaForm { form, satfinite, dsts, a, b, c }),
    })
}
