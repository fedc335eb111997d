//! Streams and capture.

use std::ffi::{c_int, c_uint};

use tilewright_ffi::sys::{
    CUcontext, CUevent, CUgraph, CUresult, CUstream, CUstreamCaptureMode, CUstreamCaptureStatus,
};

use super::{Chip, Handle, answer, check_place, put};
use crate::code::Code;

pub(super) unsafe extern "C" fn create<C: Chip>(stream: *mut CUstream, flags: c_uint) -> CUresult {
    answer::<C>("cuStreamCreate", |driver| {
        check_place(stream)?;
        let handle = driver.create_stream(flags, 0)?;
        // SAFETY: `stream` is valid: the caller's contract.
        unsafe { put(stream, Handle::from_number(handle)) }
    })
}

pub(super) unsafe extern "C" fn create_with_priority<C: Chip>(
    stream: *mut CUstream,
    flags: c_uint,
    priority: c_int,
) -> CUresult {
    answer::<C>("cuStreamCreateWithPriority", |driver| {
        check_place(stream)?;
        let handle = driver.create_stream(flags, priority)?;
        // SAFETY: `stream` is valid: the caller's contract.
        unsafe { put(stream, Handle::from_number(handle)) }
    })
}

pub(super) unsafe extern "C" fn destroy<C: Chip>(stream: CUstream) -> CUresult {
    answer::<C>("cuStreamDestroy_v2", |driver| driver.destroy_stream(stream.number()))
}

pub(super) unsafe extern "C" fn synchronize<C: Chip>(stream: CUstream) -> CUresult {
    answer::<C>("cuStreamSynchronize", |driver| driver.wait_for_stream(stream.number()))
}

/// Nothing is ever behind: what was enqueued is done.
pub(super) unsafe extern "C" fn query<C: Chip>(stream: CUstream) -> CUresult {
    answer::<C>("cuStreamQuery", |driver| driver.wait_for_stream(stream.number()))
}

pub(super) unsafe extern "C" fn wait_event<C: Chip>(stream: CUstream, event: CUevent, flags: c_uint) -> CUresult {
    answer::<C>("cuStreamWaitEvent", |driver| {
        if flags > 1 {
            return Err(Code::INVALID_VALUE);
        }
        driver.stream_waits(stream.number(), event.number())
    })
}

pub(super) unsafe extern "C" fn context<C: Chip>(stream: CUstream, context: *mut CUcontext) -> CUresult {
    answer::<C>("cuStreamGetCtx", |driver| {
        driver.current()?;
        driver.stream(stream.number())?;
        let handle = driver.current_handle()?;
        // SAFETY: `context` is null or valid: the caller's contract.
        unsafe { put(context, Handle::from_number(handle)) }
    })
}

pub(super) unsafe extern "C" fn flags<C: Chip>(stream: CUstream, flags: *mut c_uint) -> CUresult {
    answer::<C>("cuStreamGetFlags", |driver| {
        driver.current()?;
        let created = driver.stream(stream.number())?.created;
        // SAFETY: `flags` is null or valid: the caller's contract.
        unsafe { put(flags, created.map_or(0, |created| created.flags)) }
    })
}

pub(super) unsafe extern "C" fn priority<C: Chip>(stream: CUstream, priority: *mut c_int) -> CUresult {
    answer::<C>("cuStreamGetPriority", |driver| {
        driver.current()?;
        let created = driver.stream(stream.number())?.created;
        // SAFETY: `priority` is null or valid: the caller's contract.
        unsafe { put(priority, created.map_or(0, |created| created.priority)) }
    })
}

pub(super) unsafe extern "C" fn begin_capture<C: Chip>(stream: CUstream, mode: CUstreamCaptureMode) -> CUresult {
    answer::<C>("cuStreamBeginCapture_v2", |driver| driver.begin_capture(stream.number(), mode.0))
}

pub(super) unsafe extern "C" fn end_capture<C: Chip>(stream: CUstream, graph: *mut CUgraph) -> CUresult {
    answer::<C>("cuStreamEndCapture", |driver| {
        check_place(graph)?;
        let ended = driver.end_capture(stream.number());
        // SAFETY: `graph` is valid: the caller's contract. A capture that failed gives a null graph.
        unsafe { put(graph, Handle::from_number(ended.unwrap_or(0))) }?;
        ended.map(|_| ())
    })
}

pub(super) unsafe extern "C" fn exchange_mode<C: Chip>(mode: *mut CUstreamCaptureMode) -> CUresult {
    answer::<C>("cuThreadExchangeStreamCaptureMode", |driver| {
        check_place(mode)?;
        driver.check_initialized()?;
        // SAFETY: not null, so valid for a read: the caller's contract.
        let wanted = unsafe { mode.read() };
        let before = driver.exchange_capture_mode(wanted.0)?;
        // SAFETY: `mode` is valid for a write too: the caller's contract.
        unsafe { put(mode, CUstreamCaptureMode(before)) }
    })
}

pub(super) unsafe extern "C" fn is_capturing<C: Chip>(
    stream: CUstream,
    status: *mut CUstreamCaptureStatus,
) -> CUresult {
    answer::<C>("cuStreamIsCapturing", |driver| {
        let now = driver.capture_status(stream.number())?;
        // SAFETY: `status` is null or valid: the caller's contract.
        unsafe { put(status, CUstreamCaptureStatus(now)) }
    })
}
