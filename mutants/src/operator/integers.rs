//! Integer arithmetic, bits, addresses.

use tilewright_ptx_ir::ir::{BinaryOp, Immediate, MulPart, Op, Operand, Special, TernaryOp, Type};

use super::control::{binary, other_sign};
use super::{Site, integer};
use crate::edit::Edit;

pub(super) fn immediate_plus(site: &Site<'_>) -> Vec<Edit> {
    moved_immediates(site, 1)
}

pub(super) fn immediate_minus(site: &Site<'_>) -> Vec<Edit> {
    moved_immediates(site, -1)
}

/// Constants of sums, products and limits; shifts, masks and comparisons have operators of their own.
fn moved_immediates(site: &Site<'_>, by: i64) -> Vec<Edit> {
    let places = match site.op() {
        Op::Binary {
            op: BinaryOp::Add | BinaryOp::Sub | BinaryOp::Div | BinaryOp::Rem | BinaryOp::Min | BinaryOp::Max,
            ty,
            ..
        } if ty.is_integer() => 2,
        Op::Mul { .. } => 2,
        Op::Mad { .. } => 3,
        Op::Select { ty, .. } if !ty.is_float() => 2,
        _ => 0,
    };
    (0..places)
        .flat_map(|place| {
            site.change(|op| {
                let operand = match (op, place) {
                    (Op::Binary { a, .. } | Op::Mul { a, .. } | Op::Mad { a, .. } | Op::Select { a, .. }, 0) => a,
                    (Op::Binary { b, .. } | Op::Mul { b, .. } | Op::Mad { b, .. } | Op::Select { b, .. }, 1) => b,
                    (Op::Mad { c, .. }, 2) => c,
                    _ => return,
                };
                if let Some(value) = integer(operand) {
                    *operand = Operand::Imm(Immediate::Int(value.wrapping_add(by)));
                }
            })
        })
        .collect()
}

pub(super) fn add_sub(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Binary { op: how @ (BinaryOp::Add | BinaryOp::Sub), ty, .. } = op
            && ty.is_integer()
        {
            *how = if *how == BinaryOp::Add { BinaryOp::Sub } else { BinaryOp::Add };
        }
    })
}

pub(super) fn operand_swap(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Binary { op: BinaryOp::Sub | BinaryOp::Div | BinaryOp::Rem, a, b, .. } = op {
            std::mem::swap(a, b);
        }
    })
}

pub(super) fn drop_term(site: &Site<'_>) -> Vec<Edit> {
    match site.op() {
        Op::Mad { part, ty, dst, a, b, .. } => {
            vec![site.replace(Op::Mul { part: *part, ty: *ty, dst: *dst, a: *a, b: *b })]
        }
        _ => Vec::new(),
    }
}

pub(super) fn mul_part(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Mul { part: part @ (MulPart::Lo | MulPart::Hi), .. }
        | Op::Mad { part: part @ (MulPart::Lo | MulPart::Hi), .. } = op
        {
            *part = if *part == MulPart::Lo { MulPart::Hi } else { MulPart::Lo };
        }
    })
}

pub(super) fn mul_sign(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Mul { part: MulPart::Wide | MulPart::Hi, ty, .. }
        | Op::Mad { part: MulPart::Wide | MulPart::Hi, ty, .. } = op
        {
            *ty = other_sign(*ty);
        }
    })
}

pub(super) fn shift_sign(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Binary { op: BinaryOp::Shr, ty, .. } = op {
            *ty = match *ty {
                Type::B16 => Type::S16,
                Type::B32 => Type::S32,
                Type::B64 => Type::S64,
                other => other_sign(other),
            };
        }
    })
}

pub(super) fn shift_way(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Binary { op: how @ (BinaryOp::Shl | BinaryOp::Shr), ty, .. } = op {
            if *how == BinaryOp::Shl {
                (*how, *ty) = (BinaryOp::Shr, of_width(*ty, [Type::U16, Type::U32, Type::U64]));
            } else {
                (*how, *ty) = (BinaryOp::Shl, of_width(*ty, [Type::B16, Type::B32, Type::B64]));
            }
        }
    })
}

const fn of_width(ty: Type, [two, four, eight]: [Type; 3]) -> Type {
    match ty.bytes() {
        2 => two,
        8 => eight,
        _ => four,
    }
}

pub(super) fn shift_amount(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Binary { op: BinaryOp::Shl | BinaryOp::Shr, b, .. } = op
            && let Some(value) = integer(b)
        {
            *b = Operand::Imm(Immediate::Int(value + 1));
        }
    })
}

pub(super) fn bits(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Binary { op: how @ (BinaryOp::And | BinaryOp::Or | BinaryOp::Xor), ty, .. } = op
            && *ty != Type::Pred
        {
            *how = if *how == BinaryOp::Or { BinaryOp::And } else { BinaryOp::Or };
        }
    })
}

pub(super) fn mask_bit(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Binary { op: BinaryOp::And | BinaryOp::Or | BinaryOp::Xor, ty, b, .. } = op
            && *ty != Type::Pred
            && let Some(value) = integer(b)
        {
            *b = Operand::Imm(Immediate::Int(value & value.wrapping_sub(1)));
        }
    })
}

pub(super) fn lop3_table(site: &Site<'_>) -> Vec<Edit> {
    let Op::Lop3 { .. } = site.op() else { return Vec::new() };
    (0..8)
        .flat_map(|entry| {
            site.change(|op| {
                if let Op::Lop3 { table, .. } = op {
                    *table ^= 1 << entry;
                }
            })
        })
        .collect()
}

pub(super) fn permute_selector(site: &Site<'_>) -> Vec<Edit> {
    let Op::Ternary { op: TernaryOp::BytePermute, c, .. } = site.op() else { return Vec::new() };
    let Some(selector) = integer(c) else { return Vec::new() };
    (0..4)
        .flat_map(|nibble| {
            site.change(|op| {
                if let Op::Ternary { c, .. } = op {
                    *c = Operand::Imm(Immediate::Int(selector ^ (1 << (4 * nibble))));
                }
            })
        })
        .collect()
}

pub(super) fn field_start(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        let start = match op {
            Op::Ternary { op: TernaryOp::BitFieldExtract, b, .. } => b,
            Op::BitFieldInsert { start, .. } => start,
            _ => return,
        };
        if let Some(value) = integer(start) {
            *start = Operand::Imm(Immediate::Int(value + 1));
        }
    })
}

pub(super) fn min_max(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Binary { op: how @ (BinaryOp::Min | BinaryOp::Max), .. } = op {
            *how = if *how == BinaryOp::Min { BinaryOp::Max } else { BinaryOp::Min };
        }
    })
}

pub(super) fn drop_limit(site: &Site<'_>) -> Vec<Edit> {
    match site.op() {
        Op::Binary { op: BinaryOp::Min | BinaryOp::Max, ty, dst, a, .. } => {
            vec![site.replace(Op::Mov { ty: plain(*ty), dst: *dst, src: *a })]
        }
        _ => Vec::new(),
    }
}

/// The type of a `mov` of values of `ty`.
pub(super) const fn plain(ty: Type) -> Type {
    match ty {
        Type::F16 | Type::Bf16 => Type::B16,
        Type::F16x2 | Type::Bf16x2 => Type::B32,
        other => other,
    }
}

pub(super) fn convert_sign(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::Cvt { from, to, .. } = op {
            if from.is_integer() {
                *from = other_sign(*from);
            } else if to.is_integer() {
                *to = other_sign(*to);
            }
        }
    })
}

pub(super) fn special(site: &Site<'_>) -> Vec<Edit> {
    let Op::ReadSpecial { dst, src } = site.op() else { return Vec::new() };
    let others: &[Special] = match src {
        Special::TidX => &[Special::TidY, Special::CtaidX],
        Special::TidY => &[Special::TidX],
        Special::CtaidX => &[Special::CtaidY, Special::TidX],
        Special::CtaidY => &[Special::CtaidX, Special::CtaidZ],
        Special::CtaidZ => &[Special::CtaidY],
        Special::NctaidX => &[Special::NctaidY],
        Special::NctaidY => &[Special::NctaidX],
        Special::LaneId => &[Special::TidY],
        _ => &[],
    };
    let mut edits: Vec<Edit> =
        others.iter().map(|other| site.replace(Op::ReadSpecial { dst: *dst, src: *other })).collect();
    // A counter that starts one too late.
    if matches!(src, Special::TidX | Special::CtaidX | Special::CtaidY) {
        let one = Operand::Imm(Immediate::Int(1));
        let sum = binary(BinaryOp::Add, Type::U32, *dst, (*dst).into(), one);
        edits.push(Edit::prepare(site.at, site.inst, site.op().clone(), sum));
    }
    edits
}
