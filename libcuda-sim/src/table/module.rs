//! Modules and functions.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr::null_mut;

use tilewright_ffi::sys::{CUfunction, CUfunction_attribute, CUjit_option, CUmodule, CUresult};

use super::{Chip, Handle, answer, check_place, put};
use crate::code::{Code, Result};
use crate::driver::Driver;

/// Where the caller wants a log, and how long it may be.
#[derive(Clone, Copy, Debug)]
struct Log {
    buffer: *mut c_char,
    capacity: usize,
    /// The slot of the option values that holds the capacity and receives the length.
    slot: Option<*mut *mut c_void>,
}

impl Log {
    const NONE: Self = Self { buffer: null_mut(), capacity: 0, slot: None };

    /// Writes `text` as far as it fits, with a terminating zero, and its length.
    ///
    /// # Safety
    /// The buffer is null or valid for writes of `capacity` bytes; the slot, if there is one, is valid for a write.
    unsafe fn write(self, text: &str) {
        let fits = text.len().min(self.capacity.saturating_sub(1));
        if !self.buffer.is_null() && self.capacity > 0 {
            // SAFETY: `fits` is less than the capacity; the text is ours, so nothing overlaps.
            unsafe { std::ptr::copy_nonoverlapping(text.as_ptr().cast(), self.buffer, fits) };
            // SAFETY: `fits` is less than the capacity.
            let end = unsafe { self.buffer.add(fits) };
            // SAFETY: `end` is inside the buffer.
            unsafe { end.write(0) };
        }
        if let Some(slot) = self.slot {
            // SAFETY: the slot is valid: promised by the caller.
            unsafe { slot.write(std::ptr::without_provenance_mut(fits)) };
        }
    }
}

/// The logs that the options of a load ask for: information and errors.
///
/// # Safety
/// `options` and `values` are valid for `count` elements each.
unsafe fn logs(count: c_uint, options: *mut CUjit_option, values: *mut *mut c_void) -> Result<(Log, Log)> {
    let (mut info, mut errors) = (Log::NONE, Log::NONE);
    if count == 0 {
        return Ok((info, errors));
    }
    if options.is_null() || values.is_null() {
        return Err(Code::INVALID_VALUE);
    }
    for index in 0..count as usize {
        // SAFETY: `index` is below `count`: promised by the caller.
        let option = unsafe { options.add(index) };
        // SAFETY: as above.
        let option = unsafe { option.read() };
        // SAFETY: `index` is below `count`: promised by the caller.
        let slot = unsafe { values.add(index) };
        // SAFETY: as above.
        let value = unsafe { slot.read() };
        match option.0 {
            3 => info.buffer = value.cast(),
            4 => (info.capacity, info.slot) = (value.addr(), Some(slot)),
            5 => errors.buffer = value.cast(),
            6 => (errors.capacity, errors.slot) = (value.addr(), Some(slot)),
            // The others steer an optimizer that is not there.
            _ => {}
        }
    }
    Ok((info, errors))
}

pub(super) unsafe extern "C" fn load<C: Chip>(
    module: *mut CUmodule,
    image: *const c_void,
    count: c_uint,
    options: *mut CUjit_option,
    values: *mut *mut c_void,
) -> CUresult {
    // SAFETY: the caller's contract.
    answer::<C>("cuModuleLoadDataEx", |driver| unsafe { load_with(driver, module, image, count, options, values) })
}

pub(super) unsafe extern "C" fn load_plain<C: Chip>(module: *mut CUmodule, image: *const c_void) -> CUresult {
    // SAFETY: the caller's contract; there are no options.
    answer::<C>("cuModuleLoadData", |driver| unsafe { load_with(driver, module, image, 0, null_mut(), null_mut()) })
}

/// # Safety
/// The caller's contract of a load: `image` is null or ends with a zero, `options` and `values` are valid for `count` elements each, and the
/// logs that they name for their capacities.
unsafe fn load_with(
    driver: &Driver,
    module: *mut CUmodule,
    image: *const c_void,
    count: c_uint,
    options: *mut CUjit_option,
    values: *mut *mut c_void,
) -> Result<()> {
    check_place(module)?;
    if image.is_null() {
        return Err(Code::INVALID_VALUE);
    }
    // SAFETY: both are valid for `count` elements: the caller's contract.
    let (info, errors) = unsafe { logs(count, options, values) }?;
    // SAFETY: an image is PTX text that ends with a zero, or a binary, whose header is looked at up to its first zero: the caller's contract.
    let image = unsafe { CStr::from_ptr(image.cast()) };
    let loaded = driver.load_module(image.to_bytes());
    let text = loaded.as_ref().map_or_else(|failure| failure.log.as_str(), |_| "");
    // SAFETY: the buffer is valid for its capacity, the slot is one of `values`: the caller's contract.
    unsafe { info.write("") };
    // SAFETY: as above.
    unsafe { errors.write(text) };
    let handle = loaded.map_err(|failure| failure.code)?;
    // SAFETY: `module` is valid: the caller's contract.
    unsafe { put(module, Handle::from_number(handle)) }
}

pub(super) unsafe extern "C" fn unload<C: Chip>(module: CUmodule) -> CUresult {
    answer::<C>("cuModuleUnload", |driver| driver.unload_module(module.number()))
}

pub(super) unsafe extern "C" fn function<C: Chip>(
    function: *mut CUfunction,
    module: CUmodule,
    name: *const c_char,
) -> CUresult {
    answer::<C>("cuModuleGetFunction", |driver| {
        check_place(function)?;
        if name.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        // SAFETY: a string that ends with a zero: the caller's contract.
        let name = unsafe { CStr::from_ptr(name) };
        let name = name.to_str().map_err(|_| Code::NOT_FOUND)?;
        let handle = driver.module_function(module.number(), name)?;
        // SAFETY: `function` is valid: the caller's contract.
        unsafe { put(function, Handle::from_number(handle)) }
    })
}

pub(super) unsafe extern "C" fn attribute<C: Chip>(
    value: *mut c_int,
    attribute: CUfunction_attribute,
    function: CUfunction,
) -> CUresult {
    answer::<C>("cuFuncGetAttribute", |driver| {
        check_place(value)?;
        let answer = driver.function_attribute(attribute.0, function.number())?;
        // SAFETY: `value` is valid: the caller's contract.
        unsafe { put(value, answer) }
    })
}

pub(super) unsafe extern "C" fn set_attribute<C: Chip>(
    function: CUfunction,
    attribute: CUfunction_attribute,
    value: c_int,
) -> CUresult {
    answer::<C>("cuFuncSetAttribute", |driver| driver.set_function_attribute(function.number(), attribute.0, value))
}

pub(super) unsafe extern "C" fn param_info<C: Chip>(
    function: CUfunction,
    index: usize,
    offset: *mut usize,
    bytes: *mut usize,
) -> CUresult {
    answer::<C>("cuFuncGetParamInfo", |driver| {
        let param = driver.param_info(function.number(), index)?;
        // SAFETY: `offset` is null or valid: the caller's contract.
        unsafe { put(offset, param.offset) }?;
        if bytes.is_null() {
            return Ok(());
        }
        // SAFETY: `bytes` is valid: the caller's contract.
        unsafe { put(bytes, param.bytes) }
    })
}

pub(super) unsafe extern "C" fn resident_blocks<C: Chip>(
    blocks: *mut c_int,
    function: CUfunction,
    threads: c_int,
    dynamic_shared_bytes: usize,
) -> CUresult {
    answer::<C>("cuOccupancyMaxActiveBlocksPerMultiprocessor", |driver| {
        check_place(blocks)?;
        let resident = driver.resident_blocks(function.number(), threads, dynamic_shared_bytes as u64)?;
        // SAFETY: `blocks` is valid: the caller's contract.
        unsafe { put(blocks, resident) }
    })
}
