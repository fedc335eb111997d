//! What lanes and threads do together.

use tilewright_ptx_ir::ir::{AtomicOp, BarrierOp, Op, ShuffleMode, Type, VoteMode};

use super::comparisons::holds;
use super::integers::number;
use super::matrices::{Product, product, product_of_form};
use super::{Lanes, NaiveError, Outcome, unknown};

/// An instruction of a whole warp.
pub(super) fn execute(op: &Op, lanes: Lanes<'_>) -> Outcome<()> {
    match op {
        Op::Shuffle { mode, dst, pred, src, lane, clamp, .. } => {
            let values: Vec<u64> = lanes.iter().map(|lane| lane.operand(*src, Type::B32)).collect();
            for (index, own) in (0i64..).zip(lanes.iter_mut()) {
                let b = own.operand(*lane, Type::U32).cast_signed() & 0x1F;
                let c = own.operand(*clamp, Type::U32).cast_signed();
                let (clamp, segment) = (c & 0x1F, c >> 8 & 0x1F);
                let first = index & segment;
                let last = first | clamp & !segment;
                let (from, inside) = match mode {
                    ShuffleMode::Up => (index - b, index - b >= last),
                    ShuffleMode::Down => (index + b, index + b <= last),
                    ShuffleMode::Butterfly => (index ^ b, index ^ b <= last),
                    ShuffleMode::Index => (first | b & !segment, first | b & !segment <= last),
                    _ => return Err(unknown(op)),
                };
                let from = if inside { from } else { index };
                let value = usize::try_from(from).ok().and_then(|from| values.get(from)).ok_or(NaiveError::Endless)?;
                own.write(*dst, *value);
                if let Some(pred) = pred {
                    own.write(*pred, inside.into());
                }
            }
        }
        Op::Vote { mode, dst, src, .. } => {
            let ballot = lanes.iter().map(|lane| holds(*src, lane));
            let mask = ballot.zip(0..).map(|(vote, index)| u64::from(vote) << index).sum::<u64>();
            let everyone = u64::from(u32::MAX);
            let value = match mode {
                VoteMode::All => (mask == everyone).into(),
                VoteMode::Any => (mask != 0).into(),
                VoteMode::Uniform => (mask == 0 || mask == everyone).into(),
                VoteMode::Ballot => mask,
                _ => return Err(unknown(op)),
            };
            lanes.iter_mut().for_each(|lane| lane.write(*dst, value));
        }
        Op::MatchAny { ty, dst, src, .. } => {
            let values: Vec<u64> = lanes.iter().map(|lane| lane.operand(*src, *ty)).collect();
            for (own, value) in lanes.iter_mut().zip(&values) {
                let same = values.iter().zip(0..).map(|(other, index)| u64::from(other == value) << index);
                own.write(*dst, same.sum());
            }
        }
        Op::MatchAll { ty, dst, pred, src, .. } => {
            let values: Vec<u64> = lanes.iter().map(|lane| lane.operand(*src, *ty)).collect();
            let alike = values.windows(2).all(|pair| pair.first() == pair.last());
            for lane in lanes.iter_mut() {
                lane.write(*dst, if alike { u32::MAX.into() } else { 0 });
                if let Some(pred) = pred {
                    lane.write(*pred, alike.into());
                }
            }
        }
        Op::Redux { op: combine, ty, dst, src, .. } => {
            let mut values = lanes.iter().map(|lane| number(lane.operand(*src, *ty), *ty));
            let first = values.next().ok_or(NaiveError::Endless)?;
            let step = |a: i128, b: i128| match combine {
                AtomicOp::Add => Some(a + b),
                AtomicOp::Min => Some(a.min(b)),
                AtomicOp::Max => Some(a.max(b)),
                AtomicOp::And => Some(a & b),
                AtomicOp::Or => Some(a | b),
                AtomicOp::Xor => Some(a ^ b),
                _ => None,
            };
            let value = values.try_fold(first, step).ok_or_else(|| unknown(op))?;
            lanes.iter_mut().for_each(|lane| lane.write(*dst, value as u64));
        }
        Op::MoveMatrix { dst, src } => {
            let values: Vec<u64> = lanes.iter().map(|lane| lane.read(*src)).collect();
            // What lies in column i of the lanes' rows goes to row i.
            let mut matrix = [[0u64; 8]; 8];
            for (place, row) in matrix.iter_mut().enumerate() {
                for (column, to) in row.iter_mut().enumerate() {
                    *to = values[4 * place + column / 2] >> (16 * (column % 2)) & 0xFFFF;
                }
            }
            for (index, lane) in lanes.iter_mut().enumerate() {
                let (row, column) = (index / 4, index % 4 * 2);
                lane.write(*dst, matrix[column + 1][row] << 16 | matrix[column][row]);
            }
        }
        Op::MmaForm { form, satfinite, dsts, a, b, c } => {
            let registers = Product { dsts, a, b, c };
            product_of_form(*form, *satfinite, &registers, lanes).ok_or_else(|| unknown(op))?;
        }
        Op::Mma { shape, satfinite, dsts, a, b, c } => {
            let registers = Product { dsts, a, b, c };
            product(*shape, *satfinite, &registers, lanes).ok_or_else(|| unknown(op))?;
        }
        _ => return Err(unknown(op)),
    }
    Ok(())
}

/// A barrier of all threads, which are all there.
pub(super) fn barrier(op: &Op, lanes: Lanes<'_>) {
    let Op::BarrierReduce { op, dst, src, negate, .. } = op else { return };
    let count = lanes.iter().filter(|lane| lane.is_true(*src) != *negate).count();
    let value = match op {
        BarrierOp::PopulationCount => count as u64,
        BarrierOp::And => (count == lanes.len()).into(),
        _ => (count > 0).into(),
    };
    lanes.iter_mut().for_each(|lane| lane.write(*dst, value));
}
