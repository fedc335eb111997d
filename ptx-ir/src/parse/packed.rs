//! Integers side by side in a word.

use super::inst::Modifiers;
use super::operand::{Cursor, Result};
use crate::ir::{BinaryOp, Compare, Op, Operand, PackedInteger, Selected, Type, VideoAction, VideoOp, VideoSecond};

/// `cvt.pack`, the first two words being taken.
pub(super) fn convert(cursor: &mut Cursor<'_>, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    let (true, Some(to)) = (modifiers.flag("sat"), modifiers.take(PackedInteger::from_name)) else { return Ok(None) };
    if !modifiers.flag("s32") {
        return Ok(None);
    }
    let (dst, a, b) = (cursor.register()?, cursor.then(Cursor::operand)?, cursor.then(Cursor::operand)?);
    let c = if modifiers.flag("b32") { Some(cursor.then(Cursor::operand)?) } else { None };
    Ok(Some(Op::CvtPack { to, dst, a, b, c }))
}

/// Whether a sum, minimum or maximum is one of pairs, or is clipped at zero.
pub(super) fn is_pair(modifiers: &Modifiers<'_>) -> bool {
    let parts = modifiers.rest();
    parts.iter().any(|part| matches!(*part, "u16x2" | "s16x2")) || (parts.contains(&"relu") && parts.contains(&"s32"))
}

pub(super) fn pair(cursor: &mut Cursor<'_>, name: &str, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    let Some(op) = BinaryOp::from_name(name) else { return Ok(None) };
    let relu = modifiers.flag("relu");
    let dst = cursor.register()?;
    if modifiers.flag("s32") {
        return Ok(Some(Op::Rectified { op, dst, a: cursor.then(Cursor::operand)?, b: cursor.then(Cursor::operand)? }));
    }
    let signed = modifiers.flag("s16x2");
    if !signed && !modifiers.flag("u16x2") {
        return Ok(None);
    }
    let (a, b) = (cursor.then(Cursor::register)?, cursor.then(Cursor::register)?);
    Ok(Some(Op::Pair { op, signed, relu, dst, a, b }))
}

/// `vadd2` and the others, without selectors.
pub(super) fn video(cursor: &mut Cursor<'_>, name: &str, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    let (op, parts) = match name.split_at_checked(name.len() - 1) {
        Some((name, "2")) => (VideoOp::from_name(name), 2),
        Some((name, "4")) => (VideoOp::from_name(name), 4),
        _ => return Ok(None),
    };
    let (sat, sums) = (modifiers.flag("sat"), modifiers.flag("add"));
    let mut last = || modifiers.last_type();
    let (Some(op), Some(of_b), Some(of_a), Some(of_dst)) = (op, last(), last(), last()) else { return Ok(None) };
    let types: [Type; 3] = [of_dst, of_a, of_b];
    let (dst, a, b) = (cursor.register()?, cursor.then(Cursor::register)?, cursor.then(Cursor::register)?);
    Ok(Some(Op::VideoParts { op, parts, types, sat, sums, dst, a, b, c: cursor.then(Cursor::register)? }))
}

/// `vadd` and the others, and `vset`.
pub(super) fn video_of_part(cursor: &mut Cursor<'_>, name: &str, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    let (sat, second) = (modifiers.flag("sat"), modifiers.take(VideoSecond::from_name));
    let action = match VideoOp::from_name(name) {
        Some(op) => Some(VideoAction::Op(op)),
        None => modifiers.take(Compare::from_name).map(VideoAction::Set),
    };
    let mut last = || modifiers.last_type();
    let (Some(action), Some(of_b), Some(of_a)) = (action, last(), last()) else { return Ok(None) };
    let of_dst = if matches!(action, VideoAction::Set(_)) { Some(Type::U32) } else { last() };
    let Some(of_dst) = of_dst else { return Ok(None) };
    let (dst, part) = cursor.register_or_part()?;
    let (a, b) = (cursor.then(selected)?, cursor.then(selected)?);
    let c = if second.is_some() || part.is_some() { Some(cursor.then(Cursor::operand)?) } else { None };
    Ok(Some(Op::Video { action, types: [of_dst, of_a, of_b], sat, second, dst, part, a, b, c }))
}

/// `%r1`, `%r1.b0`, or a number.
fn selected(cursor: &mut Cursor<'_>) -> Result<Selected> {
    if let Some(number) = cursor.accept_number()? {
        return Ok(Selected { operand: Operand::Imm(number), part: None });
    }
    let (reg, part) = cursor.register_or_part()?;
    Ok(Selected { operand: Operand::Reg(reg), part })
}
