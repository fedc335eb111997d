//! `set`, and `setp` with two results.

use tilewright_ptx_ir::ir::{BoolOp, Compare, Condition, Op, Type};

use super::Builder;
use super::integers::{BITS, NUMBERS, ORDERED};

impl Builder {
    /// A predicate, negated or not, or now and then a constant.
    pub(super) fn condition(&mut self) -> Condition {
        if self.draw.once_in(8) {
            return Condition::Constant(self.draw.flag());
        }
        Condition::Pred { pred: self.predicate(), negate: self.draw.flag() }
    }

    pub(super) fn several_answers(&mut self) {
        let ty = match self.draw.below(4) {
            0 => self.draw.of(&BITS),
            1 => self.draw.of(&NUMBERS),
            _ => self.draw.of(&[Type::F16, Type::F16x2, Type::F16x2, Type::F32, Type::F64]),
        };
        let compare = if ty.is_float() {
            self.draw.of(Compare::ALL)
        } else if ty.is_bits() {
            self.draw.of(&ORDERED[..2])
        } else {
            self.draw.of(&ORDERED)
        };
        let ftz = matches!(ty, Type::F16 | Type::F16x2 | Type::F32) && self.draw.flag();
        let (a, b) = (self.operand(ty), self.operand(ty));
        let combine = if self.draw.flag() { Some((self.draw.of(BoolOp::ALL), self.condition())) } else { None };
        if self.draw.flag() {
            let to = match ty {
                Type::F16 => self.draw.of(&[Type::U16, Type::S16, Type::U32, Type::S32, Type::F16]),
                Type::F16x2 => self.draw.of(&[Type::U32, Type::S32, Type::F16x2]),
                _ => self.draw.of(&[Type::U32, Type::S32, Type::F16, Type::F32]),
            };
            let dst = self.dst(to);
            return self.emit(Op::Set { compare, to, ty, ftz, dst, a, b, combine });
        }
        let (dst, other) = (self.predicate(), self.predicate());
        // Of f16 there is one result.
        let other = Some(other).filter(|other| *other != dst && ty != Type::F16);
        let simple = matches!(combine, None | Some((_, Condition::Pred { negate: false, .. })));
        if other.is_none() && simple && ty != Type::F16x2 {
            // Has another name.
            return;
        }
        self.emit(Op::SetPredicates { compare, ty, ftz, dst, other, a, b, combine });
    }
}
