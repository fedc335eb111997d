//! Comparisons.

use super::inst::{Modifiers, literal};
use super::operand::{Cursor, Result};
use crate::ir::{BoolOp, Compare, Condition, Op, RegClass, Type};

/// `setp` and `set`.
pub(super) fn read(cursor: &mut Cursor<'_>, name: &str, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    let Some(ty) = modifiers.last_type() else { return Ok(None) };
    let to = if name == "set" { modifiers.last_type() } else { None };
    let Some(compare) = modifiers.take(|part| comparison(part, ty)) else { return Ok(None) };
    let (op, ftz) = (modifiers.take(BoolOp::from_name), modifiers.flag("ftz"));
    let dst = if name == "set" { cursor.register()? } else { cursor.destination(RegClass::Pred)? };
    let another = name == "setp" && cursor.accept('|') && !cursor.accept_sink();
    let other = if another { Some(cursor.register()?) } else { None };
    let (a, b) = (cursor.then(Cursor::operand)?, cursor.then(Cursor::operand)?);
    let (a, b) = (literal(a, ty), literal(b, ty));
    let combine = op.map(|op| cursor.then(Cursor::condition).map(|condition| (op, condition))).transpose()?;
    if name == "set" {
        return Ok(to.map(|to| Op::Set { compare, to, ty, ftz, dst, a, b, combine }));
    }
    let packed = matches!(ty, Type::F16x2 | Type::Bf16x2);
    let plain = match combine {
        None => Some(None),
        Some((op, Condition::Pred { pred, negate: false })) => Some(Some((op, pred))),
        Some(_) => None,
    };
    Ok(Some(match plain.filter(|_| other.is_none() && !packed) {
        Some(combine) => Op::SetPredicate { compare, ty, ftz, dst, a, b, combine },
        None => Op::SetPredicates { compare, ty, ftz, dst, other, a, b, combine },
    }))
}

/// A comparison by its name; unsigned integers have names of their own for what is lower or higher.
fn comparison(name: &str, ty: Type) -> Option<Compare> {
    let unsigned = ty.is_integer() && !ty.is_signed();
    match name {
        "lo" if unsigned => Some(Compare::Lt),
        "ls" if unsigned => Some(Compare::Le),
        "hi" if unsigned => Some(Compare::Gt),
        "hs" if unsigned => Some(Compare::Ge),
        _ => Compare::from_name(name),
    }
}
