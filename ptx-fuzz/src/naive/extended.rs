//! Numbers of several words: the carry flag.

use tilewright_ptx_ir::ir::{MulPart, Op};

use super::integers::number;
use super::lane::{Lane, bits_of};

/// Executes an instruction with the carry flag; `None` if it is none.
pub(super) fn execute(op: &Op, lane: &mut Lane) -> Option<()> {
    // Words count as unsigned, whatever their type: the borrow is what the difference would be below zero.
    let (dst, ty, carry_out, value) = match op {
        Op::CarrySum { subtracts, carry_in, carry_out, ty, dst, a, b } => {
            let [a, b] = [a, b].map(|word| i128::from(lane.operand(*word, *ty)));
            let carry = i128::from(*carry_in && lane.carry);
            (*dst, *ty, *carry_out, if *subtracts { a - (b + carry) } else { a + b + carry })
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
        lane.carry = !(0..1i128 << bits_of(ty)).contains(&value);
    }
    Some(())
}
