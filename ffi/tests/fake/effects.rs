//! What the functions of the fake driver do to its books.

use std::ffi::{c_uint, c_void};

use tilewright_ffi::sys::{CUfunction, CUjit_option, CUresult, CUstream, CUstreamCaptureMode};

use super::state::{INVALID_HANDLE, INVALID_VALUE, Kind, Launched, Pending, State};

/// Notes the call; fails it if that was asked for.
pub(crate) fn answer(symbol: &'static str, act: impl FnOnce(&mut State) -> Result<(), u32>) -> CUresult {
    let mut state = super::state();
    state.calls.push(symbol);
    state.counted += 1;
    let gives_back = ["Destroy", "Free", "Unload", "Release", "EndCapture"].iter().any(|word| symbol.contains(word));
    // Contexts can still be made current; what waits for their work fails as the work did.
    let selects = symbol.starts_with("cuCtx") && symbol != "cuCtxSynchronize";
    let follows = state.failed.is_some() && state.failure_stays && !selects;
    if state.fail_at == Some(state.counted) || state.fail_symbol == Some(symbol) {
        state.fail_symbol = None;
        state.failed = Some(symbol);
        // A capture ends, whatever comes of it.
        if symbol == "cuStreamEndCapture" {
            state.capturing.clear();
        }
        return CUresult(state.fail_with);
    }
    if follows && !gives_back {
        return CUresult(state.fail_with);
    }
    CUresult(act(&mut state).err().unwrap_or(0))
}

/// Writes a result.
pub(crate) fn put<T>(place: *mut T, value: T) -> Result<(), u32> {
    if place.is_null() {
        return Err(INVALID_VALUE);
    }
    // SAFETY: a place for a result: the driver's contract.
    unsafe { place.write(value) };
    Ok(())
}

/// What lies at a place.
pub(crate) fn at<T: Copy>(place: *const T, index: usize) -> T {
    // SAFETY: an array with more elements than `index`: the driver's contract.
    unsafe { place.wrapping_add(index).read() }
}

pub(crate) fn handle<T>(number: u64) -> *mut T {
    std::ptr::without_provenance_mut(number as usize)
}

pub(crate) fn number<T>(handle: *mut T) -> u64 {
    handle.addr() as u64
}

pub(crate) fn on_stream(state: &mut State, stream: CUstream) -> Result<(), u32> {
    state.check_context()?;
    state.check(number(stream), Kind::Stream)
}

/// A call that waits spoils a capture.
pub(crate) fn may_wait(state: &mut State, stream: CUstream) -> Result<(), u32> {
    if state.capturing.contains(&number(stream)) {
        state.spoilt.push(number(stream));
        return Err(900);
    }
    Ok(())
}

/// A call that could wait for the device spoils every capture, unless the thread has asked to be let off. (The tests capture on one thread.)
pub(crate) fn may_free(state: &mut State) -> Result<(), u32> {
    if state.capturing.is_empty() || state.capture_mode == CUstreamCaptureMode::RELAXED {
        return Ok(());
    }
    state.spoilt.extend_from_slice(&state.capturing);
    Err(900)
}

/// A copy that is performed when something waits for it.
pub(crate) fn enqueue(
    state: &mut State,
    stream: CUstream,
    host: usize,
    device: u64,
    bytes: usize,
    to_device: bool,
) -> Result<(), u32> {
    on_stream(state, stream)?;
    state.memory(device, bytes)?;
    if state.capturing.contains(&number(stream)) {
        return Ok(());
    }
    state.copies += 1;
    let is_pinned = state.pinned.range(..=host).next_back().is_some_and(|(start, memory)| host < start + memory.len());
    let copy = Pending { stream: number(stream), number: state.copies, host, device, bytes, to_device };
    state.pending.push(copy);
    // Ordinary memory is staged before the driver returns.
    if !is_pinned {
        state.perform(|copy| copy.stream == number(stream));
    }
    Ok(())
}

pub(crate) fn parameters(state: &mut State, function: CUfunction) -> Result<Vec<usize>, u32> {
    state.check_context()?;
    if let Some(function) = state.functions.get(&number(function)) {
        return Ok(function.parameters.clone());
    }
    state.misuse.push(format!("{function:?} is no function"));
    Err(INVALID_HANDLE)
}

pub(crate) fn launched(
    state: &mut State,
    function: CUfunction,
    arguments: *mut *mut c_void,
    has_cluster: bool,
) -> Result<(), u32> {
    let sizes = parameters(state, function)?;
    let bytes = |index: usize, size: usize| {
        let argument: *const u8 = at(arguments, index).cast();
        (0..size).map(|offset| at(argument, offset)).collect()
    };
    let arguments = sizes.iter().enumerate().map(|(index, size)| bytes(index, *size)).collect();
    let kernel = state.functions.get(&number(function)).map(|function| function.name.clone()).unwrap_or_default();
    state.launches.push(Launched { kernel, arguments, has_cluster });
    Ok(())
}

/// Every byte of both logs, the last included.
pub(crate) fn fill_log(count: c_uint, options: *mut CUjit_option, values: *mut *mut c_void) {
    let value = |wanted: CUjit_option| {
        (0..count as usize).find(|index| at(options, *index) == wanted).map(|index| at(values, index))
    };
    let (Some(log), Some(bytes)) =
        (value(CUjit_option::ERROR_LOG_BUFFER), value(CUjit_option::ERROR_LOG_BUFFER_SIZE_BYTES))
    else {
        return;
    };
    for index in 0..bytes.addr() {
        let _ = put(log.cast::<u8>().wrapping_add(index), b'x');
    }
}
