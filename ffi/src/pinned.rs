//! Page-locked host memory, which the device reads and writes by itself.

use bytemuck::Pod;

use crate::buffer::byte_len;
use crate::context::Context;
use crate::error::Error;
use crate::event::Event;
use crate::raw::Raw;
use crate::stream::Stream;

/// `len` elements of page-locked host memory, zeroed.
///
/// Copies from and to it go on in the background. The buffer knows the last of them: reading, writing and dropping it wait until it is over. A
/// buffer that is forgotten is never freed, nor is one whose last copy has no end that can be known: because the context was spoilt, or because a
/// graph recorded the copy. So no copy is left without its memory, whatever the program does.
#[derive(Debug)]
pub struct PinnedBuffer<T> {
    context: Context,
    start: Raw<T>,
    len: usize,
    /// Recorded behind the last copy.
    last_copy: Event,
    copying: Copying,
}

/// What is known of the last copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Copying {
    /// It is over, or there was none.
    Over,
    /// It ends before the event happens.
    UntilEvent,
    /// It may go on, and no event stands behind it: enqueueing it or recording the event failed.
    Unknown,
}

impl<T: Pod> PinnedBuffer<T> {
    /// Zeroed memory for `len` elements.
    ///
    /// # Errors
    /// [`Error::SizeOverflow`], [`Error::Driver`].
    pub fn new(context: &Context, len: usize) -> Result<Self, Error> {
        let bytes = byte_len::<T>(len)?;
        let last_copy = Event::untimed(context)?;
        let mut start = std::ptr::null_mut();
        {
            let _entered = context.enter()?;
            // SAFETY: the result is a local variable; the context is current. One byte is asked for where none are wanted.
            let code = unsafe { (context.driver().api().mem_host_alloc)(&raw mut start, bytes.max(1), 0) };
            context.check("cuMemHostAlloc", code)?;
        }
        if start.is_null() {
            return Err(Error::NoResult { call: "cuMemHostAlloc" });
        }
        // SAFETY: `bytes` bytes at `start` were just allocated for this buffer alone.
        unsafe { start.cast::<u8>().write_bytes(0, bytes) };
        Ok(Self { context: context.clone(), start: Raw(start.cast()), len, last_copy, copying: Copying::Over })
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

    /// The context it belongs to.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// The elements, after the last copy.
    ///
    /// # Errors
    /// The first fault of the work that the copy waited for.
    pub fn as_slice(&mut self) -> Result<&[T], Error> {
        self.wait()?;
        // SAFETY:
        // - `start` is valid for `len` elements: allocated by `new`, page-aligned, initialised there, and `T` has no invalid bit patterns.
        // - no copy is going on, and none can begin while the slice lives: that takes `&mut self`.
        Ok(unsafe { std::slice::from_raw_parts(self.start.0, self.len) })
    }

    /// The elements to write, after the last copy.
    ///
    /// # Errors
    /// The first fault of the work that the copy waited for.
    pub fn as_mut_slice(&mut self) -> Result<&mut [T], Error> {
        self.wait()?;
        // SAFETY: as in `as_slice`; the memory is this buffer's alone.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.start.0, self.len) })
    }

    /// Waits for the last copy.
    ///
    /// # Errors
    /// The first fault of the work that the copy waited for.
    pub fn wait(&mut self) -> Result<(), Error> {
        match self.copying {
            Copying::Over => {}
            Copying::UntilEvent => self.last_copy.synchronize()?,
            Copying::Unknown => self.context.synchronize()?,
        }
        self.copying = Copying::Over;
        Ok(())
    }

    pub(crate) const fn start(&self) -> *mut T {
        self.start.0
    }

    /// Before a copy is enqueued.
    pub(crate) fn begin_copy(&mut self) -> Result<(), Error> {
        // Copies on different streams may overtake each other: one at a time, so that one event stands for all.
        self.wait()?;
        self.copying = Copying::Unknown;
        Ok(())
    }

    pub(crate) fn copy_enqueued(&mut self, stream: &Stream) -> Result<(), Error> {
        self.last_copy.record(stream)?;
        self.copying = Copying::UntilEvent;
        Ok(())
    }
}

impl<T> Drop for PinnedBuffer<T> {
    fn drop(&mut self) {
        let Ok(_entered) = self.context.enter_to_give_back() else { return };
        let is_over = match self.copying {
            Copying::Over => true,
            Copying::UntilEvent => self.last_copy.synchronize().is_ok(),
            Copying::Unknown => self.context.synchronize().is_ok(),
        };
        // If the end of the copy cannot be known, the memory is left to it.
        if is_over {
            // SAFETY: allocated by `new`, freed once here; no copy is going on.
            let _ = unsafe { (self.context.driver().api().mem_free_host)(self.start.0.cast()) };
        }
    }
}
