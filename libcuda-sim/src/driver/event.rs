//! Events: moments of a stream.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::capture::Capture;
use super::{Driver, Object};
use crate::code::{Code, Result};

/// An event.
#[derive(Debug)]
pub(crate) struct Event {
    timed: bool,
    state: Mutex<EventState>,
}

#[derive(Debug, Default)]
struct EventState {
    recorded: Option<Instant>,
    /// The capture during which it was recorded last; the event then stands for a place in a graph, not for a moment.
    capture: Option<Arc<Capture>>,
}

/// `CU_EVENT_DISABLE_TIMING`.
const DISABLE_TIMING: u32 = 2;

impl Event {
    fn state(&self) -> MutexGuard<'_, EventState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The event happens now.
    pub(super) fn happen(&self) {
        let mut state = self.state();
        state.recorded = Some(Instant::now());
        state.capture = None;
    }

    fn check_not_captured(&self) -> Result<()> {
        // Whether the capture has ended or not, nothing has happened that one could wait for.
        if self.state().capture.is_some() { Err(Code::STREAM_CAPTURE_UNSUPPORTED) } else { Ok(()) }
    }
}

impl Driver {
    /// `cuEventCreate`.
    pub(crate) fn create_event(&self, flags: u32) -> Result<u64> {
        self.current()?;
        if flags & !0b111 != 0 {
            return Err(Code::INVALID_VALUE);
        }
        let event = Event { timed: flags & DISABLE_TIMING == 0, state: Mutex::default() };
        self.insert(Object::Event(Arc::new(event)))
    }

    /// `cuEventDestroy`.
    pub(crate) fn destroy_event(&self, handle: u64) -> Result<()> {
        self.event(handle)?;
        self.state().objects.remove(handle).map(drop).ok_or(Code::INVALID_HANDLE)?;
        self.check_spoilt()
    }

    /// `cuEventRecord`.
    pub(crate) fn record_event(&self, event: u64, stream: u64) -> Result<()> {
        self.current()?;
        let (event, stream) = (self.event(event)?, self.stream(stream)?);
        match stream.capture() {
            Some(capture) if capture.is_invalid() => return Err(Code::STREAM_CAPTURE_INVALIDATED),
            Some(capture) => event.state().capture = Some(capture),
            None => event.happen(),
        }
        Ok(())
    }

    /// `cuEventSynchronize` and `cuEventQuery`: what was recorded has happened.
    pub(crate) fn wait_for_event(&self, event: u64) -> Result<()> {
        self.current()?.check_may_wait()?;
        self.event(event)?.check_not_captured()
    }

    /// `cuEventElapsedTime` in milliseconds.
    pub(crate) fn elapsed(&self, start: u64, end: u64) -> Result<f32> {
        self.current()?;
        let (start, end) = (self.event(start)?, self.event(end)?);
        if !start.timed || !end.timed {
            return Err(Code::INVALID_HANDLE);
        }
        start.check_not_captured()?;
        end.check_not_captured()?;
        let from = start.state().recorded.ok_or(Code::INVALID_HANDLE)?;
        let to = end.state().recorded.ok_or(Code::INVALID_HANDLE)?;
        let milliseconds = |later: Instant, earlier: Instant| later.duration_since(earlier).as_secs_f32() * 1e3;
        Ok(if to >= from { milliseconds(to, from) } else { -milliseconds(from, to) })
    }

    /// `cuStreamWaitEvent`: nothing to wait for, but the stream joins the event's capture.
    pub(crate) fn stream_waits(&self, stream: u64, event: u64) -> Result<()> {
        self.current()?;
        let (stream, event) = (self.stream(stream)?, self.event(event)?);
        let captured = event.state().capture.clone().filter(|capture| capture.is_active());
        match (captured, stream.capture()) {
            (Some(capture), None) => stream.join(capture),
            (Some(capture), Some(own)) if Arc::ptr_eq(&capture, &own) => Ok(()),
            // An event from outside cannot hold up a graph.
            (_, Some(own)) => Err(own.invalidate()),
            (None, None) => Ok(()),
        }
    }
}
