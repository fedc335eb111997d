//! Entry points that other entry points make up: old versions, variants that wait, questions with one answer.
//!
//! # Safety
//! Each function here is `unsafe` for the one reason for which the driver's is: the caller promises what the driver's documentation asks. A place for a
//! result is null, which is refused, or valid for a write; a string ends with a zero. The SAFETY comments call this "the caller's contract".

use std::ffi::{CStr, c_char, c_int, c_uchar, c_uint, c_ushort, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use tilewright_ffi::sys::{
    Api, CUcontext, CUdevice, CUdevice_attribute, CUdeviceptr, CUevent, CUfunction, CUfunction_attribute, CUmodule,
    CUresult, CUstream, CUstreamCaptureStatus,
};

use crate::api;
use crate::entry::Entry;

type Outcome = Result<(), CUresult>;

/// Does what a call asks for; a panic inside becomes an error.
fn answer(act: impl FnOnce(&Api) -> Outcome) -> CUresult {
    let outcome = catch_unwind(AssertUnwindSafe(|| act(api()))).unwrap_or(Err(CUresult::ERROR_UNKNOWN));
    outcome.err().unwrap_or(CUresult::SUCCESS)
}

fn check(code: CUresult) -> Outcome {
    if code.is_success() { Ok(()) } else { Err(code) }
}

/// Writes a result to where the caller wants it.
///
/// # Safety
/// `place` is null or valid for a write and aligned.
unsafe fn put<T>(place: *mut T, value: T) -> Outcome {
    if place.is_null() {
        return Err(CUresult::ERROR_INVALID_VALUE);
    }
    // SAFETY: not null, so valid and aligned: promised by the caller.
    unsafe { place.write(value) };
    Ok(())
}

fn check_device(api: &Api, device: CUdevice) -> Outcome {
    let mut same = 0;
    // SAFETY: the result is a local variable.
    check(unsafe { (api.device_get)(&raw mut same, device) })
}

/// An error unless a context is current, and the context's error if a kernel has spoilt it.
fn check_context(api: &Api) -> Outcome {
    let mut device = 0;
    // SAFETY: the result is a local variable.
    check(unsafe { (api.ctx_get_device)(&raw mut device) })
}

macro_rules! compose {
    ($($(#[$doc:meta])* fn $($symbol:ident $since:literal),+ ($($parameter:ident: $type:ty),* $(,)?) = $with:ident;)+) => {
        /// All of them.
        pub(crate) const ENTRIES: &[Entry] = &[$($(Entry::new(stringify!($symbol), $since, $symbol as *const _),)+)+];

        $(export!($($symbol)+, $with, ($($parameter: $type),*));)+
    };
}

macro_rules! export {
    ($symbol:ident $($rest:ident)*, $with:ident, ($($parameter:ident: $type:ty),*)) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $symbol($($parameter: $type),*) -> CUresult {
            // SAFETY: the caller's contract.
            answer(|api| unsafe { $with(api, $($parameter),*) })
        }
        export!($($rest)*, $with, ($($parameter: $type),*));
    };
    (, $with:ident, $parameters:tt) => {};
}

compose! {
    // Devices.
    fn cuDeviceGetUuid 9020, cuDeviceGetUuid_v2 11040(uuid: *mut [c_uchar; 16], device: CUdevice) = device_uuid;
    fn cuDeviceComputeCapability 2000(major: *mut c_int, minor: *mut c_int, device: CUdevice) = compute_capability;
    fn cuDeviceCanAccessPeer 4000(can: *mut c_int, device: CUdevice, peer: CUdevice) = can_access_peer;

    // Contexts.
    fn cuCtxCreate_v2 3020(context: *mut CUcontext, flags: c_uint, device: CUdevice) = create_context;
    fn cuCtxCreate_v3 11040(
        context: *mut CUcontext, affinity: *mut c_void, affinities: c_int, flags: c_uint, device: CUdevice,
    ) = create_context_with_affinity;
    fn cuCtxCreate_v4 12050(
        context: *mut CUcontext, parameters: *mut c_void, flags: c_uint, device: CUdevice,
    ) = create_context_with_parameters;
    fn cuCtxDestroy_v2 4000(context: CUcontext) = destroy_context;
    fn cuCtxGetFlags 7000(flags: *mut c_uint) = context_flags;
    fn cuCtxSetFlags 12010(flags: c_uint) = hint;
    fn cuCtxGetStreamPriorityRange 5050(least: *mut c_int, greatest: *mut c_int) = priority_range;
    fn cuCtxGetCacheConfig 3020(preference: *mut c_uint) = context_flags;
    fn cuCtxSetCacheConfig 3020(preference: c_uint) = hint;
    fn cuFuncSetCacheConfig 3000(function: CUfunction, preference: c_uint) = function_hint;

    // Memory.
    fn cuMemAllocHost_v2 3020(place: *mut *mut c_void, bytes: usize) = allocate_host;
    fn cuMemsetD16_v2 3020, cuMemsetD16_v2_ptds 7000(to: CUdeviceptr, value: c_ushort, count: usize) = fill_halves;
    fn cuMemsetD32_v2 3020, cuMemsetD32_v2_ptds 7000(to: CUdeviceptr, value: c_uint, count: usize) = fill_words;

    // Modules and functions.
    fn cuModuleLoad 2000(module: *mut CUmodule, path: *const c_char) = load_file;
    fn cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags 7000(
        blocks: *mut c_int, function: CUfunction, threads: c_int, dynamic_shared_bytes: usize, flags: c_uint,
    ) = resident_blocks;
    fn cuOccupancyMaxPotentialBlockSize 6050(
        blocks: *mut c_int, threads: *mut c_int, function: CUfunction, shared_of: Option<SharedOfThreads>,
        dynamic_shared_bytes: usize, limit: c_int,
    ) = best_block;
    fn cuOccupancyMaxPotentialBlockSizeWithFlags 7000(
        blocks: *mut c_int, threads: *mut c_int, function: CUfunction, shared_of: Option<SharedOfThreads>,
        dynamic_shared_bytes: usize, limit: c_int, flags: c_uint,
    ) = best_block_with_flags;

    // Streams, events, profilers.
    fn cuLaunchHostFunc 10000, cuLaunchHostFunc_ptsz 10000(
        stream: CUstream, function: Option<HostFunction>, data: *mut c_void,
    ) = call_host;
    fn cuStreamAddCallback 5000, cuStreamAddCallback_ptsz 7000(
        stream: CUstream, function: Option<Callback>, data: *mut c_void, flags: c_uint,
    ) = call_back;
    fn cuEventElapsedTime_v2 12080(milliseconds: *mut f32, start: CUevent, end: CUevent) = elapsed;
    fn cuEventRecordWithFlags 11010, cuEventRecordWithFlags_ptsz 11010(
        event: CUevent, stream: CUstream, flags: c_uint,
    ) = record;
    fn cuProfilerStart 4000() = nothing;
    fn cuProfilerStop 4000() = nothing;
}

/// `CUoccupancyB2DSize`: bytes of dynamic shared memory that a block of so many threads takes.
type SharedOfThreads = unsafe extern "C" fn(c_int) -> usize;
/// `CUhostFn`.
type HostFunction = unsafe extern "C" fn(*mut c_void);
/// `CUstreamCallback`.
type Callback = unsafe extern "C" fn(CUstream, CUresult, *mut c_void);

/// The same for every chip: there is one device.
unsafe fn device_uuid(api: &Api, uuid: *mut [c_uchar; 16], device: CUdevice) -> Outcome {
    check_device(api, device)?;
    // SAFETY: the caller's contract.
    unsafe { put(uuid, *b"tilewright  sim0") }
}

unsafe fn compute_capability(api: &Api, major: *mut c_int, minor: *mut c_int, device: CUdevice) -> Outcome {
    for (place, attribute) in
        [(major, CUdevice_attribute::COMPUTE_CAPABILITY_MAJOR), (minor, CUdevice_attribute::COMPUTE_CAPABILITY_MINOR)]
    {
        // SAFETY: null, which is refused there, or valid: the caller's contract.
        check(unsafe { (api.device_get_attribute)(place, attribute, device) })?;
    }
    Ok(())
}

unsafe fn can_access_peer(api: &Api, can: *mut c_int, device: CUdevice, peer: CUdevice) -> Outcome {
    check_device(api, device)?;
    check_device(api, peer)?;
    // SAFETY: the caller's contract.
    unsafe { put(can, 0) }
}

/// There is one context, the device's primary one: a program that creates its own gets that.
unsafe fn create_context(api: &Api, context: *mut CUcontext, _flags: c_uint, device: CUdevice) -> Outcome {
    // SAFETY: null, which is refused there, or valid: the caller's contract.
    check(unsafe { (api.device_primary_ctx_retain)(context, device) })?;
    // SAFETY: written just now.
    let created = unsafe { context.read() };
    // SAFETY: a handle may be anything.
    check(unsafe { (api.ctx_push_current)(created) })
}

unsafe fn create_context_with_affinity(
    api: &Api,
    context: *mut CUcontext,
    affinity: *mut c_void,
    affinities: c_int,
    flags: c_uint,
    device: CUdevice,
) -> Outcome {
    if !affinity.is_null() || affinities != 0 {
        return Err(CUresult::ERROR_NOT_SUPPORTED);
    }
    // SAFETY: the caller's contract.
    unsafe { create_context(api, context, flags, device) }
}

unsafe fn create_context_with_parameters(
    api: &Api,
    context: *mut CUcontext,
    parameters: *mut c_void,
    flags: c_uint,
    device: CUdevice,
) -> Outcome {
    if !parameters.is_null() {
        return Err(CUresult::ERROR_NOT_SUPPORTED);
    }
    // SAFETY: the caller's contract.
    unsafe { create_context(api, context, flags, device) }
}

unsafe fn destroy_context(api: &Api, context: CUcontext) -> Outcome {
    let mut current: CUcontext = std::ptr::null_mut();
    // SAFETY: the result is a local variable.
    check(unsafe { (api.ctx_get_current)(&raw mut current) })?;
    let mut primary: CUcontext = std::ptr::null_mut();
    // SAFETY: the result is a local variable.
    check(unsafe { (api.device_primary_ctx_retain)(&raw mut primary, 0) })?;
    // What was retained to ask.
    // SAFETY: takes a number only.
    check(unsafe { (api.device_primary_ctx_release)(0) })?;
    if context != primary {
        return Err(CUresult::ERROR_INVALID_CONTEXT);
    }
    if context == current {
        // SAFETY: null asks for nothing back.
        check(unsafe { (api.ctx_pop_current)(std::ptr::null_mut()) })?;
    }
    // SAFETY: takes a number only.
    check(unsafe { (api.device_primary_ctx_release)(0) })
}

unsafe fn context_flags(api: &Api, flags: *mut c_uint) -> Outcome {
    check_context(api)?;
    // SAFETY: the caller's contract.
    unsafe { put(flags, 0) }
}

/// What only makes a chip faster or slower.
unsafe fn hint(api: &Api, _hint: c_uint) -> Outcome {
    check_context(api)
}

unsafe fn function_hint(api: &Api, function: CUfunction, _hint: c_uint) -> Outcome {
    let mut threads = 0;
    // Whether there is such a function.
    // SAFETY: the result is a local variable.
    check(unsafe { (api.func_get_attribute)(&raw mut threads, CUfunction_attribute::MAX_THREADS_PER_BLOCK, function) })
}

unsafe fn priority_range(api: &Api, least: *mut c_int, greatest: *mut c_int) -> Outcome {
    check_context(api)?;
    // As on such chips; either may be left out.
    for (place, priority) in [(least, 0), (greatest, -5)] {
        if !place.is_null() {
            // SAFETY: the caller's contract.
            unsafe { put(place, priority) }?;
        }
    }
    Ok(())
}

unsafe fn allocate_host(api: &Api, place: *mut *mut c_void, bytes: usize) -> Outcome {
    // SAFETY: the caller's contract.
    check(unsafe { (api.mem_host_alloc)(place, bytes, 0) })
}

/// What a call that waits may be told: the fault of a spoilt context, or that the thread may not wait while it captures.
fn check_may_wait(api: &Api) -> Outcome {
    // SAFETY: no parameters.
    check(unsafe { (api.ctx_synchronize)() })
}

unsafe fn fill_halves(api: &Api, to: CUdeviceptr, value: c_ushort, count: usize) -> Outcome {
    check_may_wait(api)?;
    // SAFETY: a device address may be anything.
    check(unsafe { (api.memset_d16_async)(to, value, count, std::ptr::null_mut()) })
}

unsafe fn fill_words(api: &Api, to: CUdeviceptr, value: c_uint, count: usize) -> Outcome {
    check_may_wait(api)?;
    // SAFETY: a device address may be anything.
    check(unsafe { (api.memset_d32_async)(to, value, count, std::ptr::null_mut()) })
}

unsafe fn load_file(api: &Api, module: *mut CUmodule, path: *const c_char) -> Outcome {
    const FILE_NOT_FOUND: CUresult = CUresult(301);
    if path.is_null() {
        return Err(CUresult::ERROR_INVALID_VALUE);
    }
    // SAFETY: a string that ends with a zero: the caller's contract.
    let path = unsafe { CStr::from_ptr(path) };
    let path = path.to_str().map_err(|_| FILE_NOT_FOUND)?;
    let mut image = std::fs::read(path).map_err(|_| FILE_NOT_FOUND)?;
    image.push(0);
    // SAFETY: the image ends with a zero; `module` is the caller's.
    check(unsafe { (api.module_load_data)(module, image.as_ptr().cast()) })
}

unsafe fn resident_blocks(
    api: &Api,
    blocks: *mut c_int,
    function: CUfunction,
    threads: c_int,
    dynamic_shared_bytes: usize,
    _flags: c_uint,
) -> Outcome {
    // SAFETY: the caller's contract.
    check(unsafe { (api.occupancy_max_active_blocks)(blocks, function, threads, dynamic_shared_bytes) })
}

/// The largest block with which most threads are resident, and how many blocks fill the device.
unsafe fn best_block(
    api: &Api,
    blocks: *mut c_int,
    threads: *mut c_int,
    function: CUfunction,
    shared_of: Option<SharedOfThreads>,
    dynamic_shared_bytes: usize,
    limit: c_int,
) -> Outcome {
    const WARP: c_int = 32;
    let (mut most, mut processors) = (0, 0);
    let attribute = CUfunction_attribute::MAX_THREADS_PER_BLOCK;
    // SAFETY: the result is a local variable.
    check(unsafe { (api.func_get_attribute)(&raw mut most, attribute, function) })?;
    let attribute = CUdevice_attribute::MULTIPROCESSOR_COUNT;
    // SAFETY: the result is a local variable.
    check(unsafe { (api.device_get_attribute)(&raw mut processors, attribute, 0) })?;
    if limit > 0 {
        most = most.min(limit);
    }
    let (mut best_threads, mut best_blocks) = (0, 0);
    let mut candidate = most;
    while candidate > 0 {
        // SAFETY: a function of that type that may be called with any number of threads: the caller's contract.
        let shared = shared_of.map_or(dynamic_shared_bytes, |shared_of| unsafe { shared_of(candidate) });
        let mut resident = 0;
        // SAFETY: the result is a local variable.
        check(unsafe { (api.occupancy_max_active_blocks)(&raw mut resident, function, candidate, shared) })?;
        if resident.saturating_mul(candidate) > best_blocks * best_threads {
            (best_threads, best_blocks) = (candidate, resident);
        }
        candidate = (candidate - 1) / WARP * WARP;
    }
    // SAFETY: the caller's contract.
    unsafe { put(blocks, best_blocks.saturating_mul(processors)) }?;
    // SAFETY: the caller's contract.
    unsafe { put(threads, best_threads) }
}

#[expect(clippy::too_many_arguments, reason = "the driver's function has so many")]
unsafe fn best_block_with_flags(
    api: &Api,
    blocks: *mut c_int,
    threads: *mut c_int,
    function: CUfunction,
    shared_of: Option<SharedOfThreads>,
    dynamic_shared_bytes: usize,
    limit: c_int,
    _flags: c_uint,
) -> Outcome {
    // SAFETY: the caller's contract.
    unsafe { best_block(api, blocks, threads, function, shared_of, dynamic_shared_bytes, limit) }
}

/// An error unless the stream exists and does at once what it is told.
fn check_not_capturing(api: &Api, stream: CUstream) -> Outcome {
    let mut status = CUstreamCaptureStatus::NONE;
    // SAFETY: the result is a local variable; a handle may be anything.
    check(unsafe { (api.stream_is_capturing)(stream, &raw mut status) })?;
    if status == CUstreamCaptureStatus::NONE { Ok(()) } else { Err(CUresult::ERROR_NOT_SUPPORTED) }
}

unsafe fn call_host(api: &Api, stream: CUstream, function: Option<HostFunction>, data: *mut c_void) -> Outcome {
    let function = function.ok_or(CUresult::ERROR_INVALID_VALUE)?;
    check_not_capturing(api, stream)?;
    // SAFETY: everything in front of it in the stream is done, and it may be called with its data: the caller's contract.
    unsafe { function(data) };
    Ok(())
}

unsafe fn call_back(
    api: &Api,
    stream: CUstream,
    function: Option<Callback>,
    data: *mut c_void,
    flags: c_uint,
) -> Outcome {
    let function = function.filter(|_| flags == 0).ok_or(CUresult::ERROR_INVALID_VALUE)?;
    check_not_capturing(api, stream)?;
    // SAFETY: as for `call_host`.
    unsafe { function(stream, CUresult::SUCCESS, data) };
    Ok(())
}

unsafe fn elapsed(api: &Api, milliseconds: *mut f32, start: CUevent, end: CUevent) -> Outcome {
    // SAFETY: the caller's contract.
    check(unsafe { (api.event_elapsed_time)(milliseconds, start, end) })
}

unsafe fn record(api: &Api, event: CUevent, stream: CUstream, flags: c_uint) -> Outcome {
    if flags > 1 {
        return Err(CUresult::ERROR_INVALID_VALUE);
    }
    // SAFETY: handles may be anything.
    check(unsafe { (api.event_record)(event, stream) })
}

unsafe fn nothing(_api: &Api) -> Outcome {
    Ok(())
}
