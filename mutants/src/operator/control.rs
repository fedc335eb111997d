//! Guards, comparisons, branches and choices.

use tilewright_ptx_ir::ir::{BinaryOp, BoolOp, Compare, Guard, Immediate, Inst, Op, Operand, Statement, Type};

use super::{Site, integer};
use crate::edit::{Edit, fresh};

pub(super) fn drop_guard(site: &Site<'_>) -> Vec<Edit> {
    match (site.inst.guard, site.op()) {
        (None, _) | (_, Op::Branch { .. } | Op::Return | Op::Exit) => Vec::new(),
        (Some(_), op) => with_guard(site, None, op.clone()),
    }
}

pub(super) fn negate_guard(site: &Site<'_>) -> Vec<Edit> {
    let Some(Guard { pred, negate }) = site.inst.guard else { return Vec::new() };
    with_guard(site, Some(Guard { pred, negate: !negate }), site.op().clone())
}

pub(super) fn never_branch(site: &Site<'_>) -> Vec<Edit> {
    match (site.inst.guard, site.op()) {
        (Some(_), Op::Branch { .. } | Op::Return | Op::Exit) => vec![Edit::remove(site.at)],
        _ => Vec::new(),
    }
}

pub(super) fn always_branch(site: &Site<'_>) -> Vec<Edit> {
    match (site.inst.guard, site.op()) {
        (Some(_), op @ (Op::Branch { .. } | Op::Return | Op::Exit)) => with_guard(site, None, op.clone()),
        _ => Vec::new(),
    }
}

fn with_guard(site: &Site<'_>, guard: Option<Guard>, op: Op) -> Vec<Edit> {
    vec![Edit { at: site.at, removed: 1, inserted: vec![Statement::Inst(Inst { guard, op })], threads: None }]
}

pub(super) fn compare_boundary(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::SetPredicate { compare, .. } = op {
            *compare = match *compare {
                Compare::Lt => Compare::Le,
                Compare::Le => Compare::Lt,
                Compare::Gt => Compare::Ge,
                Compare::Ge => Compare::Gt,
                other => other,
            };
        }
    })
}

pub(super) fn compare_opposite(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::SetPredicate { compare, .. } = op {
            *compare = match *compare {
                Compare::Lt => Compare::Ge,
                Compare::Le => Compare::Gt,
                Compare::Gt => Compare::Le,
                Compare::Ge => Compare::Lt,
                Compare::Eq => Compare::Ne,
                Compare::Ne => Compare::Eq,
                other => other,
            };
        }
    })
}

pub(super) fn compare_sign(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::SetPredicate { compare: Compare::Lt | Compare::Le | Compare::Gt | Compare::Ge, ty, .. } = op {
            *ty = other_sign(*ty);
        }
    })
}

/// The integer type of the same width and the other signedness.
pub(super) const fn other_sign(ty: Type) -> Type {
    match ty {
        Type::S8 => Type::U8,
        Type::U8 => Type::S8,
        Type::S16 => Type::U16,
        Type::U16 => Type::S16,
        Type::S32 => Type::U32,
        Type::U32 => Type::S32,
        Type::S64 => Type::U64,
        Type::U64 => Type::S64,
        other => other,
    }
}

pub(super) fn bound_plus(site: &Site<'_>) -> Vec<Edit> {
    moved_bound(site, 1)
}

pub(super) fn bound_minus(site: &Site<'_>) -> Vec<Edit> {
    moved_bound(site, -1)
}

fn moved_bound(site: &Site<'_>, by: i64) -> Vec<Edit> {
    let Op::SetPredicate { ty, b, .. } = site.op() else { return Vec::new() };
    if !(ty.is_integer() || ty.is_bits()) {
        return Vec::new();
    }
    let mut op = site.op().clone();
    let Op::SetPredicate { b: moved, .. } = &mut op else { return Vec::new() };
    match (integer(b), b.reg()) {
        (Some(value), _) => {
            *moved = Operand::Imm(Immediate::Int(value.wrapping_add(by)));
            vec![site.replace(op)]
        }
        (None, Some(reg)) => {
            let dst = fresh(site.kernel, reg.class);
            *moved = dst.into();
            let by = Operand::Imm(Immediate::Int(by));
            let sum_type = if ty.bytes() == 8 { Type::S64 } else { Type::S32 };
            if ty.bytes() < 4 {
                return Vec::new();
            }
            vec![Edit::prepare(site.at, site.inst, binary(BinaryOp::Add, sum_type, dst, *b, by), op)]
        }
        (None, None) => Vec::new(),
    }
}

/// An integer operation without modifiers.
pub(super) const fn binary(op: BinaryOp, ty: Type, dst: tilewright_ptx_ir::ir::Reg, a: Operand, b: Operand) -> Op {
    Op::Binary { op, ty, rounding: None, ftz: false, sat: false, approx: false, full: false, nan: false, dst, a, b }
}

pub(super) fn combine(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| match op {
        Op::SetPredicate { combine: Some((how, _)), .. } => {
            *how = if *how == BoolOp::And { BoolOp::Or } else { BoolOp::And };
        }
        Op::Binary { op: how @ (BinaryOp::And | BinaryOp::Or), ty: Type::Pred, .. } => {
            *how = if *how == BinaryOp::And { BinaryOp::Or } else { BinaryOp::And };
        }
        _ => {}
    })
}

pub(super) fn select_swap(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Select { a, b, .. } = op {
            std::mem::swap(a, b);
        }
    })
}

pub(super) fn select_first(site: &Site<'_>) -> Vec<Edit> {
    let Op::Select { ty, dst, a, .. } = site.op() else { return Vec::new() };
    vec![site.replace(Op::Mov { ty: *ty, dst: *dst, src: *a })]
}
