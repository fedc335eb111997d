//! Arrays in shared memory.

use std::fmt;
use std::marker::PhantomData;

use super::{Builder, Element, Place, Source, Value};
use crate::ir::{Op, RegClass, Shared, SharedArray as Declaration, SharedSize, Space};

/// An array that the threads of a block share. Nothing in it is defined until a thread writes it.
pub struct SharedArray<'k, T> {
    base: Value<'k, u32>,
    marker: PhantomData<T>,
}

impl<T> Clone for SharedArray<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for SharedArray<'_, T> {}

impl<T> fmt::Debug for SharedArray<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base.fmt(f)
    }
}

impl Builder {
    /// `len` elements of static shared memory, 16-byte aligned; a kernel may have 48 KiB of them.
    #[must_use]
    pub fn shared<T: Element>(&self, name: &str, len: u32) -> SharedArray<'_, T> {
        self.shared_array(name, SharedSize::Static(len.saturating_mul(T::BYTES)), 16)
    }

    /// The shared memory that the launch asks for, 128-byte aligned; every call names the same bytes.
    #[must_use]
    pub fn dynamic_shared<T: Element>(&self, name: &str) -> SharedArray<'_, T> {
        self.shared_array(name, SharedSize::Dynamic, 128)
    }

    fn shared_array<T: Element>(&self, name: &str, size: SharedSize, align: u32) -> SharedArray<'_, T> {
        let array = Shared(self.declare_shared(Declaration { name: name.to_owned(), align, size }));
        let base = self.write(|dst| Op::SharedAddress { dst, array, offset: 0 }, RegClass::B32);
        SharedArray { base: Value::from_register(self, base), marker: PhantomData }
    }
}

impl<'k, T: Element> SharedArray<'k, T> {
    /// The element at `index`.
    #[must_use]
    pub fn at(self, index: impl Source<'k, u32>) -> Place<'k, T> {
        Place::new(self.base.k, Space::Shared, self.address_of(index).operand, 0)
    }

    /// The byte address of the element at `index`, for `ldmatrix` and `cp.async`.
    #[must_use]
    pub fn address_of(self, index: impl Source<'k, u32>) -> Value<'k, u32> {
        index.value(self.base.k).mad(T::BYTES, self.base)
    }

    /// The byte address of the first element.
    #[must_use]
    pub fn address(self) -> Value<'k, u32> {
        self.base
    }
}

impl<'k> Value<'k, u32> {
    /// The `T` at this byte address of shared memory.
    #[must_use]
    pub fn shared_place<T: Element>(self) -> Place<'k, T> {
        Place::new(self.k, Space::Shared, self.operand, 0)
    }
}
