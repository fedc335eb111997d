//! Events: moments of a stream, to wait for and to measure between.

use crate::context::Context;
use crate::error::Error;
use crate::raw::Raw;
use crate::stream::Stream;
use crate::sys::{CU_EVENT_DISABLE_TIMING, CUevent, CUevent_st, CUresult};

/// An event.
#[derive(Debug)]
pub struct Event {
    context: Context,
    raw: Raw<CUevent_st>,
}

impl Event {
    /// An event that can tell time.
    ///
    /// # Errors
    /// [`Error::Driver`].
    pub fn timed(context: &Context) -> Result<Self, Error> {
        Self::create(context, 0)
    }

    /// An event that only orders work, which is cheaper.
    ///
    /// # Errors
    /// [`Error::Driver`].
    pub fn untimed(context: &Context) -> Result<Self, Error> {
        Self::create(context, CU_EVENT_DISABLE_TIMING)
    }

    fn create(context: &Context, flags: u32) -> Result<Self, Error> {
        let _entered = context.enter()?;
        let mut raw = std::ptr::null_mut();
        // SAFETY: the result is a local variable; the context is current.
        context.check("cuEventCreate", unsafe { (context.driver().api().event_create)(&raw mut raw, flags) })?;
        Ok(Self { context: context.clone(), raw: Raw(raw) })
    }

    /// The event happens when everything enqueued on `stream` so far is done.
    ///
    /// # Errors
    /// [`Error::ForeignContext`], [`Error::Driver`].
    pub fn record(&self, stream: &Stream) -> Result<(), Error> {
        self.context.check_same(stream.context(), "the stream")?;
        let _entered = self.context.enter()?;
        // SAFETY: both are alive, in the same context.
        let code = unsafe { (self.context.driver().api().event_record)(self.raw(), stream.raw()) };
        self.context.check("cuEventRecord", code)
    }

    /// Waits until it has happened.
    ///
    /// # Errors
    /// The first fault of the work before it.
    pub fn synchronize(&self) -> Result<(), Error> {
        let _entered = self.context.enter()?;
        // SAFETY: the event is alive.
        let code = unsafe { (self.context.driver().api().event_synchronize)(self.raw()) };
        self.context.check("cuEventSynchronize", code)
    }

    /// Whether it has happened.
    ///
    /// # Errors
    /// The first fault of the work before it.
    pub fn has_happened(&self) -> Result<bool, Error> {
        let _entered = self.context.enter()?;
        // SAFETY: the event is alive.
        let code = unsafe { (self.context.driver().api().event_query)(self.raw()) };
        if code == CUresult::ERROR_NOT_READY {
            return Ok(false);
        }
        self.context.check("cuEventQuery", code).map(|()| true)
    }

    /// Milliseconds from this event to `later`; both are timed and have happened.
    ///
    /// # Errors
    /// [`Error::ForeignContext`], [`Error::Driver`].
    pub fn elapsed_ms(&self, later: &Self) -> Result<f32, Error> {
        self.context.check_same(&later.context, "the later event")?;
        let _entered = self.context.enter()?;
        let mut milliseconds = 0.0;
        let api = self.context.driver().api();
        // SAFETY: the result is a local variable; both events are alive.
        let code = unsafe { (api.event_elapsed_time)(&raw mut milliseconds, self.raw(), later.raw()) };
        self.context.check("cuEventElapsedTime", code)?;
        Ok(milliseconds)
    }

    /// The context it belongs to.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// The driver's handle.
    #[must_use]
    pub const fn raw(&self) -> CUevent {
        self.raw.0
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        if let Ok(_entered) = self.context.enter_to_give_back() {
            // SAFETY: created by `create`, destroyed once here; work that still refers to it is the driver's to care for.
            let _ = unsafe { (self.context.driver().api().event_destroy)(self.raw()) };
        }
    }
}
