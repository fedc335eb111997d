//! The entry points that the simulated driver has: each hands its arguments on.
//!
//! A symbol stands with the version of CUDA that brought it, as in `cudaTypedefs.h`. Those that end in `_ptds` and `_ptsz` take stream 0 for the thread's
//! own stream; here every stream does what it is told when it is told, so they are the same functions.

use std::ffi::{c_char, c_int, c_uchar, c_uint, c_ulonglong, c_ushort, c_void};

use tilewright_ffi::sys::*;

use crate::entry::Entry;
use crate::{absent, api};

macro_rules! serve {
    ($($($symbol:ident $since:literal),+ = $field:ident $parameters:tt;)+) => {
        /// All of them.
        pub(crate) const ENTRIES: &[Entry] = &[$($(Entry::new(stringify!($symbol), $since, $symbol as *const _),)+)+];

        $($(function!($symbol $field $parameters);)+)+
    };
}

macro_rules! function {
    ($symbol:ident $field:ident ($($parameter:ident: $type:ty),*)) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $symbol($($parameter: $type),*) -> CUresult {
            let function: Option<unsafe extern "C" fn($($type),*) -> CUresult> = api().$field.into();
            match function {
                // SAFETY: both are the driver's function of this symbol, so what it asks of its caller is what this one has been promised.
                Some(function) => unsafe { function($($parameter),*) },
                None => absent::answer(stringify!($symbol)),
            }
        }
    };
}

serve! {
    // Initialization, errors and devices.
    cuInit 2000 = init(flags: c_uint);
    cuDriverGetVersion 2020 = driver_get_version(version: *mut c_int);
    cuGetErrorName 6000 = get_error_name(error: CUresult, name: *mut *const c_char);
    cuGetErrorString 6000 = get_error_string(error: CUresult, text: *mut *const c_char);
    cuDeviceGetCount 2000 = device_get_count(count: *mut c_int);
    cuDeviceGet 2000 = device_get(device: *mut CUdevice, ordinal: c_int);
    cuDeviceGetName 2000 = device_get_name(name: *mut c_char, length: c_int, device: CUdevice);
    cuDeviceTotalMem_v2 3020 = device_total_mem(bytes: *mut usize, device: CUdevice);
    cuDeviceGetAttribute 2000 = device_get_attribute(value: *mut c_int, attribute: CUdevice_attribute, device: CUdevice);

    // Contexts.
    cuDevicePrimaryCtxRetain 7000 = device_primary_ctx_retain(context: *mut CUcontext, device: CUdevice);
    cuDevicePrimaryCtxRelease_v2 11000 = device_primary_ctx_release(device: CUdevice);
    cuDevicePrimaryCtxGetState 7000 = device_primary_ctx_get_state(device: CUdevice, flags: *mut c_uint, active: *mut c_int);
    cuCtxSetCurrent 4000 = ctx_set_current(context: CUcontext);
    cuCtxGetCurrent 4000 = ctx_get_current(context: *mut CUcontext);
    cuCtxPushCurrent_v2 4000 = ctx_push_current(context: CUcontext);
    cuCtxPopCurrent_v2 4000 = ctx_pop_current(context: *mut CUcontext);
    cuCtxGetDevice 2000 = ctx_get_device(device: *mut CUdevice);
    cuCtxSynchronize 2000 = ctx_synchronize();

    // Memory.
    cuMemAlloc_v2 3020 = mem_alloc(address: *mut CUdeviceptr, bytes: usize);
    cuMemFree_v2 3020 = mem_free(address: CUdeviceptr);
    cuMemGetInfo_v2 3020 = mem_get_info(free: *mut usize, total: *mut usize);
    cuMemHostAlloc 2020 = mem_host_alloc(place: *mut *mut c_void, bytes: usize, flags: c_uint);
    cuMemFreeHost 2000 = mem_free_host(address: *mut c_void);
    cuMemcpyHtoD_v2 3020, cuMemcpyHtoD_v2_ptds 7000 = memcpy_htod(to: CUdeviceptr, from: *const c_void, bytes: usize);
    cuMemcpyDtoH_v2 3020, cuMemcpyDtoH_v2_ptds 7000 = memcpy_dtoh(to: *mut c_void, from: CUdeviceptr, bytes: usize);
    cuMemcpyDtoD_v2 3020, cuMemcpyDtoD_v2_ptds 7000 = memcpy_dtod(to: CUdeviceptr, from: CUdeviceptr, bytes: usize);
    cuMemcpyHtoDAsync_v2 3020, cuMemcpyHtoDAsync_v2_ptsz 7000 = memcpy_htod_async(
        to: CUdeviceptr, from: *const c_void, bytes: usize, stream: CUstream
    );
    cuMemcpyDtoHAsync_v2 3020, cuMemcpyDtoHAsync_v2_ptsz 7000 = memcpy_dtoh_async(to: *mut c_void, from: CUdeviceptr, bytes: usize, stream: CUstream);
    cuMemcpyDtoDAsync_v2 3020, cuMemcpyDtoDAsync_v2_ptsz 7000 = memcpy_dtod_async(to: CUdeviceptr, from: CUdeviceptr, bytes: usize, stream: CUstream);
    cuMemsetD8_v2 3020, cuMemsetD8_v2_ptds 7000 = memset_d8(to: CUdeviceptr, value: c_uchar, count: usize);
    cuMemsetD8Async 3020, cuMemsetD8Async_ptsz 7000 = memset_d8_async(to: CUdeviceptr, value: c_uchar, count: usize, stream: CUstream);
    cuMemsetD16Async 3020, cuMemsetD16Async_ptsz 7000 = memset_d16_async(to: CUdeviceptr, value: c_ushort, count: usize, stream: CUstream);
    cuMemsetD32Async 3020, cuMemsetD32Async_ptsz 7000 = memset_d32_async(to: CUdeviceptr, value: c_uint, count: usize, stream: CUstream);
    cuMemAllocAsync 11020, cuMemAllocAsync_ptsz 11020 = mem_alloc_async(address: *mut CUdeviceptr, bytes: usize, stream: CUstream);
    cuMemFreeAsync 11020, cuMemFreeAsync_ptsz 11020 = mem_free_async(address: CUdeviceptr, stream: CUstream);
    cuPointerGetAttribute 4000 = pointer_get_attribute(data: *mut c_void, attribute: CUpointer_attribute, address: CUdeviceptr);

    // Streams and capture.
    cuStreamCreate 2000 = stream_create(stream: *mut CUstream, flags: c_uint);
    cuStreamCreateWithPriority 5050 = stream_create_with_priority(stream: *mut CUstream, flags: c_uint, priority: c_int);
    cuStreamDestroy_v2 4000 = stream_destroy(stream: CUstream);
    cuStreamSynchronize 2000, cuStreamSynchronize_ptsz 7000 = stream_synchronize(stream: CUstream);
    cuStreamQuery 2000, cuStreamQuery_ptsz 7000 = stream_query(stream: CUstream);
    cuStreamWaitEvent 3020, cuStreamWaitEvent_ptsz 7000 = stream_wait_event(stream: CUstream, event: CUevent, flags: c_uint);
    cuStreamGetCtx 9020, cuStreamGetCtx_ptsz 9020 = stream_get_ctx(stream: CUstream, context: *mut CUcontext);
    cuStreamGetFlags 5050, cuStreamGetFlags_ptsz 7000 = stream_get_flags(stream: CUstream, flags: *mut c_uint);
    cuStreamGetPriority 5050, cuStreamGetPriority_ptsz 7000 = stream_get_priority(stream: CUstream, priority: *mut c_int);
    cuStreamBeginCapture_v2 10010, cuStreamBeginCapture_v2_ptsz 10010 = stream_begin_capture(stream: CUstream, mode: CUstreamCaptureMode);
    cuStreamEndCapture 10000, cuStreamEndCapture_ptsz 10000 = stream_end_capture(stream: CUstream, graph: *mut CUgraph);
    cuStreamIsCapturing 10000, cuStreamIsCapturing_ptsz 10000 = stream_is_capturing(stream: CUstream, status: *mut CUstreamCaptureStatus);
    cuThreadExchangeStreamCaptureMode 10010 = thread_exchange_capture_mode(mode: *mut CUstreamCaptureMode);

    // Events.
    cuEventCreate 2000 = event_create(event: *mut CUevent, flags: c_uint);
    cuEventDestroy_v2 4000 = event_destroy(event: CUevent);
    cuEventRecord 2000, cuEventRecord_ptsz 7000 = event_record(event: CUevent, stream: CUstream);
    cuEventSynchronize 2000 = event_synchronize(event: CUevent);
    cuEventQuery 2000 = event_query(event: CUevent);
    cuEventElapsedTime 2000 = event_elapsed_time(milliseconds: *mut f32, start: CUevent, end: CUevent);

    // Modules and functions.
    cuModuleLoadData 2000 = module_load_data(module: *mut CUmodule, image: *const c_void);
    cuModuleLoadDataEx 2010 = module_load_data_ex(
        module: *mut CUmodule, image: *const c_void, count: c_uint, options: *mut CUjit_option, values: *mut *mut c_void
    );
    cuModuleUnload 2000 = module_unload(module: CUmodule);
    cuModuleGetFunction 2000 = module_get_function(function: *mut CUfunction, module: CUmodule, name: *const c_char);
    cuFuncGetAttribute 2020 = func_get_attribute(value: *mut c_int, attribute: CUfunction_attribute, function: CUfunction);
    cuFuncSetAttribute 9000 = func_set_attribute(function: CUfunction, attribute: CUfunction_attribute, value: c_int);
    cuFuncGetParamInfo 12040 = func_get_param_info(function: CUfunction, index: usize, offset: *mut usize, bytes: *mut usize);
    cuOccupancyMaxActiveBlocksPerMultiprocessor 6050 = occupancy_max_active_blocks(
        blocks: *mut c_int, function: CUfunction, threads: c_int, dynamic_shared_bytes: usize
    );

    // Launches.
    cuLaunchKernel 4000, cuLaunchKernel_ptsz 7000 = launch_kernel(
        function: CUfunction, grid_x: c_uint, grid_y: c_uint, grid_z: c_uint, block_x: c_uint, block_y: c_uint, block_z: c_uint,
        dynamic_shared_bytes: c_uint, stream: CUstream, params: *mut *mut c_void, extra: *mut *mut c_void
    );
    cuLaunchKernelEx 11060, cuLaunchKernelEx_ptsz 11060 = launch_kernel_ex(
        config: *const CUlaunchConfig, function: CUfunction, params: *mut *mut c_void, extra: *mut *mut c_void
    );

    // Graphs.
    cuGraphInstantiateWithFlags 11040 = graph_instantiate_with_flags(executable: *mut CUgraphExec, graph: CUgraph, flags: c_ulonglong);
    cuGraphLaunch 10000, cuGraphLaunch_ptsz 10000 = graph_launch(executable: CUgraphExec, stream: CUstream);
    cuGraphDestroy 10000 = graph_destroy(graph: CUgraph);
    cuGraphExecDestroy 10000 = graph_exec_destroy(executable: CUgraphExec);
}
