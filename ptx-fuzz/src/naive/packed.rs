//! Integers side by side in a word.

use tilewright_ptx_ir::ir::{BinaryOp, Op, Operand, Selected, Type, VideoAction, VideoOp, VideoPart, VideoSecond};

use super::integers::{compares, extended, number};
use super::lane::Lane;

/// Executes such an instruction; `None` if it is none.
pub(super) fn execute(op: &Op, lane: &mut Lane) -> Option<()> {
    let (dst, value) = match op {
        Op::CvtPack { to, dst, a, b, c } => {
            let [a, b] = [a, b].map(|word| number(lane.operand(*word, Type::S32), Type::S32));
            let size = to.bits();
            let saturated = |value: i128| {
                let (least, greatest) = limits(size, to.is_signed());
                let value = if value < least { least } else { value };
                (if value > greatest { greatest } else { value }) as u64
            };
            let (low, high) = (saturated(b), saturated(a));
            let rest = c.map_or(0, |c| lane.operand(c, Type::B32));
            // Bit by bit, as the ISA has it.
            let bit = |index: u32| {
                if index < size {
                    low >> index
                } else if index < 2 * size {
                    high >> (index - size)
                } else {
                    rest >> (index - 2 * size)
                }
            };
            (*dst, (0..32).map(|index| (bit(index) & 1) << index).sum())
        }
        Op::VideoParts { op, parts, types: [of_dst, of_a, of_b], sat, sums, dst, a, b, c } => {
            let size = 32 / parts;
            let [a, b, c] = [a, b, c].map(|reg| lane.operand(Operand::Reg(*reg), Type::U32));
            let results = (0..*parts).map(|index| {
                let (x, y) = (element(a, index, size, *of_a), element(b, index, size, *of_b));
                let value = match op {
                    VideoOp::Add => x + y,
                    VideoOp::Subtract => x - y,
                    VideoOp::Average if x + y >= 0 => (x + y + 1).div_euclid(2),
                    VideoOp::Average => (x + y).div_euclid(2),
                    VideoOp::AbsoluteDifference if x < y => y - x,
                    VideoOp::AbsoluteDifference => x - y,
                    VideoOp::Minimum => x.min(y),
                    VideoOp::Maximum => x.max(y),
                    _ => return None,
                };
                let (least, greatest) = limits(size, of_dst.is_signed());
                Some(if *sat { value.clamp(least, greatest) } else { value })
            });
            let results = results.collect::<Option<Vec<i128>>>()?;
            let value = if *sums {
                i128::from(c) + results.iter().sum::<i128>()
            } else {
                results.iter().rev().fold(0, |word, value| word << size | value.rem_euclid(1 << size))
            };
            (*dst, value as u64)
        }
        Op::Video { action, types: [of_dst, of_a, of_b], sat, second, dst, part, a, b, c } => {
            let value = |word: &Selected, ty: Type| {
                let bits = lane.operand(word.operand, Type::U32);
                let (size, from) = word.part.map_or((32, 0), VideoPart::bits);
                element(bits >> from, 0, size, ty)
            };
            let (x, y) = (value(a, *of_a), value(b, *of_b));
            let result = match action {
                VideoAction::Op(VideoOp::Add) => x + y,
                VideoAction::Op(VideoOp::Subtract) => x - y,
                VideoAction::Op(VideoOp::AbsoluteDifference) => (x - y).abs(),
                VideoAction::Op(VideoOp::Minimum) => x.min(y),
                VideoAction::Op(VideoOp::Maximum) => x.max(y),
                VideoAction::Op(_) => return None,
                VideoAction::Set(compare) => compares(*compare, x, y)?.into(),
            };
            let (least, greatest) = limits(part.map_or(32, |part| part.bits().0), of_dst.is_signed());
            let result = if *sat { result.clamp(least, greatest) } else { result };
            let c = c.map_or(0, |c| lane.operand(c, Type::U32));
            let third = number(c, *of_dst);
            let result = match second {
                Some(VideoSecond::Add) => result + third,
                Some(VideoSecond::Minimum) => result.min(third),
                Some(_) => result.max(third),
                None => result,
            };
            let value = match part.map(VideoPart::bits) {
                // Bit by bit: those of the part from the result, the others from the third operand.
                Some((size, from)) => (0..32).fold(0, |word, index| {
                    let inside = (from..from + size).contains(&index);
                    let bit = if inside { result.rem_euclid(1 << 32) as u64 >> (index - from) } else { c >> index };
                    word | (bit & 1) << index
                }),
                None => result as u64,
            };
            (*dst, value)
        }
        Op::Pair { op, signed, relu, dst, a, b } => {
            let [a, b] = [a, b].map(|reg| lane.operand(Operand::Reg(*reg), Type::U32));
            let ty = if *signed { Type::S32 } else { Type::U32 };
            let half = |index: u32| {
                let value = chosen(*op, element(a, index, 16, ty), element(b, index, 16, ty))?;
                Some((if *relu { value.max(0) } else { value }).rem_euclid(1 << 16) as u64)
            };
            (*dst, half(1)? << 16 | half(0)?)
        }
        Op::Rectified { op, dst, a, b } => {
            let [a, b] = [a, b].map(|word| number(lane.operand(*word, Type::S32), Type::S32));
            (*dst, chosen(*op, a, b)?.max(0) as u64)
        }
        _ => return None,
    };
    lane.write(dst, value);
    Some(())
}

const fn limits(size: u32, signed: bool) -> (i128, i128) {
    if signed { (-(1 << (size - 1)), (1 << (size - 1)) - 1) } else { (0, (1 << size) - 1) }
}

/// The integer in a part of a word.
const fn element(word: u64, index: u32, size: u32, ty: Type) -> i128 {
    let bits = word >> (index * size) & ((1 << size) - 1);
    if ty.is_signed() { extended(bits, size).cast_signed() as i128 } else { bits as i128 }
}

fn chosen(op: BinaryOp, a: i128, b: i128) -> Option<i128> {
    match op {
        BinaryOp::Add => Some(a + b),
        BinaryOp::Min => Some(a.min(b)),
        BinaryOp::Max => Some(a.max(b)),
        _ => None,
    }
}
