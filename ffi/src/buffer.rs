//! Device memory with a length and an element type.

use std::marker::PhantomData;
use std::ops::Range;

use bytemuck::Pod;

use crate::context::Context;
use crate::error::Error;
use crate::sys::CUdeviceptr;

/// `len` elements of `T` in device memory. Dropping it gives the memory back, which waits for the work of the whole device (`cuMemFree`), so that
/// no kernel on any stream still uses it.
#[derive(Debug)]
pub struct DeviceBuffer<T> {
    context: Context,
    address: CUdeviceptr,
    len: usize,
    is_owned: bool,
    _elements: PhantomData<T>,
}

// SAFETY: the elements are plain data in device memory; host code reaches them only through copies.
unsafe impl<T: Send> Send for DeviceBuffer<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for DeviceBuffer<T> {}

impl<T: Pod> DeviceBuffer<T> {
    /// Memory for `len` elements, not initialised. No memory is asked for if `len` is 0.
    pub(crate) fn allocate(context: &Context, len: usize) -> Result<Self, Error> {
        let bytes = byte_len::<T>(len)?;
        let mut address = 0;
        if bytes > 0 {
            let _entered = context.enter()?;
            // SAFETY: the result is a local variable; the context is current.
            let code = unsafe { (context.driver().api().mem_alloc)(&raw mut address, bytes) };
            context.check("cuMemAlloc", code)?;
        }
        Ok(Self { context: context.clone(), address, len, is_owned: true, _elements: PhantomData })
    }

    /// Uses device memory that somebody else owns; dropping this leaves it alone.
    ///
    /// # Safety
    /// `address` is the start of `len` elements of device memory of `context` that stay allocated while this value lives, and whose owner
    /// orders its own work with the work that is given this buffer.
    ///
    /// # Errors
    /// [`Error::SizeOverflow`], or [`Error::Misaligned`] if the address does not suit `T`.
    pub unsafe fn borrow_raw(context: &Context, address: CUdeviceptr, len: usize) -> Result<Self, Error> {
        let bytes = byte_len::<T>(len)?;
        if !address.is_multiple_of(align_of::<T>() as u64) {
            return Err(Error::Misaligned { address, align: align_of::<T>() });
        }
        if address.checked_add(bytes as u64).is_none() {
            return Err(Error::SizeOverflow { len, element_bytes: size_of::<T>() });
        }
        Ok(Self { context: context.clone(), address, len, is_owned: false, _elements: PhantomData })
    }

    /// Elements.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> CUdeviceptr {
        self.address
    }

    /// The context it belongs to.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// All elements, to read.
    #[must_use]
    pub const fn as_slice(&self) -> DeviceSlice<'_, T> {
        DeviceSlice { context: &self.context, address: self.address, len: self.len, _elements: PhantomData }
    }

    /// All elements, to write.
    #[must_use]
    pub const fn as_slice_mut(&mut self) -> DeviceSliceMut<'_, T> {
        DeviceSliceMut { context: &self.context, address: self.address, len: self.len, _elements: PhantomData }
    }

    /// Some elements, to read.
    ///
    /// # Errors
    /// [`Error::OutOfRange`].
    pub fn slice(&self, range: Range<usize>) -> Result<DeviceSlice<'_, T>, Error> {
        self.as_slice().slice(range)
    }

    /// Some elements, to write.
    ///
    /// # Errors
    /// [`Error::OutOfRange`].
    pub fn slice_mut(&mut self, range: Range<usize>) -> Result<DeviceSliceMut<'_, T>, Error> {
        self.as_slice_mut().into_slice(range)
    }

    /// Gives the memory up without freeing it; its address. Whoever takes it frees it.
    #[must_use]
    pub fn leak(mut self) -> CUdeviceptr {
        self.is_owned = false;
        self.address
    }
}

impl<T> Drop for DeviceBuffer<T> {
    fn drop(&mut self) {
        if !self.is_owned || self.address == 0 {
            return;
        }
        // A destructor has nobody to report to. In a context that was spoilt the memory is lost with the context.
        if let Ok(_entered) = self.context.enter_to_give_back() {
            // SAFETY: allocated by `allocate`, freed once here. The call waits for all work of the context, so nothing on the device uses it.
            let _ = unsafe { (self.context.driver().api().mem_free)(self.address) };
        }
    }
}

/// Elements of device memory, to read.
#[derive(Debug)]
pub struct DeviceSlice<'a, T> {
    context: &'a Context,
    address: CUdeviceptr,
    len: usize,
    _elements: PhantomData<&'a [T]>,
}

impl<T> Clone for DeviceSlice<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for DeviceSlice<'_, T> {}

impl<'a, T: Pod> DeviceSlice<'a, T> {
    /// Elements.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.len * size_of::<T>()
    }

    /// Where they are.
    #[must_use]
    pub const fn address(&self) -> CUdeviceptr {
        self.address
    }

    /// The context they belong to.
    #[must_use]
    pub const fn context(&self) -> &'a Context {
        self.context
    }

    /// Some of them.
    ///
    /// # Errors
    /// [`Error::OutOfRange`].
    pub fn slice(self, range: Range<usize>) -> Result<Self, Error> {
        let address = check_range::<T>(self.address, self.len, &range)?;
        Ok(Self { address, len: range.len(), ..self })
    }
}

/// Elements of device memory, to write.
#[derive(Debug)]
pub struct DeviceSliceMut<'a, T> {
    context: &'a Context,
    address: CUdeviceptr,
    len: usize,
    _elements: PhantomData<&'a mut [T]>,
}

impl<'a, T: Pod> DeviceSliceMut<'a, T> {
    /// Elements.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.len * size_of::<T>()
    }

    /// Where they are.
    #[must_use]
    pub const fn address(&self) -> CUdeviceptr {
        self.address
    }

    /// The context they belong to.
    #[must_use]
    pub const fn context(&self) -> &'a Context {
        self.context
    }

    /// The same elements, to read.
    #[must_use]
    pub const fn as_slice(&self) -> DeviceSlice<'_, T> {
        DeviceSlice { context: self.context, address: self.address, len: self.len, _elements: PhantomData }
    }

    /// Some of them.
    ///
    /// # Errors
    /// [`Error::OutOfRange`].
    pub fn slice(&mut self, range: Range<usize>) -> Result<DeviceSliceMut<'_, T>, Error> {
        let address = check_range::<T>(self.address, self.len, &range)?;
        Ok(DeviceSliceMut { context: self.context, address, len: range.len(), _elements: PhantomData })
    }

    fn into_slice(self, range: Range<usize>) -> Result<Self, Error> {
        let address = check_range::<T>(self.address, self.len, &range)?;
        Ok(Self { address, len: range.len(), ..self })
    }
}

/// Bytes of `len` elements.
pub(crate) fn byte_len<T>(len: usize) -> Result<usize, Error> {
    len.checked_mul(size_of::<T>())
        .filter(|bytes| isize::try_from(*bytes).is_ok())
        .ok_or(Error::SizeOverflow { len, element_bytes: size_of::<T>() })
}

fn check_range<T>(address: CUdeviceptr, len: usize, range: &Range<usize>) -> Result<CUdeviceptr, Error> {
    if range.start > range.end || range.end > len {
        return Err(Error::OutOfRange { start: range.start, end: range.end, len });
    }
    // Inside the buffer, whose bytes were checked to fit.
    Ok(address + (range.start * size_of::<T>()) as u64)
}
