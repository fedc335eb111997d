//! What every call answers.

/// The result of a driver call; 0 is success. A newtype, because drivers know codes that this crate does not.
///
/// # Source
/// [CUDA Driver API, `CUresult`](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__TYPES.html).
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a plain integer")]
#[must_use]
pub struct CUresult(pub u32);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $value:literal;)+) => {
        impl CUresult {
            $($(#[$doc])* pub const $name: Self = Self($value);)+

            /// The constants: name in `cuda.h` without `CUDA_`, and value.
            #[doc(hidden)]
            pub const CODES: &[(&str, u32)] = &[$((stringify!($name), $value),)+];
        }
    };
}

codes! {
    /// It worked.
    SUCCESS = 0;
    /// An argument is outside its range.
    ERROR_INVALID_VALUE = 1;
    /// Not enough memory.
    ERROR_OUT_OF_MEMORY = 2;
    /// `cuInit` was not called.
    ERROR_NOT_INITIALIZED = 3;
    /// The process is ending.
    ERROR_DEINITIALIZED = 4;
    /// The library is a stub without a driver.
    ERROR_STUB_LIBRARY = 34;
    /// There is no device.
    ERROR_NO_DEVICE = 100;
    /// No such device.
    ERROR_INVALID_DEVICE = 101;
    /// No valid context is current.
    ERROR_INVALID_CONTEXT = 201;
    /// The module holds nothing for this device.
    ERROR_NO_BINARY_FOR_GPU = 209;
    /// Memory found a fault that it cannot correct.
    ERROR_ECC_UNCORRECTABLE = 214;
    /// The PTX does not compile.
    ERROR_INVALID_PTX = 218;
    /// The link to another device failed.
    ERROR_NVLINK_UNCORRECTABLE = 220;
    /// The PTX is of a version that the driver does not know.
    ERROR_UNSUPPORTED_PTX_VERSION = 222;
    /// A fault was contained on the device; everything that ran is lost.
    ERROR_CONTAINED = 226;
    /// A handle is not valid.
    ERROR_INVALID_HANDLE = 400;
    /// No such name.
    ERROR_NOT_FOUND = 500;
    /// Work is still going on.
    ERROR_NOT_READY = 600;
    /// A kernel touched memory that it may not touch.
    ERROR_ILLEGAL_ADDRESS = 700;
    /// A launch asks for more than a multiprocessor has.
    ERROR_LAUNCH_OUT_OF_RESOURCES = 701;
    /// A kernel took too long.
    ERROR_LAUNCH_TIMEOUT = 702;
    /// A kernel's assertion failed.
    ERROR_ASSERT = 710;
    /// A fault in a kernel's stack.
    ERROR_HARDWARE_STACK_ERROR = 714;
    /// A kernel ran into an instruction that is none.
    ERROR_ILLEGAL_INSTRUCTION = 715;
    /// A kernel accessed a misaligned address.
    ERROR_MISALIGNED_ADDRESS = 716;
    /// A kernel accessed the wrong state space.
    ERROR_INVALID_ADDRESS_SPACE = 717;
    /// A kernel's program counter left its code.
    ERROR_INVALID_PC = 718;
    /// A kernel failed.
    ERROR_LAUNCH_FAILED = 719;
    /// A kernel ended without giving its tensor memory back.
    ERROR_TENSOR_MEMORY_LEAK = 721;
    /// The driver does not do this.
    ERROR_NOT_SUPPORTED = 801;
    /// Not permitted while a stream captures.
    ERROR_STREAM_CAPTURE_UNSUPPORTED = 900;
    /// A call that is not permitted while a stream captures has spoilt the capture.
    ERROR_STREAM_CAPTURE_INVALIDATED = 901;
    /// A device outside of CUDA, whose data was waited for, failed.
    ERROR_EXTERNAL_DEVICE = 911;
    /// The driver does not know what went wrong.
    ERROR_UNKNOWN = 999;
}

impl CUresult {
    /// Whether the call worked.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 == 0
    }

    /// Whether the error stays: after it every call in the context fails, until the process ends.
    #[must_use]
    pub const fn is_sticky(self) -> bool {
        matches!(
            self,
            Self::ERROR_ECC_UNCORRECTABLE
                | Self::ERROR_NVLINK_UNCORRECTABLE
                | Self::ERROR_CONTAINED
                | Self::ERROR_ILLEGAL_ADDRESS
                | Self::ERROR_LAUNCH_TIMEOUT
                | Self::ERROR_ASSERT
                | Self::ERROR_HARDWARE_STACK_ERROR
                | Self::ERROR_ILLEGAL_INSTRUCTION
                | Self::ERROR_MISALIGNED_ADDRESS
                | Self::ERROR_INVALID_ADDRESS_SPACE
                | Self::ERROR_INVALID_PC
                | Self::ERROR_LAUNCH_FAILED
                | Self::ERROR_TENSOR_MEMORY_LEAK
                | Self::ERROR_EXTERNAL_DEVICE
        )
    }
}
