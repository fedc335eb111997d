//! A device function, and calls of it.

use tilewright_ptx_ir::ir::{
    Address, Base, BinaryOp, Compare, Function, Kernel, Local, LocalIndex, LocalKind, Op, Param, ParamIndex, Space,
    Symbol, Type,
};

use super::{Builder, int};
use crate::registers::{Kind, slots};

/// What calls of the function are called by.
pub(crate) const FUNCTION: &str = "mix";

/// The arguments and the answer among the kernel's memory, behind its array.
const ARGUMENTS: [LocalIndex; 2] = [LocalIndex(1), LocalIndex(2)];
const ANSWER: LocalIndex = LocalIndex(3);

/// What the kernel passes and gets back in.
pub(super) fn arguments() -> impl Iterator<Item = Local> {
    [("word", 4), ("wide", 8), ("answer", 4)].into_iter().map(|(name, bytes)| Local {
        name: name.to_owned(),
        kind: LocalKind::Argument,
        align: bytes,
        bytes,
    })
}

impl Builder {
    /// A function of 32 and of 64 bits whose answer is of 32.
    pub(super) fn function(&mut self) -> Function {
        let outside = std::mem::take(&mut self.body);
        let place = |base| Address { base, offset: 0 };
        let words: Vec<_> = [Kind::I32, Kind::F16x2, Kind::Bf16x2].into_iter().flat_map(Kind::registers).collect();
        let wides: Vec<_> = Kind::I64.registers().collect();
        let (word, wide) = (words[0], wides[0]);
        self.load(Space::Param, Type::B32, vec![word], place(Base::Param(ParamIndex(0))));
        self.load(Space::Param, Type::B64, vec![wide], place(Base::Param(ParamIndex(1))));
        // Every register a value of its own that follows from the arguments.
        for (index, (kind, dst)) in slots().enumerate() {
            match kind {
                Kind::I32 | Kind::F16x2 | Kind::Bf16x2 if dst != word => {
                    let b = self.draw.literal(Type::B32);
                    self.binary(BinaryOp::Xor, Type::B32, dst, word.into(), b);
                }
                Kind::I64 if dst != wide => {
                    let b = self.draw.literal(Type::B64);
                    self.binary(BinaryOp::Xor, Type::B64, dst, wide.into(), b);
                }
                Kind::I16 | Kind::F16 | Kind::Bf16 => {
                    let (to, from, src) = (Type::U16, Type::U32, word.into());
                    self.emit(Op::Cvt { to, from, rounding: None, ftz: false, sat: false, dst, src });
                    let b = self.draw.literal(Type::B16);
                    self.binary(BinaryOp::Xor, Type::B16, dst, dst.into(), b);
                }
                Kind::F32 => self.emit(Op::Mov { ty: Type::F32, dst, src: words[index % words.len()].into() }),
                Kind::F64 => self.emit(Op::Mov { ty: Type::F64, dst, src: wides[index % wides.len()].into() }),
                Kind::Pred => {
                    let (compare, ty, a, b) = (Compare::Gt, Type::U32, word.into(), self.draw.literal(Type::U32));
                    self.emit(Op::SetPredicate { compare, ty, ftz: false, dst, a, b, combine: None });
                }
                _ => {}
            }
        }
        for _ in 0..3 + self.draw.below(6) {
            self.instruction();
        }
        let [a, b] = [self.register(Kind::I32), self.register(Kind::I32)];
        self.binary(BinaryOp::Add, Type::U32, a, a.into(), b.into());
        self.store(Space::Param, Type::B32, a, place(Base::Result(ParamIndex(0))));
        self.emit(Op::Return);
        let param = |name: &str, ty: Type| Param { name: name.to_owned(), ty, bytes: ty.bytes(), align: ty.bytes() };
        let mut code = Kernel::new(FUNCTION);
        code.params = vec![param("word", Type::B32), param("wide", Type::B64)];
        code.body = std::mem::replace(&mut self.body, outside);
        Function { results: vec![param("answer", Type::B32)], code, is_external: false }
    }

    /// A call, also by some lanes alone.
    pub(super) fn call(&mut self) {
        let [word, wide] = ARGUMENTS.map(|local| Address { base: Base::Local(local), offset: 0 });
        let a = if self.draw.once_in(4) { int(7) } else { self.source(Type::B32).into() };
        self.put(Space::Param, Type::B32, vec![a], word);
        let b = self.register(Kind::I64);
        self.store(Space::Param, Type::B64, b, wide);
        let function = Symbol(2);
        self.emit(Op::Call { uniform: false, function, results: vec![ANSWER], arguments: ARGUMENTS.to_vec() });
        let dst = self.register(Kind::I32);
        self.load(Space::Param, Type::B32, vec![dst], Address { base: Base::Local(ANSWER), offset: 0 });
    }
}
