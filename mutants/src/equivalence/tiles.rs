//! Attention: tiles of keys that are copied, or counted, and that no warp looks at.
//!
//! `Ring::run` makes as many trips as there are tiles below the last key that a row of the block sees (`Block::seen`), and in each a warp does nothing unless the tile
//! begins below the last key that one of its own rows sees (`Block::reach`), which is no more. So one trip too many copies nothing, or a tile that nobody reads, and ends. What a
//! copy of a tile reads is there, whatever tile it is: it looks at each row.

use tilewright_ptx_ir::ir::{
    BinaryOp, Compare, Immediate, Inst, Kernel, Label, Op, Operand, Reg, Space, Statement, Type,
};

use super::rules::destination;
use super::uses::{definition, insts, reads};
use crate::edit::Mutant;

const ZERO: Operand = Operand::Imm(Immediate::Int(0));
const ONE: Operand = Operand::Imm(Immediate::Int(1));

/// Why a mutant of an attention kernel cannot matter.
pub(super) fn reason(kernel: &Kernel, mutant: &Mutant) -> Option<&'static str> {
    const UNSEEN: &str = "a tile that no row sees is copied, or looked for, and no warp reads it";
    let at = mutant.edit.at;
    let Some(Statement::Inst(old)) = kernel.body.get(at) else { return None };
    let tiles = tiles(kernel)?;
    let is_branch = |place: usize| matches!(kernel.body.get(place), Some(Statement::Inst(Inst { guard: Some(guard), op: Op::Branch { .. } })) if guard.negate);
    match (mutant.operator, &old.op) {
        ("never-branch", Op::Branch { .. }) if old.guard.is_some_and(|guard| guard.negate) => {
            let Some(Statement::Inst(Inst { guard: None, op })) = kernel.body.get(at.checked_sub(1)?) else {
                return None;
            };
            if looks_at_a_tile(kernel, op) && (has_few_rows(kernel) || !kernel.name.contains("_causal")) {
                return Some("the rows see something of every tile that the block does, or are not there");
            }
            (looks_for_a_tile(op, tiles) && only_copies_a_tile(kernel, at)).then_some(UNSEEN)
        }
        // One tile more.
        ("compare-boundary", op) | ("bound-plus", op @ Op::SetPredicate { compare: Compare::Lt, .. })
            if looks_for_a_tile(op, tiles) && is_branch(at + 1) && only_copies_a_tile(kernel, at + 1) =>
        {
            Some(UNSEEN)
        }
        // The loop's own comparisons: behind the step, and in front of the loop.
        (
            "compare-boundary" | "bound-plus",
            Op::SetPredicate { compare: Compare::Lt, ty: Type::U32, a: Operand::Reg(counter), b, .. },
        ) if *b == Operand::Reg(tiles) && counts_tiles(kernel, *counter, tiles) => Some(UNSEEN),
        // Of the rows of a block or a warp the last that there is; of those that there are not nothing is stored.
        ("drop-limit", Op::Binary { op: BinaryOp::Min, .. }) => {
            (only_ends(kernel, destination(&old.op)?, tiles, Ends::Any) && is_last_row(kernel, &old.op))
                .then_some(UNSEEN)
        }
        ("min-max", Op::Binary { op: BinaryOp::Min, .. }) => {
            let ends = if has_few_rows(kernel) { Ends::Any } else { Ends::Block };
            (only_ends(kernel, destination(&old.op)?, tiles, ends) && is_last_row(kernel, &old.op)).then_some(UNSEEN)
        }
        // 1 - rows is 0 if there is one row, and else above every row; rows is the first that there is not.
        ("operand-swap" | "immediate-minus", Op::Binary { op: BinaryOp::Sub, ty: Type::U32, dst, b: ONE, .. }) => {
            let mut readers = insts(kernel).filter(|(_, inst)| reads(inst, *dst));
            let (Some((_, limit)), None) = (readers.next(), readers.next()) else { return None };
            (is_last_row(kernel, &limit.op) && only_ends(kernel, destination(&limit.op)?, tiles, Ends::Any))
                .then_some(UNSEEN)
        }
        // What a row past the last would see: -1 keys, for which there is no tile, (2^32 - 1 + 63) / 64 being 0 in 32 bits.
        ("immediate-minus", Op::Binary { op: BinaryOp::Max, ty: Type::S32, dst, b: ZERO, .. }) => {
            let ends = if has_few_rows(kernel) { Ends::Any } else { Ends::Block };
            only_ends(kernel, *dst, tiles, ends).then_some("a block that sees nothing has no tile")
        }
        // Whether the first row is one that there is: said of the one behind the last too.
        (
            "compare-boundary" | "bound-plus",
            Op::SetPredicate { compare: Compare::Lt, ty: Type::U32, dst, combine: None, .. },
        ) => {
            let mut readers = insts(kernel).filter(|(_, inst)| reads(inst, *dst));
            let (Some((_, choice)), None) = (readers.next(), readers.next()) else { return None };
            let Op::Select { dst: end, b: ZERO, .. } = choice.op else { return None };
            only_ends(kernel, end, tiles, Ends::Any).then_some("rows that there are not are not stored")
        }
        // One key more than the last row sees: masked as those behind it are, or of a tile that no warp reads.
        ("immediate-plus", Op::Binary { op: BinaryOp::Add, ty: Type::S32, dst, b: ONE, .. }) => {
            let ends = if has_few_rows(kernel) { Ends::Any } else { Ends::Block };
            only_ends(kernel, *dst, tiles, ends).then_some(UNSEEN)
        }
        // What is said of rows that there are not.
        ("select-first" | "immediate-plus", Op::Select { dst, b: ZERO, .. }) => {
            only_ends(kernel, *dst, tiles, Ends::Any)
                .then_some("rows that there are not are not stored, and every block has one that there is")
        }
        _ => None,
    }
}

/// What numbers end: the block's loop over tiles, or a warp's part in it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    Block,
    Any,
}

/// All warps have the same rows, so that they see no more than the block.
fn has_few_rows(kernel: &Kernel) -> bool {
    kernel.name.ends_with("_m16")
}

/// The number of tiles of keys: (seen + 63) / 64, where seen is a choice between a number and 0.
fn tiles(kernel: &Kernel) -> Option<Reg> {
    let mut found = insts(kernel).filter_map(|(_, inst)| {
        let Op::Binary { op: BinaryOp::Shr, dst, a: Operand::Reg(sum), .. } = &inst.op else { return None };
        let (_, Op::Binary { op: BinaryOp::Add, a: Operand::Reg(seen), b: Operand::Imm(Immediate::Int(63)), .. }) =
            definition(kernel, *sum)?
        else {
            return None;
        };
        let (_, Op::Select { b: ZERO, .. }) = definition(kernel, *seen)? else { return None };
        definition(kernel, *dst).map(|_| *dst)
    });
    let first = found.next();
    found.next().is_none().then_some(first).flatten()
}

/// Whether a comparison asks if a tile begins below the last key that rows see, which is 0 for rows that there are not.
fn looks_at_a_tile(kernel: &Kernel, op: &Op) -> bool {
    match op {
        Op::SetPredicate {
            compare: Compare::Lt,
            ty: Type::U32,
            a: Operand::Reg(first),
            b: Operand::Reg(end),
            combine: None,
            ..
        } => is_first_key(kernel, *first) && matches!(definition(kernel, *end), Some((_, Op::Select { b: ZERO, .. }))),
        _ => false,
    }
}

/// `next < tiles`, or `tiles > constant`.
fn looks_for_a_tile(op: &Op, tiles: Reg) -> bool {
    match op {
        Op::SetPredicate { compare: Compare::Lt, ty: Type::U32, a: Operand::Reg(_), b, combine: None, .. } => {
            *b == Operand::Reg(tiles)
        }
        Op::SetPredicate { compare: Compare::Gt, ty: Type::U32, a, b: Operand::Imm(_), combine: None, .. } => {
            *a == Operand::Reg(tiles)
        }
        _ => false,
    }
}

/// Whether the branch at `at` jumps over nothing but a copy of rows, each of which is looked at, to a `commit`; its condition is for it alone.
fn only_copies_a_tile(kernel: &Kernel, at: usize) -> bool {
    let Some(Statement::Inst(Inst { guard: Some(guard), op: Op::Branch { label, .. } })) = kernel.body.get(at) else {
        return false;
    };
    let place = |label: &Label| kernel.body.iter().position(|statement| *statement == Statement::Label(*label));
    let Some(end) = place(label).filter(|end| *end > at) else { return false };
    let behind = kernel.body.iter().skip(end).find(|statement| !matches!(statement, Statement::Label(_)));
    let commits = matches!(behind, Some(Statement::Inst(Inst { guard: None, op: Op::CpAsyncCommit })));
    let copies = kernel.body.iter().take(end).skip(at + 1).all(|statement| match statement {
        Statement::Inst(inst) => match &inst.op {
            Op::CpAsync { .. } | Op::Store { space: Space::Shared, .. } | Op::Lop3 { .. } => true,
            Op::Load { space: Space::Global, .. } => inst.guard.is_some(),
            Op::Branch { label, .. } => place(label).is_some_and(|target| (at..=end).contains(&target)),
            Op::Binary { ty, .. } => !ty.is_float(),
            Op::Mov { .. }
            | Op::Mul { .. }
            | Op::Mad { .. }
            | Op::Cvt { .. }
            | Op::Select { .. }
            | Op::SetPredicate { .. } => true,
            _ => false,
        },
        _ => true,
    });
    let used_once = insts(kernel).filter(|(_, inst)| reads(inst, guard.pred)).count() == 1;
    commits && copies && used_once
}

/// Whether the register counts the loop that has a trip for each tile.
fn counts_tiles(kernel: &Kernel, counter: Reg, tiles: Reg) -> bool {
    super::flow::loops(kernel).iter().any(|each| each.counter == counter && each.end == Operand::Reg(tiles))
}

/// `min(row, rows - 1)`.
fn is_last_row(kernel: &Kernel, op: &Op) -> bool {
    let Op::Binary { op: BinaryOp::Min, ty: Type::U32, b: Operand::Reg(last), .. } = op else { return false };
    matches!(definition(kernel, *last), Some((_, Op::Binary { op: BinaryOp::Sub, ty: Type::U32, b: ONE, .. })))
}

/// Whether all that comes of the register is the number of tiles, or what a tile's first key is compared with.
fn only_ends(kernel: &Kernel, reg: Reg, tiles: Reg, ends: Ends) -> bool {
    let mut readers = insts(kernel).filter(|(_, inst)| reads(inst, reg));
    // What nobody reads ends nothing: the head of a row.
    readers.all(|(_, inst)| {
        let next = destination(&inst.op).filter(|dst| definition(kernel, *dst).is_some());
        match &inst.op {
            Op::SetPredicate { compare: Compare::Lt, ty: Type::U32, a: Operand::Reg(first), b, .. } => {
                ends == Ends::Any && *b == Operand::Reg(reg) && is_first_key(kernel, *first)
            }
            // Unsigned: queries of rows past the last; then what the query sees, limited to 0.
            Op::Binary { ty, .. } if !ty.is_float() => {
                next.is_some_and(|dst| dst == tiles || only_ends(kernel, dst, tiles, ends))
            }
            Op::Cvt { .. } | Op::Mul { .. } | Op::Select { b: ZERO, .. } => {
                next.is_some_and(|dst| only_ends(kernel, dst, tiles, ends))
            }
            _ => false,
        }
    })
}

/// Whether the register is the first key of a tile: the loop's counter times the keys of a tile.
fn is_first_key(kernel: &Kernel, reg: Reg) -> bool {
    match definition(kernel, reg) {
        Some((_, Op::Mul { a: Operand::Reg(counter), b: Operand::Imm(Immediate::Int(64)), .. })) => {
            super::flow::loops(kernel).iter().any(|each| each.counter == *counter)
        }
        _ => false,
    }
}
