//! Floating-point instructions that round once.

use tilewright_ptx_ir::ir::{BinaryOp, Compare, Rounding, Type, UnaryOp};

use super::exact::{self, Format, Value};
use super::{BinaryForm, TernaryForm};

/// What `.ftz`, `.sat` and the rounding do to the operands and the result of an instruction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finish {
    pub(super) format: Format,
    pub(super) rounding: Rounding,
    pub(super) ftz: bool,
    pub(super) sat: bool,
    pub(super) relu: bool,
}

impl Finish {
    /// The value of an operand.
    const fn operand(self, bits: u64) -> Value {
        self.format.decode(if self.ftz { self.format.flushed(bits) } else { bits })
    }

    /// The pattern of a result.
    fn result(self, value: Value) -> u64 {
        self.clamped(self.format.encode(value, self.rounding))
    }

    /// `bits` with its subnormals flushed, clamped to [0, 1] or to what is not negative, as the modifiers say.
    fn clamped(self, bits: u64) -> u64 {
        let format = self.format;
        let bits = if self.ftz { format.flushed(bits) } else { bits };
        if self.sat {
            return if format.is_nan(bits) || format.is_negative(bits) { 0 } else { bits.min(format.one()) };
        }
        if self.relu && format.is_negative(bits) && !format.is_nan(bits) { 0 } else { bits }
    }
}

/// The format of a scalar type, and how many of them the type packs.
pub(super) const fn format(ty: Type) -> Option<(Format, u32)> {
    match ty {
        Type::F16 => Some((Format::F16, 1)),
        Type::F16x2 => Some((Format::F16, 2)),
        Type::Bf16 => Some((Format::BF16, 1)),
        Type::Bf16x2 => Some((Format::BF16, 2)),
        Type::F32 => Some((Format::F32, 1)),
        Type::F64 => Some((Format::F64, 1)),
        _ => None,
    }
}

/// The bits of a pattern that belong to a scalar of `format`.
const fn mask(format: Format) -> u64 {
    format.sign() | (format.sign() - 1)
}

/// The NaN that an f64 instruction passes on, if an operand is one: the last, made quiet. Other formats pass none on.
fn passed_on<const N: usize>(format: Format, mut operands: [u64; N]) -> Option<u64> {
    if format != Format::F64 {
        return None;
    }
    operands.reverse();
    operands.into_iter().find(|&bits| format.is_nan(bits)).map(|bits| bits | format.quiet())
}

/// Applies `each` to every scalar of packed operands.
fn map<const N: usize>(format: Format, count: u32, operands: [u64; N], each: impl Fn([u64; N]) -> u64) -> u64 {
    let scalar = |shift: u32| each(operands.map(|bits| (bits >> shift) & mask(format)));
    if count == 2 { scalar(0) | scalar(16) << 16 } else { scalar(0) }
}

/// The rounding that an arithmetic instruction on `ty` may name; `None` where PTX has no such instruction.
const fn arithmetic_rounding(ty: Type, rounding: Option<Rounding>) -> Option<Rounding> {
    match (ty, rounding) {
        (_, None) => Some(Rounding::Nearest),
        (Type::F32 | Type::F64, Some(Rounding::Zero | Rounding::Down | Rounding::Up))
        | (_, Some(Rounding::Nearest)) => rounding,
        _ => None,
    }
}

/// `neg`, `abs`. A NaN becomes the canonical one, but in f64, where only the sign changes.
pub(super) fn sign(op: UnaryOp, ty: Type, ftz: bool, a: u64) -> Option<u64> {
    let (format, count) = format(ty)?;
    let negate = match op {
        UnaryOp::Neg => true,
        UnaryOp::Abs => false,
        _ => return None,
    };
    Some(map(format, count, [a], |[a]| {
        if format.is_nan(a) && format != Format::F64 {
            return format.nan;
        }
        let a = if ftz { format.flushed(a) } else { a };
        if negate { a ^ format.sign() } else { a & !format.sign() }
    }))
}

/// `rcp` and `sqrt` with a rounding.
pub(super) fn rounded_unary(op: UnaryOp, ty: Type, rounding: Rounding, ftz: bool, a: u64) -> Option<u64> {
    if !matches!(ty, Type::F32 | Type::F64) {
        return None;
    }
    let (format, _) = format(ty)?;
    let finish = Finish { format, rounding: arithmetic_rounding(ty, Some(rounding))?, ftz, sat: false, relu: false };
    if let Some(nan) = passed_on(format, [a]) {
        return matches!(op, UnaryOp::Rcp | UnaryOp::Sqrt).then_some(nan);
    }
    let a = finish.operand(a & mask(format));
    match op {
        UnaryOp::Rcp => Some(finish.result(exact::divide(format.decode(format.one()), a))),
        UnaryOp::Sqrt => Some(finish.result(exact::square_root(a))),
        _ => None,
    }
}

/// `add`, `sub`, `mul`, `div` with a rounding, `min`, `max`.
pub(super) fn binary(op: BinaryOp, ty: Type, form: BinaryForm, a: u64, b: u64) -> Option<u64> {
    let (format, count) = format(ty)?;
    let BinaryForm { rounding, ftz, sat, nan, .. } = form;
    let rounding = arithmetic_rounding(ty, rounding)?;
    let finish = Finish { format, rounding, ftz, sat, relu: false };
    let each: &dyn Fn(u64, u64) -> u64 = match op {
        BinaryOp::Add => &|a, b| finish.result(exact::add(finish.operand(a), finish.operand(b), rounding)),
        BinaryOp::Sub => &|a, b| finish.result(exact::add(finish.operand(a), finish.operand(b).negated(), rounding)),
        BinaryOp::Mul => &|a, b| finish.result(exact::multiply(finish.operand(a), finish.operand(b))),
        BinaryOp::Div if matches!(ty, Type::F32 | Type::F64) => {
            &|a, b| finish.result(exact::divide(finish.operand(a), finish.operand(b)))
        }
        BinaryOp::Min => &|a, b| extremum(finish, false, nan, a, b),
        BinaryOp::Max => &|a, b| extremum(finish, true, nan, a, b),
        _ => return None,
    };
    Some(map(format, count, [a, b], |[a, b]| {
        // A quotient is computed by a sequence of instructions that looks at the dividend first.
        let operands = if op == BinaryOp::Div { [b, a] } else { [a, b] };
        match passed_on(format, operands) {
            Some(nan) if !matches!(op, BinaryOp::Min | BinaryOp::Max) => nan,
            _ => each(a, b),
        }
    }))
}

/// The smaller or larger operand, with -0 below +0; the other one if one is NaN, unless `nan` asks for NaN.
fn extremum(finish: Finish, largest: bool, nan: bool, a: u64, b: u64) -> u64 {
    let format = finish.format;
    let bits = match (format.is_nan(a), format.is_nan(b)) {
        (true, true) => passed_on(format, [a, b]).unwrap_or(format.nan),
        (true, false) | (false, true) if nan => format.nan,
        (true, false) => b,
        (false, true) => a,
        (false, false) => {
            let (a, b) = if finish.ftz { (format.flushed(a), format.flushed(b)) } else { (a, b) };
            if (order(format, a) < order(format, b)) == largest { b } else { a }
        }
    };
    finish.clamped(bits)
}

/// A number that grows with the value, -0 below +0.
const fn order(format: Format, bits: u64) -> i128 {
    let magnitude = (bits & (format.sign() - 1)) as i128;
    if format.is_negative(bits) { -magnitude - 1 } else { magnitude }
}

/// a·b + c, rounded once.
pub(super) fn fused_multiply_add(ty: Type, form: TernaryForm, a: u64, b: u64, c: u64) -> Option<u64> {
    let (format, count) = format(ty)?;
    let TernaryForm { rounding, ftz, sat, relu } = form;
    let rounding = arithmetic_rounding(ty, rounding)?;
    if relu && matches!(ty, Type::F32 | Type::F64) {
        return None;
    }
    let finish = Finish { format, rounding, ftz, sat, relu };
    Some(map(format, count, [a, b, c], |[a, b, c]| {
        if let Some(nan) = passed_on(format, [a, b, c]) {
            return nan;
        }
        let product = exact::multiply(finish.operand(a), finish.operand(b));
        finish.result(exact::add(product, finish.operand(c), rounding))
    }))
}

/// Whether a comparison of two scalars holds.
pub(super) fn compare(compare: Compare, ty: Type, ftz: bool, a: u64, b: u64) -> Option<bool> {
    let (format, 1) = format(ty)? else { return None };
    let (a, b) = (a & mask(format), b & mask(format));
    let (a, b) = if ftz { (format.flushed(a), format.flushed(b)) } else { (a, b) };
    let unordered = format.is_nan(a) || format.is_nan(b);
    let both_zero = (a | b) & (format.sign() - 1) == 0;
    let (a, b) = if both_zero { (0, 0) } else { (order(format, a), order(format, b)) };
    Some(match compare {
        Compare::Eq => !unordered && a == b,
        Compare::Ne => !unordered && a != b,
        Compare::Lt => !unordered && a < b,
        Compare::Le => !unordered && a <= b,
        Compare::Gt => !unordered && a > b,
        Compare::Ge => !unordered && a >= b,
        Compare::Equ => unordered || a == b,
        Compare::Neu => unordered || a != b,
        Compare::Ltu => unordered || a < b,
        Compare::Leu => unordered || a <= b,
        Compare::Gtu => unordered || a > b,
        Compare::Geu => unordered || a >= b,
        Compare::Num => !unordered,
        Compare::Nan => unordered,
        _ => return None,
    })
}
