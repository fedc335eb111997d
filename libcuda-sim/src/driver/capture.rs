//! Stream capture and graphs: operations kept to be performed later.

use std::cell::Cell;
use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;

use super::Driver;
use super::operation::Operation;
use crate::code::{Code, Result};

/// A capture in progress. Streams that joined it share it, so the operations stand in the order in which they were recorded.
#[derive(Debug)]
pub(crate) struct Capture {
    /// The stream on which it was begun, and on which it must end.
    pub(crate) origin: u64,
    /// The thread that may end it, unless the mode is relaxed.
    thread: ThreadId,
    mode: Mode,
    progress: Mutex<Progress>,
}

/// Which calls a capture forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// What could wait for the device, by any thread; the simulator looks at the capturing thread only.
    Global,
    /// What could wait for the device, by the capturing thread.
    ThreadLocal,
    /// Nothing.
    Relaxed,
}

impl Mode {
    pub(crate) const fn from_number(number: u32) -> Result<Self> {
        match number {
            0 => Ok(Self::Global),
            1 => Ok(Self::ThreadLocal),
            2 => Ok(Self::Relaxed),
            _ => Err(Code::INVALID_VALUE),
        }
    }
}

thread_local! {
    /// What this thread may do while it captures: the mode of the capture, unless this is relaxed.
    static EXEMPT: Cell<Mode> = const { Cell::new(Mode::Global) };
}

impl Driver {
    /// `cuThreadExchangeStreamCaptureMode`: the mode of before.
    pub(crate) fn exchange_capture_mode(&self, mode: u32) -> Result<u32> {
        let mode = Mode::from_number(mode)?;
        let before = EXEMPT.try_with(|exempt| exempt.replace(mode)).map_err(|_| Code::INVALID_CONTEXT)?;
        Ok(match before {
            Mode::Global => 0,
            Mode::ThreadLocal => 1,
            Mode::Relaxed => 2,
        })
    }
}

#[derive(Debug)]
enum Progress {
    Recording(Vec<Operation>),
    Invalid,
    Ended,
}

impl Capture {
    pub(crate) fn new(origin: u64, mode: Mode) -> Self {
        let progress = Mutex::new(Progress::Recording(Vec::new()));
        Self { origin, thread: std::thread::current().id(), mode, progress }
    }

    fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends an operation.
    pub(crate) fn record(&self, operation: Operation) -> Result<()> {
        match &mut *self.progress() {
            Progress::Recording(operations) => {
                operations.push(operation);
                Ok(())
            }
            Progress::Invalid | Progress::Ended => Err(Code::STREAM_CAPTURE_INVALIDATED),
        }
    }

    /// Whether the streams that joined it still capture.
    pub(crate) fn is_active(&self) -> bool {
        !matches!(*self.progress(), Progress::Ended)
    }

    pub(crate) fn is_invalid(&self) -> bool {
        matches!(*self.progress(), Progress::Invalid)
    }

    /// Makes the capture worthless because a call was made that it forbids; the error that such a call returns.
    pub(crate) fn invalidate(&self) -> Code {
        let mut progress = self.progress();
        if matches!(*progress, Progress::Recording(_)) {
            *progress = Progress::Invalid;
        }
        Code::STREAM_CAPTURE_UNSUPPORTED
    }

    /// Ends it without a graph: the stream on which it was begun is gone.
    pub(crate) fn abandon(&self) {
        *self.progress() = Progress::Ended;
    }

    /// Whether the calling thread may not wait for the device now.
    pub(crate) fn forbids_waiting(&self) -> bool {
        let may_wait =
            self.mode == Mode::Relaxed || EXEMPT.try_with(Cell::get).unwrap_or(Mode::Global) == Mode::Relaxed;
        !may_wait && self.thread == std::thread::current().id() && self.is_active()
    }

    /// Ends it; what was recorded.
    pub(crate) fn end(&self, stream: u64) -> Result<Vec<Operation>> {
        if stream != self.origin {
            return Err(Code::STREAM_CAPTURE_UNMATCHED);
        }
        if self.mode != Mode::Relaxed && self.thread != std::thread::current().id() {
            return Err(Code::STREAM_CAPTURE_WRONG_THREAD);
        }
        match std::mem::replace(&mut *self.progress(), Progress::Ended) {
            Progress::Recording(operations) => Ok(operations),
            Progress::Invalid | Progress::Ended => Err(Code::STREAM_CAPTURE_INVALIDATED),
        }
    }
}
