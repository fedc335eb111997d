//! Locals: registers that change.

use std::fmt;
use std::marker::PhantomData;

use super::{Builder, Number, Scalar, Source, Value};
use crate::ir::{BinaryOp, Op, Operand, Reg};

/// A register that can be written again, for what changes from one trip of a loop to the next.
pub struct Local<'k, T> {
    k: &'k Builder,
    reg: Reg,
    marker: PhantomData<T>,
}

impl<T> Clone for Local<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Local<'_, T> {}

impl<T> fmt::Debug for Local<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reg.fmt(f)
    }
}

impl Builder {
    /// A local that starts as `initial`.
    #[must_use]
    pub fn local<'k, T: Scalar>(&'k self, initial: impl Source<'k, T>) -> Local<'k, T> {
        let src = initial.value(self).operand;
        Local { k: self, reg: self.write(|dst| Op::Mov { ty: T::MOVE_TYPE, dst, src }, T::CLASS), marker: PhantomData }
    }

    /// `N` locals that all start as `initial`.
    #[must_use]
    pub fn locals<'k, T: Scalar, const N: usize>(&'k self, initial: impl Source<'k, T> + Copy) -> [Local<'k, T>; N] {
        std::array::from_fn(|_| self.local(initial))
    }
}

impl<'k, T: Scalar> Local<'k, T> {
    /// A copy of the present value, unaffected by later writes. Operators and methods read a local directly, without this copy.
    #[must_use]
    pub fn get(self) -> Value<'k, T> {
        self.k.local(self).now()
    }

    /// The register as a value: it follows later writes, so use it before the next one.
    #[must_use]
    pub fn now(self) -> Value<'k, T> {
        Value::new(self.k, Operand::Reg(self.reg))
    }

    /// Replaces the value.
    pub fn set(self, value: impl Source<'k, T>) {
        let src = value.value(self.k).operand;
        self.k.emit(Op::Mov { ty: T::MOVE_TYPE, dst: self.reg, src });
    }

    /// Replaces the value in the threads where `condition` is true.
    pub fn set_if(self, condition: Value<'k, bool>, value: impl Source<'k, T>) {
        let src = value.value(self.k).operand;
        self.k.emit_guarded(Some(condition.guard()), Op::Mov { ty: T::MOVE_TYPE, dst: self.reg, src });
    }

    /// The register behind the local.
    #[must_use]
    pub fn register(self) -> Reg {
        self.reg
    }

    /// The builder this local belongs to.
    #[must_use]
    pub fn builder(self) -> &'k Builder {
        self.k
    }
}

impl<'k, T: Number> Local<'k, T> {
    /// Adds `value` to it.
    pub fn add(self, value: impl Source<'k, T>) {
        let b = value.value(self.k).operand;
        let op = super::operators::binary(BinaryOp::Add, T::TYPE, self.reg, Operand::Reg(self.reg), b);
        self.k.emit(op);
    }

    /// Multiplies it by `value`.
    pub fn scale(self, value: impl Source<'k, T>) {
        let product = self.now() * value.value(self.k);
        self.set(product);
    }

    /// Replaces it by the larger of itself and `value`.
    pub fn raise_to(self, value: impl Source<'k, T>) {
        let b = value.value(self.k).operand;
        let op = super::operators::binary(BinaryOp::Max, T::TYPE, self.reg, Operand::Reg(self.reg), b);
        self.k.emit(op);
    }
}
