//! Float arithmetic.

use tilewright_ptx_ir::ir::{BinaryOp, Immediate, Op, Operand, Reg, RegClass, Rounding, TernaryOp, Type, UnaryOp};

use super::Site;
use super::integers::plain;
use crate::edit::{Edit, fresh};

pub(super) fn rounding(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| match op {
        Op::Cvt { rounding: Some(rounding), .. }
        | Op::CvtPair { rounding, .. }
        | Op::Unary { rounding: Some(rounding), .. }
        | Op::Binary { rounding: Some(rounding), .. }
        | Op::Ternary { rounding: Some(rounding), .. } => match *rounding {
            Rounding::Nearest => *rounding = Rounding::Zero,
            Rounding::IntegerNearest => *rounding = Rounding::IntegerZero,
            _ => {}
        },
        _ => {}
    })
}

pub(super) fn ftz(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| match op {
        Op::Unary { ty: Type::F32, ftz, .. }
        | Op::Binary { ty: Type::F32, ftz, .. }
        | Op::Ternary { ty: Type::F32, ftz, .. }
        | Op::SetPredicate { ty: Type::F32, ftz, .. } => *ftz = !*ftz,
        _ => {}
    })
}

/// The places of float constants in arithmetic.
fn constants(op: &mut Op) -> Vec<&mut Operand> {
    match op {
        Op::Binary { ty: Type::F32, a, b, .. } | Op::Select { ty: Type::F32, a, b, .. } => vec![a, b],
        Op::Ternary { ty: Type::F32, a, b, c, .. } => vec![a, b, c],
        Op::SetPredicate { ty: Type::F32, b, .. } => vec![b],
        _ => Vec::new(),
    }
}

pub(super) fn constant(site: &Site<'_>) -> Vec<Edit> {
    let count = constants(&mut site.op().clone()).len();
    (0..count)
        .flat_map(|place| {
            site.change(|op| {
                if let Some(Operand::Imm(Immediate::F32(bits))) = constants(op).into_iter().nth(place) {
                    *bits = other_float(*bits);
                }
            })
        })
        .collect()
}

fn other_float(bits: u32) -> u32 {
    let value = f32::from_bits(bits);
    if value.is_infinite() {
        0
    } else if value == 0.0 {
        1f32.to_bits()
    } else {
        (2.0 * value).to_bits()
    }
}

/// A register that starts at another value: 1 for 0, 0 for anything else.
pub(super) fn initial_value(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Mov { ty, src: Operand::Imm(value), .. } = op
            && *ty != Type::Pred
        {
            *value = match *value {
                Immediate::Int(value) => Immediate::Int(i64::from(value == 0)),
                Immediate::F32(bits) if f32::from_bits(bits) == 0.0 => Immediate::F32(1f32.to_bits()),
                Immediate::F32(_) => Immediate::F32(0),
                other => other,
            };
        }
    })
}

pub(super) fn sign(site: &Site<'_>) -> Vec<Edit> {
    let operand = match site.op() {
        Op::Binary { op: BinaryOp::Mul | BinaryOp::Div, ty: Type::F32, a, .. } => a,
        Op::CvtPair { low, .. } => low,
        _ => return Vec::new(),
    };
    let Some(reg) = operand.reg().filter(|reg| reg.class == RegClass::F32) else { return Vec::new() };
    let dst = fresh(site.kernel, RegClass::F32);
    let mut op = site.op().clone();
    if let Op::Binary { a: operand, .. } | Op::CvtPair { low: operand, .. } = &mut op {
        *operand = dst.into();
    }
    vec![Edit::prepare(site.at, site.inst, negation(dst, reg), op)]
}

const fn negation(dst: Reg, of: Reg) -> Op {
    Op::Unary { op: UnaryOp::Neg, ty: Type::F32, rounding: None, approx: false, ftz: false, dst, a: Operand::Reg(of) }
}

pub(super) fn operation(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Binary { op: how @ (BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul), ty, .. } = op
            && ty.is_float()
        {
            *how = if *how == BinaryOp::Add { BinaryOp::Sub } else { BinaryOp::Add };
        }
    })
}

pub(super) fn fma_sign(site: &Site<'_>) -> Vec<Edit> {
    let Op::Ternary { op: TernaryOp::Fma, ty: Type::F32, c: Operand::Reg(reg), .. } = site.op() else {
        return Vec::new();
    };
    let dst = fresh(site.kernel, RegClass::F32);
    let mut op = site.op().clone();
    if let Op::Ternary { c, .. } = &mut op {
        *c = dst.into();
    }
    vec![Edit::prepare(site.at, site.inst, negation(dst, *reg), op)]
}

pub(super) fn fma_drop(site: &Site<'_>) -> Vec<Edit> {
    let Op::Ternary { op: TernaryOp::Fma, ty, rounding, ftz, sat, dst, a, b, .. } = site.op() else {
        return Vec::new();
    };
    vec![site.replace(Op::Binary {
        op: BinaryOp::Mul,
        ty: *ty,
        rounding: *rounding,
        ftz: *ftz,
        sat: *sat,
        approx: false,
        full: false,
        nan: false,
        dst: *dst,
        a: *a,
        b: *b,
    })]
}

pub(super) fn drop_scale(site: &Site<'_>) -> Vec<Edit> {
    match site.op() {
        Op::Binary { op: BinaryOp::Mul | BinaryOp::Div, ty, dst, a, .. } if ty.is_float() => {
            vec![site.replace(Op::Mov { ty: plain(*ty), dst: *dst, src: *a })]
        }
        _ => Vec::new(),
    }
}

pub(super) fn drop_nan(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Binary { op: BinaryOp::Min | BinaryOp::Max, nan, .. } = op {
            *nan = false;
        }
    })
}

pub(super) fn drop_unary(site: &Site<'_>) -> Vec<Edit> {
    match site.op() {
        Op::Unary { op, ty, dst, a, .. }
            if *ty != Type::Pred
                && !matches!(op, UnaryOp::PopulationCount | UnaryOp::LeadingZeros | UnaryOp::FindLeading) =>
        {
            vec![site.replace(Op::Mov { ty: plain(*ty), dst: *dst, src: *a })]
        }
        _ => Vec::new(),
    }
}

pub(super) fn saturate(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| match op {
        Op::Cvt { sat, .. } | Op::Binary { sat, .. } | Op::Ternary { sat, .. } => *sat = false,
        Op::Mma { satfinite, .. } => *satfinite = false,
        _ => {}
    })
}
