//! The table of functions.

use std::ffi::{c_char, c_int, c_uchar, c_uint, c_ulonglong, c_ushort, c_void};
use std::mem::transmute;

use super::result::CUresult;
use super::structures::{CUlaunchConfig, CUtensorMap};
use super::types::*;

/// One function of the table as text, for proofs against `cuda.h`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Signature {
    /// Its exact, versioned symbol.
    pub symbol: &'static str,
    /// The types of its parameters, in Rust.
    pub parameters: &'static [&'static str],
    /// Whether a driver without it is refused.
    pub required: bool,
}

macro_rules! field {
    (required, $($arg:ty),*) => { unsafe extern "C" fn($($arg),*) -> CUresult };
    (optional, $($arg:ty),*) => { Option<unsafe extern "C" fn($($arg),*) -> CUresult> };
}

/// A function of the driver, whatever its parameters.
pub(crate) type Entry = unsafe extern "C" fn();

macro_rules! find {
    (required, $find:ident, $missing:ident, $symbol:literal, $($arg:ty),*) => {
        match $find($symbol) {
            // SAFETY: promised by the caller: the driver's function of that symbol, whose type is the field's.
            Some(entry) => Some(unsafe { transmute::<Entry, field!(required, $($arg),*)>(entry) }),
            None => {
                $missing.push($symbol);
                None
            }
        }
    };
    (optional, $find:ident, $missing:ident, $symbol:literal, $($arg:ty),*) => {
        // SAFETY: as for the required ones.
        Some($find($symbol).map(|entry| unsafe { transmute::<Entry, field!(required, $($arg),*)>(entry) }))
    };
}

macro_rules! entry {
    (required, $function:expr, $($arg:ty),*) => {
        // SAFETY: function pointers of one ABI have one size; nobody calls it before it has its own type again.
        Some(unsafe { transmute::<field!(required, $($arg),*), Entry>($function) })
    };
    (optional, $function:expr, $($arg:ty),*) => {
        // SAFETY: as for the required ones.
        $function.map(|function| unsafe { transmute::<field!(required, $($arg),*), Entry>(function) })
    };
}

macro_rules! is_required {
    (required) => {
        true
    };
    (optional) => {
        false
    };
}

macro_rules! api {
    ($($(#[$doc:meta])* $need:ident $name:ident = $symbol:literal ($($arg:ty),* $(,)?);)+) => {
        /// The driver's functions. Optional are those that came after CUDA 11.0.
        ///
        /// # Source
        /// [CUDA Driver API](https://docs.nvidia.com/cuda/cuda-driver-api/modules.html); each field links to the page that documents it.
        #[derive(Clone, Copy, Debug)]
        #[expect(clippy::exhaustive_structs, reason = "others fill it field by field")]
        pub struct Api {
            $($(#[$doc])* pub $name: field!($need, $($arg),*),)+
        }

        impl Api {
            /// Every function, in the order of the fields.
            pub const SIGNATURES: &[Signature] = &[$(
                Signature { symbol: $symbol, parameters: &[$(stringify!($arg)),*], required: is_required!($need) },
            )+];

            /// Looks every function up; the symbols of all required ones that are missing, if any is.
            ///
            /// # Safety
            /// What `find` returns for a symbol is the driver's function of that symbol, callable as long as the result is used.
            pub(crate) unsafe fn from_symbols(
                mut find: impl FnMut(&'static str) -> Option<Entry>,
            ) -> Result<Self, Vec<&'static str>> {
                let mut missing: Vec<&'static str> = Vec::new();
                $(let $name: Option<field!($need, $($arg),*)> = find!($need, find, missing, $symbol, $($arg),*);)+
                match ($($name,)+) {
                    ($(Some($name),)+) => Ok(Self { $($name),+ }),
                    _ => Err(missing),
                }
            }

            /// The function of a symbol, if there is one.
            pub(crate) fn entry(&self, symbol: &str) -> Option<Entry> {
                match symbol {
                    $($symbol => entry!($need, self.$name, $($arg),*),)+
                    _ => None,
                }
            }
        }
    };
}

api! {
    // Driver and devices.
    /// [Initialization](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__INITIALIZE.html)
    required init = "cuInit"(c_uint);
    /// [Version](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__VERSION.html)
    required driver_get_version = "cuDriverGetVersion"(*mut c_int);
    /// [Errors](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__ERROR.html)
    required get_error_name = "cuGetErrorName"(CUresult, *mut *const c_char);
    /// [Errors](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__ERROR.html)
    required get_error_string = "cuGetErrorString"(CUresult, *mut *const c_char);
    /// [Devices](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__DEVICE.html)
    required device_get_count = "cuDeviceGetCount"(*mut c_int);
    /// [Devices](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__DEVICE.html)
    required device_get = "cuDeviceGet"(*mut CUdevice, c_int);
    /// [Devices](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__DEVICE.html)
    required device_get_name = "cuDeviceGetName"(*mut c_char, c_int, CUdevice);
    /// [Devices](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__DEVICE.html)
    required device_total_mem = "cuDeviceTotalMem_v2"(*mut usize, CUdevice);
    /// [Devices](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__DEVICE.html)
    required device_get_attribute = "cuDeviceGetAttribute"(*mut c_int, CUdevice_attribute, CUdevice);

    // Contexts.
    /// [Primary contexts](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__PRIMARY__CTX.html)
    required device_primary_ctx_retain = "cuDevicePrimaryCtxRetain"(*mut CUcontext, CUdevice);
    /// [Primary contexts](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__PRIMARY__CTX.html)
    required device_primary_ctx_release = "cuDevicePrimaryCtxRelease_v2"(CUdevice);
    /// [Primary contexts](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__PRIMARY__CTX.html)
    required device_primary_ctx_get_state = "cuDevicePrimaryCtxGetState"(CUdevice, *mut c_uint, *mut c_int);
    /// [Contexts](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__CTX.html)
    required ctx_set_current = "cuCtxSetCurrent"(CUcontext);
    /// [Contexts](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__CTX.html)
    required ctx_get_current = "cuCtxGetCurrent"(*mut CUcontext);
    /// [Contexts](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__CTX.html)
    required ctx_push_current = "cuCtxPushCurrent_v2"(CUcontext);
    /// [Contexts](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__CTX.html)
    required ctx_pop_current = "cuCtxPopCurrent_v2"(*mut CUcontext);
    /// [Contexts](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__CTX.html)
    required ctx_get_device = "cuCtxGetDevice"(*mut CUdevice);
    /// [Contexts](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__CTX.html)
    required ctx_synchronize = "cuCtxSynchronize"();

    // Memory.
    /// [Memory](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MEM.html)
    required mem_alloc = "cuMemAlloc_v2"(*mut CUdeviceptr, usize);
    /// [Memory](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MEM.html)
    required mem_free = "cuMemFree_v2"(CUdeviceptr);
    /// [Memory](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MEM.html)
    required mem_get_info = "cuMemGetInfo_v2"(*mut usize, *mut usize);
    /// [Memory](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MEM.html)
    required mem_host_alloc = "cuMemHostAlloc"(*mut *mut c_void, usize, c_uint);
    /// [Memory](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MEM.html)
    required mem_free_host = "cuMemFreeHost"(*mut c_void);
    /// [Memory](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MEM.html)
    required memcpy_htod = "cuMemcpyHtoD_v2"(CUdeviceptr, *const c_void, usize);
    /// [Memory](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MEM.html)
    required memcpy_dtoh = "cuMemcpyDtoH_v2"(*mut c_void, CUdeviceptr, usize);
    /// [Memory](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MEM.html)
    required memcpy_dtod = "cuMemcpyDtoD_v2"(CUdeviceptr, CUdeviceptr, usize);
    /// [Memory](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MEM.html)
    required memcpy_htod_async = "cuMemcpyHtoDAsync_v2"(CUdeviceptr, *const c_void, usize, CUstream);
    /// [Memory](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MEM.html)
    required memcpy_dtoh_async = "cuMemcpyDtoHAsync_v2"(*mut c_void, CUdeviceptr, usize, CUstream);
    /// [Memory](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MEM.html)
    required memcpy_dtod_async = "cuMemcpyDtoDAsync_v2"(CUdeviceptr, CUdeviceptr, usize, CUstream);
    /// [Memory](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MEM.html)
    required memset_d8 = "cuMemsetD8_v2"(CUdeviceptr, c_uchar, usize);
    /// [Memory](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MEM.html)
    required memset_d8_async = "cuMemsetD8Async"(CUdeviceptr, c_uchar, usize, CUstream);
    /// [Memory](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MEM.html)
    required memset_d16_async = "cuMemsetD16Async"(CUdeviceptr, c_ushort, usize, CUstream);
    /// [Memory](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MEM.html)
    required memset_d32_async = "cuMemsetD32Async"(CUdeviceptr, c_uint, usize, CUstream);
    /// [Stream-ordered memory](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MALLOC__ASYNC.html)
    optional mem_alloc_async = "cuMemAllocAsync"(*mut CUdeviceptr, usize, CUstream);
    /// [Stream-ordered memory](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MALLOC__ASYNC.html)
    optional mem_free_async = "cuMemFreeAsync"(CUdeviceptr, CUstream);
    /// [Unified addressing](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__UNIFIED.html)
    required pointer_get_attribute = "cuPointerGetAttribute"(*mut c_void, CUpointer_attribute, CUdeviceptr);

    // Streams and events.
    /// [Streams](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__STREAM.html)
    required stream_create = "cuStreamCreate"(*mut CUstream, c_uint);
    /// [Streams](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__STREAM.html)
    required stream_create_with_priority = "cuStreamCreateWithPriority"(*mut CUstream, c_uint, c_int);
    /// [Streams](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__STREAM.html)
    required stream_destroy = "cuStreamDestroy_v2"(CUstream);
    /// [Streams](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__STREAM.html)
    required stream_synchronize = "cuStreamSynchronize"(CUstream);
    /// [Streams](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__STREAM.html)
    required stream_query = "cuStreamQuery"(CUstream);
    /// [Streams](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__STREAM.html)
    required stream_wait_event = "cuStreamWaitEvent"(CUstream, CUevent, c_uint);
    /// [Streams](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__STREAM.html)
    required stream_get_ctx = "cuStreamGetCtx"(CUstream, *mut CUcontext);
    /// [Streams](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__STREAM.html)
    required stream_get_flags = "cuStreamGetFlags"(CUstream, *mut c_uint);
    /// [Streams](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__STREAM.html)
    required stream_get_priority = "cuStreamGetPriority"(CUstream, *mut c_int);
    /// [Events](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__EVENT.html)
    required event_create = "cuEventCreate"(*mut CUevent, c_uint);
    /// [Events](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__EVENT.html)
    required event_destroy = "cuEventDestroy_v2"(CUevent);
    /// [Events](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__EVENT.html)
    required event_record = "cuEventRecord"(CUevent, CUstream);
    /// [Events](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__EVENT.html)
    required event_synchronize = "cuEventSynchronize"(CUevent);
    /// [Events](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__EVENT.html)
    required event_query = "cuEventQuery"(CUevent);
    /// [Events](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__EVENT.html)
    required event_elapsed_time = "cuEventElapsedTime"(*mut f32, CUevent, CUevent);

    // Modules, kernels, launches.
    /// [Modules](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MODULE.html)
    required module_load_data = "cuModuleLoadData"(*mut CUmodule, *const c_void);
    /// [Modules](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MODULE.html)
    required module_load_data_ex =
        "cuModuleLoadDataEx"(*mut CUmodule, *const c_void, c_uint, *mut CUjit_option, *mut *mut c_void);
    /// [Modules](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MODULE.html)
    required module_unload = "cuModuleUnload"(CUmodule);
    /// [Modules](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__MODULE.html)
    required module_get_function = "cuModuleGetFunction"(*mut CUfunction, CUmodule, *const c_char);
    /// [Execution](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__EXEC.html)
    required func_get_attribute = "cuFuncGetAttribute"(*mut c_int, CUfunction_attribute, CUfunction);
    /// [Execution](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__EXEC.html)
    required func_set_attribute = "cuFuncSetAttribute"(CUfunction, CUfunction_attribute, c_int);
    /// [Execution](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__EXEC.html), since CUDA 12.4
    optional func_get_param_info = "cuFuncGetParamInfo"(CUfunction, usize, *mut usize, *mut usize);
    /// [Execution](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__EXEC.html)
    required launch_kernel = "cuLaunchKernel"(
        CUfunction,
        c_uint,
        c_uint,
        c_uint,
        c_uint,
        c_uint,
        c_uint,
        c_uint,
        CUstream,
        *mut *mut c_void,
        *mut *mut c_void,
    );
    /// [Execution](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__EXEC.html), since CUDA 11.8
    optional launch_kernel_ex =
        "cuLaunchKernelEx"(*const CUlaunchConfig, CUfunction, *mut *mut c_void, *mut *mut c_void);
    /// [Occupancy](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__OCCUPANCY.html)
    required occupancy_max_active_blocks =
        "cuOccupancyMaxActiveBlocksPerMultiprocessor"(*mut c_int, CUfunction, c_int, usize);

    // Graphs.
    /// [Stream capture](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__STREAM.html)
    required stream_begin_capture = "cuStreamBeginCapture_v2"(CUstream, CUstreamCaptureMode);
    /// [Stream capture](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__STREAM.html)
    required stream_end_capture = "cuStreamEndCapture"(CUstream, *mut CUgraph);
    /// [Stream capture](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__STREAM.html)
    required stream_is_capturing = "cuStreamIsCapturing"(CUstream, *mut CUstreamCaptureStatus);
    /// [Stream capture](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__STREAM.html)
    required thread_exchange_capture_mode = "cuThreadExchangeStreamCaptureMode"(*mut CUstreamCaptureMode);
    /// [Graphs](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__GRAPH.html), since CUDA 11.4
    optional graph_instantiate_with_flags = "cuGraphInstantiateWithFlags"(*mut CUgraphExec, CUgraph, c_ulonglong);
    /// [Graphs](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__GRAPH.html)
    required graph_launch = "cuGraphLaunch"(CUgraphExec, CUstream);
    /// [Graphs](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__GRAPH.html)
    required graph_destroy = "cuGraphDestroy"(CUgraph);
    /// [Graphs](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__GRAPH.html)
    required graph_exec_destroy = "cuGraphExecDestroy"(CUgraphExec);

    // Tensor maps.
    /// [Tensor maps](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__TENSOR__MEMORY.html), since CUDA 12.0
    optional tensor_map_encode_tiled = "cuTensorMapEncodeTiled"(
        *mut CUtensorMap,
        CUtensorMapDataType,
        cuuint32_t,
        *mut c_void,
        *const cuuint64_t,
        *const cuuint64_t,
        *const cuuint32_t,
        *const cuuint32_t,
        CUtensorMapInterleave,
        CUtensorMapSwizzle,
        CUtensorMapL2promotion,
        CUtensorMapFloatOOBfill,
    );
}
