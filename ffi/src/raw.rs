//! Handles that may go to other threads.

/// A driver handle.
#[derive(Debug)]
pub(crate) struct Raw<T>(pub(crate) *mut T);

impl<T> Clone for Raw<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Raw<T> {}

// SAFETY: a handle is a name that this crate never follows; the driver's functions may be called with it from any thread (CUDA C++
// Programming Guide, section "Multi-threading": handles belong to contexts, not threads).
unsafe impl<T> Send for Raw<T> {}
// SAFETY: as above; the driver synchronizes concurrent calls itself.
unsafe impl<T> Sync for Raw<T> {}
