//! Floating-point arithmetic and comparisons.

use tilewright_ptx_ir::ir::{BinaryOp, Compare, FloatTest, Op, Rounding, TernaryOp, Type, UnaryOp};

use super::{Builder, CANONICAL_F32, CANONICAL_F64};

const DIRECTED: [Rounding; 4] = [Rounding::Nearest, Rounding::Zero, Rounding::Down, Rounding::Up];
const ALL: [Type; 6] = [Type::F16, Type::F16x2, Type::Bf16, Type::Bf16x2, Type::F32, Type::F64];

/// Whether instructions of `ty` can flush subnormals and clamp to [0, 1].
const fn flushes(ty: Type) -> bool {
    matches!(ty, Type::F16 | Type::F16x2 | Type::F32)
}

impl Builder {
    pub(super) fn float(&mut self) {
        match self.draw.below(16) {
            0..4 => self.float_sum(),
            4..8 => self.fused(),
            8 | 9 => self.extremum(),
            10 => self.sign(),
            11 => self.copied_sign(),
            12 | 13 => self.root(),
            _ => self.float_comparison(),
        }
    }

    /// The rounding of a sum or product of `ty`.
    fn rounding(&mut self, ty: Type) -> Option<Rounding> {
        Some(if matches!(ty, Type::F32 | Type::F64) { self.draw.of(&DIRECTED) } else { Rounding::Nearest })
    }

    fn ftz(&mut self, ty: Type) -> bool {
        flushes(ty) && self.draw.once_in(3)
    }

    fn float_sum(&mut self) {
        let op = self.draw.of(&[BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul]);
        let ty = self.draw.of(&[Type::F16, Type::F16x2, Type::F32, Type::F32, Type::F64]);
        let (rounding, ftz) = (self.rounding(ty), self.ftz(ty));
        let sat = flushes(ty) && self.draw.once_in(5);
        let (dst, a, b) = (self.dst(ty), self.operand(ty), self.operand(ty));
        let (approx, full, nan) = (false, false, false);
        self.emit(Op::Binary { op, ty, rounding, ftz, sat, approx, full, nan, dst, a, b });
    }

    fn fused(&mut self) {
        let ty = self.draw.of(&ALL);
        let (rounding, ftz) = (self.rounding(ty), self.ftz(ty));
        let sat = flushes(ty) && self.draw.once_in(5);
        let relu = !sat && !matches!(ty, Type::F32 | Type::F64) && self.draw.once_in(4);
        let (op, dst) = (TernaryOp::Fma, self.dst(ty));
        let (a, b, c) = (self.operand(ty), self.operand(ty), self.operand(ty));
        self.emit(Op::Ternary { op, ty, rounding, ftz, sat, relu, dst, a, b, c });
    }

    fn extremum(&mut self) {
        let op = self.draw.of(&[BinaryOp::Min, BinaryOp::Max]);
        let ty = self.draw.of(&ALL);
        let ftz = self.ftz(ty);
        let nan = ty != Type::F64 && self.draw.flag();
        let (dst, a) = (self.dst(ty), self.operand(ty));
        // Of two operands that it knows for the same an assembler makes a move, which keeps the NaN that the instruction would not.
        let b = match ty {
            Type::F32 => self.without_nan(ty, CANONICAL_F32),
            Type::F64 => self.without_nan(ty, CANONICAL_F64),
            _ => loop {
                let b = self.operand(ty);
                if b != a {
                    break b;
                }
            },
        };
        let (rounding, sat, approx, full) = (None, false, false, false);
        self.emit(Op::Binary { op, ty, rounding, ftz, sat, approx, full, nan, dst, a, b });
    }

    fn sign(&mut self) {
        let op = self.draw.of(&[UnaryOp::Neg, UnaryOp::Abs]);
        let ty = self.draw.of(&ALL);
        let a = if ty == Type::F32 { self.plain(ty) } else { self.source(ty).into() };
        let (ftz, dst) = (self.ftz(ty), self.dst(ty));
        self.emit(Op::Unary { op, ty, rounding: None, approx: false, ftz, dst, a });
    }

    fn copied_sign(&mut self) {
        let ty = self.draw.of(&[Type::F32, Type::F64]);
        // The sign of a NaN would show in a number.
        let a = if ty == Type::F64 { self.plain(ty) } else { self.operand(ty) };
        let (dst, b) = (self.dst(ty), self.operand(ty));
        self.binary(BinaryOp::CopySign, ty, dst, a, b);
    }

    /// Quotients, reciprocals and roots with a rounding.
    fn root(&mut self) {
        let ty = self.draw.of(&[Type::F32, Type::F64]);
        let (rounding, ftz, dst, a) = (self.rounding(ty), self.ftz(ty), self.dst(ty), self.operand(ty));
        let op = self.draw.of(&[None, Some(UnaryOp::Rcp), Some(UnaryOp::Sqrt)]);
        if let Some(op) = op {
            return self.emit(Op::Unary { op, ty, rounding, approx: false, ftz, dst, a });
        }
        let (b, sat, approx, full, nan) = (self.operand(ty), false, false, false, false);
        self.emit(Op::Binary { op: BinaryOp::Div, ty, rounding, ftz, sat, approx, full, nan, dst, a, b });
    }

    fn float_comparison(&mut self) {
        if self.draw.once_in(5) {
            let (test, ty) = (self.draw.of(FloatTest::ALL), self.draw.of(&[Type::F32, Type::F64]));
            let (dst, a) = (self.predicate(), self.operand(ty));
            return self.emit(Op::TestProperty { test, ty, dst, a });
        }
        let (compare, ty) = (self.draw.of(Compare::ALL), self.draw.of(&[Type::F16, Type::F32, Type::F64]));
        let (ftz, dst, combine) = (self.ftz(ty), self.predicate(), self.combination());
        let (a, b) = (self.operand(ty), self.operand(ty));
        self.emit(Op::SetPredicate { compare, ty, ftz, dst, a, b, combine });
    }
}
