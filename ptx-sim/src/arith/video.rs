//! Video instructions on one part of each operand.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "instructions are defined by the low bits of their results"
)]

use tilewright_ptx_ir::ir::{Compare, Type, VideoAction, VideoPart, VideoSecond};

use super::packed::{act, range};

pub(super) fn of_part(
    action: VideoAction,
    types: [Type; 3],
    sat: bool,
    second: Option<VideoSecond>,
    [to, of_a, of_b]: [Option<VideoPart>; 3],
    [a, b, c]: [u32; 3],
) -> Option<u32> {
    if types.iter().any(|ty| !matches!(ty, Type::U32 | Type::S32)) || (second.is_some() && to.is_some()) {
        return None;
    }
    let [signed, a_signed, b_signed] = types.map(Type::is_signed);
    let (a, b) = (selected(a, of_a, a_signed), selected(b, of_b, b_signed));
    let result = match action {
        VideoAction::Op(op) => act(op, a, b)?,
        VideoAction::Set(compare) => holds(compare, a, b)?.into(),
    };
    let (bits, shift) = to.map_or((32, 0), VideoPart::bits);
    let result = if sat {
        let (least, greatest) = range(bits, signed);
        result.clamp(least, greatest)
    } else {
        result
    };
    let third = selected(c, None, signed);
    let result = match second {
        None => result,
        Some(VideoSecond::Add) => result + third,
        Some(VideoSecond::Minimum) => result.min(third),
        Some(VideoSecond::Maximum) => result.max(third),
        Some(_) => return None,
    };
    let mask = (u64::from(u32::MAX) >> (32 - bits) << shift) as u32;
    let rest = if to.is_some() { c & !mask } else { 0 };
    Some(((result as u32) << shift) & mask | rest)
}

/// The number in a part of a word.
fn selected(word: u32, part: Option<VideoPart>, signed: bool) -> i64 {
    let (bits, shift) = part.map_or((32, 0), VideoPart::bits);
    let above = 32 - bits;
    let word = word >> shift << above;
    if signed { (word.cast_signed() >> above).into() } else { (word >> above).into() }
}

const fn holds(compare: Compare, a: i64, b: i64) -> Option<bool> {
    Some(match compare {
        Compare::Eq => a == b,
        Compare::Ne => a != b,
        Compare::Lt => a < b,
        Compare::Le => a <= b,
        Compare::Gt => a > b,
        Compare::Ge => a >= b,
        _ => return None,
    })
}
