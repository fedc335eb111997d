//! Instructions of integers that have forms of their own.

use super::inst::{Modifiers, literal, three};
use super::operand::{Cursor, Result};
use crate::ir::{MulPart, Op, PermuteMode};

/// Sums and products with the carry flag.
pub(super) fn carry(cursor: &mut Cursor<'_>, name: &str, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    let Some(ty) = modifiers.last_type() else { return Ok(None) };
    let (carry_in, carry_out) = (name.ends_with('c'), modifiers.flag("cc"));
    let part = modifiers.take(MulPart::from_name);
    if part.is_some() != name.starts_with("mad") {
        return Ok(None);
    }
    let (dst, a, b) = (cursor.register()?, cursor.then(Cursor::operand)?, cursor.then(Cursor::operand)?);
    let Some(part) = part else {
        return Ok(Some(Op::CarrySum { subtracts: name.starts_with("sub"), carry_in, carry_out, ty, dst, a, b }));
    };
    Ok(Some(Op::CarryMad { part, carry_in, carry_out, ty, dst, a, b, c: cursor.then(Cursor::operand)? }))
}

/// Products of 24 bits, of halves and bytes, and choices.
pub(super) fn read(cursor: &mut Cursor<'_>, name: &str, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    if name == "prmt" {
        let (true, Some(mode)) = (modifiers.flag("b32"), modifiers.take(PermuteMode::from_name)) else {
            return Ok(None);
        };
        let (dst, [a, b, c]) = (cursor.register()?, three(cursor)?);
        return Ok(Some(Op::Permute { mode, dst, a, b, c }));
    }
    let Some(ty) = modifiers.last_type() else { return Ok(None) };
    match name {
        "slct" => {
            let (sign_type, ftz, Some(ty)) = (ty, modifiers.flag("ftz"), modifiers.last_type()) else {
                return Ok(None);
            };
            let (dst, [a, b, c]) = (cursor.register()?, three(cursor)?);
            let (a, b, c) = (literal(a, ty), literal(b, ty), literal(c, sign_type));
            Ok(Some(Op::SelectBySign { ty, sign_type, ftz, dst, a, b, c }))
        }
        "dp2a" => {
            let (b_type, Some(a_type)) = (ty, modifiers.last_type()) else { return Ok(None) };
            let Some(part) = modifiers.take(MulPart::from_name).filter(|part| *part != MulPart::Wide) else {
                return Ok(None);
            };
            let (dst, [a, b, c]) = (cursor.register()?, three(cursor)?);
            Ok(Some(Op::Dp2a { high: part == MulPart::Hi, a_type, b_type, dst, a, b, c }))
        }
        _ => {
            let (Some(part), sat) = (modifiers.take(MulPart::from_name), modifiers.flag("sat")) else {
                return Ok(None);
            };
            let (dst, a, b) = (cursor.register()?, cursor.then(Cursor::operand)?, cursor.then(Cursor::operand)?);
            match (name, sat) {
                ("mul24", false) => Ok(Some(Op::Mul24 { part, ty, dst, a, b })),
                ("mad24", _) => Ok(Some(Op::Mad24 { part, sat, ty, dst, a, b, c: cursor.then(Cursor::operand)? })),
                _ => Ok(None),
            }
        }
    }
}
