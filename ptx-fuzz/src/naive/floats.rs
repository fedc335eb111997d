//! Floating-point arithmetic and comparisons.

use rustc_apfloat::ieee::{BFloat, Double, Half, Quad, Single};
use rustc_apfloat::{Float, FloatConvert, Round};
use tilewright_ptx_ir::ir::{BinaryOp, Compare, FloatTest, Op, Rounding, TernaryOp, Type, UnaryOp};

use super::integers::combined;
use super::lane::Lane;

/// A format: bits of its exponent and of its fraction, and the NaN that it answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format {
    pub(super) exponent_bits: u32,
    pub(super) fraction_bits: u32,
    pub(super) nan: u64,
}

/// The format of a type, of each part if it packs two.
pub(super) const fn format(ty: Type) -> Option<Format> {
    let (exponent_bits, fraction_bits, nan) = match ty {
        Type::F16 | Type::F16x2 => (5, 10, 0x7FFF),
        Type::Bf16 | Type::Bf16x2 => (8, 7, 0x7FFF),
        Type::F32 => (8, 23, 0x7FFF_FFFF),
        Type::F64 => (11, 52, 0xFFF8_0000_0000_0000),
        _ => return None,
    };
    Some(Format { exponent_bits, fraction_bits, nan })
}

impl Format {
    pub(super) const fn sign(self) -> u64 {
        1 << (self.exponent_bits + self.fraction_bits)
    }

    pub(super) const fn infinity(self) -> u64 {
        self.sign() - (1 << self.fraction_bits)
    }

    /// The bit that a quiet NaN has.
    pub(super) const fn quiet(self) -> u64 {
        1 << (self.fraction_bits - 1)
    }

    pub(super) const fn is_nan(self, bits: u64) -> bool {
        bits & (self.sign() - 1) > self.infinity()
    }

    const fn one(self) -> u64 {
        ((1 << (self.exponent_bits - 1)) - 1) << self.fraction_bits
    }

    /// A subnormal as a zero of its sign.
    pub(super) const fn flushed(self, bits: u64) -> u64 {
        if bits & self.infinity() == 0 { bits & self.sign() } else { bits }
    }

    /// Clamped to [0, 1]; a NaN is 0.
    pub(super) const fn saturated(self, bits: u64) -> u64 {
        if self.is_nan(bits) || bits & self.sign() != 0 {
            0
        } else if bits > self.one() {
            self.one()
        } else {
            bits
        }
    }

    /// What is negative as 0; a NaN stays.
    pub(super) const fn rectified(self, bits: u64) -> u64 {
        if bits & self.sign() != 0 && !self.is_nan(bits) { 0 } else { bits }
    }
}

/// The direction of a rounding.
pub(super) const fn direction(rounding: Option<Rounding>) -> Round {
    match rounding {
        Some(Rounding::Zero | Rounding::IntegerZero) => Round::TowardZero,
        Some(Rounding::Down | Rounding::IntegerDown) => Round::TowardNegative,
        Some(Rounding::Up | Rounding::IntegerUp) => Round::TowardPositive,
        _ => Round::NearestTiesToEven,
    }
}

/// What is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Add,
    Sub,
    Mul,
    Div,
    Fma,
    Rcp,
    Sqrt,
}

/// A computation that rounds once.
fn computed<F: Float + FloatConvert<Quad>>(function: Function, [a, b, c]: [u64; 3], round: Round) -> u64
where
    Quad: FloatConvert<F>,
{
    let [x, y, z] = [a, b, c].map(|bits| F::from_bits(bits.into()));
    let result = match function {
        Function::Add => x.add_r(y, round).value,
        Function::Sub => x.sub_r(y, round).value,
        Function::Mul => x.mul_r(y, round).value,
        Function::Div => x.div_r(y, round).value,
        Function::Fma => x.mul_add_r(y, z, round).value,
        Function::Rcp => F::from_u128(1).value.div_r(x, round).value,
        Function::Sqrt => square_root(x, round),
    };
    result.to_bits() as u64
}

/// A root: of an integer large enough that two more bits than are kept and whether anything is left decide the rounding.
fn square_root<F: Float + FloatConvert<Quad>>(x: F, round: Round) -> F
where
    Quad: FloatConvert<F>,
{
    if x.is_zero() || x.is_nan() || x.is_pos_infinity() {
        return x;
    }
    if x.is_negative() {
        return F::qnan(None);
    }
    let mut lost = false;
    let wide: Quad = x.convert(&mut lost).value;
    // x = m 2^e with an even e and an m of 119 or 120 bits.
    let exponent = (wide.ilogb() - 118) & !1;
    let m: u128 = wide.scalbn(-exponent).to_u128(128).value;
    let root = m.isqrt();
    let sticky = u128::from(root * root != m);
    let kept = Quad::from_u128(root << 1 | sticky).value.scalbn(exponent / 2 - 1);
    kept.convert_r(round, &mut lost).value
}

fn compute(ty: Type, function: Function, operands: [u64; 3], rounding: Option<Rounding>) -> u64 {
    let round = direction(rounding);
    match ty {
        Type::F16 | Type::F16x2 => computed::<Half>(function, operands, round),
        Type::Bf16 | Type::Bf16x2 => computed::<BFloat>(function, operands, round),
        Type::F32 => computed::<Single>(function, operands, round),
        _ => computed::<Double>(function, operands, round),
    }
}

/// The modifiers of an instruction.
#[derive(Clone, Copy, Debug, Default)]
struct Modifiers {
    rounding: Option<Rounding>,
    ftz: bool,
    sat: bool,
    relu: bool,
}

impl Modifiers {
    fn operand(self, format: Format, bits: u64) -> u64 {
        if self.ftz { format.flushed(bits) } else { bits }
    }

    fn result(self, format: Format, bits: u64) -> u64 {
        let bits = if format.is_nan(bits) && format.fraction_bits != 52 { format.nan } else { bits };
        let bits = if self.ftz { format.flushed(bits) } else { bits };
        let bits = if self.sat { format.saturated(bits) } else { bits };
        if self.relu { format.rectified(bits) } else { bits }
    }
}

/// Executes an instruction of floats; `None` if it is none.
pub(super) fn execute(op: &Op, lane: &mut Lane) -> Option<()> {
    let (dst, value) = match op {
        Op::Unary { op, ty, rounding, approx: false, ftz, dst, a } => {
            let modifiers = Modifiers { rounding: *rounding, ftz: *ftz, ..Modifiers::default() };
            let act: fn(_, _, _, _) -> _ = |op, ty, modifiers, [a, _, _]: [u64; 3]| unary(op, ty, modifiers, a);
            (*dst, parts(*ty, [lane.operand(*a, *ty), 0, 0], |parts| act(*op, *ty, modifiers, parts))?)
        }
        Op::Binary { op, ty, rounding, ftz, sat, approx: false, full: false, nan, dst, a, b } => {
            let modifiers = Modifiers { rounding: *rounding, ftz: *ftz, sat: *sat, relu: false };
            let operands = [lane.operand(*a, *ty), lane.operand(*b, *ty), 0];
            (*dst, parts(*ty, operands, |parts| binary(*op, *ty, modifiers, *nan, parts))?)
        }
        Op::Ternary { op: TernaryOp::Fma, ty, rounding, ftz, sat, relu, dst, a, b, c } => {
            let modifiers = Modifiers { rounding: *rounding, ftz: *ftz, sat: *sat, relu: *relu };
            let operands = [a, b, c].map(|operand| lane.operand(*operand, *ty));
            let order = [0, 1, 2];
            (*dst, parts(*ty, operands, |parts| arithmetic(*ty, Function::Fma, modifiers, parts, &order))?)
        }
        Op::SetPredicate { compare, ty, ftz, dst, a, b, combine } => {
            let [a, b] = [a, b].map(|operand| lane.operand(*operand, *ty));
            (*dst, u64::from(combined(comparison(*compare, *ty, *ftz, a, b)?, *combine, lane)?))
        }
        Op::TestProperty { test, ty, dst, a } => (*dst, u64::from(has(*test, format(*ty)?, lane.operand(*a, *ty))?)),
        _ => return None,
    };
    lane.write(dst, value);
    Some(())
}

/// Whether a comparison of two scalars holds.
pub(super) fn comparison(compare: Compare, ty: Type, ftz: bool, a: u64, b: u64) -> Option<bool> {
    let format = format(ty)?;
    let modifiers = Modifiers { ftz, ..Modifiers::default() };
    let [a, b] = [a, b].map(|bits| modifiers.operand(format, bits));
    compares(compare, format, a, b)
}

/// Both halves of packed operands, or the operands as they are.
fn parts(ty: Type, operands: [u64; 3], act: impl Fn([u64; 3]) -> Option<u64>) -> Option<u64> {
    if !matches!(ty, Type::F16x2 | Type::Bf16x2) {
        return act(operands);
    }
    let low = act(operands.map(|bits| bits & 0xFFFF))?;
    let high = act(operands.map(|bits| bits >> 16))?;
    Some(high << 16 | low)
}

/// A computation with its modifiers; `order` says of which operand an f64 passes a NaN on, the last first.
fn arithmetic(ty: Type, function: Function, modifiers: Modifiers, operands: [u64; 3], order: &[usize]) -> Option<u64> {
    let format = format(ty)?;
    let operands = operands.map(|bits| modifiers.operand(format, bits));
    if ty == Type::F64 {
        let nans = order.iter().rev().filter_map(|index| operands.get(*index).copied());
        if let Some(nan) = nans.into_iter().find(|bits| format.is_nan(*bits)) {
            return Some(nan | format.quiet());
        }
    }
    let bits = compute(ty, function, operands, modifiers.rounding);
    Some(modifiers.result(format, if format.is_nan(bits) { format.nan } else { bits }))
}

/// What an atomic sum leaves in memory.
///
/// # Source
/// PTX ISA 9.0, section 9.7.13.5 (`atom`): it rounds to nearest even. On f32 in global memory subnormal inputs and results are flushed to a zero of their sign;
/// in shared memory they are not, nor those of f16.
pub(super) fn atomic_sum(ty: Type, before: u64, a: u64, is_shared: bool) -> Option<u64> {
    let ftz = ty == Type::F32 && !is_shared;
    let modifiers = Modifiers { rounding: Some(Rounding::Nearest), ftz, ..Modifiers::default() };
    parts(ty, [before, a, 0], |operands| arithmetic(ty, Function::Add, modifiers, operands, &[0, 1]))
}

fn unary(op: UnaryOp, ty: Type, modifiers: Modifiers, a: u64) -> Option<u64> {
    let format = format(ty)?;
    match op {
        UnaryOp::Neg => Some(modifiers.result(format, modifiers.operand(format, a) ^ format.sign())),
        UnaryOp::Abs => Some(modifiers.result(format, modifiers.operand(format, a) & !format.sign())),
        UnaryOp::Rcp => arithmetic(ty, Function::Rcp, modifiers, [a, 0, 0], &[0]),
        UnaryOp::Sqrt => arithmetic(ty, Function::Sqrt, modifiers, [a, 0, 0], &[0]),
        _ => None,
    }
}

fn binary(op: BinaryOp, ty: Type, modifiers: Modifiers, nan: bool, [a, b, c]: [u64; 3]) -> Option<u64> {
    let format = format(ty)?;
    let operands = [a, b, c];
    match op {
        BinaryOp::Add => arithmetic(ty, Function::Add, modifiers, operands, &[0, 1]),
        BinaryOp::Sub => arithmetic(ty, Function::Sub, modifiers, operands, &[0, 1]),
        BinaryOp::Mul => arithmetic(ty, Function::Mul, modifiers, operands, &[0, 1]),
        BinaryOp::Div => arithmetic(ty, Function::Div, modifiers, operands, &[1, 0]),
        // The sign of a, the rest of b.
        BinaryOp::CopySign => Some(b & (format.sign() - 1) | a & format.sign()),
        BinaryOp::Min | BinaryOp::Max => {
            let bits = match (format.is_nan(a), format.is_nan(b)) {
                (true, true) if ty == Type::F64 => b | format.quiet(),
                (true, true) => format.nan,
                (true, false) | (false, true) if nan => format.nan,
                (true, false) => b,
                (false, true) => a,
                (false, false) => {
                    let [a, b] = [a, b].map(|bits| modifiers.operand(format, bits));
                    // -0 is less than +0.
                    let less = value(format, a) < value(format, b);
                    if less == (op == BinaryOp::Min) { a } else { b }
                }
            };
            Some(modifiers.result(format, bits))
        }
        _ => None,
    }
}

/// A number that is ordered as the floats are, -0 below +0.
fn value(format: Format, bits: u64) -> i128 {
    let magnitude = i128::from(bits & (format.sign() - 1));
    if bits & format.sign() == 0 { magnitude } else { -1 - magnitude }
}

fn compares(compare: Compare, format: Format, a: u64, b: u64) -> Option<bool> {
    let unordered = format.is_nan(a) || format.is_nan(b);
    let both_zero = (a | b) & (format.sign() - 1) == 0;
    let (x, y) = if both_zero { (0, 0) } else { (value(format, a), value(format, b)) };
    Some(match compare {
        Compare::Eq => !unordered && x == y,
        Compare::Ne => !unordered && x != y,
        Compare::Lt => !unordered && x < y,
        Compare::Le => !unordered && x <= y,
        Compare::Gt => !unordered && x > y,
        Compare::Ge => !unordered && x >= y,
        Compare::Equ => unordered || x == y,
        Compare::Neu => unordered || x != y,
        Compare::Ltu => unordered || x < y,
        Compare::Leu => unordered || x <= y,
        Compare::Gtu => unordered || x > y,
        Compare::Geu => unordered || x >= y,
        Compare::Num => !unordered,
        Compare::Nan => unordered,
        _ => return None,
    })
}

fn has(test: FloatTest, format: Format, bits: u64) -> Option<bool> {
    let magnitude = bits & (format.sign() - 1);
    let exponent = magnitude & format.infinity();
    Some(match test {
        FloatTest::Finite => magnitude < format.infinity(),
        FloatTest::Infinite => magnitude == format.infinity(),
        FloatTest::Number => magnitude <= format.infinity(),
        FloatTest::NotANumber => magnitude > format.infinity(),
        // Zeros are normal numbers.
        FloatTest::Normal => (exponent != 0 || magnitude == 0) && magnitude < format.infinity(),
        FloatTest::Subnormal => exponent == 0 && magnitude != 0,
        _ => return None,
    })
}
