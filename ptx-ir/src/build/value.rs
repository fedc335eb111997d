//! Values: what instructions produce and read.

use std::fmt;
use std::marker::PhantomData;

use super::{Builder, Local, Scalar};
use crate::ir::{Guard, Op, Operand, Reg, RegClass, Type};

/// The result of an instruction, or a constant, of type `T`. It never changes; see [`Local`] for what does.
pub struct Value<'k, T> {
    pub(super) k: &'k Builder,
    pub(super) operand: Operand,
    marker: PhantomData<T>,
}

impl<T> Clone for Value<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Value<'_, T> {}

impl<T> fmt::Debug for Value<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.operand.fmt(f)
    }
}

impl<'k, T: Scalar> Value<'k, T> {
    pub(super) fn new(k: &'k Builder, operand: Operand) -> Self {
        Self { k, operand, marker: PhantomData }
    }

    /// The value that lies in `reg`; the raw counterpart of [`Builder::emit`].
    #[must_use]
    pub fn from_register(k: &'k Builder, reg: Reg) -> Self {
        Self::new(k, Operand::Reg(reg))
    }

    /// The register that holds the value; a constant is moved into a new one.
    #[must_use]
    pub fn register(self) -> Reg {
        match self.operand {
            Operand::Reg(reg) => reg,
            Operand::Imm(_) => self.k.write(|dst| Op::Mov { ty: T::MOVE_TYPE, dst, src: self.operand }, T::CLASS),
        }
    }

    /// The builder this value belongs to.
    #[must_use]
    pub fn builder(self) -> &'k Builder {
        self.k
    }

    /// A local that starts with this value.
    #[must_use]
    pub fn to_local(self) -> Local<'k, T> {
        self.k.local(self)
    }
}

impl Value<'_, bool> {
    /// The guard that holds where `self` is true.
    pub(super) fn guard(self) -> Guard {
        Guard { pred: self.register(), negate: false }
    }
}

/// Whatever can stand where an instruction reads a `T`: a [`Value`], a [`Local`] (read at this point) or a Rust constant.
pub trait Source<'k, T: Scalar> {
    /// The operand to read.
    fn value(self, k: &'k Builder) -> Value<'k, T>;
}

impl<'k, T: Scalar> Source<'k, T> for Value<'k, T> {
    fn value(self, _: &'k Builder) -> Self {
        self
    }
}

impl<'k, T: Scalar> Source<'k, T> for T {
    fn value(self, k: &'k Builder) -> Value<'k, T> {
        let constant = Value::new(k, Operand::Imm(self.immediate()));
        // PTX has no literals of these types: their bits are moved into a register first.
        let by_bits = matches!(T::TYPE, Type::F16 | Type::F16x2 | Type::Bf16 | Type::Bf16x2);
        if by_bits { Value::from_register(k, constant.register()) } else { constant }
    }
}

impl<'k, T: Scalar> Source<'k, T> for Local<'k, T> {
    fn value(self, k: &'k Builder) -> Value<'k, T> {
        Value::new(k, Operand::Reg(self.register()))
    }
}

impl Builder {
    /// A constant as a value.
    #[must_use]
    pub fn constant<T: Scalar>(&self, value: T) -> Value<'_, T> {
        value.value(self)
    }

    /// Emits the instruction that `op` makes for a new register of `class`, and returns that register.
    pub(super) fn write(&self, op: impl FnOnce(Reg) -> Op, class: RegClass) -> Reg {
        let dst = self.register(class);
        self.emit(op(dst));
        dst
    }

    /// As [`write`](Self::write), typed.
    pub(super) fn produce<T: Scalar>(&self, op: impl FnOnce(Reg) -> Op) -> Value<'_, T> {
        Value::from_register(self, self.write(op, T::CLASS))
    }
}
