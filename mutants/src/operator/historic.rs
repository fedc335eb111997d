//! Faults that KAIO's kernels had, as its history tells; those that other operators make are named in the README.

use tilewright_ptx_ir::ir::{
    Address, Base, BinaryOp, Compare, Guard, Immediate, Inst, Op, Operand, ParamIndex, Reg, RegClass, Shared, Space,
    Special, Statement, Type,
};

use super::Site;
use super::control::binary;
use crate::edit::{Edit, fresh};

/// A conversion of an address that only the first thread makes.
pub(super) fn one_branch(site: &Site<'_>) -> Vec<Edit> {
    let Op::Cvta { .. } = site.op() else { return Vec::new() };
    let (thread, pred) = (fresh(site.kernel, RegClass::B32), fresh(site.kernel, RegClass::Pred));
    let is_first = Op::SetPredicate {
        compare: Compare::Eq,
        ty: Type::U32,
        ftz: false,
        dst: pred,
        a: thread.into(),
        b: Operand::Imm(Immediate::Int(0)),
        combine: None,
    };
    let inserted = vec![
        Statement::Inst(Inst { guard: None, op: Op::ReadSpecial { dst: thread, src: Special::TidX } }),
        Statement::Inst(Inst { guard: None, op: is_first }),
        Statement::Inst(Inst { guard: Some(Guard { pred, negate: false }), op: site.op().clone() }),
    ];
    vec![Edit { at: site.at, removed: 1, inserted, threads: None }]
}

/// `div.f32` without a rounding.
pub(super) fn division_rounding(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Binary { op: BinaryOp::Div, ty: Type::F32, rounding, .. } = op {
            *rounding = None;
        }
    })
}

/// A conversion to a float without a rounding.
pub(super) fn conversion_rounding(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Cvt { to, rounding, .. } = op
            && to.is_float()
        {
            *rounding = None;
        }
    })
}

/// A counter that is kept in the register of the thread's index.
pub(super) fn counter_thread(site: &Site<'_>) -> Vec<Edit> {
    let Op::Binary { op: BinaryOp::Add, ty: Type::U32, dst, a, .. } = site.op() else { return Vec::new() };
    let is_thread = |statement: &Statement| match statement {
        Statement::Inst(Inst { op: Op::ReadSpecial { dst, src: Special::TidX }, .. }) => Some(*dst),
        _ => None,
    };
    let Some(thread) = site.kernel.body.iter().find_map(is_thread) else { return Vec::new() };
    if *a != Operand::Reg(*dst) || !is_counter(site, *dst) {
        return Vec::new();
    }
    let copy = Op::Mov { ty: Type::U32, dst: thread, src: (*dst).into() };
    let inserted = vec![Statement::Inst(site.inst.clone()), Statement::Inst(Inst { guard: None, op: copy })];
    vec![Edit { at: site.at, removed: 1, inserted, threads: None }]
}

/// Whether the next statement compares the register.
fn is_counter(site: &Site<'_>, reg: Reg) -> bool {
    matches!(site.kernel.body.get(site.at + 1),
        Some(Statement::Inst(Inst { op: Op::SetPredicate { a, .. }, .. })) if *a == Operand::Reg(reg))
}

/// A shared array at the place of the one before it.
pub(super) fn shared_overlap(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::SharedAddress { array: Shared(index), .. } = op {
            *index = index.saturating_sub(1);
        }
    })
}

/// A kernel for blocks of twice the threads that host code launches.
pub(super) fn launch_size(site: &Site<'_>) -> Vec<Edit> {
    match site.kernel.limits.required_threads {
        Some([x, y, z]) if site.at == 0 => {
            let inserted = vec![Statement::Inst(site.inst.clone())];
            vec![Edit { at: 0, removed: 1, inserted, threads: Some([2 * x, y, z]) }]
        }
        _ => Vec::new(),
    }
}

/// `ld.global.f16`, which PTX does not have.
pub(super) fn load_type(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Load { space: Space::Global, ty: ty @ (Type::B16 | Type::U16), .. } = op {
            *ty = Type::F16;
        }
    })
}

/// A length or a stride that is not the parameter's.
pub(super) fn fixed_stride(site: &Site<'_>) -> Vec<Edit> {
    match site.op() {
        Op::Load { space: Space::Param, ty: Type::U32, dsts, .. } => match dsts.as_slice() {
            [dst] => {
                let src = Operand::Imm(Immediate::Int(64));
                vec![site.replace(Op::Mov { ty: Type::U32, dst: *dst, src })]
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The first row or column of a block, counted twice.
pub(super) fn block_twice(site: &Site<'_>) -> Vec<Edit> {
    let Op::Mul { dst, a: Operand::Reg(block), .. } = site.op() else { return Vec::new() };
    let is_block = site.kernel.body.iter().any(|statement| {
        matches!(statement, Statement::Inst(Inst { op: Op::ReadSpecial { dst, src: Special::CtaidX | Special::CtaidY }, .. }) if dst == block)
    });
    if !is_block || dst.class != RegClass::B32 {
        return Vec::new();
    }
    let twice = binary(BinaryOp::Add, Type::U32, *dst, (*dst).into(), (*dst).into());
    let inserted = vec![Statement::Inst(site.inst.clone()), Statement::Inst(Inst { guard: None, op: twice })];
    vec![Edit { at: site.at, removed: 1, inserted, threads: None }]
}

/// The scales of q for those of k and v.
pub(super) fn one_scale(site: &Site<'_>) -> Vec<Edit> {
    let params = &site.kernel.params;
    let Some(first) = params.iter().position(|param| param.name == "scales_q") else { return Vec::new() };
    site.change(|op| {
        if let Op::Load { space: Space::Param, address: Address { base: Base::Param(param), .. }, .. } = op
            && params.get(param.0 as usize).is_some_and(|param| param.name.starts_with("scales_"))
            && let Ok(first) = u32::try_from(first)
        {
            *param = ParamIndex(first);
        }
    })
}
