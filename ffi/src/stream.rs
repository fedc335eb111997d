//! Streams: queues of work, and the copies that go through them.

use bytemuck::Pod;

use crate::buffer::{DeviceBuffer, DeviceSlice, DeviceSliceMut};
use crate::context::Context;
use crate::error::Error;
use crate::event::Event;
use crate::pinned::PinnedBuffer;
use crate::raw::Raw;
use crate::sys::{CU_STREAM_NON_BLOCKING, CUresult, CUstream, CUstream_st};

/// A queue of work on a device. Work on one stream is done in order, work on different streams in any order.
#[derive(Debug)]
pub struct Stream {
    context: Context,
    raw: Raw<CUstream_st>,
    is_owned: bool,
}

impl Context {
    /// A new stream that does not wait for the legacy default stream.
    ///
    /// # Errors
    /// [`Error::Driver`].
    pub fn stream(&self) -> Result<Stream, Error> {
        let _entered = self.enter()?;
        let mut raw = std::ptr::null_mut();
        // SAFETY: the result is a local variable; the context is current.
        let code = unsafe { (self.driver().api().stream_create)(&raw mut raw, CU_STREAM_NON_BLOCKING) };
        self.check("cuStreamCreate", code)?;
        Ok(Stream { context: self.clone(), raw: Raw(raw), is_owned: true })
    }
}

impl Stream {
    /// Uses a stream that somebody else owns; dropping this leaves it alone.
    ///
    /// # Safety
    /// `raw` is a stream of `context`, obtained from the same driver library, and outlives this value.
    #[must_use]
    pub unsafe fn borrow_raw(context: &Context, raw: CUstream) -> Self {
        Self { context: context.clone(), raw: Raw(raw), is_owned: false }
    }

    /// The context it belongs to.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// The driver's handle.
    #[must_use]
    pub const fn raw(&self) -> CUstream {
        self.raw.0
    }

    /// Waits until everything enqueued is done.
    ///
    /// # Errors
    /// The first fault of that work.
    pub fn synchronize(&self) -> Result<(), Error> {
        let _entered = self.context.enter()?;
        // SAFETY: the stream is alive.
        let code = unsafe { (self.context.driver().api().stream_synchronize)(self.raw()) };
        self.context.check("cuStreamSynchronize", code)
    }

    /// Whether everything enqueued is done.
    ///
    /// # Errors
    /// The first fault of that work.
    pub fn is_idle(&self) -> Result<bool, Error> {
        let _entered = self.context.enter()?;
        // SAFETY: the stream is alive.
        let code = unsafe { (self.context.driver().api().stream_query)(self.raw()) };
        if code == CUresult::ERROR_NOT_READY {
            return Ok(false);
        }
        self.context.check("cuStreamQuery", code).map(|()| true)
    }

    /// What is enqueued from now on waits for `event`, which may be of another device.
    ///
    /// # Errors
    /// [`Error::ForeignContext`] if it is another driver's, [`Error::Driver`].
    pub fn wait_for(&self, event: &Event) -> Result<(), Error> {
        // A handle means nothing to another library, which might follow it.
        if !event.context().driver().is_same(self.context.driver()) {
            return Err(Error::ForeignContext { what: "the event" });
        }
        let _entered = self.context.enter()?;
        // SAFETY: both are alive; an event of another context is allowed.
        let code = unsafe { (self.context.driver().api().stream_wait_event)(self.raw(), event.raw(), 0) };
        self.context.check("cuStreamWaitEvent", code)
    }

    /// Device memory for `len` elements, not initialised.
    ///
    /// # Errors
    /// [`Error::SizeOverflow`], [`Error::Driver`].
    pub fn alloc<T: Pod>(&self, len: usize) -> Result<DeviceBuffer<T>, Error> {
        DeviceBuffer::allocate(&self.context, len)
    }

    /// New device memory with a copy of `from`. Waits for the copy.
    ///
    /// # Errors
    /// [`Error::SizeOverflow`], [`Error::Driver`].
    pub fn upload<T: Pod>(&self, from: &[T]) -> Result<DeviceBuffer<T>, Error> {
        let mut buffer = self.alloc(from.len())?;
        self.write(from, &mut buffer.as_slice_mut())?;
        Ok(buffer)
    }

    /// Copies `from` into device memory. Waits for the copy.
    ///
    /// # Errors
    /// [`Error::WrongLength`], [`Error::ForeignContext`], [`Error::Driver`].
    pub fn write<T: Pod>(&self, from: &[T], to: &mut DeviceSliceMut<'_, T>) -> Result<(), Error> {
        self.context.check_same(to.context(), "the destination")?;
        check_len("the source", from.len(), to.len())?;
        if from.is_empty() {
            return Ok(());
        }
        let api = self.context.driver().api();
        let _entered = self.context.enter()?;
        // SAFETY:
        // - `from` is readable for so many bytes, `to` is device memory of as many.
        // - `from` stays borrowed until the copy has been waited for, below.
        let code = unsafe { (api.memcpy_htod_async)(to.address(), from.as_ptr().cast(), to.bytes(), self.raw()) };
        self.context.check("cuMemcpyHtoDAsync", code)?;
        self.wait_for_copy()
    }

    /// A copy of device memory. Waits for everything enqueued, and for the copy.
    ///
    /// # Errors
    /// [`Error::ForeignContext`], [`Error::Driver`], or the first fault of the work before.
    pub fn download<T: Pod>(&self, from: DeviceSlice<'_, T>) -> Result<Vec<T>, Error> {
        let mut to = vec![T::zeroed(); from.len()];
        self.read(from, &mut to)?;
        Ok(to)
    }

    /// Copies device memory into `to`. Waits for everything enqueued, and for the copy.
    ///
    /// # Errors
    /// As [`Stream::download`], and [`Error::WrongLength`].
    pub fn read<T: Pod>(&self, from: DeviceSlice<'_, T>, to: &mut [T]) -> Result<(), Error> {
        self.context.check_same(from.context(), "the source")?;
        check_len("the destination", to.len(), from.len())?;
        if to.is_empty() {
            return Ok(());
        }
        let api = self.context.driver().api();
        let _entered = self.context.enter()?;
        // SAFETY:
        // - `to` is writable for so many bytes, `from` is device memory of as many; `T` takes every bit pattern.
        // - `to` stays borrowed until the copy has been waited for, below.
        let code = unsafe { (api.memcpy_dtoh_async)(to.as_mut_ptr().cast(), from.address(), from.bytes(), self.raw()) };
        self.context.check("cuMemcpyDtoHAsync", code)?;
        self.wait_for_copy()
    }

    /// Waits for a copy that uses the caller's memory, in the context that is current. The caller gets that memory back whatever comes out, so
    /// where the stream cannot be waited for the whole context is.
    fn wait_for_copy(&self) -> Result<(), Error> {
        let api = self.context.driver().api();
        // SAFETY: the stream is alive.
        let code = unsafe { (api.stream_synchronize)(self.raw()) };
        // A stream that captures has only recorded the copy, and its capture is spoilt by the attempt to wait.
        if !code.is_success() && code != CUresult::ERROR_STREAM_CAPTURE_UNSUPPORTED {
            // SAFETY: the context is current.
            let _ = unsafe { (api.ctx_synchronize)() };
        }
        self.context.check("cuStreamSynchronize", code)
    }

    /// Enqueues a copy between device buffers.
    ///
    /// # Errors
    /// [`Error::WrongLength`], [`Error::ForeignContext`], [`Error::Driver`].
    pub fn copy<T: Pod>(&self, from: DeviceSlice<'_, T>, to: &mut DeviceSliceMut<'_, T>) -> Result<(), Error> {
        self.context.check_same(from.context(), "the source")?;
        self.context.check_same(to.context(), "the destination")?;
        check_len("the source", from.len(), to.len())?;
        if from.is_empty() {
            return Ok(());
        }
        let _entered = self.context.enter()?;
        let api = self.context.driver().api();
        // SAFETY: both are device memory of so many bytes; freeing either waits for the copy.
        let code = unsafe { (api.memcpy_dtod_async)(to.address(), from.address(), from.bytes(), self.raw()) };
        self.context.check("cuMemcpyDtoDAsync", code)
    }

    /// Enqueues a copy from page-locked memory and returns at once.
    ///
    /// # Errors
    /// [`Error::WrongLength`], [`Error::ForeignContext`], [`Error::Driver`].
    pub fn copy_from_pinned<T: Pod>(
        &self,
        from: &mut PinnedBuffer<T>,
        to: &mut DeviceSliceMut<'_, T>,
    ) -> Result<(), Error> {
        self.context.check_same(from.context(), "the source")?;
        self.context.check_same(to.context(), "the destination")?;
        check_len("the source", from.len(), to.len())?;
        if from.is_empty() {
            return Ok(());
        }
        let _entered = self.context.enter()?;
        from.begin_copy()?;
        let api = self.context.driver().api();
        // SAFETY: both have so many bytes; `from` stays allocated and untouched until the copy is known to be over.
        let code = unsafe { (api.memcpy_htod_async)(to.address(), from.start().cast(), to.bytes(), self.raw()) };
        self.context.check("cuMemcpyHtoDAsync", code)?;
        from.copy_enqueued(self)
    }

    /// Enqueues a copy into page-locked memory and returns at once.
    ///
    /// # Errors
    /// [`Error::WrongLength`], [`Error::ForeignContext`], [`Error::Driver`].
    pub fn copy_to_pinned<T: Pod>(&self, from: DeviceSlice<'_, T>, to: &mut PinnedBuffer<T>) -> Result<(), Error> {
        self.context.check_same(from.context(), "the source")?;
        self.context.check_same(to.context(), "the destination")?;
        check_len("the source", from.len(), to.len())?;
        if from.is_empty() {
            return Ok(());
        }
        let _entered = self.context.enter()?;
        to.begin_copy()?;
        let api = self.context.driver().api();
        // SAFETY: both have so many bytes; `to` stays allocated and untouched until the copy is known to be over.
        let code = unsafe { (api.memcpy_dtoh_async)(to.start().cast(), from.address(), from.bytes(), self.raw()) };
        self.context.check("cuMemcpyDtoHAsync", code)?;
        to.copy_enqueued(self)
    }

    /// Enqueues a fill of every byte with `byte`.
    ///
    /// # Errors
    /// [`Error::ForeignContext`], [`Error::Driver`].
    pub fn fill_bytes<T: Pod>(&self, to: &mut DeviceSliceMut<'_, T>, byte: u8) -> Result<(), Error> {
        self.context.check_same(to.context(), "the destination")?;
        if to.is_empty() {
            return Ok(());
        }
        let _entered = self.context.enter()?;
        // SAFETY: `to` is device memory of so many bytes; `T` takes every bit pattern.
        let code = unsafe { (self.context.driver().api().memset_d8_async)(to.address(), byte, to.bytes(), self.raw()) };
        self.context.check("cuMemsetD8Async", code)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if !self.is_owned {
            return;
        }
        if let Ok(_entered) = self.context.enter_to_give_back() {
            // SAFETY: created by `Context::stream`, destroyed once here; work that is enqueued goes on.
            let _ = unsafe { (self.context.driver().api().stream_destroy)(self.raw()) };
        }
    }
}

const fn check_len(what: &'static str, got: usize, wanted: usize) -> Result<(), Error> {
    if got == wanted { Ok(()) } else { Err(Error::WrongLength { what, got, wanted }) }
}
