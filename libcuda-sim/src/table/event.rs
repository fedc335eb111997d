//! Events.

use std::ffi::c_uint;

use tilewright_ffi::sys::{CUevent, CUresult, CUstream};

use super::{Chip, Handle, answer, check_place, put};

pub(super) unsafe extern "C" fn create<C: Chip>(event: *mut CUevent, flags: c_uint) -> CUresult {
    answer::<C>("cuEventCreate", |driver| {
        check_place(event)?;
        let handle = driver.create_event(flags)?;
        // SAFETY: `event` is valid: the caller's contract.
        unsafe { put(event, Handle::from_number(handle)) }
    })
}

pub(super) unsafe extern "C" fn destroy<C: Chip>(event: CUevent) -> CUresult {
    answer::<C>("cuEventDestroy_v2", |driver| driver.destroy_event(event.number()))
}

pub(super) unsafe extern "C" fn record<C: Chip>(event: CUevent, stream: CUstream) -> CUresult {
    answer::<C>("cuEventRecord", |driver| driver.record_event(event.number(), stream.number()))
}

pub(super) unsafe extern "C" fn synchronize<C: Chip>(event: CUevent) -> CUresult {
    answer::<C>("cuEventSynchronize", |driver| driver.wait_for_event(event.number()))
}

/// What was recorded has happened.
pub(super) unsafe extern "C" fn query<C: Chip>(event: CUevent) -> CUresult {
    answer::<C>("cuEventQuery", |driver| driver.wait_for_event(event.number()))
}

pub(super) unsafe extern "C" fn elapsed<C: Chip>(milliseconds: *mut f32, start: CUevent, end: CUevent) -> CUresult {
    answer::<C>("cuEventElapsedTime", |driver| {
        check_place(milliseconds)?;
        let elapsed = driver.elapsed(start.number(), end.number())?;
        // SAFETY: `milliseconds` is valid: the caller's contract.
        unsafe { put(milliseconds, elapsed) }
    })
}
