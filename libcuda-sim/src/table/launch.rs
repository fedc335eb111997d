//! Kernel launches.

use std::ffi::{c_uint, c_void};

use tilewright_ffi::sys::{CUfunction, CUlaunchConfig, CUresult, CUstream};

use super::{Chip, Handle, answer};
use crate::code::{Code, Result};
use crate::driver::{Driver, Function, Launch, LaunchShape, Operation};
use crate::host::HostBytes;

pub(super) unsafe extern "C" fn launch<C: Chip>(
    function: CUfunction,
    grid_x: c_uint,
    grid_y: c_uint,
    grid_z: c_uint,
    block_x: c_uint,
    block_y: c_uint,
    block_z: c_uint,
    dynamic_shared_bytes: c_uint,
    stream: CUstream,
    params: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> CUresult {
    answer::<C>("cuLaunchKernel", |driver| {
        let shape =
            LaunchShape { grid: [grid_x, grid_y, grid_z], block: [block_x, block_y, block_z], dynamic_shared_bytes };
        // SAFETY: the caller's contract.
        unsafe { enqueue(driver, function, shape, stream, params, extra) }
    })
}

pub(super) unsafe extern "C" fn launch_with_attributes<C: Chip>(
    config: *const CUlaunchConfig,
    function: CUfunction,
    params: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> CUresult {
    answer::<C>("cuLaunchKernelEx", |driver| {
        if config.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        // SAFETY: not null, so valid for a read: the caller's contract.
        let config = unsafe { &*config };
        if config.numAttrs > 0 {
            return Err(Code::NOT_SUPPORTED);
        }
        let shape = LaunchShape {
            grid: [config.gridDimX, config.gridDimY, config.gridDimZ],
            block: [config.blockDimX, config.blockDimY, config.blockDimZ],
            dynamic_shared_bytes: config.sharedMemBytes,
        };
        // SAFETY: the caller's contract.
        unsafe { enqueue(driver, function, shape, config.hStream, params, extra) }
    })
}

/// # Safety
/// The caller's contract of a launch: `params` is null or has a valid pointer for each of the kernel's parameters.
unsafe fn enqueue(
    driver: &Driver,
    function: CUfunction,
    shape: LaunchShape,
    stream: CUstream,
    params: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> Result<()> {
    driver.current()?;
    let function = driver.function(function.number())?;
    driver.check_launch(&function, shape)?;
    if !extra.is_null() {
        return Err(if params.is_null() { Code::NOT_SUPPORTED } else { Code::INVALID_VALUE });
    }
    // SAFETY: the caller's contract.
    let arguments = unsafe { arguments(&function, params) }?;
    driver.enqueue(stream.number(), Operation::Launch(Launch { function, shape, arguments }))
}

/// The parameters, each read through its pointer and put at its offset.
///
/// # Safety
/// `params` is null or has a pointer for each parameter of `function`, null or valid for a read of the parameter's size.
unsafe fn arguments(function: &Function, params: *mut *mut c_void) -> Result<Vec<u8>> {
    let facts = &function.facts.params;
    let bytes = facts.last().map_or(0, |last| last.offset + last.bytes);
    let mut arguments = vec![0; bytes];
    if params.is_null() && !facts.is_empty() {
        return Err(Code::INVALID_VALUE);
    }
    for (index, param) in facts.iter().enumerate() {
        // SAFETY: `index` is below the number of parameters: promised by the caller.
        let place = unsafe { params.add(index) };
        // SAFETY: as above.
        let argument = unsafe { place.read() };
        // SAFETY: null, which is refused, or valid for a read of so many bytes, which happens at once: promised by the caller.
        let source = unsafe { HostBytes::new(argument.expose_provenance(), param.bytes) }?;
        let target = arguments.get_mut(param.offset..param.offset + param.bytes).ok_or(Code::UNKNOWN)?;
        target.copy_from_slice(&source.read());
    }
    Ok(arguments)
}
