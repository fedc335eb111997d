//! Tensors in device memory, whose elements are f32 as soon as they are in registers.

use half::{bf16, f16};
use tilewright_ptx_ir::build::{Bf16x2, Builder, CopyHint, Element, F16x2, Half, Place, Pointer, Value, Word};

use super::step::Step;
use crate::Dtype;
use crate::plan::Access;

/// The address of a tensor, or of one row of it, and the type of its elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tensor<'k> {
    k: &'k Builder,
    address: Value<'k, u64>,
    dtype: Dtype,
    once: bool,
}

impl<'k> Tensor<'k> {
    /// Declares the next kernel parameter, a pointer.
    pub(super) fn param(k: &'k Builder, name: &str, dtype: Dtype) -> Self {
        Self { k, address: k.pointer::<u8>(name).address(), dtype, once: false }
    }

    /// Row `row` of a matrix; the offset is 64 bits wide.
    pub(super) fn row(self, row: Value<'k, u32>, columns: Value<'k, u32>) -> Self {
        let address = row.widening_mul(columns).mad(u64::from(self.dtype.bytes()), self.address);
        Self { address, ..self }
    }

    /// The same tensor, whose steps leave the caches first if `once`: nobody needs them again soon.
    pub(super) fn passing_through(self, once: bool) -> Self {
        Self { once, ..self }
    }

    /// The elements of `step`; those past the row's end are not read and come as 0.
    pub(super) fn load(self, step: &Step<'k>) -> Vec<Value<'k, f32>> {
        self.load_raw(step).widen()
    }

    /// The elements of `step` as they are in memory.
    pub(super) fn load_raw(self, step: &Step<'k>) -> Raw<'k> {
        match (step.access, self.dtype) {
            (Access::Vector, Dtype::F32) => Raw::F32(self.load_words(step, 0.0)),
            (Access::Vector, Dtype::F16) => Raw::F16(self.load_words(step, 0)),
            (Access::Vector, Dtype::Bf16) => Raw::Bf16(self.load_words(step, 0)),
            (Access::Element, Dtype::F32) => Raw::F32(self.load_elements(step, 0.0f32)),
            (Access::Element, Dtype::F16) => Raw::F16(self.pair(&self.load_elements(step, f16::ZERO))),
            (Access::Element, Dtype::Bf16) => Raw::Bf16(self.pair(&self.load_elements(step, bf16::ZERO))),
        }
    }

    /// Brings the elements of `step`, zeros where the row has ended, to `slot`, 16 bytes of shared memory; they are there after the next wait for copies.
    pub(super) fn copy(self, step: &Step<'k>, slot: Value<'k, u32>) {
        let bytes = step.inside.map(|inside| inside.select(16, 0));
        let source = self.address.offset_by(step.column, self.dtype.bytes());
        self.k.copy_async_16(slot, source, bytes, CopyHint::default());
    }

    /// The elements that [`copy`](Self::copy) brought to `slot`, 16 bytes that begin `offset` behind this address.
    pub(super) fn load_slot(self, slot: Value<'k, u32>, offset: i32) -> Raw<'k> {
        let place = slot.shared_place::<u8>().plus(offset);
        match self.dtype {
            Dtype::F32 => Raw::F32(place.cast::<f32>().load_vector::<4>().to_vec()),
            Dtype::F16 => Raw::F16(place.cast::<u32>().load_vector::<4>().to_vec()),
            Dtype::Bf16 => Raw::Bf16(place.cast::<u32>().load_vector::<4>().to_vec()),
        }
    }

    /// Two neighbours a register.
    fn pair<H: Half>(self, halves: &[Value<'k, H>]) -> Vec<Value<'k, u32>> {
        halves.as_chunks::<2>().0.iter().map(|&[low, high]| self.k.pack_halves(low, high).bits()).collect()
    }

    /// Puts the elements where [`load_slot`](Self::load_slot) finds them.
    pub(super) fn store_slot(self, slot: Value<'k, u32>, offset: i32, values: &Raw<'k>) {
        let place = slot.shared_place::<u8>().plus(offset);
        match values {
            Raw::F32(values) => {
                values.as_chunks().0.iter().for_each(|four| place.cast::<f32>().store_vector::<4>(*four))
            }
            Raw::F16(words) | Raw::Bf16(words) => {
                words.as_chunks().0.iter().for_each(|four| place.cast::<u32>().store_vector::<4>(*four));
            }
        }
    }

    /// Elements as they are in memory, rounded to nearest.
    pub(super) fn round(self, values: &[Value<'k, f32>]) -> Raw<'k> {
        let k = self.k;
        match self.dtype {
            Dtype::F32 => Raw::F32(values.to_vec()),
            Dtype::F16 => Raw::F16(narrow(values, |a, b| k.pack_f16x2(a, b).bits())),
            Dtype::Bf16 => Raw::Bf16(narrow(values, |a, b| k.pack_bf16x2(a, b).bits())),
        }
    }

    /// Writes the elements of `step` that are in the row, rounded to nearest.
    pub(super) fn store(self, step: &Step<'k>, values: &[Value<'k, f32>]) {
        match (step.access, self.dtype) {
            (Access::Vector, _) => match self.round(values) {
                Raw::F32(values) => self.store_words(step, &values),
                Raw::F16(words) | Raw::Bf16(words) => self.store_words(step, &words),
            },
            (Access::Element, Dtype::F32) => self.store_elements::<f32>(step, values),
            (Access::Element, Dtype::F16) => self.store_elements::<f16>(step, values),
            (Access::Element, Dtype::Bf16) => self.store_elements::<bf16>(step, values),
        }
    }

    /// Writes the f32 at `index` where `condition` is true.
    pub(super) fn store_one(self, index: Value<'k, u32>, condition: Value<'k, bool>, value: Value<'k, f32>) {
        Pointer::<f32>::from_address(self.address).at(index).store_if(condition, value);
    }

    /// The step's first element, seen as a `T`.
    fn place<T: Element>(self, step: &Step<'k>) -> Place<'k, T> {
        let (base, behind) = step.base;
        let place = Pointer::<u8>::from_address(self.address.offset_by(base, self.dtype.bytes())).at(0);
        place.plus((behind * self.dtype.bytes()).cast_signed()).cast()
    }

    /// The 32-bit words of a step that is inside the row or outside as a whole, 16 bytes an access (8 if there are no more).
    fn load_words<T: Word + Element>(self, step: &Step<'k>, absent: T) -> Vec<Value<'k, T>> {
        let (place, words) = (self.place::<T>(step).read_only(), step.lanes * self.dtype.bytes() / 4);
        let place = if self.once { place.evict_first() } else { place };
        if words == 2 {
            return load_vector::<T, 2>(place, step, absent).to_vec();
        }
        offsets(words, 4).flat_map(|offset| load_vector::<T, 4>(place.plus(offset), step, absent)).collect()
    }

    fn load_elements<T: Element>(self, step: &Step<'k>, absent: T) -> Vec<Value<'k, T>> {
        let place = self.place::<T>(step).read_only();
        (0..step.lanes)
            .zip(offsets(step.lanes, 1))
            .map(|(lane, offset)| match step.guard(lane) {
                Some(guard) => place.plus(offset).load_or(guard, absent),
                None => place.plus(offset).load(),
            })
            .collect()
    }

    fn store_words<T: Word + Element>(self, step: &Step<'k>, words: &[Value<'k, T>]) {
        let place = self.place::<T>(step);
        let place = if self.once { place.streaming() } else { place };
        for (chunk, offset) in words.chunks_exact(4).zip(offsets(step.lanes, 4)) {
            if let &[a, b, c, d] = chunk {
                match step.inside {
                    Some(inside) => place.plus(offset).store_vector_if(inside, [a, b, c, d]),
                    None => place.plus(offset).store_vector([a, b, c, d]),
                }
            }
        }
    }

    fn store_elements<T: Element>(self, step: &Step<'k>, values: &[Value<'k, f32>]) {
        let place = self.place::<T>(step);
        for ((lane, offset), value) in (0..).zip(offsets(step.lanes, 1)).zip(values) {
            match step.guard(lane) {
                Some(guard) => place.plus(offset).store_if(guard, value.cast::<T>()),
                None => place.plus(offset).store(value.cast::<T>()),
            }
        }
    }
}

fn load_vector<'k, T: Word + Element, const N: usize>(
    place: Place<'k, T>,
    step: &Step<'k>,
    absent: T,
) -> [Value<'k, T>; N] {
    match step.inside {
        Some(inside) => place.load_vector_or(inside, absent),
        None => place.load_vector(),
    }
}

/// 0, `by`, 2 · `by`, … below `end`.
fn offsets(end: u32, by: usize) -> impl Iterator<Item = i32> {
    (0..end.cast_signed()).step_by(by)
}

/// Elements of a step in registers, 16-bit ones two a register.
#[derive(Clone, Debug)]
pub(super) enum Raw<'k> {
    F32(Vec<Value<'k, f32>>),
    F16(Vec<Value<'k, u32>>),
    Bf16(Vec<Value<'k, u32>>),
}

impl<'k> Raw<'k> {
    /// What `map` makes of it where `condition` is true; elsewhere it stays as it is.
    pub(super) fn map_if(self, k: &'k Builder, condition: Value<'k, bool>, map: impl FnOnce(&Self) -> Self) -> Self {
        match &self {
            Self::F32(old) => Self::F32(branch(k, condition, old, || map(&self).f32s())),
            Self::F16(old) => Self::F16(branch(k, condition, old, || map(&self).words())),
            Self::Bf16(old) => Self::Bf16(branch(k, condition, old, || map(&self).words())),
        }
    }

    fn f32s(self) -> Vec<Value<'k, f32>> {
        match self {
            Self::F32(values) => values,
            Self::F16(_) | Self::Bf16(_) => Vec::new(),
        }
    }

    fn words(self) -> Vec<Value<'k, u32>> {
        match self {
            Self::F16(words) | Self::Bf16(words) => words,
            Self::F32(_) => Vec::new(),
        }
    }

    pub(super) fn widen(&self) -> Vec<Value<'k, f32>> {
        match self {
            Self::F32(values) => values.clone(),
            Self::F16(words) => widen(words, |word| word.bits::<F16x2>().unpack()),
            Self::Bf16(words) => widen(words, |word| word.bits::<Bf16x2>().unpack()),
        }
    }
}

fn branch<'k, T: Word>(
    k: &'k Builder,
    condition: Value<'k, bool>,
    old: &[Value<'k, T>],
    new: impl FnOnce() -> Vec<Value<'k, T>>,
) -> Vec<Value<'k, T>> {
    let locals: Vec<_> = old.iter().map(|value| k.local(*value)).collect();
    k.if_(condition, || locals.iter().zip(new()).for_each(|(local, value)| local.set(value)));
    locals.into_iter().map(|local| local.now()).collect()
}

fn widen<'k, H: tilewright_ptx_ir::build::Scalar>(
    words: &[Value<'k, u32>],
    unpack: impl Fn(Value<'k, u32>) -> [Value<'k, H>; 2],
) -> Vec<Value<'k, f32>> {
    words.iter().flat_map(|word| unpack(*word)).map(|half| half.cast()).collect()
}

fn narrow<'k>(
    values: &[Value<'k, f32>],
    pack: impl Fn(Value<'k, f32>, Value<'k, f32>) -> Value<'k, u32>,
) -> Vec<Value<'k, u32>> {
    values.as_chunks::<2>().0.iter().map(|&[low, high]| pack(low, high)).collect()
}
