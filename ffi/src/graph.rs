//! Graphs: work that was recorded once and is launched as a whole.

use std::cell::Cell;
use std::ptr::null_mut;

use crate::context::{Context, Entered};
use crate::error::Error;
use crate::raw::Raw;
use crate::stream::Stream;
use crate::sys::{CUgraph, CUgraph_st, CUgraphExec, CUgraphExec_st, CUstreamCaptureMode};

/// Recorded work.
#[derive(Debug)]
pub struct Graph {
    context: Context,
    raw: Raw<CUgraph_st>,
}

/// Recorded work, ready to launch.
#[derive(Debug)]
pub struct Executable {
    context: Context,
    raw: Raw<CUgraphExec_st>,
}

impl Stream {
    /// Records what `work` enqueues on this stream instead of doing it.
    ///
    /// Calls that wait (uploads, downloads, allocations, the first use of a kernel) are refused meanwhile. What is dropped is given back.
    ///
    /// # Errors
    /// What `work` returns; [`Error::Driver`] if the capture was spoilt.
    pub fn capture<E: From<Error>>(&self, work: impl FnOnce(&Self) -> Result<(), E>) -> Result<Graph, E> {
        let capture = OpenCapture::begin(self)?;
        let outcome = work(self);
        let graph = capture.end();
        // What went wrong first says more.
        outcome?;
        Ok(graph?)
    }
}

/// A capture that is ended whatever happens, a panic included. The context stays current until then: its end must not depend on entering the
/// context once more, which fails if the context was spoilt meanwhile.
struct OpenCapture<'s> {
    stream: &'s Stream,
    _entered: Entered<'s>,
    is_open: bool,
}

impl<'s> OpenCapture<'s> {
    fn begin(stream: &'s Stream) -> Result<Self, Error> {
        let context = stream.context();
        let entered = context.enter()?;
        let begin = context.driver().api().stream_begin_capture;
        // SAFETY: the stream is alive.
        let code = unsafe { begin(stream.raw(), CUstreamCaptureMode::THREAD_LOCAL) };
        context.check("cuStreamBeginCapture", code)?;
        CAPTURES.set(CAPTURES.get() + 1);
        Ok(Self { stream, _entered: entered, is_open: true })
    }

    fn end(mut self) -> Result<Graph, Error> {
        self.is_open = false;
        end_capture(self.stream)
    }
}

impl Drop for OpenCapture<'_> {
    fn drop(&mut self) {
        CAPTURES.set(CAPTURES.get().saturating_sub(1));
        // After a panic of the recorded work; the graph is worth nothing.
        if self.is_open {
            drop(end_capture(self.stream));
        }
    }
}

thread_local! {
    /// Captures that are open on this thread.
    static CAPTURES: Cell<usize> = const { Cell::new(0) };
}

/// While it lives this thread may make calls that could wait for the device although it captures: giving memory back is one. Without it the
/// memory would stay for ever, and the capture would be spoilt.
#[derive(Debug)]
pub(crate) struct Exempt<'c> {
    context: &'c Context,
    before: CUstreamCaptureMode,
}

impl<'c> Exempt<'c> {
    /// `None` if this thread does not capture, and needs none.
    pub(crate) fn new(context: &'c Context) -> Option<Self> {
        // A thread that is ending captures nothing any more.
        if CAPTURES.try_with(Cell::get).unwrap_or(0) == 0 {
            return None;
        }
        let mut mode = CUstreamCaptureMode::RELAXED;
        // SAFETY: the mode is a local variable, which receives the one of before.
        let code = unsafe { (context.driver().api().thread_exchange_capture_mode)(&raw mut mode) };
        code.is_success().then_some(Self { context, before: mode })
    }
}

impl Drop for Exempt<'_> {
    fn drop(&mut self) {
        let mut mode = self.before;
        // SAFETY: as above.
        let _ = unsafe { (self.context.driver().api().thread_exchange_capture_mode)(&raw mut mode) };
    }
}

fn end_capture(stream: &Stream) -> Result<Graph, Error> {
    let context = stream.context();
    let mut raw = null_mut();
    // SAFETY: the result is a local variable, the stream is alive.
    let code = unsafe { (context.driver().api().stream_end_capture)(stream.raw(), &raw mut raw) };
    context.check("cuStreamEndCapture", code)?;
    if raw.is_null() {
        return Err(Error::NoResult { call: "cuStreamEndCapture" });
    }
    Ok(Graph { context: context.clone(), raw: Raw(raw) })
}

impl Graph {
    /// Makes it ready to launch.
    ///
    /// # Errors
    /// [`Error::Driver`]; [`Error::MissingSymbol`] before CUDA 11.4.
    pub fn instantiate(&self) -> Result<Executable, Error> {
        let context = &self.context;
        let api = context.driver().api();
        let instantiate = context.driver().optional("cuGraphInstantiateWithFlags", api.graph_instantiate_with_flags)?;
        let _entered = context.enter()?;
        let mut raw = null_mut();
        // SAFETY: the result is a local variable, the graph is alive.
        context.check("cuGraphInstantiateWithFlags", unsafe { instantiate(&raw mut raw, self.raw(), 0) })?;
        Ok(Executable { context: context.clone(), raw: Raw(raw) })
    }

    /// The driver's handle.
    #[must_use]
    pub const fn raw(&self) -> CUgraph {
        self.raw.0
    }
}

impl Executable {
    /// Enqueues all of it on `stream`.
    ///
    /// # Safety
    /// - Every buffer and kernel that the recorded work uses is still alive, and stays so until the launch is done. (A graph holds addresses;
    ///   kernels stay loaded while the operation that made them lives.)
    /// - Memory that it writes is not used by other work meanwhile.
    ///
    /// # Errors
    /// [`Error::ForeignContext`], [`Error::Driver`].
    pub unsafe fn launch(&self, stream: &Stream) -> Result<(), Error> {
        self.context.check_same(stream.context(), "the stream")?;
        let _entered = self.context.enter()?;
        // SAFETY: both are alive; the rest is promised by the caller.
        let code = unsafe { (self.context.driver().api().graph_launch)(self.raw(), stream.raw()) };
        self.context.check("cuGraphLaunch", code)
    }

    /// The driver's handle.
    #[must_use]
    pub const fn raw(&self) -> CUgraphExec {
        self.raw.0
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        if let Ok(_entered) = self.context.enter_to_give_back() {
            // SAFETY: made by a capture, destroyed once here.
            let _ = unsafe { (self.context.driver().api().graph_destroy)(self.raw()) };
        }
    }
}

impl Drop for Executable {
    fn drop(&mut self) {
        if let Ok(_entered) = self.context.enter_to_give_back() {
            // SAFETY: made by `instantiate`, destroyed once here; the driver keeps what a launch in flight needs.
            let _ = unsafe { (self.context.driver().api().graph_exec_destroy)(self.raw()) };
        }
    }
}
