//! Numbers of several words: the carry flag.

use tilewright_ptx_ir::ir::{MulPart, Op, Type};

use super::Builder;

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
}
