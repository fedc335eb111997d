//! Of which power of two the finite values of float registers are multiples: what is a multiple of 2^-126 is never subnormal.

use std::collections::BTreeMap;

use tilewright_ptx_ir::ir::{
    BinaryOp, Immediate, Kernel, MmaShape, Op, Operand, Reg, RegClass, Space, Statement, TernaryOp, Type, UnaryOp,
};

/// The exponent of each f32 register; `LOWEST` if nothing is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Granules {
    registers: BTreeMap<Reg, i32>,
    /// Whether a register is written once, from an integer of 32 bits at most.
    counts: BTreeMap<Reg, bool>,
    /// Of all that is stored to shared memory as f32, which is all that is loaded from there as such.
    shared: i32,
}

/// Every f32 is a multiple of this power.
const LOWEST: i32 = -149;
/// Zero is a multiple of everything.
const HIGHEST: i32 = 1000;

impl Granules {
    /// Those of a kernel; `keeps_floats` if it copies f32 to shared memory from elsewhere too.
    pub(super) fn of(kernel: &Kernel, keeps_floats: bool) -> Self {
        let mut granules = Self { shared: if keeps_floats { LOWEST } else { HIGHEST }, ..Self::default() };
        for statement in &kernel.body {
            let Statement::Inst(inst) = statement else { continue };
            let is_count =
                matches!(&inst.op, Op::Cvt { from, to: Type::F32, .. } if from.is_integer() && from.bytes() <= 4);
            inst.op.for_each_write(|reg| {
                let once = !granules.counts.contains_key(&reg);
                granules.counts.insert(reg, is_count && once);
            });
        }
        loop {
            let mut grown = false;
            for statement in &kernel.body {
                let Statement::Inst(inst) = statement else { continue };
                if let Op::Store { space: Space::Shared, ty: Type::F32, srcs, .. } = &inst.op {
                    let new = srcs.iter().map(|src| granules.operand(*src)).fold(HIGHEST, i32::min).max(LOWEST);
                    if new < granules.shared {
                        granules.shared = new;
                        grown = true;
                    }
                }
                inst.op.for_each_write(|reg| {
                    if reg.class == RegClass::F32 {
                        let new = granules.result(&inst.op).max(LOWEST);
                        let old = granules.registers.get(&reg).copied();
                        if old.is_none_or(|old| new < old) {
                            granules.registers.insert(reg, new);
                            grown = true;
                        }
                    }
                });
            }
            if !grown {
                return granules;
            }
        }
    }

    /// Whether no value of the operand is subnormal.
    pub(super) fn is_normal(&self, operand: Operand) -> bool {
        self.operand(operand) >= -126
    }

    /// Whether no value of the operand lies strictly between 0 and `limit`.
    pub(super) fn is_never_below(&self, operand: Operand, limit: f32) -> bool {
        let granule = self.operand(operand);
        granule >= 0 || f64::from(limit) <= 2f64.powi(granule)
    }

    /// The exponent of a power of two that no value of the operand passes: of constants, and of counts.
    fn exponent_above(&self, operand: Operand) -> Option<i32> {
        match operand {
            Operand::Imm(Immediate::F32(bits)) => {
                let value = f32::from_bits(bits).abs();
                (value.is_finite() && value >= f32::MIN_POSITIVE).then(|| (bits >> 23 & 0xFF).cast_signed() - 126)
            }
            Operand::Reg(reg) => self.counts.get(&reg).copied().filter(|is_count| *is_count).map(|_| 32),
            _ => None,
        }
    }

    fn operand(&self, operand: Operand) -> i32 {
        match operand {
            // What has no value yet does not lower anything; it is looked at again.
            Operand::Reg(reg) if reg.class == RegClass::F32 => self.registers.get(&reg).copied().unwrap_or(HIGHEST),
            Operand::Imm(Immediate::F32(bits)) => of_float(f32::from_bits(bits)),
            _ => LOWEST,
        }
    }

    /// Of which power the exact result is a multiple. Rounding keeps that: a rounded value is the value itself or a multiple of a larger power.
    pub(super) fn result(&self, op: &Op) -> i32 {
        let of = |operand: &Operand| self.operand(*operand);
        match op {
            Op::Mov { src, .. } => of(src),
            // Another lane's value of the same register.
            Op::Shuffle { src, .. } => of(src),
            Op::Load { space: Space::Shared, ty: Type::F32, .. } => self.shared,
            Op::Select { a, b, .. } => of(a).min(of(b)),
            Op::Cvt { from: Type::F16, .. } => -24,
            Op::Cvt { from, .. } if from.is_integer() => 0,
            Op::Unary { op: UnaryOp::Neg | UnaryOp::Abs, a, .. } => of(a),
            Op::Binary { op: BinaryOp::Add | BinaryOp::Sub | BinaryOp::Min | BinaryOp::Max, a, b, .. } => {
                of(a).min(of(b))
            }
            Op::Binary { op: BinaryOp::Mul, a, b, .. } => of(a).saturating_add(of(b)),
            // What is not 0 is no smaller than the power over the divisor, and then has 24 bits.
            Op::Binary { op: BinaryOp::Div, rounding: Some(_), a, b, .. } => match self.exponent_above(*b) {
                Some(above) => of(a).saturating_sub(above).saturating_sub(23),
                None => LOWEST,
            },
            Op::Ternary { op: TernaryOp::Fma, a, b, c, .. } => of(a).saturating_add(of(b)).min(of(c)),
            Op::Mma { shape, c, .. } => {
                let own = match shape {
                    MmaShape::M16N8K16F16F32 | MmaShape::M16N8K8F16F32 => -48,
                    _ => LOWEST,
                };
                c.iter().map(|reg| of(&(*reg).into())).fold(own, i32::min)
            }
            _ => LOWEST,
        }
    }
}

fn of_float(value: f32) -> i32 {
    if value == 0.0 || !value.is_finite() {
        return HIGHEST;
    }
    let bits = value.to_bits();
    let (exponent, fraction) = ((bits >> 23 & 0xFF).cast_signed(), bits & 0x7F_FFFF);
    let significand = if exponent == 0 { fraction } else { fraction | 1 << 23 };
    exponent.max(1) - 150 + significand.trailing_zeros().cast_signed()
}
