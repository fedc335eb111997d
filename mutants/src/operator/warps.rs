//! Shuffles, votes, fragments of matrices, packed halves.

use tilewright_ptx_ir::ir::{Immediate, Op, Operand, Reg, ShuffleMode, Type, VoteMode};

use super::{Site, integer};
use crate::edit::Edit;

pub(super) fn shuffle_mode(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Shuffle { mode, .. } = op {
            *mode = match *mode {
                ShuffleMode::Butterfly => ShuffleMode::Down,
                _ => ShuffleMode::Butterfly,
            };
        }
    })
}

pub(super) fn shuffle_distance(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Shuffle { lane, .. } = op
            && let Some(distance) = integer(lane)
        {
            *lane = Operand::Imm(Immediate::Int(if distance == 0 { 1 } else { distance / 2 }));
        }
    })
}

pub(super) fn drop_shuffle(site: &Site<'_>) -> Vec<Edit> {
    match site.op() {
        Op::Shuffle { dst, pred: None, src, .. } => {
            vec![site.replace(Op::Mov { ty: Type::B32, dst: *dst, src: *src })]
        }
        _ => Vec::new(),
    }
}

pub(super) fn short_mask(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Shuffle { mask, .. } | Op::Vote { mask, .. } | Op::WarpSync { mask } | Op::Redux { mask, .. } = op
            && integer(mask).is_some()
        {
            *mask = Operand::Imm(Immediate::Int(0xFFFF));
        }
    })
}

pub(super) fn vote_mode(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Vote { mode: mode @ (VoteMode::All | VoteMode::Any), .. } = op {
            *mode = if *mode == VoteMode::All { VoteMode::Any } else { VoteMode::All };
        }
    })
}

pub(super) fn matrix_transpose(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::LdMatrix { transpose, .. } = op {
            *transpose = !*transpose;
        }
    })
}

pub(super) fn matrix_order(site: &Site<'_>) -> Vec<Edit> {
    let Op::LdMatrix { dsts, .. } = site.op() else { return Vec::new() };
    (1..dsts.len()).flat_map(|other| exchanged(site, |op| registers(op, Part::Loaded), 0, other)).collect()
}

pub(super) fn mma_rows(site: &Site<'_>) -> Vec<Edit> {
    exchanged(site, |op| registers(op, Part::A), 0, 1)
}

pub(super) fn mma_columns(site: &Site<'_>) -> Vec<Edit> {
    exchanged(site, |op| registers(op, Part::A), 0, 2)
}

pub(super) fn mma_b(site: &Site<'_>) -> Vec<Edit> {
    exchanged(site, |op| registers(op, Part::B), 0, 1)
}

pub(super) fn mma_accumulator(site: &Site<'_>) -> Vec<Edit> {
    exchanged(site, |op| registers(op, Part::C), 0, 2)
}

#[derive(Clone, Copy)]
enum Part {
    Loaded,
    A,
    B,
    C,
}

fn registers(op: &mut Op, part: Part) -> Option<&mut Vec<Reg>> {
    match (op, part) {
        (Op::LdMatrix { dsts, .. }, Part::Loaded) => Some(dsts),
        (Op::Mma { a, .. }, Part::A) => Some(a),
        (Op::Mma { b, .. }, Part::B) => Some(b),
        (Op::Mma { c, .. }, Part::C) => Some(c),
        _ => None,
    }
}

fn exchanged(site: &Site<'_>, part: impl Fn(&mut Op) -> Option<&mut Vec<Reg>>, one: usize, other: usize) -> Vec<Edit> {
    site.change(|op| {
        if let Some(registers) = part(op)
            && registers.len() > one.max(other)
        {
            registers.swap(one, other);
        }
    })
}

/// Only where the accumulator stays in its registers, as everywhere so far.
pub(super) fn drop_mma(site: &Site<'_>) -> Vec<Edit> {
    match site.op() {
        Op::Mma { dsts, c, .. } if dsts == c => vec![Edit::remove(site.at)],
        _ => Vec::new(),
    }
}

pub(super) fn pack_swap(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| match op {
        Op::CvtPair { high, low, .. } => std::mem::swap(high, low),
        Op::Pack { srcs, .. } => srcs.reverse(),
        Op::CvtPackS8 { a, b, .. } => std::mem::swap(a, b),
        _ => {}
    })
}

pub(super) fn unpack_swap(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Unpack { dsts, .. } = op {
            dsts.reverse();
        }
    })
}
