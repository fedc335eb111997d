//! Contexts.

use std::ffi::{c_int, c_uint};

use tilewright_ffi::sys::{CUcontext, CUdevice, CUresult};

use super::{Chip, Handle, answer, check_place, put};
use crate::code::Code;

pub(super) unsafe extern "C" fn retain_primary<C: Chip>(context: *mut CUcontext, device: CUdevice) -> CUresult {
    answer::<C>("cuDevicePrimaryCtxRetain", |driver| {
        check_place(context)?;
        let handle = driver.retain_primary(device)?;
        // SAFETY: `context` is valid: the caller's contract.
        unsafe { put(context, Handle::from_number(handle)) }
    })
}

pub(super) unsafe extern "C" fn release_primary<C: Chip>(device: CUdevice) -> CUresult {
    answer::<C>("cuDevicePrimaryCtxRelease_v2", |driver| driver.release_primary(device))
}

pub(super) unsafe extern "C" fn primary_state<C: Chip>(
    device: CUdevice,
    flags: *mut c_uint,
    active: *mut c_int,
) -> CUresult {
    answer::<C>("cuDevicePrimaryCtxGetState", |driver| {
        check_place(flags)?;
        check_place(active)?;
        let is_active = driver.primary_is_active(device)?;
        // SAFETY: `flags` is valid: the caller's contract.
        unsafe { put(flags, 0) }?;
        // SAFETY: `active` is valid: the caller's contract.
        unsafe { put(active, c_int::from(is_active)) }
    })
}

pub(super) unsafe extern "C" fn set_current<C: Chip>(context: CUcontext) -> CUresult {
    answer::<C>("cuCtxSetCurrent", |driver| driver.set_current(context.number()))
}

pub(super) unsafe extern "C" fn current<C: Chip>(context: *mut CUcontext) -> CUresult {
    answer::<C>("cuCtxGetCurrent", |driver| {
        let handle = driver.current_handle()?;
        // SAFETY: `context` is null or valid: the caller's contract.
        unsafe { put(context, Handle::from_number(handle)) }
    })
}

pub(super) unsafe extern "C" fn push_current<C: Chip>(context: CUcontext) -> CUresult {
    answer::<C>("cuCtxPushCurrent_v2", |driver| driver.push_current(context.number()))
}

pub(super) unsafe extern "C" fn pop_current<C: Chip>(context: *mut CUcontext) -> CUresult {
    answer::<C>("cuCtxPopCurrent_v2", |driver| {
        let handle = driver.pop_current()?;
        if context.is_null() {
            return Ok(());
        }
        // SAFETY: `context` is valid: the caller's contract.
        unsafe { put(context, Handle::from_number(handle)) }
    })
}

pub(super) unsafe extern "C" fn device_of_current<C: Chip>(device: *mut CUdevice) -> CUresult {
    answer::<C>("cuCtxGetDevice", |driver| {
        if driver.current_handle()? == 0 {
            return Err(Code::INVALID_CONTEXT);
        }
        // SAFETY: `device` is null or valid: the caller's contract.
        unsafe { put(device, 0) }
    })
}

pub(super) unsafe extern "C" fn synchronize<C: Chip>() -> CUresult {
    answer::<C>("cuCtxSynchronize", |driver| driver.synchronize())
}
