//! Instructions of integers that have forms of their own.

use super::inst::Modifiers;
use super::operand::{Cursor, Result};
use crate::ir::{MulPart, Op};

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
