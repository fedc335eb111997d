//! Instructions that have a function for 32 lanes.

use tilewright_ptx_ir::ir::BoolOp;

use super::ALL;
use super::registers::Registers;
use crate::arith;
use crate::decode::{Code, Destination, Source};

/// Executes such an instruction; `false` if it is another.
#[inline]
pub(super) fn compute(registers: &mut Registers, code: &Code, lanes: u32) -> bool {
    match code {
        Code::Move { dst: Destination::Narrow(dst, ALL), src: Source::Narrow(src) } => {
            let values = registers.narrow(*src, lanes);
            registers.set_narrow(*dst, &values, lanes);
        }
        Code::Unary { f, dst, a } => {
            registers.read([*a], lanes);
            let (mut room, mut values) = ([0; 32], [0; 32]);
            f(registers.view(*a, &mut room), &mut values);
            registers.set_narrow(*dst, &values, lanes);
        }
        Code::Binary { f, dst, a, b } => {
            registers.read([*a, *b], lanes);
            let (mut rooms, mut values) = ([[0; 32]; 2], [0; 32]);
            let [a_room, b_room] = &mut rooms;
            f(registers.view(*a, a_room), registers.view(*b, b_room), &mut values);
            registers.set_narrow(*dst, &values, lanes);
        }
        Code::Ternary { f, dst, a, b, c } => {
            registers.read([*a, *b, *c], lanes);
            let (mut rooms, mut values) = ([[0; 32]; 3], [0; 32]);
            let [a_room, b_room, c_room] = &mut rooms;
            f(registers.view(*a, a_room), registers.view(*b, b_room), registers.view(*c, c_room), &mut values);
            registers.set_narrow(*dst, &values, lanes);
        }
        Code::WideBinary { f, dst, a, b } => {
            let (a, b) = (registers.wide(*a, lanes), registers.wide(*b, lanes));
            let mut values = [0; 32];
            f(&a, &b, &mut values);
            registers.set_wide(*dst, &values, lanes);
        }
        Code::WideTernary { f, dst, a, b, c } => {
            let (a, b, c) = (registers.wide(*a, lanes), registers.wide(*b, lanes), registers.wide(*c, lanes));
            let mut values = [0; 32];
            f(&a, &b, &c, &mut values);
            registers.set_wide(*dst, &values, lanes);
        }
        Code::Logic { op, dst, a, b } => {
            let holds = combined(*op, registers.pred(*a, lanes), registers.pred(*b, lanes));
            registers.set_pred(*dst, holds, lanes);
        }
        Code::MultiplyWide { dst, a, b, c } => {
            let (a, b) = (registers.narrow(*a, lanes), registers.narrow(*b, lanes));
            let c = c.map_or([0; 32], |c| registers.wide(c, lanes));
            let values = std::array::from_fn(|lane| (u64::from(a[lane]) * u64::from(b[lane])).wrapping_add(c[lane]));
            registers.set_wide(*dst, &values, lanes);
        }
        Code::Lop3 { table, dst, a, b, c } => {
            registers.read([*a, *b, *c], lanes);
            let mut rooms = [[0; 32]; 3];
            let [a_room, b_room, c_room] = &mut rooms;
            let (a, b, c) = (registers.view(*a, a_room), registers.view(*b, b_room), registers.view(*c, c_room));
            let values = arith::lop3_lanes(*table, a, b, c);
            registers.set_narrow(*dst, &values, lanes);
        }
        Code::Compare { f, dst, a, b, combine } => {
            registers.read([*a, *b], lanes);
            let mut rooms = [[0; 32]; 2];
            let [a_room, b_room] = &mut rooms;
            let holds = f(registers.view(*a, a_room), registers.view(*b, b_room));
            set_combined(registers, *dst, holds, *combine, lanes);
        }
        _ => return false,
    }
    true
}

const fn combined(op: BoolOp, a: u32, b: u32) -> u32 {
    match op {
        BoolOp::And => a & b,
        BoolOp::Or => a | b,
        _ => a ^ b,
    }
}

pub(super) fn set_combined(
    registers: &mut Registers,
    dst: u32,
    holds: u32,
    combine: Option<(BoolOp, u32)>,
    lanes: u32,
) {
    let holds = match combine {
        None => holds,
        Some((op, pred)) => {
            let other = registers.pred(pred, lanes);
            combined(op, holds, other)
        }
    };
    registers.set_pred(dst, holds, lanes);
}
