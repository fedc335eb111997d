//! Handles and numbers.
//!
//! Enumerations are newtypes over the integer that C uses, so that a value of a newer driver is a value like any other.
//!
//! # Source
//! [CUDA Driver API, Data types used by CUDA driver](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__TYPES.html).

#![expect(non_camel_case_types, reason = "the names of the driver's documentation")]
#![expect(clippy::exhaustive_enums, clippy::exhaustive_structs, reason = "opaque types and plain integers")]

use std::ffi::c_int;

/// A device's number.
pub type CUdevice = c_int;
/// An address in device memory.
pub type CUdeviceptr = u64;
/// 32 bits of a tensor map's description.
pub type cuuint32_t = u32;
/// 64 bits of a tensor map's description.
pub type cuuint64_t = u64;

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident = $opaque:ident;)+) => {
        $(
            /// What the handle points to; never looked at.
            #[derive(Debug)]
            pub enum $opaque {}
            $(#[$doc])*
            pub type $name = *mut $opaque;
        )+
    };
}

handles! {
    /// A context.
    CUcontext = CUctx_st;
    /// A module.
    CUmodule = CUmod_st;
    /// A kernel.
    CUfunction = CUfunc_st;
    /// A stream.
    CUstream = CUstream_st;
    /// An event.
    CUevent = CUevent_st;
    /// A graph.
    CUgraph = CUgraph_st;
    /// A graph made ready to launch.
    CUgraphExec = CUgraphExec_st;
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $number:literal: $c:literal,)* })+) => {
        $(
            $(#[$doc])*
            #[repr(transparent)]
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            pub struct $name(pub u32);

            impl $name {
                $($(#[$value_doc])* pub const $value: Self = Self($number);)*
            }
        )+

        /// Every constant: its name in `cuda.h` and its value.
        #[doc(hidden)]
        pub const ENUMERATORS: &[(&str, u32)] = &[$($(($c, $number),)*)+];
    };
}

numbers! {
    /// What can be asked of a device.
    CUdevice_attribute {
        /// Threads that a block can have.
        MAX_THREADS_PER_BLOCK = 1: "CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK",
        /// Bytes of shared memory that a block has without asking for more.
        MAX_SHARED_MEMORY_PER_BLOCK = 8: "CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK",
        /// Multiprocessors.
        MULTIPROCESSOR_COUNT = 16: "CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT",
        /// Bytes of second-level cache.
        L2_CACHE_SIZE = 38: "CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE",
        /// Major compute capability.
        COMPUTE_CAPABILITY_MAJOR = 75: "CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR",
        /// Minor compute capability.
        COMPUTE_CAPABILITY_MINOR = 76: "CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR",
        /// Bytes of shared memory that a block can ask for.
        MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97: "CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN",
    }

    /// What can be asked of a kernel, and partly set.
    CUfunction_attribute {
        /// Threads that a block of it can have.
        MAX_THREADS_PER_BLOCK = 0: "CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK",
        /// Bytes of static shared memory.
        SHARED_SIZE_BYTES = 1: "CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES",
        /// Bytes of local memory of a thread: spilled registers and arrays.
        LOCAL_SIZE_BYTES = 3: "CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES",
        /// Registers of a thread.
        NUM_REGS = 4: "CU_FUNC_ATTRIBUTE_NUM_REGS",
        /// Bytes of dynamic shared memory that a launch may ask for.
        MAX_DYNAMIC_SHARED_SIZE_BYTES = 8: "CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES",
    }

    /// What can be asked of a pointer.
    CUpointer_attribute {
        /// The context it belongs to.
        CONTEXT = 1: "CU_POINTER_ATTRIBUTE_CONTEXT",
        /// Host or device.
        MEMORY_TYPE = 2: "CU_POINTER_ATTRIBUTE_MEMORY_TYPE",
    }

    /// An option of the PTX compiler.
    CUjit_option {
        /// Where it writes information.
        INFO_LOG_BUFFER = 3: "CU_JIT_INFO_LOG_BUFFER",
        /// Bytes of that buffer; afterwards bytes written.
        INFO_LOG_BUFFER_SIZE_BYTES = 4: "CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES",
        /// Where it writes errors.
        ERROR_LOG_BUFFER = 5: "CU_JIT_ERROR_LOG_BUFFER",
        /// Bytes of that buffer; afterwards bytes written.
        ERROR_LOG_BUFFER_SIZE_BYTES = 6: "CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES",
    }

    /// Which calls are forbidden while a stream captures.
    CUstreamCaptureMode {
        /// Calls of any thread that could wait.
        GLOBAL = 0: "CU_STREAM_CAPTURE_MODE_GLOBAL",
        /// Such calls of the capturing thread.
        THREAD_LOCAL = 1: "CU_STREAM_CAPTURE_MODE_THREAD_LOCAL",
        /// None.
        RELAXED = 2: "CU_STREAM_CAPTURE_MODE_RELAXED",
    }

    /// Whether a stream captures.
    CUstreamCaptureStatus {
        /// It does not.
        NONE = 0: "CU_STREAM_CAPTURE_STATUS_NONE",
        /// It does.
        ACTIVE = 1: "CU_STREAM_CAPTURE_STATUS_ACTIVE",
        /// It does, but the capture cannot succeed any more.
        INVALIDATED = 2: "CU_STREAM_CAPTURE_STATUS_INVALIDATED",
    }

    /// Which launch attribute a value is for.
    CUlaunchAttributeID {
        /// Blocks of a cluster along each axis.
        CLUSTER_DIMENSION = 4: "CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION",
        /// Whether the kernel may begin before the one in front of it has ended.
        PROGRAMMATIC_STREAM_SERIALIZATION = 6: "CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION",
    }

    /// Element type of a tensor map.
    CUtensorMapDataType {
        /// Bytes.
        UINT8 = 0: "CU_TENSOR_MAP_DATA_TYPE_UINT8",
        /// 32-bit integers.
        INT32 = 3: "CU_TENSOR_MAP_DATA_TYPE_INT32",
        /// binary16.
        FLOAT16 = 6: "CU_TENSOR_MAP_DATA_TYPE_FLOAT16",
        /// binary32.
        FLOAT32 = 7: "CU_TENSOR_MAP_DATA_TYPE_FLOAT32",
        /// bfloat16.
        BFLOAT16 = 9: "CU_TENSOR_MAP_DATA_TYPE_BFLOAT16",
    }

    /// How elements of a box interleave.
    CUtensorMapInterleave {
        /// Not at all.
        NONE = 0: "CU_TENSOR_MAP_INTERLEAVE_NONE",
    }

    /// How chunks of a box are permuted in shared memory.
    CUtensorMapSwizzle {
        /// Not at all.
        NONE = 0: "CU_TENSOR_MAP_SWIZZLE_NONE",
        /// Inside 32 bytes.
        BYTES_32 = 1: "CU_TENSOR_MAP_SWIZZLE_32B",
        /// Inside 64 bytes.
        BYTES_64 = 2: "CU_TENSOR_MAP_SWIZZLE_64B",
        /// Inside 128 bytes.
        BYTES_128 = 3: "CU_TENSOR_MAP_SWIZZLE_128B",
    }

    /// What a box brings into the second-level cache.
    CUtensorMapL2promotion {
        /// Only itself.
        NONE = 0: "CU_TENSOR_MAP_L2_PROMOTION_NONE",
        /// Whole 128-byte lines.
        BYTES_128 = 2: "CU_TENSOR_MAP_L2_PROMOTION_L2_128B",
        /// Pairs of lines.
        BYTES_256 = 3: "CU_TENSOR_MAP_L2_PROMOTION_L2_256B",
    }

    /// What elements outside the tensor are filled with.
    CUtensorMapFloatOOBfill {
        /// Zeros.
        NONE = 0: "CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE",
    }
}

/// Flag of `cuStreamCreate`: no implicit order with the legacy default stream.
pub const CU_STREAM_NON_BLOCKING: u32 = 1;
/// Flag of `cuEventCreate`: the event measures no time.
pub const CU_EVENT_DISABLE_TIMING: u32 = 2;
