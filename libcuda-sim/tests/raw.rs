//! The C functions themselves: null pointers, bad handles and wrong numbers are codes, never a crash.

#![expect(unsafe_code, reason = "C functions")]

mod support;

use std::ffi::{CStr, c_int, c_void};
use std::ptr::{null, null_mut, without_provenance_mut};

use support::{ADD, Device, add, module};
use tilewright_ffi::sys::*;
use tilewright_ffi::{Arguments, Context, Launch};
use tilewright_libcuda_sim::Profile;

/// Calls a function of the table; its code.
macro_rules! call {
    ($api:ident.$function:ident($($argument:expr),* $(,)?)) => {
        // SAFETY: pointers are null or lead to what the function writes or reads; handles and numbers may be anything.
        unsafe { ($api.$function)($($argument),*) }.0
    };
}

const INVALID_VALUE: u32 = 1;
const INVALID_CONTEXT: u32 = 201;
const INVALID_HANDLE: u32 = 400;

/// A device whose primary context is current on this thread.
fn current(profile: Profile) -> (Device, Context, Api) {
    let device = Device::open(profile);
    let context = device.context();
    let api = *device.driver.api();
    assert_eq!(call!(api.ctx_set_current(context.raw())), 0);
    (device, context, api)
}

/// Handles of nothing: null, small, and one with a generation that was never given out.
fn made_up<T>() -> [*mut T; 4] {
    [3, 0x100_0001 << 24, usize::MAX, 0x7FFF_0000_0000].map(without_provenance_mut)
}

#[test]
fn a_place_for_a_result_that_is_null_is_an_invalid_value() {
    let (_device, context, api) = current(Profile::Sm80);
    let stream = context.stream().unwrap();
    let codes = [
        call!(api.driver_get_version(null_mut())),
        call!(api.device_get_count(null_mut())),
        call!(api.device_get(null_mut(), 0)),
        call!(api.device_get_name(null_mut(), 10, 0)),
        call!(api.device_total_mem(null_mut(), 0)),
        call!(api.device_get_attribute(null_mut(), CUdevice_attribute(1), 0)),
        call!(api.device_primary_ctx_retain(null_mut(), 0)),
        call!(api.device_primary_ctx_get_state(0, null_mut(), null_mut())),
        call!(api.ctx_get_current(null_mut())),
        call!(api.ctx_get_device(null_mut())),
        call!(api.mem_alloc(null_mut(), 16)),
        call!(api.mem_get_info(null_mut(), null_mut())),
        call!(api.mem_host_alloc(null_mut(), 16, 0)),
        call!(api.pointer_get_attribute(null_mut(), CUpointer_attribute(1), 0)),
        call!(api.stream_create(null_mut(), 0)),
        call!(api.stream_get_ctx(stream.raw(), null_mut())),
        call!(api.stream_get_flags(stream.raw(), null_mut())),
        call!(api.stream_get_priority(stream.raw(), null_mut())),
        call!(api.stream_is_capturing(stream.raw(), null_mut())),
        call!(api.thread_exchange_capture_mode(null_mut())),
        call!(api.event_create(null_mut(), 0)),
        call!(api.event_elapsed_time(null_mut(), null_mut(), null_mut())),
        call!(api.module_load_data(null_mut(), null())),
        call!(api.module_get_function(null_mut(), null_mut(), null())),
        call!(api.func_get_attribute(null_mut(), CUfunction_attribute(0), null_mut())),
        call!(api.occupancy_max_active_blocks(null_mut(), null_mut(), 32, 0)),
    ];
    assert!(codes.iter().all(|code| *code == INVALID_VALUE), "{codes:?}");
    let mut module = null_mut();
    assert_eq!(call!(api.module_load_data(&raw mut module, null())), INVALID_VALUE);
    let mut flags = 0;
    assert_eq!(call!(api.stream_get_flags(stream.raw(), &raw mut flags)), 0);
    assert_eq!(flags, CU_STREAM_NON_BLOCKING);
}

#[test]
fn made_up_handles_are_refused() {
    let (_device, _context, api) = current(Profile::Sm80);
    let mut number: c_int = 0;
    for handle in made_up() {
        assert_eq!(call!(api.stream_destroy(handle)), INVALID_HANDLE, "{handle:?}");
        assert_eq!(call!(api.stream_synchronize(handle)), INVALID_HANDLE);
        assert_eq!(call!(api.memset_d8_async(0, 0, 1, handle)), INVALID_HANDLE);
    }
    for handle in made_up() {
        assert_eq!(call!(api.event_destroy(handle)), INVALID_HANDLE);
        assert_eq!(call!(api.event_record(handle, null_mut())), INVALID_HANDLE);
        assert_eq!(call!(api.event_query(handle)), INVALID_HANDLE);
        assert_eq!(call!(api.stream_wait_event(null_mut(), handle, 0)), INVALID_HANDLE);
    }
    for handle in made_up() {
        let mut function = null_mut();
        assert_eq!(call!(api.module_unload(handle)), INVALID_HANDLE);
        assert_eq!(call!(api.module_get_function(&raw mut function, handle, c"add".as_ptr())), INVALID_HANDLE);
    }
    for handle in made_up() {
        assert_eq!(call!(api.func_get_attribute(&raw mut number, CUfunction_attribute(0), handle)), INVALID_HANDLE);
        assert_eq!(call!(api.func_set_attribute(handle, CUfunction_attribute(8), 0)), INVALID_HANDLE);
        let launched = call!(api.launch_kernel(handle, 1, 1, 1, 1, 1, 1, 0, null_mut(), null_mut(), null_mut()));
        assert_eq!(launched, INVALID_HANDLE);
    }
    for handle in made_up() {
        assert_eq!(call!(api.graph_destroy(handle)), INVALID_VALUE);
    }
    for handle in made_up() {
        assert_eq!(call!(api.graph_launch(handle, null_mut())), INVALID_VALUE);
        assert_eq!(call!(api.graph_exec_destroy(handle)), INVALID_VALUE);
    }
    for handle in made_up() {
        assert_eq!(call!(api.ctx_set_current(handle)), INVALID_CONTEXT);
        assert_eq!(call!(api.ctx_push_current(handle)), INVALID_CONTEXT);
    }
}

#[test]
fn what_was_given_back_cannot_be_given_back_again() {
    let (_device, _context, api) = current(Profile::Sm80);
    let mut stream = null_mut();
    assert_eq!(call!(api.stream_create(&raw mut stream, 1)), 0);
    assert_eq!([call!(api.stream_destroy(stream)), call!(api.stream_destroy(stream))], [0, INVALID_HANDLE]);
    let mut event = null_mut();
    assert_eq!(call!(api.event_create(&raw mut event, 0)), 0);
    assert_eq!([call!(api.event_destroy(event)), call!(api.event_destroy(event))], [0, INVALID_HANDLE]);
    let mut address = 0;
    assert_eq!(call!(api.mem_alloc(&raw mut address, 64)), 0);
    assert_eq!(call!(api.mem_free(address + 4)), INVALID_VALUE);
    assert_eq!([call!(api.mem_free(address)), call!(api.mem_free(address))], [0, INVALID_VALUE]);
    assert_eq!(call!(api.mem_free(0)), 0);
    let mut pinned = null_mut();
    assert_eq!(call!(api.mem_host_alloc(&raw mut pinned, 64, 0)), 0);
    assert_eq!([call!(api.mem_free_host(pinned)), call!(api.mem_free_host(pinned))], [0, INVALID_VALUE]);
    let text = std::ffi::CString::new(add()).unwrap();
    let mut module = null_mut();
    assert_eq!(call!(api.module_load_data(&raw mut module, text.as_ptr().cast())), 0);
    let mut function = null_mut();
    assert_eq!(call!(api.module_get_function(&raw mut function, module, c"add".as_ptr())), 0);
    assert_eq!([call!(api.module_unload(module)), call!(api.module_unload(module))], [0, INVALID_HANDLE]);
    // A module takes its kernels with it.
    let mut number = 0;
    assert_eq!(call!(api.func_get_attribute(&raw mut number, CUfunction_attribute(0), function)), INVALID_HANDLE);
}

#[test]
fn copies_outside_allocations_are_refused() {
    let (_device, _context, api) = current(Profile::Sm86);
    let mut address = 0;
    assert_eq!(call!(api.mem_alloc(&raw mut address, 64)), 0);
    let mut host = [0u8; 128];
    let place: *mut c_void = host.as_mut_ptr().cast();
    for (start, bytes) in [(address, 65), (address + 64, 1), (address - 1, 2), (0, 1), (u64::MAX, 1), (u64::MAX, 100)] {
        assert_eq!(call!(api.memcpy_htod(start, place, bytes)), INVALID_VALUE, "{start:#x} {bytes}");
        assert_eq!(call!(api.memcpy_dtoh(place, start, bytes)), INVALID_VALUE);
        assert_eq!(call!(api.memcpy_dtod(start, address, bytes)), INVALID_VALUE);
        assert_eq!(call!(api.memcpy_dtod(address, start, bytes)), INVALID_VALUE);
        assert_eq!(call!(api.memset_d8(start, 0, bytes)), INVALID_VALUE);
    }
    assert_eq!(call!(api.memset_d32_async(address, 0, usize::MAX / 2, null_mut())), INVALID_VALUE);
    assert_eq!(call!(api.memset_d32_async(address + 2, 0, 1, null_mut())), INVALID_VALUE);
    assert_eq!(call!(api.memcpy_htod(address, null(), 1)), INVALID_VALUE);
    assert_eq!(call!(api.memcpy_htod(address, null(), 0)), 0);
    assert_eq!(call!(api.mem_alloc(&raw mut address, 0)), INVALID_VALUE);
    assert_eq!(call!(api.mem_alloc(&raw mut address, usize::MAX)), CUresult::ERROR_OUT_OF_MEMORY.0);
    // Wide fills repeat their pattern.
    assert_eq!(call!(api.memset_d16_async(address, 0x1234, 3, null_mut())), 0);
    assert_eq!(call!(api.memset_d32_async(address + 8, 0x1122_3344, 2, null_mut())), 0);
    assert_eq!(call!(api.memcpy_dtoh(place, address, 16)), 0);
    assert_eq!(host[..6], [0x34, 0x12, 0x34, 0x12, 0x34, 0x12]);
    assert_eq!(host[8..16], [0x44, 0x33, 0x22, 0x11, 0x44, 0x33, 0x22, 0x11]);
}

#[test]
fn calls_without_a_context_say_so() {
    let (_device, _context, api) = current(Profile::Sm86);
    std::thread::spawn(move || {
        let (mut address, mut stream, mut context) = (0, null_mut(), null_mut());
        assert_eq!(call!(api.ctx_get_current(&raw mut context)), 0);
        assert!(context.is_null());
        assert_eq!(call!(api.mem_alloc(&raw mut address, 1)), INVALID_CONTEXT);
        assert_eq!(call!(api.stream_create(&raw mut stream, 0)), INVALID_CONTEXT);
        assert_eq!(call!(api.ctx_synchronize()), INVALID_CONTEXT);
        assert_eq!(call!(api.ctx_pop_current(&raw mut context)), INVALID_CONTEXT);
    })
    .join()
    .expect("no panic");
}

#[test]
fn contexts_are_pushed_and_popped() {
    let (_device, context, api) = current(Profile::Sm89);
    let mut seen = null_mut();
    assert_eq!(call!(api.ctx_push_current(context.raw())), 0);
    assert_eq!(call!(api.ctx_pop_current(&raw mut seen)), 0);
    assert_eq!(seen, context.raw());
    assert_eq!(call!(api.ctx_get_current(&raw mut seen)), 0);
    assert_eq!(seen, context.raw());
    let mut device = -1;
    assert_eq!(call!(api.ctx_get_device(&raw mut device)), 0);
    assert_eq!(device, 0);
    assert_eq!(call!(api.ctx_set_current(null_mut())), 0);
    assert_eq!(call!(api.ctx_get_device(&raw mut device)), INVALID_CONTEXT);
}

#[test]
fn errors_have_names_and_unknown_codes_have_none() {
    let (_device, _context, api) = current(Profile::Sm89);
    for (name, code) in [(c"CUDA_SUCCESS", 0), (c"CUDA_ERROR_ILLEGAL_ADDRESS", 700), (c"CUDA_ERROR_UNKNOWN", 999)] {
        let mut text = null();
        assert_eq!(call!(api.get_error_name(CUresult(code), &raw mut text)), 0);
        // SAFETY: a text of the driver's, which ends with a zero.
        assert_eq!(unsafe { CStr::from_ptr(text) }, name);
    }
    let mut text = c"".as_ptr();
    assert_eq!(call!(api.get_error_name(CUresult(99_999), &raw mut text)), INVALID_VALUE);
    assert!(text.is_null());
}

#[test]
fn launches_with_wrong_numbers_are_refused_and_spoil_nothing() {
    let (_device, context, api) = current(Profile::Sm90);
    let stream = context.stream().unwrap();
    let function = context.load_ptx(&add()).unwrap().function("add", ADD).unwrap();
    let launch = |grid: [u32; 3], block: [u32; 3], shared, arguments| {
        let ([gx, gy, gz], [bx, by, bz]) = (grid, block);
        call!(api.launch_kernel(function.raw(), gx, gy, gz, bx, by, bz, shared, stream.raw(), arguments, null_mut()))
    };
    let mut nulls = [null_mut(); 3];
    let one = [1; 3];
    for (grid, block, shared) in [
        ([0, 1, 1], one, 0),
        ([1 << 31, 1, 1], one, 0),
        ([1, 65_536, 1], one, 0),
        (one, [0, 1, 1], 0),
        (one, [1025, 1, 1], 0),
        (one, [1, 1, 65], 0),
        (one, [u32::MAX; 3], 0),
        (one, one, 48 * 1024 + 1),
        (one, one, u32::MAX),
    ] {
        assert_eq!(launch(grid, block, shared, nulls.as_mut_ptr()), INVALID_VALUE, "{grid:?} {block:?} {shared}");
    }
    // No arguments, and arguments that lead nowhere.
    assert_eq!(launch(one, one, 0, null_mut()), INVALID_VALUE);
    assert_eq!(launch(one, one, 0, nulls.as_mut_ptr()), INVALID_VALUE);
    assert!(stream.synchronize().is_ok());
}

#[test]
fn a_stream_destroyed_while_it_captures_takes_the_capture_with_it() {
    let (_device, context, api) = current(Profile::Sm90);
    let mut stream = null_mut();
    assert_eq!(call!(api.stream_create(&raw mut stream, 1)), 0);
    assert_eq!(call!(api.stream_begin_capture(stream, CUstreamCaptureMode::THREAD_LOCAL)), 0);
    assert_eq!(call!(api.stream_begin_capture(stream, CUstreamCaptureMode::THREAD_LOCAL)), 401);
    let mut address = 0;
    assert_eq!(call!(api.mem_alloc(&raw mut address, 1)), 900);
    let mut status = CUstreamCaptureStatus::NONE;
    assert_eq!(call!(api.stream_is_capturing(stream, &raw mut status)), 0);
    assert_eq!(status, CUstreamCaptureStatus::INVALIDATED);
    assert_eq!(call!(api.stream_destroy(stream)), 0);
    // This thread may wait again.
    assert_eq!(call!(api.mem_alloc(&raw mut address, 1)), 0);
    assert!(context.synchronize().is_ok());
}

#[test]
fn a_capture_that_another_thread_ends_is_refused_and_goes_on() {
    let (_device, context, api) = current(Profile::Sm90);
    let stream = context.stream().unwrap();
    assert_eq!(call!(api.stream_begin_capture(stream.raw(), CUstreamCaptureMode::THREAD_LOCAL)), 0);
    std::thread::scope(|scope| {
        let (stream, context) = (&stream, &context);
        scope.spawn(move || {
            let mut graph = null_mut();
            assert_eq!(call!(api.ctx_set_current(context.raw())), 0);
            assert_eq!(call!(api.stream_end_capture(stream.raw(), &raw mut graph)), 908);
            assert!(graph.is_null());
            // Another thread may wait in this mode.
            let mut address = 0;
            assert_eq!(call!(api.mem_alloc(&raw mut address, 1)), 0);
        });
    });
    let mut graph = null_mut();
    assert_eq!(call!(api.stream_end_capture(stream.raw(), &raw mut graph)), 0);
    assert!(!graph.is_null());
    assert_eq!(call!(api.stream_end_capture(stream.raw(), &raw mut graph)), 401);
}

#[test]
fn logs_end_inside_the_buffer() {
    let (_device, _context, api) = current(Profile::Sm90);
    let text = std::ffi::CString::new(module("broken", "", "add.rn.f32 %f2, %f1;")).unwrap();
    let mut whole = 0;
    for bytes in [0usize, 1, 2, 20, 10_000] {
        let mut log = vec![0x7Fu8; bytes + 1];
        let mut options = [CUjit_option::ERROR_LOG_BUFFER, CUjit_option::ERROR_LOG_BUFFER_SIZE_BYTES];
        let mut values: [*mut c_void; 2] = [log.as_mut_ptr().cast(), without_provenance_mut(bytes)];
        let mut module = null_mut();
        let code = call!(api.module_load_data_ex(
            &raw mut module,
            text.as_ptr().cast(),
            2,
            options.as_mut_ptr(),
            values.as_mut_ptr()
        ));
        assert_eq!(code, CUresult::ERROR_INVALID_PTX.0);
        assert_eq!(log[bytes], 0x7F, "written past {bytes} bytes");
        if bytes > 0 {
            let end = log.iter().position(|byte| *byte == 0).expect("a zero");
            assert_eq!(end, values[1].addr());
            assert!(end < bytes);
            whole = whole.max(end);
        }
    }
    assert!(whole > 20);
    let mut module = null_mut();
    assert_eq!(
        call!(api.module_load_data_ex(&raw mut module, text.as_ptr().cast(), 2, null_mut(), null_mut())),
        INVALID_VALUE
    );
}

#[test]
fn a_launch_through_the_safe_layer_still_works_after_all_that() {
    let (device, context, api) = current(Profile::Sm90);
    assert_eq!(call!(api.ctx_set_current(null_mut())), 0);
    let stream = device.stream();
    let function = context.load_ptx(&add()).unwrap().function("add", ADD).unwrap();
    let mut values = stream.upload(&[1.0f32]).unwrap();
    let mut arguments = Arguments::new();
    arguments.pointer_mut(&mut values.as_slice_mut()).value(1u32).value(2.0f32);
    // SAFETY: one value.
    unsafe { function.launch(&stream, &Launch::new([1, 1, 1], 32, 0), &arguments) }.unwrap();
    assert_eq!(stream.download(values.as_slice()).unwrap(), [3.0]);
    assert!(device.simulator.take_reports().is_empty());
}
