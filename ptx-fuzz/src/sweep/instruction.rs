//! The instructions.

use std::fmt;

use tilewright_ptx_ir::ir::{BinaryOp, Type, UnaryOp};
use tilewright_ptx_sim::arith::{self, BinaryForm, Jitter};

use super::format::{Brain, Format, Half, Single};
use super::laws::{self, Law, Measure, Region};

/// An approximate instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    pub(super) operation: Operation,
    pub(super) ty: Type,
    pub(super) ftz: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Unary(UnaryOp),
    Divide { full: bool },
}

impl Instruction {
    /// Every one that the simulator has.
    #[must_use]
    pub fn all() -> Vec<Self> {
        use UnaryOp::{Cos, Ex2, Lg2, Rcp, Rsqrt, Sin, Sqrt, Tanh};
        let unary = |op, ty, ftz| Self { operation: Operation::Unary(op), ty, ftz };
        let mut all = Vec::new();
        for op in [Ex2, Rcp, Rsqrt, Sqrt, Lg2, Sin, Cos] {
            all.extend([true, false].map(|ftz| unary(op, Type::F32, ftz)));
        }
        all.extend([Type::F32, Type::F16, Type::Bf16].map(|ty| unary(Tanh, ty, false)));
        all.extend([unary(Ex2, Type::F16, false), unary(Ex2, Type::Bf16, true)]);
        for full in [false, true] {
            all.extend([true, false].map(|ftz| Self { operation: Operation::Divide { full }, ty: Type::F32, ftz }));
        }
        all
    }

    /// Bits of an operand.
    #[must_use]
    pub const fn bits(&self) -> u32 {
        if matches!(self.ty, Type::F32) { 32 } else { 16 }
    }

    /// Whether it has two operands.
    #[must_use]
    pub const fn divides(&self) -> bool {
        matches!(self.operation, Operation::Divide { .. })
    }

    /// The parts of its operands that have bounds of their own.
    #[must_use]
    pub fn regions(&self) -> Vec<Region> {
        let mut regions = match self.operation {
            Operation::Divide { .. } => laws::division(),
            Operation::Unary(op) => match op {
                UnaryOp::Rcp => laws::Rcp::regions(self.ty),
                UnaryOp::Sqrt => laws::Sqrt::regions(self.ty),
                UnaryOp::Rsqrt => laws::Rsqrt::regions(self.ty),
                UnaryOp::Ex2 => laws::Ex2::regions(self.ty),
                UnaryOp::Lg2 => laws::Lg2::regions(self.ty),
                UnaryOp::Sin => laws::Sin::regions(self.ty),
                UnaryOp::Cos => laws::Cos::regions(self.ty),
                _ => laws::Tanh::regions(self.ty),
            },
        };
        let fraction_bits = match self.ty {
            Type::F16 => Half::FRACTION_BITS,
            Type::Bf16 => Brain::FRACTION_BITS,
            _ => Single::FRACTION_BITS,
        };
        let relative = regions.iter().find(|region| region.measure == Measure::Relative && !self.ftz);
        let is_square = self.operation == Operation::Unary(UnaryOp::Ex2) && self.ty == Type::F32;
        regions.extend(relative.and_then(|region| laws::subnormal(region.limit, fraction_bits, is_square)));
        regions
    }

    /// The simulator's answer: with a seed another one inside the bound. Two operands are one input, the first in the upper half.
    ///
    /// # Panics
    /// Never: the simulator has every instruction of [`Instruction::all`].
    #[must_use]
    pub fn simulated(&self, input: u64, seed: Option<u64>) -> u32 {
        let jitter = Jitter { seed };
        let answer = match self.operation {
            Operation::Unary(op) => arith::unary(op, self.ty, None, true, self.ftz, input, jitter),
            Operation::Divide { full } => {
                let form = BinaryForm { approx: !full, full, ftz: self.ftz, ..BinaryForm::default() };
                arith::binary(BinaryOp::Div, self.ty, form, input >> 32, input & 0xFFFF_FFFF, jitter)
            }
        };
        answer.unwrap_or_default() as u32
    }

    /// The value of an answer.
    #[must_use]
    pub fn value(&self, bits: u32) -> f64 {
        match self.ty {
            Type::F16 => Half::value(bits),
            Type::Bf16 => Brain::value(bits),
            _ => Single::value(bits),
        }
    }

    /// The text of a kernel `sweep`: of one operand, whose inputs are `first + step · i` and which writes answer i, or of two, which it reads.
    #[must_use]
    pub fn kernel(&self) -> String {
        // Only bf16 needs Hopper.
        let target = if self.ty == Type::Bf16 { "sm_90" } else { "sm_80" };
        let parameters = if self.divides() {
            ".param .u64 answers, .param .u64 dividends, .param .u64 divisors, .param .u32 count"
        } else {
            ".param .u64 answers, .param .u32 first, .param .u32 step, .param .u32 count"
        };
        let body = if self.divides() {
            format!(
                "    ld.param.u64 %rd2, [dividends];
    cvta.to.global.u64 %rd2, %rd2;
    mad.wide.u32 %rd2, %r0, 4, %rd2;
    ld.global.f32 %f0, [%rd2];
    ld.param.u64 %rd3, [divisors];
    cvta.to.global.u64 %rd3, %rd3;
    mad.wide.u32 %rd3, %r0, 4, %rd3;
    ld.global.f32 %f1, [%rd3];
    {self} %f2, %f0, %f1;
    mov.b32 %r5, %f2;
"
            )
        } else {
            let input = "    ld.param.u32 %r2, [first];
    ld.param.u32 %r3, [step];
    mad.lo.u32 %r4, %r0, %r3, %r2;
";
            let answer = if self.ty == Type::F32 {
                format!("    mov.b32 %f0, %r4;\n    {self} %f1, %f0;\n    mov.b32 %r5, %f1;\n")
            } else {
                format!("    cvt.u16.u32 %h0, %r4;\n    {self} %h1, %h0;\n    cvt.u32.u16 %r5, %h1;\n")
            };
            input.to_owned() + &answer
        };
        format!(
            ".version 7.8
.target {target}
.address_size 64

.visible .entry sweep({parameters})
{{
    .reg .pred %p<1>;
    .reg .b16 %h<2>;
    .reg .b32 %r<6>;
    .reg .b64 %rd<4>;
    .reg .f32 %f<3>;
    mov.u32 %r0, %ctaid.x;
    mov.u32 %r1, %tid.x;
    mad.lo.u32 %r0, %r0, {THREADS}, %r1;
    ld.param.u32 %r1, [count];
    setp.ge.u32 %p0, %r0, %r1;
    @%p0 ret;
{body}    ld.param.u64 %rd0, [answers];
    cvta.to.global.u64 %rd0, %rd0;
    mad.wide.u32 %rd1, %r0, 4, %rd0;
    st.global.u32 [%rd1], %r5;
    ret;
}}
"
        )
    }
}

/// Threads of a block.
pub(super) const THREADS: u32 = 256;

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ftz = if self.ftz { ".ftz" } else { "" };
        match self.operation {
            Operation::Unary(op) => write!(f, "{}.approx{ftz}.{}", op.name(), self.ty.name()),
            Operation::Divide { full: false } => write!(f, "div.approx{ftz}.f32"),
            Operation::Divide { full: true } => write!(f, "div.full{ftz}.f32"),
        }
    }
}
