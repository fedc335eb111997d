//! Integers, bits and predicates.

use tilewright_ptx_ir::ir::{
    BinaryOp, BoolOp, Compare, Immediate, MulPart, Op, Operand, Reg, TernaryOp, Type, UnaryOp,
};

use super::{Builder, SCRATCH, SCRATCH_SHORT, SCRATCH_WIDE, int};
use crate::registers::Kind;

pub(super) const NUMBERS: [Type; 6] = [Type::U16, Type::S16, Type::U32, Type::S32, Type::U64, Type::S64];
const LONGER: [Type; 4] = [Type::U32, Type::S32, Type::U64, Type::S64];
pub(super) const BITS: [Type; 3] = [Type::B16, Type::B32, Type::B64];
const LONGER_BITS: [Type; 2] = [Type::B32, Type::B64];
pub(super) const ORDERED: [Compare; 6] = [Compare::Eq, Compare::Ne, Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge];

impl Builder {
    pub(super) fn integer(&mut self) {
        match self.draw.below(18) {
            17 => self.parts_of_words(),
            16 => self.several_words(),
            0 | 1 => self.sum(),
            2 | 3 => self.product(),
            4 => self.quotient(),
            5 => self.logic(),
            6 => self.shift(),
            7 | 8 => self.counted_bits(),
            9 => self.field(),
            10 | 11 => self.words(),
            12 | 13 => self.comparison(),
            14 => self.selection(),
            _ => self.parts(),
        }
    }

    fn sum(&mut self) {
        let op = self.draw.of(&[BinaryOp::Add, BinaryOp::Sub, BinaryOp::Min, BinaryOp::Max]);
        let ty = self.draw.of(&NUMBERS);
        let sat = ty == Type::S32 && matches!(op, BinaryOp::Add | BinaryOp::Sub) && self.draw.flag();
        let (dst, a, b) = (self.dst(ty), self.operand(ty), self.operand(ty));
        let (rounding, ftz, approx, full, nan) = (None, false, false, false, false);
        self.emit(Op::Binary { op, ty, rounding, ftz, sat, approx, full, nan, dst, a, b });
    }

    fn product(&mut self) {
        let part = self.draw.of(MulPart::ALL);
        let ty = if part == MulPart::Wide { self.draw.of(&NUMBERS[..4]) } else { self.draw.of(&NUMBERS) };
        let wide = match (part, ty) {
            (MulPart::Wide, Type::U16) => Type::U32,
            (MulPart::Wide, Type::S16) => Type::S32,
            (MulPart::Wide, Type::U32) => Type::U64,
            (MulPart::Wide, _) => Type::S64,
            _ => ty,
        };
        let (dst, a, b) = (self.dst(wide), self.operand(ty), self.operand(ty));
        if self.draw.flag() {
            self.emit(Op::Mul { part, ty, dst, a, b });
        } else {
            let c = self.operand(wide);
            self.emit(Op::Mad { part, ty, dst, a, b, c });
        }
    }

    /// A quotient or remainder by an odd number.
    fn quotient(&mut self) {
        let op = self.draw.of(&[BinaryOp::Div, BinaryOp::Rem]);
        let ty = self.draw.of(&NUMBERS);
        let (bits, divisor) = match ty.bytes() {
            2 => (Type::B16, SCRATCH_SHORT),
            4 => (Type::B32, SCRATCH[0]),
            _ => (Type::B64, SCRATCH_WIDE),
        };
        let source = self.source(ty);
        self.binary(BinaryOp::Or, bits, divisor, source.into(), int(1));
        let (dst, a) = (self.dst(ty), self.operand(ty));
        self.binary(op, ty, dst, a, divisor.into());
    }

    fn logic(&mut self) {
        if self.draw.once_in(4) {
            let op = self.draw.of(&[BinaryOp::And, BinaryOp::Or, BinaryOp::Xor]);
            let (dst, a, b) = (self.predicate(), self.predicate(), self.predicate());
            return self.binary(op, Type::Pred, dst, a.into(), b.into());
        }
        let op = self.draw.of(&[BinaryOp::And, BinaryOp::Or, BinaryOp::Xor]);
        let ty = self.draw.of(&BITS);
        let (dst, a, b) = (self.dst(ty), self.operand(ty), self.operand(ty));
        self.binary(op, ty, dst, a, b);
    }

    fn shift(&mut self) {
        let op = self.draw.of(&[BinaryOp::Shl, BinaryOp::Shr]);
        let ty = if op == BinaryOp::Shl || self.draw.once_in(4) { self.draw.of(&BITS) } else { self.draw.of(&NUMBERS) };
        let (dst, mut b) = (self.dst(ty), self.operand(Type::U32));
        if let Operand::Imm(Immediate::Int(places)) = b
            && ty.bytes() == 2
        {
            // Of longer literals ptxas 13.0 takes the low half.
            b = int(places & 0x7FFF);
        }
        let a = if b.reg().is_none() { self.source(ty).into() } else { self.operand(ty) };
        self.binary(op, ty, dst, a, b);
    }

    fn unary(&mut self, op: UnaryOp, ty: Type, result: Type) {
        let (dst, a) = (self.dst(result), self.source(ty).into());
        self.emit(Op::Unary { op, ty, rounding: None, approx: false, ftz: false, dst, a });
    }

    fn counted_bits(&mut self) {
        match self.draw.below(7) {
            6 => {
                let ty = self.draw.of(&BITS);
                self.unary(UnaryOp::LogicalNot, ty, ty);
            }
            0 => {
                let op = self.draw.of(&[UnaryOp::Neg, UnaryOp::Abs]);
                let ty = self.draw.of(&[Type::S16, Type::S32, Type::S64]);
                if ty != Type::S16 {
                    return self.unary(op, ty, ty);
                }
                // Half of any s16 is not the least one.
                let source = self.source(ty).into();
                self.binary(BinaryOp::Shr, ty, SCRATCH_SHORT, source, int(1));
                let (dst, a) = (self.dst(ty), SCRATCH_SHORT.into());
                self.emit(Op::Unary { op, ty, rounding: None, approx: false, ftz: false, dst, a });
            }
            1 => {
                let ty = self.draw.of(&[Type::Pred, Type::B16, Type::B32, Type::B64]);
                self.unary(UnaryOp::Not, ty, ty);
            }
            2 => {
                let ty = self.draw.of(&LONGER_BITS);
                self.unary(UnaryOp::BitReverse, ty, ty);
            }
            3 => {
                let op = self.draw.of(&[UnaryOp::PopulationCount, UnaryOp::LeadingZeros]);
                let ty = self.draw.of(&LONGER_BITS);
                self.unary(op, ty, Type::U32);
            }
            _ => {
                let op = self.draw.of(&[UnaryOp::FindLeading, UnaryOp::FindLeadingShift]);
                let ty = self.draw.of(&LONGER);
                self.unary(op, ty, Type::U32);
            }
        }
    }

    /// The place or length of a bit field: a literal, or the low bits of any word, in a register.
    pub(super) fn position(&mut self, register: Reg, literals: u32) -> Operand {
        if self.draw.flag() {
            return int(i64::from(self.draw.below(literals)));
        }
        let (word, mask) = (self.source(Type::U32).into(), self.draw.of(&[31, 63, 63, 255]));
        self.binary(BinaryOp::And, Type::B32, register, word, int(mask));
        register.into()
    }

    fn field(&mut self) {
        let [start, length, _] = SCRATCH;
        let insert = self.draw.flag();
        let ty = if insert { self.draw.of(&LONGER_BITS) } else { self.draw.of(&LONGER) };
        let start = self.position(start, 8 * ty.bytes());
        let fits = match start {
            Operand::Imm(Immediate::Int(start)) => 8 * ty.bytes() - start as u32,
            _ => 8 * ty.bytes(),
        };
        let length = self.position(length, fits);
        let (dst, a) = (self.dst(ty), self.operand(ty));
        if insert {
            let b = self.operand(ty);
            return self.emit(Op::BitFieldInsert { ty, dst, a, b, start, length });
        }
        self.ternary(TernaryOp::BitFieldExtract, ty, dst, [a, start, length]);
    }

    pub(super) fn ternary(&mut self, op: TernaryOp, ty: Type, dst: Reg, [a, b, c]: [Operand; 3]) {
        let (rounding, ftz, sat, relu) = (None, false, false, false);
        self.emit(Op::Ternary { op, ty, rounding, ftz, sat, relu, dst, a, b, c });
    }

    /// What takes three words.
    fn words(&mut self) {
        let dst = self.dst(Type::B32);
        let words = [self.operand(Type::B32), self.operand(Type::B32), self.operand(Type::B32)];
        let [a, b, c] = words;
        match self.draw.below(8) {
            0 | 1 => {
                let table = self.draw.bits() as u8;
                self.emit(Op::Lop3 { table, dst, a, b, c });
            }
            2 => self.ternary(TernaryOp::BytePermute, Type::B32, dst, words),
            3 | 4 => {
                let op = self.draw.of(&[
                    TernaryOp::FunnelLeft,
                    TernaryOp::FunnelRight,
                    TernaryOp::FunnelLeftClamp,
                    TernaryOp::FunnelRightClamp,
                ]);
                self.ternary(op, Type::B32, dst, words);
            }
            5 => {
                let ty = self.draw.of(&NUMBERS);
                let (dst, sources) = (self.dst(ty), [self.operand(ty), self.operand(ty), self.operand(ty)]);
                self.ternary(TernaryOp::AbsoluteDifference, ty, dst, sources);
            }
            6 => {
                let sources = [self.source(Type::U32), self.source(Type::U32), self.source(Type::U32)];
                let (op, ty) = self.draw.of(&[
                    (TernaryOp::Dp4aSigned, Type::S32),
                    (TernaryOp::Dp4aUnsigned, Type::U32),
                    (TernaryOp::Dp4aSignedUnsigned, Type::S32),
                    (TernaryOp::Dp4aUnsignedSigned, Type::S32),
                ]);
                self.ternary(op, ty, dst, sources.map(Into::into));
            }
            _ => {
                let (a, b) = (self.operand(Type::S32), self.operand(Type::S32));
                self.emit(Op::CvtPackS8 { dst, a, b, c });
            }
        }
    }

    fn comparison(&mut self) {
        if self.draw.once_in(3) {
            return self.several_answers();
        }
        let (compare, ty) = if self.draw.once_in(5) {
            (self.draw.of(&ORDERED[..2]), self.draw.of(&BITS))
        } else {
            (self.draw.of(&ORDERED), self.draw.of(&NUMBERS))
        };
        let (dst, a, b) = (self.predicate(), self.operand(ty), self.operand(ty));
        let combine = self.combination();
        self.emit(Op::SetPredicate { compare, ty, ftz: false, dst, a, b, combine });
    }

    /// A predicate that a comparison combines with, now and then.
    pub(super) fn combination(&mut self) -> Option<(BoolOp, Reg)> {
        if self.draw.once_in(3) { Some((self.draw.of(BoolOp::ALL), self.predicate())) } else { None }
    }

    fn selection(&mut self) {
        let ty = self.draw.of(&[
            Type::B16,
            Type::B32,
            Type::B64,
            Type::U16,
            Type::S16,
            Type::U32,
            Type::S32,
            Type::U64,
            Type::S64,
            Type::F32,
            Type::F64,
        ]);
        let (dst, a, b, pred) = (self.dst(ty), self.operand(ty), self.operand(ty), self.predicate());
        self.emit(Op::Select { ty, dst, a, b, pred });
    }

    /// Moves, words put together and taken apart.
    fn parts(&mut self) {
        let (ty, part, count) =
            self.draw.of(&[(Type::B32, Type::B16, 2), (Type::B64, Type::B32, 2), (Type::B64, Type::B16, 4)]);
        match self.draw.below(3) {
            0 => {
                let srcs = (0..count).map(|_| self.source(part).into()).collect();
                let dst = self.dst(ty);
                self.emit(Op::Pack { ty, dst, srcs });
            }
            1 => {
                let registers: Vec<_> = Kind::of(part).registers().collect();
                let first = self.draw.below(registers.len() as u32) as usize;
                let dsts = (0..count).map(|step| registers[(first + step) % registers.len()]).collect();
                let src = self.source(ty);
                self.emit(Op::Unpack { ty, dsts, src });
            }
            _ => {
                let ty = self.draw.of(&[Type::B16, Type::B32, Type::B64, Type::F32, Type::F64, Type::U16, Type::S32]);
                let (dst, src) = (self.dst(ty), self.operand(ty));
                self.emit(Op::Mov { ty, dst, src });
            }
        }
    }
}
