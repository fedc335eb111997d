//! K tiles past the last.
//!
//! A stage of a narrow tile of int4 weights holds four K tiles. Where host code chooses the kernel for a k of fewer tiles only, the others are absent in every launch: their
//! x, their words, scales and zero points are copied as zeros (`RowTile::copy`, `PackedTile::copy`, `ScaleTile::copy`), and they are multiplied all the same
//! (`packed_product::accumulate`). All of x is zero there, so that a fragment of w does not matter as long as it is finite, and the sums stay what they were.

use std::collections::BTreeMap;

use half::f16;
use tilewright_ptx_ir::ir::{
    Access, BinaryOp, Immediate, Inst, Kernel, Op, Operand, Reg, RegClass, Space, Statement, TernaryOp, Type,
};

use super::demanded::lop3;
use super::domain::Domain;
use super::rules::destination;
use crate::edit::Mutant;

/// K tiles of a stage, and steps of 16 in each.
const TILES: u64 = 4;
const STEPS: usize = 4;

/// Why the mutant does not matter, if all that it changes is about absent tiles.
pub(super) fn reason(kernel: &Kernel, domain: &Domain, mutant: &Mutant) -> Option<&'static str> {
    let [start, end] = region(kernel, domain)?;
    let at = mutant.edit.at;
    if !(start..end).contains(&at) || mutant.edit.removed != 1 {
        return None;
    }
    let Some(Statement::Inst(old)) = kernel.body.get(at) else { return None };
    let harmless = match (mutant.operator, &old.op) {
        ("drop-mma" | "mma-rows" | "mma-columns" | "mma-b", Op::Mma { .. }) => is_finite(kernel, [start, end], None),
        ("matrix-transpose" | "matrix-order", Op::LdMatrix { .. }) => is_finite(kernel, [start, end], None),
        // Sums of 0, times anything finite.
        ("float-rounding", Op::Ternary { op: TernaryOp::Fma, ty: Type::F32, .. }) => true,
        ("vector-swap", Op::Load { space: Space::Shared, ty: Type::B16, .. }) => true,
        _ => match mutant.edit.inserted.as_slice() {
            [Statement::Inst(new)] => {
                destination(&new.op).is_some()
                    && destination(&new.op) == destination(&old.op)
                    && makes_fragments(kernel, [start, end], &new.op)
                    && is_finite(kernel, [start, end], Some((at, &new.op)))
            }
            _ => false,
        },
    };
    harmless.then_some("all of x is zero there: the K tile is past the last of every k that the kernel is for")
}

/// The statements that multiply absent tiles.
fn region(kernel: &Kernel, domain: &Domain) -> Option<[usize; 2]> {
    let is_it = kernel.name.contains("w4a16_16x")
        && !["_shared", "_single_slot", "_ping_pong"].iter().any(|other| kernel.name.contains(other));
    let present = ["k", "depth"].iter().find_map(|name| domain.parameter(name))?.high.div_ceil(64);
    let places = |wanted: fn(&Op) -> bool| -> Vec<usize> {
        let found = kernel
            .body
            .iter()
            .enumerate()
            .filter(|(_, statement)| matches!(statement, Statement::Inst(inst) if wanted(&inst.op)));
        found.map(|(at, _)| at).collect()
    };
    let fragments = places(|op| matches!(op, Op::LdMatrix { .. }));
    if !is_it || present >= TILES || fragments.len() != STEPS * usize::try_from(TILES).ok()? {
        return None;
    }
    let first = *fragments.get(STEPS * usize::try_from(present).ok()?)?;
    let words = places(|op| matches!(op, Op::Load { space: Space::Shared, dsts, .. } if dsts.len() == 4));
    let start = words.into_iter().rfind(|at| *at < first)?;
    let products = places(|op| matches!(op, Op::Mma { .. }));
    let flush = places(|op| matches!(op, Op::Ternary { op: TernaryOp::Fma, ty: Type::F32, .. }));
    let end = products.into_iter().chain(flush).max()? + 1;
    Some([start, end])
}

/// Whether what `op` writes goes into fragments of w alone.
fn makes_fragments(kernel: &Kernel, [start, end]: [usize; 2], op: &Op) -> bool {
    let mut wanted: Vec<Reg> = destination(op).into_iter().collect();
    let mut seen = Vec::new();
    while let Some(reg) = wanted.pop() {
        if seen.contains(&reg) {
            continue;
        }
        seen.push(reg);
        for (at, statement) in kernel.body.iter().enumerate() {
            let Statement::Inst(inst) = statement else { continue };
            let mut reads = false;
            inst.for_each_register(|other, access| reads |= other == reg && access == Access::Read);
            if !reads {
                continue;
            }
            match &inst.op {
                Op::Mma { a, c, .. } if !a.contains(&reg) && !c.contains(&reg) => {}
                Op::Lop3 { dst, .. } | Op::Mov { dst, .. } | Op::Cvt { dst, .. } => wanted.push(*dst),
                Op::Binary { dst, .. } | Op::Ternary { dst, .. } if dst.class == RegClass::B32 => wanted.push(*dst),
                _ => return false,
            }
            if !(start..end).contains(&at) || inst.guard.is_some() {
                return false;
            }
        }
    }
    true
}

/// Whether every fragment of w is finite, with `changed` in the place of a statement.
fn is_finite(kernel: &Kernel, [start, end]: [usize; 2], changed: Option<(usize, &Op)>) -> bool {
    let mut values: BTreeMap<Reg, u32> = BTreeMap::new();
    for (at, statement) in kernel.body.iter().enumerate().take(end).skip(start) {
        let Statement::Inst(Inst { op, .. }) = statement else { continue };
        let op = changed.filter(|(place, _)| *place == at).map_or(op, |(_, new)| new);
        match op {
            Op::Load { space: Space::Shared, dsts, .. } => values.extend(dsts.iter().map(|dst| (*dst, 0))),
            Op::Mma { b, .. } => {
                let finite =
                    |reg: &Reg| values.get(reg).is_some_and(|bits| halves(*bits).iter().all(|half| half.is_finite()));
                if !b.iter().all(finite) {
                    return false;
                }
            }
            _ => {
                if let Some(dst) = destination(op) {
                    match result(op, &values) {
                        Some(value) => values.insert(dst, value),
                        None => values.remove(&dst),
                    };
                }
            }
        }
    }
    true
}

fn halves(bits: u32) -> [f16; 2] {
    [f16::from_bits((bits & 0xFFFF) as u16), f16::from_bits((bits >> 16) as u16)]
}

/// What an instruction gives, if it is known and this is one of those that make fragments.
fn result(op: &Op, values: &BTreeMap<Reg, u32>) -> Option<u32> {
    let of = |operand: &Operand| match operand {
        Operand::Reg(reg) => values.get(reg).copied(),
        Operand::Imm(Immediate::Int(value)) => u32::try_from(value & 0xFFFF_FFFF).ok(),
        _ => None,
    };
    let each = |calculate: &dyn Fn(usize) -> f32| {
        let [low, high] = [0, 1].map(|half| u32::from(f16::from_f32(calculate(half)).to_bits()));
        low | high << 16
    };
    let float = |bits: u32, half: usize| halves(bits).get(half).map_or(f32::NAN, |half| half.to_f32());
    Some(match op {
        Op::Mov { src, .. } | Op::Cvt { src, from: Type::U16 | Type::B16, .. } => of(src)?,
        Op::Cvt { src, from: Type::S16, .. } => {
            let value = of(src)?;
            if value & 0x8000 == 0 { value } else { value | 0xFFFF_0000 }
        }
        Op::Lop3 { table, a, b, c, .. } => lop3(*table, [of(a)?, of(b)?, of(c)?]),
        Op::Binary { op, ty: Type::F16x2, a, b, .. } => {
            let (a, b) = (of(a)?, of(b)?);
            match op {
                BinaryOp::Add => each(&|half| float(a, half) + float(b, half)),
                BinaryOp::Sub => each(&|half| float(a, half) - float(b, half)),
                BinaryOp::Mul => each(&|half| float(a, half) * float(b, half)),
                _ => return None,
            }
        }
        Op::Ternary { op: TernaryOp::Fma, ty: Type::F16x2, a, b, c, .. } => {
            let (a, b, c) = (of(a)?, of(b)?, of(c)?);
            each(&|half| float(a, half).mul_add(float(b, half), float(c, half)))
        }
        Op::Binary { op, ty, a, b, .. } if ty.bytes() == 4 && !ty.is_float() => {
            let (a, b) = (of(a)?, of(b)?);
            match op {
                BinaryOp::And => a & b,
                BinaryOp::Or => a | b,
                BinaryOp::Xor => a ^ b,
                BinaryOp::Shl => a.checked_shl(b).unwrap_or(0),
                BinaryOp::Shr if !ty.is_signed() => a.checked_shr(b).unwrap_or(0),
                BinaryOp::Shr => (a.cast_signed() >> b.min(31)).cast_unsigned(),
                BinaryOp::Add => a.wrapping_add(b),
                BinaryOp::Sub => a.wrapping_sub(b),
                _ => return None,
            }
        }
        _ => return None,
    })
}
