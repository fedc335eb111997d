//! Numbers of several words, and parts of words.

use tilewright_ptx_ir::ir::{
    BinaryOp, MulPart, Op, Operand, PackedInteger, PermuteMode, Selected, TernaryOp, Type, VideoAction, VideoOp,
    VideoPart,
};

use super::{Builder, SCRATCH};

impl Builder {
    /// Sums or differences of one to four words, the flag written by the first and read by the others.
    pub(super) fn several_words(&mut self) {
        let subtracts = self.draw.flag();
        let last = self.draw.below(4);
        for word in 0..=last {
            let (carry_in, carry_out) = (word > 0, word < last || self.draw.flag() || word == 0);
            let ty = self.draw.of(&[Type::U32, Type::S32, Type::U32, Type::U64, Type::S64]);
            let (dst, a, b) = (self.dst(ty), self.operand(ty), self.operand(ty));
            if subtracts || self.draw.flag() {
                self.emit(Op::CarrySum { subtracts, carry_in, carry_out, ty, dst, a, b });
            } else {
                let (part, c) = (self.draw.of(&[MulPart::Lo, MulPart::Hi]), self.operand(ty));
                self.emit(Op::CarryMad { part, carry_in, carry_out, ty, dst, a, b, c });
            }
        }
    }

    /// Masks, extensions, and products and choices of parts of words.
    pub(super) fn parts_of_words(&mut self) {
        let ty = self.draw.of(&[Type::U32, Type::S32]);
        let (dst, a, b, c) = (self.dst(ty), self.operand(ty), self.operand(ty), self.operand(ty));
        let part = self.draw.of(&[MulPart::Lo, MulPart::Hi]);
        match self.draw.below(16) {
            14 | 15 => self.video(),
            10 | 11 => self.side_by_side(),
            12 | 13 => {
                let (op, parts) = (self.draw.of(VideoOp::ALL), self.draw.of(&[2, 4]));
                let types = [(); 3].map(|()| self.draw.of(&[Type::U32, Type::S32]));
                let (sat, sums) = self.draw.of(&[(false, false), (true, false), (false, true)]);
                let [a, b, c] = types.map(|ty| self.source(ty));
                self.emit(Op::VideoParts { op, parts, types, sat, sums, dst, a, b, c });
            }
            0 | 1 => {
                let op = self.draw.of(&[BinaryOp::BitMaskClamp, BinaryOp::BitMaskWrap]);
                let ([from, count, _], most) = (SCRATCH, self.draw.of(&[32, 64]));
                let (a, b) = (self.position(from, most), self.position(count, most));
                self.binary(op, Type::B32, dst, a, b);
            }
            2 | 3 => {
                let op = self.draw.of(&[BinaryOp::ExtendClamp, BinaryOp::ExtendWrap]);
                let b = self.position(SCRATCH[0], 64);
                self.binary(op, ty, dst, a, b);
            }
            4 => {
                // Bases past 31 mean nothing.
                let ([base, offset, _], word, other) = (SCRATCH, self.source(ty).into(), self.source(ty).into());
                self.binary(BinaryOp::And, Type::B32, base, word, super::int(31));
                self.binary(BinaryOp::Shr, Type::S32, offset, other, super::int(29));
                self.ternary(TernaryOp::FindNthSet, Type::B32, dst, [a, base.into(), offset.into()]);
            }
            5 => self.emit(Op::Mul24 { part, ty, dst, a, b }),
            6 => {
                let sat = part == MulPart::Hi && ty == Type::S32 && self.draw.flag();
                self.emit(Op::Mad24 { part, sat, ty, dst, a, b, c });
            }
            7 => {
                let (high, b_type) = (self.draw.flag(), self.draw.of(&[Type::U32, Type::S32]));
                self.emit(Op::Dp2a { high, a_type: ty, b_type, dst, a, b, c });
            }
            8 => {
                let mode = self.draw.of(PermuteMode::ALL);
                self.emit(Op::Permute { mode, dst, a, b, c });
            }
            _ => {
                let sign_type = self.draw.of(&[Type::S32, Type::F32]);
                let ftz = sign_type == Type::F32 && self.draw.flag();
                let ty = self.draw.of(&[Type::B16, Type::U32, Type::B64, Type::F32, Type::F64]);
                let (dst, a, b, c) = (self.dst(ty), self.operand(ty), self.operand(ty), self.operand(sign_type));
                self.emit(Op::SelectBySign { ty, sign_type, ftz, dst, a, b, c });
            }
        }
    }

    /// Saturated integers, of which few words are out of range by chance alone: some are made small.
    fn side_by_side(&mut self) {
        let to = self.draw.of(PackedInteger::ALL);
        let [a, b] = [SCRATCH[0], SCRATCH[1]].map(|scratch| {
            let source: Operand = self.source(Type::S32).into();
            let amount = self.draw.of(&[0, 31 - i64::from(to.bits()), 30 - i64::from(to.bits())]);
            self.binary(BinaryOp::Shr, Type::S32, scratch, source, super::int(amount));
            Operand::from(scratch)
        });
        let c = if to.bits() < 16 { Some(self.operand(Type::B32)) } else { None };
        let dst = self.dst(Type::U32);
        match (to, c) {
            (PackedInteger::S8, Some(c)) => self.emit(Op::CvtPackS8 { dst, a, b, c }),
            _ => self.emit(Op::CvtPack { to, dst, a, b, c }),
        }
    }

    /// A video instruction on one part of each operand.
    fn video(&mut self) {
        let types = [(); 3].map(|()| self.draw.of(&[Type::U32, Type::S32]));
        let part = |builder: &mut Self| {
            if builder.draw.flag() { Some(builder.draw.of(VideoPart::ALL)) } else { None }
        };
        let [a, b] = [types[1], types[2]].map(|ty| {
            let (operand, part) = (self.operand(ty), part(self));
            Selected { operand, part: part.filter(|_| operand.reg().is_some()) }
        });
        // What a chip answers to the others is not understood yet.
        let ops = [VideoOp::Add, VideoOp::Subtract, VideoOp::AbsoluteDifference, VideoOp::Minimum, VideoOp::Maximum];
        let action = VideoAction::Op(self.draw.of(&ops));
        let dst = self.dst(Type::U32);
        self.emit(Op::Video { action, types, sat: false, second: None, dst, part: None, a, b, c: None });
    }
}
