//! The driver's error codes, as far as the simulator gives them.

/// A `CUresult` that is not success.
///
/// # Source
/// CUDA Driver API 13.0, "Data types used by CUDA driver": `CUresult`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Code(pub(crate) u32);

macro_rules! codes {
    ($($name:ident = $value:literal, $text:literal, $says:literal;)+) => {
        impl Code {
            $(pub(crate) const $name: Self = Self($value);)+

            /// The name that the driver gives the code and what it says about it.
            pub(crate) fn texts(code: u32) -> Option<(&'static std::ffi::CStr, &'static std::ffi::CStr)> {
                match code {
                    0 => Some((c"CUDA_SUCCESS", c"no error")),
                    $($value => Some(($text, $says)),)+
                    // What others make of the functions here say it.
                    301 => Some((c"CUDA_ERROR_FILE_NOT_FOUND", c"no such file")),
                    _ => None,
                }
            }
        }
    };
}

codes! {
    INVALID_VALUE = 1, c"CUDA_ERROR_INVALID_VALUE", c"an argument is outside its range";
    OUT_OF_MEMORY = 2, c"CUDA_ERROR_OUT_OF_MEMORY", c"not enough simulated memory";
    NOT_INITIALIZED = 3, c"CUDA_ERROR_NOT_INITIALIZED", c"cuInit has not been called";
    INVALID_DEVICE = 101, c"CUDA_ERROR_INVALID_DEVICE", c"no such device";
    INVALID_IMAGE = 200, c"CUDA_ERROR_INVALID_IMAGE", c"the simulator loads PTX text only";
    INVALID_CONTEXT = 201, c"CUDA_ERROR_INVALID_CONTEXT", c"no valid context is current";
    NO_BINARY_FOR_GPU = 209, c"CUDA_ERROR_NO_BINARY_FOR_GPU", c"the module is written for another architecture";
    INVALID_PTX = 218, c"CUDA_ERROR_INVALID_PTX", c"the PTX text is not valid";
    INVALID_HANDLE = 400, c"CUDA_ERROR_INVALID_HANDLE", c"a handle is not valid";
    NOT_FOUND = 500, c"CUDA_ERROR_NOT_FOUND", c"no such name";
    ILLEGAL_ADDRESS = 700, c"CUDA_ERROR_ILLEGAL_ADDRESS", c"a kernel accessed memory outside its allocations";
    LAUNCH_OUT_OF_RESOURCES = 701, c"CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", c"a launch asks for more than a multiprocessor has";
    LAUNCH_TIMEOUT = 702, c"CUDA_ERROR_LAUNCH_TIMEOUT", c"a kernel does not end";
    MISALIGNED_ADDRESS = 716, c"CUDA_ERROR_MISALIGNED_ADDRESS", c"a kernel accessed a misaligned address";
    LAUNCH_FAILED = 719, c"CUDA_ERROR_LAUNCH_FAILED", c"a kernel failed, or the simulator found a hazard in it";
    NOT_SUPPORTED = 801, c"CUDA_ERROR_NOT_SUPPORTED", c"not modelled by the simulator";
    STREAM_CAPTURE_UNSUPPORTED = 900, c"CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", c"not permitted while a stream is capturing";
    STREAM_CAPTURE_INVALIDATED = 901, c"CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", c"an earlier call has invalidated the capture";
    STREAM_CAPTURE_UNMATCHED = 903, c"CUDA_ERROR_STREAM_CAPTURE_UNMATCHED", c"the capture was not begun on this stream";
    ILLEGAL_STATE = 401, c"CUDA_ERROR_ILLEGAL_STATE", c"the object is not in the state that the call needs";
    STREAM_CAPTURE_WRONG_THREAD = 908, c"CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD", c"the capture was begun on another thread";
    UNKNOWN = 999, c"CUDA_ERROR_UNKNOWN", c"the simulator failed";
}

/// What a driver call gives.
pub(crate) type Result<T> = std::result::Result<T, Code>;
