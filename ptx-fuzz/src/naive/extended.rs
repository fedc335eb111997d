//! Numbers of several words, and parts of words.

use tilewright_ptx_ir::ir::{MulPart, Op, PermuteMode, Type};

use super::integers::{extended, number, range};
use super::lane::{Lane, bits_of};

/// Executes such an instruction; `None` if it is none.
pub(super) fn execute(op: &Op, lane: &mut Lane) -> Option<()> {
    let (dst, value) = match op {
        Op::Mul24 { part, ty, dst, a, b } => {
            (*dst, short_product(*part, *ty, [a, b].map(|word| lane.operand(*word, *ty))))
        }
        Op::Mad24 { part, sat, ty, dst, a, b, c } => {
            let product = short_product(*part, *ty, [a, b].map(|word| lane.operand(*word, *ty)));
            let sum = product + number(lane.operand(*c, *ty), *ty);
            let (least, greatest) = range(*ty);
            (*dst, if *sat { sum.clamp(least, greatest) } else { sum })
        }
        Op::Dp2a { high, a_type, b_type, dst, a, b, c } => {
            let (a, b) = (lane.operand(*a, *a_type), lane.operand(*b, *b_type));
            let half = |index: u32| part_of(a, 16 * index, 16, *a_type);
            let byte = |index: u32| part_of(b, 8 * index, 8, *b_type);
            let first = if *high { 2 } else { 0 };
            let sum = half(0) * byte(first) + half(1) * byte(first + 1);
            (*dst, sum + i128::from(lane.operand(*c, Type::U32)))
        }
        Op::Permute { mode, dst, a, b, c } => {
            let [a, b, c] = [a, b, c].map(|word| lane.operand(*word, Type::B32));
            // The bytes of the result, the highest first, as the ISA's table has them.
            let rows: [[u32; 4]; 4] = match mode {
                PermuteMode::Forward4 => [[3, 2, 1, 0], [4, 3, 2, 1], [5, 4, 3, 2], [6, 5, 4, 3]],
                PermuteMode::Backward4 => [[5, 6, 7, 0], [6, 7, 0, 1], [7, 0, 1, 2], [0, 1, 2, 3]],
                PermuteMode::Replicate8 => [[0; 4], [1; 4], [2; 4], [3; 4]],
                PermuteMode::EdgeLeft => [[3, 2, 1, 0], [3, 2, 1, 1], [3, 2, 2, 2], [3, 3, 3, 3]],
                PermuteMode::EdgeRight => [[0, 0, 0, 0], [1, 1, 1, 0], [2, 2, 1, 0], [3, 2, 1, 0]],
                PermuteMode::Replicate16 => [[1, 0, 1, 0], [3, 2, 3, 2], [1, 0, 1, 0], [3, 2, 3, 2]],
                _ => return None,
            };
            let row = rows.into_iter().nth((c % 4) as usize)?;
            (*dst, row.iter().fold(0, |word, place| word << 8 | i128::from((b << 32 | a) >> (8 * place) & 0xFF)))
        }
        Op::SelectBySign { ty, sign_type, ftz, dst, a, b, c } => {
            let sign = lane.operand(*c, *sign_type) as u32;
            let at_least_zero = if *sign_type == Type::S32 {
                sign < 1 << 31
            } else {
                let magnitude = sign & 0x7FFF_FFFF;
                let is_zero = magnitude == 0 || (*ftz && magnitude < 0x0080_0000);
                is_zero || (sign < 1 << 31 && magnitude <= 0x7F80_0000)
            };
            (*dst, lane.operand(if at_least_zero { *a } else { *b }, *ty).into())
        }
        _ => return carry(op, lane),
    };
    lane.write(dst, value as u64);
    Some(())
}

/// The number in some bits of a word.
const fn part_of(word: u64, from: u32, width: u32, ty: Type) -> i128 {
    let bits = word >> from & ((1 << width) - 1);
    if ty.is_signed() { extended(bits, width).cast_signed() as i128 } else { bits as i128 }
}

/// Of the low 24 bits of two words.
const fn short_product(part: MulPart, ty: Type, [a, b]: [u64; 2]) -> i128 {
    let product = part_of(a, 0, 24, ty) * part_of(b, 0, 24, ty);
    // 32 bits from bit 16 on.
    if matches!(part, MulPart::Hi) { product >> 16 } else { product }
}

/// Instructions with the carry flag.
fn carry(op: &Op, lane: &mut Lane) -> Option<()> {
    // Words count as unsigned, whatever their type: something was borrowed if the difference would be below zero, and then a difference leaves no carry.
    let (dst, ty, carry_out, value) = match op {
        Op::CarrySum { subtracts, carry_in, carry_out, ty, dst, a, b } => {
            let [a, b] = [a, b].map(|word| i128::from(lane.operand(*word, *ty)));
            let (carry, borrow) = (*carry_in && lane.carry, *carry_in && !lane.carry);
            let value = if *subtracts { a - b - i128::from(borrow) } else { a + b + i128::from(carry) };
            (*dst, *ty, *carry_out, value)
        }
        Op::CarryMad { part, carry_in, carry_out, ty, dst, a, b, c } => {
            let width = bits_of(*ty);
            let [a, b] = [a, b].map(|word| number(lane.operand(*word, *ty), *ty));
            let whole = a.wrapping_mul(b).cast_unsigned();
            let half = if *part == MulPart::Hi { whole >> width } else { whole } & u128::from(u64::MAX >> (64 - width));
            let (c, carry) = (lane.operand(*c, *ty), *carry_in && lane.carry);
            (*dst, *ty, *carry_out, half.cast_signed() + i128::from(c) + i128::from(carry))
        }
        _ => return None,
    };
    lane.write(dst, value as u64);
    if carry_out {
        let overflows = !(0..1i128 << bits_of(ty)).contains(&value);
        lane.carry = overflows != matches!(op, Op::CarrySum { subtracts: true, .. });
    }
    Some(())
}
