//! Kernel parameters, pointers and the places they lead to.

use std::fmt;
use std::marker::PhantomData;

use super::{Builder, Element, Integer, Source, Value};
use crate::ir::{
    Address, AtomicOp, Base, Cache, EvictionPriority, FenceOrder, Guard, Immediate, LoadOrder, MulPart, Op, Operand,
    Param, ParamIndex, Reg, RegClass, Scope, Space, StoreOrder, Type,
};

impl Builder {
    /// Declares the next kernel parameter, a scalar, and reads it.
    #[must_use]
    pub fn param<T: Element>(&self, name: &str) -> Value<'_, T> {
        let bytes = T::BYTES;
        let index = self.declare_param(Param { name: name.to_owned(), ty: T::MEMORY_TYPE, bytes, align: bytes });
        let address = Address { base: Base::Param(ParamIndex(index)), offset: 0 };
        let hints = (Cache::Default, EvictionPriority::Normal);
        self.produce(|dst| load(Space::Param, T::MEMORY_TYPE, hints, vec![dst], address))
    }

    /// Declares the next kernel parameter, the address of `T`s in device memory, and reads it.
    #[must_use]
    pub fn pointer<T: Element>(&self, name: &str) -> Pointer<'_, T> {
        let src = self.param::<u64>(name).register();
        let base = self.produce(|dst| Op::Cvta { space: Space::Global, to_generic: false, dst, src });
        Pointer { base, marker: PhantomData }
    }
}

/// The address of `T`s in device memory.
pub struct Pointer<'k, T> {
    base: Value<'k, u64>,
    marker: PhantomData<T>,
}

impl<T> Clone for Pointer<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Pointer<'_, T> {}

impl<T> fmt::Debug for Pointer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base.fmt(f)
    }
}

impl<'k, T: Element> Pointer<'k, T> {
    /// The element `index` places further.
    #[must_use]
    pub fn at(self, index: impl Source<'k, u32>) -> Place<'k, T> {
        let k = self.base.k;
        let index = index.value(k);
        if let Operand::Imm(Immediate::Int(constant)) = index.operand
            && let Ok(offset) = i32::try_from(constant * i64::from(T::BYTES))
        {
            return Place::new(k, Space::Global, self.base.operand, offset);
        }
        let (a, b, c) = (index.operand, T::BYTES.value(k).operand, self.base.operand);
        let address: Value<'k, u64> = k.produce(|dst| Op::Mad { part: MulPart::Wide, ty: Type::U32, dst, a, b, c });
        Place::new(k, Space::Global, address.operand, 0)
    }

    /// The pointer moved by `elements`, which may pass 32 bits.
    #[must_use]
    pub fn skip(self, elements: Value<'k, u64>) -> Self {
        Self { base: elements.mad(u64::from(T::BYTES), self.base), marker: PhantomData }
    }

    /// The address itself.
    #[must_use]
    pub fn address(self) -> Value<'k, u64> {
        self.base
    }

    /// The same address as the address of `U`s.
    #[must_use]
    pub fn cast<U: Element>(self) -> Pointer<'k, U> {
        Pointer { base: self.base, marker: PhantomData }
    }

    /// The place at an address that was computed otherwise.
    #[must_use]
    pub fn from_address(address: Value<'k, u64>) -> Self {
        Self { base: address, marker: PhantomData }
    }
}

/// One element in memory, device or shared: what loads and stores act on.
pub struct Place<'k, T> {
    k: &'k Builder,
    space: Space,
    base: Operand,
    offset: i32,
    cache: Cache,
    l1: EvictionPriority,
    store_cache: Cache,
    marker: PhantomData<T>,
}

impl<T> Clone for Place<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Place<'_, T> {}

impl<T> fmt::Debug for Place<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{:?} + {}]", self.space.modifier(), self.base, self.offset)
    }
}

impl<'k, T: Element> Place<'k, T> {
    pub(super) fn new(k: &'k Builder, space: Space, base: Operand, offset: i32) -> Self {
        let (cache, l1, store_cache) = (Cache::Default, EvictionPriority::Normal, Cache::Default);
        Self { k, space, base, offset, cache, l1, store_cache, marker: PhantomData }
    }

    /// The place `elements` further (or back), by a constant.
    #[must_use]
    pub fn plus(self, elements: i32) -> Self {
        Self { offset: self.offset + elements * T::BYTES.cast_signed(), ..self }
    }

    /// Loads go through the read-only path: for data that nothing writes while the kernel runs.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self { cache: Cache::NonCoherent, ..self }
    }

    /// What loads bring is the first to leave L1: for data that is read once. Needs PTX 7.4.
    #[must_use]
    pub fn evict_first(self) -> Self {
        Self { l1: EvictionPriority::EvictFirst, ..self }
    }

    /// What stores write is the first to leave L2 (`.cs`): for data that is not read again soon.
    #[must_use]
    pub fn streaming(self) -> Self {
        Self { store_cache: Cache::Streaming, ..self }
    }

    /// The same place seen as a `U`.
    #[must_use]
    pub fn cast<U: Element>(self) -> Place<'k, U> {
        Place {
            k: self.k,
            space: self.space,
            base: self.base,
            offset: self.offset,
            cache: self.cache,
            l1: self.l1,
            store_cache: self.store_cache,
            marker: PhantomData,
        }
    }

    /// The address that instructions name.
    #[must_use]
    pub fn address(self) -> Address {
        let base = match self.base {
            Operand::Reg(reg) => reg,
            Operand::Imm(_) => Value::<u64>::new(self.k, self.base).register(),
        };
        Address { base: Base::Reg(base), offset: self.offset }
    }

    /// Reads the element.
    #[must_use]
    pub fn load(self) -> Value<'k, T> {
        let address = self.address();
        self.k.produce(|dst| self.loaded(vec![dst], address))
    }

    /// Reads the element where `condition` is true; elsewhere the value is `otherwise` and memory is not touched.
    #[must_use]
    pub fn load_or(self, condition: Value<'k, bool>, otherwise: impl Source<'k, T>) -> Value<'k, T> {
        let result = self.k.local(otherwise);
        let op = self.loaded(vec![result.register()], self.address());
        self.k.emit_guarded(Some(condition.guard()), op);
        result.now()
    }

    /// Reads `N` (2 or 4) neighbours, this one first, with one access of at most 16 bytes; the place must be aligned to all of it.
    #[must_use]
    pub fn load_vector<const N: usize>(self) -> [Value<'k, T>; N] {
        let dsts: [_; N] = std::array::from_fn(|_| self.k.register(T::CLASS));
        self.k.emit(self.loaded(dsts.to_vec(), self.address()));
        dsts.map(|reg| Value::from_register(self.k, reg))
    }

    /// As [`load_vector`](Self::load_vector) where `condition` is true; elsewhere every value is `otherwise`.
    #[must_use]
    pub fn load_vector_or<const N: usize>(
        self,
        condition: Value<'k, bool>,
        otherwise: impl Source<'k, T> + Copy,
    ) -> [Value<'k, T>; N] {
        let locals = self.k.locals::<T, N>(otherwise);
        let dsts = locals.iter().map(|local| local.register()).collect();
        let op = self.loaded(dsts, self.address());
        self.k.emit_guarded(Some(condition.guard()), op);
        locals.map(super::Local::now)
    }

    /// Writes the element.
    pub fn store(self, value: impl Source<'k, T>) {
        self.store_guarded(None, &[value.value(self.k)]);
    }

    /// Writes the element where `condition` is true.
    pub fn store_if(self, condition: Value<'k, bool>, value: impl Source<'k, T>) {
        self.store_guarded(Some(condition.guard()), &[value.value(self.k)]);
    }

    /// Writes 2 or 4 neighbours, this one first, with one access of at most 16 bytes; the place must be aligned to all of it.
    pub fn store_vector<const N: usize>(self, values: [Value<'k, T>; N]) {
        self.store_guarded(None, &values);
    }

    /// As [`store_vector`](Self::store_vector) where `condition` is true.
    pub fn store_vector_if<const N: usize>(self, condition: Value<'k, bool>, values: [Value<'k, T>; N]) {
        self.store_guarded(Some(condition.guard()), &values);
    }

    /// A load with the place's hints.
    fn loaded(self, dsts: Vec<Reg>, address: Address) -> Op {
        load(self.space, T::MEMORY_TYPE, (self.cache, self.l1), dsts, address)
    }

    fn store_guarded(self, guard: Option<Guard>, values: &[Value<'k, T>]) {
        let srcs = values.iter().map(|value| value.register().into()).collect();
        let (space, ty, order, scope, cache, policy) =
            (self.space, T::MEMORY_TYPE, StoreOrder::Weak, None, self.store_cache, None);
        let (l1, address) = (EvictionPriority::Normal, self.address());
        self.k.emit_guarded(guard, Op::Store { space, ty, order, scope, cache, l1, policy, srcs, address });
    }
}

impl<'k, T: Element + Integer> Place<'k, T> {
    /// Adds `value` atomically for all threads of the device, without ordering anything else, and answers what was there.
    #[must_use]
    pub fn fetch_add(self, value: impl Source<'k, T>) -> Value<'k, T> {
        let (a, address) = (value.value(self.k).operand, self.address());
        let (op, space, ty, b) = (AtomicOp::Add, self.space, T::TYPE, None);
        let (order, scope) = (Some(FenceOrder::Relaxed), Some(Scope::Gpu));
        self.k.produce(|dst| Op::Atomic { op, space, ty, order, scope, dst: Some(dst), address, a, b, policy: None })
    }
}

/// A weak load.
fn load(space: Space, ty: Type, (cache, l1): (Cache, EvictionPriority), dsts: Vec<Reg>, address: Address) -> Op {
    let (order, scope, l2_prefetch, policy) = (LoadOrder::Weak, None, None, None);
    Op::Load { space, ty, order, scope, cache, l1, l2_prefetch, policy, dsts, address }
}

impl<'k> Value<'k, u64> {
    /// `self + value · factor`, both factors 32 bits wide and the product 64: byte addresses.
    #[must_use]
    pub fn offset_by(self, value: impl Source<'k, u32>, factor: impl Source<'k, u32>) -> Self {
        let (a, b, c) = (value.value(self.k).operand, factor.value(self.k).operand, self.operand);
        self.k.produce(|dst| Op::Mad { part: MulPart::Wide, ty: Type::U32, dst, a, b, c })
    }
}

impl<'k> Value<'k, u32> {
    /// The 64-bit product of two 32-bit values: indices that may pass 32 bits.
    #[must_use]
    pub fn widening_mul(self, other: impl Source<'k, u32>) -> Value<'k, u64> {
        let (a, b) = (self.operand, other.value(self.k).operand);
        let dst = self.k.write(|dst| Op::Mul { part: MulPart::Wide, ty: Type::U32, dst, a, b }, RegClass::B64);
        Value::from_register(self.k, dst)
    }
}
