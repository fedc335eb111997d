//! Device memory, pinned memory, copies and fills.

use std::ffi::{c_uchar, c_uint, c_ushort, c_void};

use tilewright_ffi::sys::{CUdeviceptr, CUpointer_attribute, CUresult, CUstream};

use super::{Chip, Handle, answer, check_place, put};
use crate::code::{Code, Result};
use crate::driver::{Operation, PointerKind};
use crate::host::HostBytes;

pub(super) unsafe extern "C" fn allocate<C: Chip>(address: *mut CUdeviceptr, bytes: usize) -> CUresult {
    answer::<C>("cuMemAlloc_v2", |driver| {
        check_place(address)?;
        let allocated = driver.allocate(bytes as u64)?;
        // SAFETY: `address` is valid: the caller's contract.
        unsafe { put(address, allocated) }
    })
}

pub(super) unsafe extern "C" fn free<C: Chip>(address: CUdeviceptr) -> CUresult {
    answer::<C>("cuMemFree_v2", |driver| driver.free(address))
}

pub(super) unsafe extern "C" fn allocate_async<C: Chip>(
    address: *mut CUdeviceptr,
    bytes: usize,
    stream: CUstream,
) -> CUresult {
    answer::<C>("cuMemAllocAsync", |driver| {
        check_place(address)?;
        let allocated = driver.allocate_on(stream.number(), bytes as u64)?;
        // SAFETY: `address` is valid: the caller's contract.
        unsafe { put(address, allocated) }
    })
}

pub(super) unsafe extern "C" fn free_async<C: Chip>(address: CUdeviceptr, stream: CUstream) -> CUresult {
    answer::<C>("cuMemFreeAsync", |driver| driver.free_on(stream.number(), address))
}

pub(super) unsafe extern "C" fn info<C: Chip>(free: *mut usize, total: *mut usize) -> CUresult {
    answer::<C>("cuMemGetInfo_v2", |driver| {
        check_place(free)?;
        check_place(total)?;
        let (left, all) = driver.memory_info()?;
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        // SAFETY: `free` is valid: the caller's contract.
        unsafe { put(free, size(left)) }?;
        // SAFETY: `total` is valid: the caller's contract.
        unsafe { put(total, size(all)) }
    })
}

pub(super) unsafe extern "C" fn allocate_host<C: Chip>(
    place: *mut *mut c_void,
    bytes: usize,
    flags: c_uint,
) -> CUresult {
    answer::<C>("cuMemHostAlloc", |driver| {
        check_place(place)?;
        driver.current()?;
        // Portable, mapped, write-combined: all the same here.
        if flags & !0b111 != 0 {
            return Err(Code::INVALID_VALUE);
        }
        let address = driver.pinned.allocate(bytes)?;
        // SAFETY: `place` is valid: the caller's contract.
        unsafe { put(place, std::ptr::with_exposed_provenance_mut(address)) }
    })
}

pub(super) unsafe extern "C" fn free_host<C: Chip>(address: *mut c_void) -> CUresult {
    // Whichever context is current: pinned memory outlives it.
    answer::<C>("cuMemFreeHost", |driver| {
        driver.check_may_wait()?;
        driver.pinned.free(address.addr())?;
        driver.check_spoilt()
    })
}

/// # Safety
/// The caller's contract for a copy between the host and the device.
unsafe fn host_bytes(address: *const c_void, bytes: usize) -> Result<HostBytes> {
    // SAFETY: valid for the bytes until the copy has been performed, and untouched meanwhile: the caller's contract.
    unsafe { HostBytes::new(address.expose_provenance(), bytes) }
}

pub(super) unsafe extern "C" fn upload<C: Chip>(to: CUdeviceptr, from: *const c_void, bytes: usize) -> CUresult {
    answer::<C>("cuMemcpyHtoD_v2", |driver| {
        // SAFETY: the caller's contract.
        let from = unsafe { host_bytes(from, bytes) }?;
        driver.perform_now(&Operation::Upload { to, from })
    })
}

pub(super) unsafe extern "C" fn download<C: Chip>(to: *mut c_void, from: CUdeviceptr, bytes: usize) -> CUresult {
    answer::<C>("cuMemcpyDtoH_v2", |driver| {
        // SAFETY: the caller's contract; here the memory is valid for writes.
        let to = unsafe { host_bytes(to, bytes) }?;
        driver.perform_now(&Operation::Download { to, from })
    })
}

pub(super) unsafe extern "C" fn copy<C: Chip>(to: CUdeviceptr, from: CUdeviceptr, bytes: usize) -> CUresult {
    answer::<C>("cuMemcpyDtoD_v2", |driver| driver.perform_now(&Operation::Copy { to, from, bytes: bytes as u64 }))
}

pub(super) unsafe extern "C" fn upload_async<C: Chip>(
    to: CUdeviceptr,
    from: *const c_void,
    bytes: usize,
    stream: CUstream,
) -> CUresult {
    answer::<C>("cuMemcpyHtoDAsync_v2", |driver| {
        // SAFETY: the caller's contract; in a capture it reaches until the graph's last launch.
        let from = unsafe { host_bytes(from, bytes) }?;
        driver.enqueue(stream.number(), Operation::Upload { to, from })
    })
}

pub(super) unsafe extern "C" fn download_async<C: Chip>(
    to: *mut c_void,
    from: CUdeviceptr,
    bytes: usize,
    stream: CUstream,
) -> CUresult {
    answer::<C>("cuMemcpyDtoHAsync_v2", |driver| {
        // SAFETY: the caller's contract; in a capture it reaches until the graph's last launch.
        let to = unsafe { host_bytes(to, bytes) }?;
        driver.enqueue(stream.number(), Operation::Download { to, from })
    })
}

pub(super) unsafe extern "C" fn copy_async<C: Chip>(
    to: CUdeviceptr,
    from: CUdeviceptr,
    bytes: usize,
    stream: CUstream,
) -> CUresult {
    answer::<C>("cuMemcpyDtoDAsync_v2", |driver| {
        driver.enqueue(stream.number(), Operation::Copy { to, from, bytes: bytes as u64 })
    })
}

const fn fill(to: u64, value: u32, width: u64, count: usize) -> Operation {
    Operation::Fill { to, value, width, count: count as u64 }
}

pub(super) unsafe extern "C" fn fill_bytes<C: Chip>(to: CUdeviceptr, value: c_uchar, count: usize) -> CUresult {
    answer::<C>("cuMemsetD8_v2", |driver| driver.perform_now(&fill(to, value.into(), 1, count)))
}

pub(super) unsafe extern "C" fn fill_bytes_async<C: Chip>(
    to: CUdeviceptr,
    value: c_uchar,
    count: usize,
    stream: CUstream,
) -> CUresult {
    answer::<C>("cuMemsetD8Async", |driver| driver.enqueue(stream.number(), fill(to, value.into(), 1, count)))
}

pub(super) unsafe extern "C" fn fill_halves_async<C: Chip>(
    to: CUdeviceptr,
    value: c_ushort,
    count: usize,
    stream: CUstream,
) -> CUresult {
    answer::<C>("cuMemsetD16Async", |driver| driver.enqueue(stream.number(), fill(to, value.into(), 2, count)))
}

pub(super) unsafe extern "C" fn fill_words_async<C: Chip>(
    to: CUdeviceptr,
    value: c_uint,
    count: usize,
    stream: CUstream,
) -> CUresult {
    answer::<C>("cuMemsetD32Async", |driver| driver.enqueue(stream.number(), fill(to, value, 4, count)))
}

/// `cuPointerGetAttribute`: context, memory type, device and host pointer, device ordinal, start and size of the allocation.
pub(super) unsafe extern "C" fn pointer_attribute<C: Chip>(
    data: *mut c_void,
    attribute: CUpointer_attribute,
    address: CUdeviceptr,
) -> CUresult {
    answer::<C>("cuPointerGetAttribute", |driver| {
        check_place(data)?;
        let kind = driver.pointer_kind(address)?;
        let wide = match (attribute.0, kind) {
            (1, _) => driver.current_handle()?,
            (3, PointerKind::Device { .. }) | (4, PointerKind::Host) => address,
            (11, PointerKind::Device { start, .. }) => start,
            (12, PointerKind::Device { bytes, .. }) => bytes,
            (2 | 9, _) => {
                let narrow: u32 = match (attribute.0, kind) {
                    (2, PointerKind::Host) => 1,
                    (2, PointerKind::Device { .. }) => 2,
                    _ => 0,
                };
                // SAFETY: for these attributes `data` points to 32 bits: the caller's contract.
                return unsafe { put(data.cast(), narrow) };
            }
            (3 | 4 | 11 | 12, _) => return Err(Code::INVALID_VALUE),
            _ => return Err(Code::NOT_SUPPORTED),
        };
        // SAFETY: for these attributes `data` points to 64 bits: the caller's contract.
        unsafe { put(data.cast(), wide) }
    })
}
