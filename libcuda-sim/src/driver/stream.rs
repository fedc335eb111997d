//! Streams: each operation is performed when it is enqueued, so a stream is only where captures happen.

use std::sync::{Arc, Mutex, PoisonError};

use super::capture::{Capture, Mode};
use super::operation::{Graph, Operation};
use super::{Driver, Object};
use crate::code::{Code, Result};

/// A stream.
#[derive(Debug)]
pub(crate) struct Stream {
    /// `None` for the legacy stream and the per-thread one, which are always there.
    pub(crate) created: Option<StreamFlags>,
    capture: Mutex<Option<Arc<Capture>>>,
}

/// How a stream was created.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamFlags {
    /// `CU_STREAM_NON_BLOCKING` or 0.
    pub(crate) flags: u32,
    pub(crate) priority: i32,
}

impl Stream {
    const fn new(created: Option<StreamFlags>) -> Self {
        Self { created, capture: Mutex::new(None) }
    }

    /// The capture that the stream is part of.
    pub(crate) fn capture(&self) -> Option<Arc<Capture>> {
        let mut capture = self.capture.lock().unwrap_or_else(PoisonError::into_inner);
        if capture.as_ref().is_some_and(|capture| !capture.is_active()) {
            *capture = None;
        }
        capture.clone()
    }

    /// Makes the stream part of `capture`.
    pub(super) fn join(&self, capture: Arc<Capture>) -> Result<()> {
        if self.created.is_none() {
            capture.invalidate();
            return Err(Code::STREAM_CAPTURE_UNSUPPORTED);
        }
        *self.capture.lock().unwrap_or_else(PoisonError::into_inner) = Some(capture);
        Ok(())
    }
}

/// The largest handle of a stream that is always there: 0 and 1 are the legacy stream, 2 the per-thread one.
const LAST_IMPLICIT: u64 = 2;

impl Driver {
    /// The stream behind a handle, or one of those that are always there.
    pub(crate) fn stream(&self, handle: u64) -> Result<Arc<Stream>> {
        if handle <= LAST_IMPLICIT { Ok(Arc::new(Stream::new(None))) } else { self.created_stream(handle) }
    }

    /// `cuStreamCreateWithPriority`.
    pub(crate) fn create_stream(&self, flags: u32, priority: i32) -> Result<u64> {
        self.current()?;
        if flags > 1 {
            return Err(Code::INVALID_VALUE);
        }
        self.insert(Object::Stream(Arc::new(Stream::new(Some(StreamFlags { flags, priority })))))
    }

    /// `cuStreamDestroy`.
    pub(crate) fn destroy_stream(&self, handle: u64) -> Result<()> {
        let stream = self.created_stream(handle)?;
        if let Some(capture) = stream.capture() {
            capture.invalidate();
            // Nobody can end it any more.
            if capture.origin == handle {
                capture.abandon();
            }
        }
        self.state().objects.remove(handle).map(drop).ok_or(Code::INVALID_HANDLE)?;
        self.check_spoilt()
    }

    /// `cuStreamSynchronize` and `cuStreamQuery`.
    pub(crate) fn wait_for_stream(&self, handle: u64) -> Result<()> {
        let context = self.current()?;
        if let Some(capture) = self.stream(handle)?.capture() {
            return Err(capture.invalidate());
        }
        context.check()
    }

    /// `cuStreamBeginCapture`.
    pub(crate) fn begin_capture(&self, handle: u64, mode: u32) -> Result<()> {
        let context = self.current()?;
        let mode = Mode::from_number(mode)?;
        let stream = self.stream(handle)?;
        if stream.created.is_none() {
            return Err(Code::STREAM_CAPTURE_UNSUPPORTED);
        }
        if stream.capture().is_some() {
            return Err(Code::ILLEGAL_STATE);
        }
        let capture = Arc::new(Capture::new(handle, mode));
        context.state().captures.push(Arc::clone(&capture));
        stream.join(capture)
    }

    /// `cuStreamEndCapture`: the graph.
    pub(crate) fn end_capture(&self, handle: u64) -> Result<u64> {
        self.current_even_poisoned()?;
        let capture = self.stream(handle)?.capture().ok_or(Code::ILLEGAL_STATE)?;
        let ended = capture.end(handle);
        self.check_spoilt()?;
        let operations = ended?;
        self.insert(Object::Graph(Arc::new(Graph { operations })))
    }

    /// `cuStreamIsCapturing`: 0 no, 1 yes, 2 the capture is invalid but has not been ended.
    pub(crate) fn capture_status(&self, handle: u64) -> Result<u32> {
        self.current()?;
        Ok(self.stream(handle)?.capture().map_or(0, |capture| if capture.is_invalid() { 2 } else { 1 }))
    }

    /// Performs an operation now, or records it if the stream captures.
    pub(crate) fn enqueue(&self, stream: u64, operation: Operation) -> Result<()> {
        let context = self.current()?;
        match self.stream(stream)?.capture() {
            Some(capture) => capture.record(operation),
            None => self.perform(&context, &operation),
        }
    }

    /// Performs an operation of a call that waits for it.
    pub(crate) fn perform_now(&self, operation: &Operation) -> Result<()> {
        let context = self.current()?;
        context.check_may_wait()?;
        self.perform(&context, operation)
    }

    /// `cuGraphInstantiate`.
    pub(crate) fn instantiate(&self, graph: u64) -> Result<u64> {
        self.current()?;
        let graph = self.graph(graph)?;
        self.insert(Object::Executable(graph))
    }

    /// `cuGraphLaunch`.
    pub(crate) fn launch_graph(&self, executable: u64, stream: u64) -> Result<()> {
        let context = self.current()?;
        let graph = self.executable(executable)?;
        if let Some(capture) = self.stream(stream)?.capture() {
            for operation in &graph.operations {
                capture.record(operation.clone())?;
            }
            return Ok(());
        }
        graph.operations.iter().try_for_each(|operation| self.perform(&context, operation))
    }

    /// `cuGraphDestroy`; works in a spoilt context too, as with NVIDIA's driver.
    pub(crate) fn destroy_graph(&self, handle: u64) -> Result<()> {
        self.graph(handle)?;
        self.state().objects.remove(handle).map(drop).ok_or(Code::INVALID_VALUE)
    }

    /// `cuGraphExecDestroy`; likewise.
    pub(crate) fn destroy_executable(&self, handle: u64) -> Result<()> {
        self.executable(handle)?;
        self.state().objects.remove(handle).map(drop).ok_or(Code::INVALID_VALUE)
    }
}
