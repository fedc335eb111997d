//! `cuGetProcAddress`: functions by name and version.

use std::ffi::{CStr, c_char, c_int, c_void};

use tilewright_ffi::sys::CUresult;

use crate::entry::{Entry, Found, find};
use crate::{api, entries};

/// All of them.
pub(crate) const ENTRIES: &[Entry] = &[
    Entry::new("cuGetProcAddress", 11_030, cuGetProcAddress as *const _),
    Entry::new("cuGetProcAddress_v2", 12_000, cuGetProcAddress_v2 as *const _),
    Entry::new("cuGetProcAddress_v2_ptsz", 12_000, cuGetProcAddress_v2_ptsz as *const _),
];

/// `CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM`.
const PER_THREAD: u64 = 2;
/// The values of `CUdriverProcAddressQueryResult`.
const FOUND: c_int = 0;
const SYMBOL_NOT_FOUND: c_int = 1;
const VERSION_NOT_SUFFICIENT: c_int = 2;

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGetProcAddress(
    symbol: *const c_char,
    function: *mut *const c_void,
    version: c_int,
    flags: u64,
) -> CUresult {
    let mut status = FOUND;
    // SAFETY: the caller's contract; the status is a local variable.
    let code = unsafe { look_up(symbol, function, version, flags & PER_THREAD != 0, &raw mut status) };
    // Later versions leave that to the status.
    if code.is_success() && status != FOUND { CUresult::ERROR_NOT_FOUND } else { code }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGetProcAddress_v2(
    symbol: *const c_char,
    function: *mut *const c_void,
    version: c_int,
    flags: u64,
    status: *mut c_int,
) -> CUresult {
    // SAFETY: the caller's contract.
    unsafe { look_up(symbol, function, version, flags & PER_THREAD != 0, status) }
}

/// For programs compiled with streams of their threads.
#[unsafe(no_mangle)]
unsafe extern "C" fn cuGetProcAddress_v2_ptsz(
    symbol: *const c_char,
    function: *mut *const c_void,
    version: c_int,
    flags: u64,
    status: *mut c_int,
) -> CUresult {
    // `CU_GET_PROC_ADDRESS_LEGACY_STREAM` is 1.
    // SAFETY: the caller's contract.
    unsafe { look_up(symbol, function, version, flags & 1 == 0, status) }
}

/// # Safety
/// `symbol` is null or ends with a zero; `function` and `status` are null or valid for a write.
unsafe fn look_up(
    symbol: *const c_char,
    function: *mut *const c_void,
    version: c_int,
    per_thread: bool,
    status: *mut c_int,
) -> CUresult {
    let Ok(version) = u32::try_from(version) else { return CUresult::ERROR_INVALID_VALUE };
    if symbol.is_null() || function.is_null() {
        return CUresult::ERROR_INVALID_VALUE;
    }
    // SAFETY: not null, so it ends with a zero: promised by the caller.
    let symbol = unsafe { CStr::from_ptr(symbol) };
    let mut newest = 0;
    // SAFETY: the result is a local variable.
    if !unsafe { (api().driver_get_version)(&raw mut newest) }.is_success() {
        return CUresult::ERROR_UNKNOWN;
    }
    let version = version.min(u32::try_from(newest).unwrap_or(0));
    let found = symbol.to_str().map_or(Found::Nothing, |name| find(entries(), name, version, per_thread));
    let (address, answer) = match found {
        Found::Entry(entry) => (entry.address, FOUND),
        Found::TooNew => (std::ptr::null(), VERSION_NOT_SUFFICIENT),
        Found::Nothing => (std::ptr::null(), SYMBOL_NOT_FOUND),
    };
    // SAFETY: not null, so valid for a write: promised by the caller.
    unsafe { function.write(address) };
    if !status.is_null() {
        // SAFETY: as above.
        unsafe { status.write(answer) };
    }
    CUresult::SUCCESS
}
