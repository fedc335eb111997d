//! Division by a constant as the high half of a product: what the sums in it may be, tried out for every dividend.

use std::collections::BTreeMap;

use tilewright_ptx_ir::ir::{BinaryOp, Immediate, Inst, Kernel, MulPart, Op, Operand, Reg, Statement};

use super::range::Ranges;
use super::value::Value;

/// Statements in front of the difference that make it.
const MOST_STATEMENTS: usize = 8;
/// Dividends that are not too many to try.
const MOST_DIVIDENDS: u64 = 1 << 15;

/// What the difference `op` of a number and a product with it may be: `x - mulhi(x, m)` and `x - x / d · d` of an x that a range is known of.
pub(super) fn difference(ranges: &Ranges, kernel: &Kernel, op: &Op) -> Option<Value> {
    let Op::Binary { op: BinaryOp::Sub, ty, a: Operand::Reg(dividend), b: Operand::Reg(product), .. } = op else {
        return None;
    };
    if ty.bytes() != 4 || !matches!(ranges.definition(*product)?, Op::Mul { .. }) {
        return None;
    }
    let high = ranges.operand((*dividend).into(), 32)?.high;
    if high > MOST_DIVIDENDS {
        return None;
    }
    let is_it =
        |statement: &Statement| matches!(statement, Statement::Inst(Inst { guard: None, op: other }) if other == op);
    let mut places = kernel.body.iter().enumerate().filter(|(_, statement)| is_it(statement));
    let (end, None) = (places.next()?.0, places.next()) else { return None };
    let start = end.saturating_sub(MOST_STATEMENTS);
    let mut steps = Vec::new();
    for statement in kernel.body.iter().take(end + 1).skip(start) {
        match statement {
            // The dividend is the same from here on.
            Statement::Inst(Inst { guard: None, op }) => steps.push(op),
            _ => steps.clear(),
        }
    }
    let written = |op: &&&Op| {
        let mut is_it = false;
        op.for_each_write(|reg| is_it |= reg == *dividend);
        is_it
    };
    if let Some(last) = steps.iter().rposition(|op| written(&op)) {
        steps.drain(..=last);
    }
    let (mut low, mut most) = (u64::MAX, 0);
    for number in 0..=u32::try_from(high).ok()? {
        let result = u64::from(run(&steps, *dividend, number)?);
        (low, most) = (low.min(result), most.max(result));
    }
    Some(Value::range(low, most))
}

/// The last step's result, if it depends on the dividend and constants alone.
fn run(steps: &[&Op], dividend: Reg, number: u32) -> Option<u32> {
    let mut values = BTreeMap::from([(dividend, number)]);
    let mut result = None;
    for op in steps {
        let of = |operand: &Operand| match operand {
            Operand::Reg(reg) => values.get(reg).copied(),
            Operand::Imm(Immediate::Int(value)) => u32::try_from(*value & 0xFFFF_FFFF).ok(),
            _ => None,
        };
        let (dst, value) = match op {
            Op::Mul { part, ty, dst, a, b } if ty.bytes() == 4 && !ty.is_signed() => {
                let product = of(a).zip(of(b)).map(|(a, b)| u64::from(a) * u64::from(b));
                let half = |product: u64| match part {
                    MulPart::Hi => u32::try_from(product >> 32).ok(),
                    MulPart::Lo => u32::try_from(product & 0xFFFF_FFFF).ok(),
                    _ => None,
                };
                (*dst, product.and_then(half))
            }
            Op::Binary { op, ty, dst, a, b, .. } if ty.bytes() == 4 && !ty.is_float() && !ty.is_signed() => {
                let value = of(a).zip(of(b)).and_then(|(a, b)| match op {
                    BinaryOp::Add => Some(a.wrapping_add(b)),
                    BinaryOp::Sub => Some(a.wrapping_sub(b)),
                    BinaryOp::Shr => Some(a.checked_shr(b).unwrap_or(0)),
                    _ => None,
                });
                (*dst, value)
            }
            other => {
                other.for_each_write(|reg| {
                    values.remove(&reg);
                });
                result = None;
                continue;
            }
        };
        match value {
            Some(value) => values.insert(dst, value),
            None => values.remove(&dst),
        };
        result = value;
    }
    result
}
