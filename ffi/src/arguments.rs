//! The arguments of a launch.

use std::ffi::c_void;

use bytemuck::NoUninit;

use crate::buffer::{DeviceSlice, DeviceSliceMut};
use crate::context::Context;
use crate::sys::CUtensorMap;
use crate::tensor_map::TensorMap;

/// The most arguments that a launch can have here.
pub const MAX_ARGUMENTS: usize = 32;

/// Arguments in order, kept in place: making them allocates nothing, and adding one moves nothing.
///
/// # Example
/// ```no_run
/// use tilewright_ffi::{Arguments, DeviceSlice, DeviceSliceMut};
/// # fn example(x: DeviceSlice<'_, f32>, y: &mut DeviceSliceMut<'_, f32>) {
/// let mut arguments = Arguments::new();
/// arguments.pointer(x).pointer_mut(y).value(128u32);
/// # }
/// ```
#[derive(Debug)]
pub struct Arguments<'a> {
    slots: [Slot<'a>; MAX_ARGUMENTS],
    /// How many were pushed; more than there is room for is an error at the launch.
    count: usize,
    /// The context of the first pointer and its position.
    first: Option<(Context, usize)>,
    /// The position of the first pointer from another context than that.
    foreign: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
enum Slot<'a> {
    Value { bytes: [u8; 8], size: usize },
    TensorMap(&'a CUtensorMap),
}

impl Default for Arguments<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> Arguments<'a> {
    /// No arguments yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { slots: [Slot::Value { bytes: [0; 8], size: 0 }; MAX_ARGUMENTS], count: 0, first: None, foreign: None }
    }

    /// The address of memory that the kernel reads.
    pub fn pointer<T: bytemuck::Pod>(&mut self, slice: DeviceSlice<'_, T>) -> &mut Self {
        self.note(slice.context());
        self.value(slice.address())
    }

    /// The address of memory that the kernel writes.
    pub fn pointer_mut<T: bytemuck::Pod>(&mut self, slice: &mut DeviceSliceMut<'_, T>) -> &mut Self {
        self.note(slice.context());
        self.value(slice.address())
    }

    /// A number of at most 8 bytes; a larger type does not compile.
    ///
    /// ```compile_fail
    /// // 16 bytes.
    /// tilewright_ffi::Arguments::new().value([0u32; 4]);
    /// ```
    pub fn value<T: NoUninit>(&mut self, value: T) -> &mut Self {
        const { assert!(size_of::<T>() <= 8, "an argument by value has at most 8 bytes") };
        let mut bytes = [0; 8];
        for (to, from) in bytes.iter_mut().zip(bytemuck::bytes_of(&value)) {
            *to = *from;
        }
        self.push(Slot::Value { bytes, size: size_of::<T>() })
    }

    /// A tensor map, 128 bytes.
    pub fn tensor_map(&mut self, map: &'a TensorMap<'_>) -> &mut Self {
        self.note(map.context());
        self.push(Slot::TensorMap(map.raw()))
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn push(&mut self, slot: Slot<'a>) -> &mut Self {
        if let Some(free) = self.slots.get_mut(self.count) {
            *free = slot;
        }
        self.count += 1;
        self
    }

    fn note(&mut self, context: &Context) {
        if !self.first.get_or_insert_with(|| (context.clone(), self.count)).0.is_same(context) {
            let _ = self.foreign.get_or_insert(self.count);
        }
    }

    /// The position of the first argument that does not belong to `context`.
    pub(crate) fn foreign_to(&self, context: &Context) -> Option<usize> {
        match &self.first {
            Some((own, index)) if !own.is_same(context) => Some(*index),
            _ => self.foreign,
        }
    }

    /// Bytes of each argument, as far as they are kept.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = usize> + '_ {
        self.slots.iter().take(self.count).map(Slot::size)
    }

    /// A pointer to each argument, as `cuLaunchKernel` reads them.
    pub(crate) fn pointers(&self) -> [*mut c_void; MAX_ARGUMENTS] {
        self.slots.each_ref().map(|slot| match slot {
            Slot::Value { bytes, .. } => bytes.as_ptr().cast_mut().cast(),
            Slot::TensorMap(map) => (&raw const **map).cast_mut().cast(),
        })
    }
}

impl Slot<'_> {
    const fn size(&self) -> usize {
        match self {
            Self::Value { size, .. } => *size,
            Self::TensorMap(_) => size_of::<CUtensorMap>(),
        }
    }
}
