//! Where an access goes, or why it cannot be made.

use super::scene::Scene;
use crate::decode::{LOCAL_WINDOW, SHARED_WINDOW, THREAD_SHIFT, Window};
use crate::memory::{Allocation, Fault};
use crate::report::{Action, Kind, Location};

/// Memory that an access may be made to.
pub(super) enum Target<'l> {
    Global(&'l Allocation, u64),
    Shared(u32),
    /// The own memory of the thread that accesses.
    Local(u64),
}

/// Checks an access of `bytes` bytes.
pub(super) fn target<'l>(
    scene: &Scene<'l>,
    window: Window,
    address: u64,
    bytes: u32,
    align: u32,
    thread: u16,
) -> Result<Target<'l>, Fault> {
    let offset = match window {
        Window::Global => None,
        Window::Shared => Some(address),
        Window::Local => return local(scene, address, bytes, align),
        Window::Generic if (LOCAL_WINDOW..SHARED_WINDOW).contains(&address) => {
            let address = address - LOCAL_WINDOW;
            if address >> THREAD_SHIFT != u64::from(thread) {
                // Another thread's memory cannot be reached.
                return Err(Fault::OutOfBounds { allocation_bytes: None, was_freed: false });
            }
            return local(scene, address & 0xFFFF_FFFF, bytes, align);
        }
        Window::Generic => address.checked_sub(SHARED_WINDOW),
    };
    let Some(offset) = offset else {
        let context = scene.context;
        return context
            .view
            .locate(address, bytes, align)
            .map(|(allocation, offset)| Target::Global(allocation, offset));
    };
    let limit = scene.shared.bytes();
    match u32::try_from(offset) {
        Ok(offset) if offset.checked_add(bytes).is_some_and(|end| end <= limit) => {
            if offset.is_multiple_of(align) {
                Ok(Target::Shared(offset))
            } else {
                Err(Fault::Misaligned)
            }
        }
        _ => Err(Fault::OutOfBounds { allocation_bytes: Some(u64::from(limit)), was_freed: false }),
    }
}

fn local<'l>(scene: &Scene<'l>, offset: u64, bytes: u32, align: u32) -> Result<Target<'l>, Fault> {
    let limit = u64::from(scene.context.kernel.local_bytes);
    if offset.checked_add(u64::from(bytes)).is_none_or(|end| end > limit) {
        return Err(Fault::OutOfBounds { allocation_bytes: Some(limit), was_freed: false });
    }
    if offset.is_multiple_of(u64::from(align)) { Ok(Target::Local(offset)) } else { Err(Fault::Misaligned) }
}

/// Records why an access cannot be made; the block stops.
pub(super) fn report_fault(
    scene: &mut Scene<'_>,
    fault: Fault,
    window: Window,
    address: u64,
    align: u32,
    here: (Action, u32, u32),
) {
    let shared = match window {
        Window::Shared => Some(address),
        Window::Generic => address.checked_sub(SHARED_WINDOW),
        Window::Global | Window::Local => None,
    };
    let own = match window {
        Window::Local => Some(address),
        Window::Generic if shared.is_none() => address.checked_sub(LOCAL_WINDOW),
        _ => None,
    };
    let location = match (shared, fault) {
        _ if own.is_some() => {
            Location::Local { offset: u32::try_from(own.unwrap_or(0) & 0xFFFF_FFFF).unwrap_or(u32::MAX) }
        }
        (Some(offset), _) => Location::Shared { offset: u32::try_from(offset).unwrap_or(u32::MAX) },
        (None, Fault::OutOfBounds { allocation_bytes: None, was_freed: false }) => {
            Location::Global { allocation: 0, offset: address }
        }
        _ => {
            let (allocation, offset) = crate::memory::name(address);
            Location::Global { allocation, offset }
        }
    };
    let kind = match fault {
        Fault::Misaligned => Kind::Misaligned { align },
        Fault::ReadOnly => Kind::ReadOnly,
        Fault::OutOfBounds { allocation_bytes, was_freed } => {
            Kind::OutOfBounds { limit_bytes: allocation_bytes, was_freed }
        }
    };
    scene.report_and_stop(kind, Some(location), here);
}
