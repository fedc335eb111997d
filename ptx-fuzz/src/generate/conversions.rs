//! Conversions.

use tilewright_ptx_ir::ir::{Op, Reg, Rounding, Type};

use super::Builder;
use crate::registers::Kind;

const INTEGERS: [Type; 8] = [Type::U8, Type::S8, Type::U16, Type::S16, Type::U32, Type::S32, Type::U64, Type::S64];
const FLOATS: [Type; 3] = [Type::F16, Type::F32, Type::F64];
const DIRECTED: [Rounding; 4] = [Rounding::Nearest, Rounding::Zero, Rounding::Down, Rounding::Up];
const INTEGRAL: [Rounding; 4] =
    [Rounding::IntegerNearest, Rounding::IntegerZero, Rounding::IntegerDown, Rounding::IntegerUp];

impl Builder {
    pub(super) fn conversion(&mut self) {
        match self.draw.below(12) {
            0 | 1 => self.between_integers(),
            2..5 => self.float_to_integer(),
            5 | 6 => self.integer_to_float(),
            7 | 8 => self.between_floats(),
            9 => self.rounded_to_integral(),
            10 => self.pair(),
            _ => self.sixteen_bits(),
        }
    }

    /// A register for an integer of `ty`: its own size, or a wider one.
    fn holder(&mut self, ty: Type) -> Reg {
        let kind = match ty.bytes() {
            1 => self.draw.of(&[Kind::I16, Kind::I32, Kind::I64]),
            2 => self.draw.of(&[Kind::I16, Kind::I16, Kind::I32]),
            4 => self.draw.of(&[Kind::I32, Kind::I32, Kind::I64]),
            _ => Kind::I64,
        };
        self.register(kind)
    }

    fn between_integers(&mut self) {
        let (to, from) = (self.draw.of(&INTEGERS), self.draw.of(&INTEGERS));
        let contains = match (to.is_signed(), from.is_signed()) {
            (true, true) | (false, false) => to.bytes() >= from.bytes(),
            (true, false) => to.bytes() > from.bytes(),
            (false, true) => false,
        };
        let sat = !contains && self.draw.flag();
        let (dst, src) = (self.holder(to), self.holder(from).into());
        self.emit(Op::Cvt { to, from, rounding: None, ftz: false, sat, dst, src });
    }

    fn float_to_integer(&mut self) {
        let (to, from, rounding) = (self.draw.of(&INTEGERS), self.draw.of(&FLOATS), Some(self.draw.of(&INTEGRAL)));
        let ftz = from == Type::F32 && self.draw.once_in(3);
        let (dst, src) = (self.holder(to), self.source(from).into());
        self.emit(Op::Cvt { to, from, rounding, ftz, sat: false, dst, src });
    }

    fn integer_to_float(&mut self) {
        let (to, from, rounding) = (self.draw.of(&FLOATS), self.draw.of(&INTEGERS), Some(self.draw.of(&DIRECTED)));
        let (sat, dst, src) = (self.draw.once_in(4), self.dst(to), self.holder(from).into());
        self.emit(Op::Cvt { to, from, rounding, ftz: false, sat, dst, src });
    }

    fn between_floats(&mut self) {
        let (to, from) = self.draw.of(&[
            (Type::F16, Type::F32),
            (Type::F16, Type::F64),
            (Type::F32, Type::F64),
            (Type::F32, Type::F16),
            (Type::F64, Type::F16),
            (Type::F64, Type::F32),
            (Type::F32, Type::F32),
        ]);
        let rounding = if to.bytes() < from.bytes() { Some(self.draw.of(&DIRECTED)) } else { None };
        let ftz = (to == Type::F32 || from == Type::F32) && self.draw.once_in(3);
        let src = if from == Type::F64 { self.plain(from) } else { self.source(from).into() };
        let sat = (to, from) != (Type::F64, Type::F16) && self.draw.once_in(5);
        let dst = self.dst(to);
        self.emit(Op::Cvt { to, from, rounding, ftz, sat, dst, src });
    }

    fn rounded_to_integral(&mut self) {
        let (ty, rounding) = (self.draw.of(&FLOATS), Some(self.draw.of(&INTEGRAL)));
        let ftz = ty == Type::F32 && self.draw.once_in(3);
        let (sat, dst, src) = (self.draw.once_in(5), self.dst(ty), self.source(ty).into());
        self.emit(Op::Cvt { to: ty, from: ty, rounding, ftz, sat, dst, src });
    }

    fn pair(&mut self) {
        if self.draw.once_in(4) {
            let (dst, src) = (self.dst(Type::B32), self.source(Type::F32).into());
            return self.emit(Op::CvtTf32 { dst, src });
        }
        let to = self.draw.of(&[Type::F16x2, Type::Bf16x2]);
        let (rounding, relu) = (self.draw.of(&DIRECTED[..2]), self.draw.once_in(3));
        let (dst, high, low) = (self.dst(to), self.operand(Type::F32), self.operand(Type::F32));
        self.emit(Op::CvtPair { to, rounding, relu, dst, high, low });
    }

    /// bf16 and f32.
    fn sixteen_bits(&mut self) {
        let (ftz, sat) = (false, false);
        if self.draw.flag() {
            let (to, from, rounding) = (Type::Bf16, Type::F32, Some(self.draw.of(&DIRECTED[..2])));
            let (dst, src) = (self.dst(to), self.source(from).into());
            self.emit(Op::Cvt { to, from, rounding, ftz, sat, dst, src });
        } else {
            let (to, from, rounding) = (Type::F32, Type::Bf16, None);
            let (dst, src) = (self.dst(to), self.source(from).into());
            self.emit(Op::Cvt { to, from, rounding, ftz, sat, dst, src });
        }
    }
}
