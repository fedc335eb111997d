//! Initialization, errors and devices.

use std::ffi::{c_char, c_int, c_uint};

use tilewright_ffi::sys::{CUdevice, CUdevice_attribute, CUresult};

use super::{Chip, answer, check_place, put};
use crate::code::Code;
use crate::driver::attributes;

/// CUDA 13.0: the newest PTX that the parser reads.
const DRIVER_VERSION: c_int = 13_000;

pub(super) unsafe extern "C" fn init<C: Chip>(flags: c_uint) -> CUresult {
    answer::<C>("cuInit", |driver| driver.initialize(flags))
}

pub(super) unsafe extern "C" fn driver_version<C: Chip>(version: *mut c_int) -> CUresult {
    // SAFETY: `version` is null or valid: the caller's contract.
    answer::<C>("cuDriverGetVersion", |_| unsafe { put(version, DRIVER_VERSION) })
}

pub(super) unsafe extern "C" fn error_name<C: Chip>(error: CUresult, name: *mut *const c_char) -> CUresult {
    answer::<C>("cuGetErrorName", |_| {
        let texts = Code::texts(error.0);
        // SAFETY: `name` is null or valid: the caller's contract.
        unsafe { put(name, texts.map_or(std::ptr::null(), |texts| texts.0.as_ptr())) }?;
        texts.map(|_| ()).ok_or(Code::INVALID_VALUE)
    })
}

pub(super) unsafe extern "C" fn error_string<C: Chip>(error: CUresult, text: *mut *const c_char) -> CUresult {
    answer::<C>("cuGetErrorString", |_| {
        let texts = Code::texts(error.0);
        // SAFETY: `text` is null or valid: the caller's contract.
        unsafe { put(text, texts.map_or(std::ptr::null(), |texts| texts.1.as_ptr())) }?;
        texts.map(|_| ()).ok_or(Code::INVALID_VALUE)
    })
}

pub(super) unsafe extern "C" fn count<C: Chip>(count: *mut c_int) -> CUresult {
    answer::<C>("cuDeviceGetCount", |driver| {
        driver.check_initialized()?;
        // SAFETY: `count` is null or valid: the caller's contract.
        unsafe { put(count, 1) }
    })
}

pub(super) unsafe extern "C" fn device<C: Chip>(device: *mut CUdevice, ordinal: c_int) -> CUresult {
    answer::<C>("cuDeviceGet", |driver| {
        check_place(device)?;
        driver.check_device(ordinal)?;
        // SAFETY: `device` is valid: the caller's contract.
        unsafe { put(device, ordinal) }
    })
}

pub(super) unsafe extern "C" fn name<C: Chip>(name: *mut c_char, length: c_int, device: CUdevice) -> CUresult {
    answer::<C>("cuDeviceGetName", |driver| {
        check_place(name)?;
        driver.check_device(device)?;
        let length = usize::try_from(length).ok().filter(|length| *length > 0).ok_or(Code::INVALID_VALUE)?;
        let mut text = attributes::name(driver.profile).into_bytes();
        text.truncate(length - 1);
        text.push(0);
        // SAFETY:
        // - `name` is not null, so valid for writes of `length` bytes: the caller's contract; `text` has no more.
        // - `text` is ours: nothing overlaps.
        unsafe { std::ptr::copy_nonoverlapping(text.as_ptr().cast(), name, text.len()) };
        Ok(())
    })
}

pub(super) unsafe extern "C" fn total_memory<C: Chip>(bytes: *mut usize, device: CUdevice) -> CUresult {
    answer::<C>("cuDeviceTotalMem_v2", |driver| {
        check_place(bytes)?;
        driver.check_device(device)?;
        let total = usize::try_from(driver.options().memory_bytes).unwrap_or(usize::MAX);
        // SAFETY: `bytes` is valid: the caller's contract.
        unsafe { put(bytes, total) }
    })
}

pub(super) unsafe extern "C" fn attribute<C: Chip>(
    value: *mut c_int,
    attribute: CUdevice_attribute,
    device: CUdevice,
) -> CUresult {
    answer::<C>("cuDeviceGetAttribute", |driver| {
        check_place(value)?;
        driver.check_device(device)?;
        let answer = attributes::attribute(driver.profile, attribute.0)?;
        // SAFETY: `value` is valid: the caller's contract.
        unsafe { put(value, answer) }
    })
}
