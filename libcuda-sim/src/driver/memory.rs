//! Device memory.

use super::{Context, Driver};
use crate::code::{Code, Result};

/// Where an address points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PointerKind {
    /// Into pinned host memory.
    Host,
    /// Into an allocation of the current context that starts at `start` and has `bytes` bytes.
    Device { start: u64, bytes: u64 },
}

impl Driver {
    /// `cuMemAlloc`.
    pub(crate) fn allocate(&self, bytes: u64) -> Result<u64> {
        let context = self.current()?;
        context.check_may_wait()?;
        self.allocate_in(&context, bytes)
    }

    /// `cuMemAllocAsync`: at once, for streams are never behind.
    pub(crate) fn allocate_on(&self, stream: u64, bytes: u64) -> Result<u64> {
        let context = self.current()?;
        if self.stream(stream)?.capture().is_some() {
            return Err(Code::NOT_SUPPORTED);
        }
        self.allocate_in(&context, bytes)
    }

    fn allocate_in(&self, context: &Context, bytes: u64) -> Result<u64> {
        if bytes == 0 {
            return Err(Code::INVALID_VALUE);
        }
        let address = context.memory.allocate(bytes).map_err(|_| Code::OUT_OF_MEMORY)?;
        context.state().allocations.insert(address, bytes);
        Ok(address)
    }

    /// `cuMemFree`; address 0 is nothing to free.
    pub(crate) fn free(&self, address: u64) -> Result<()> {
        let context = self.current_even_poisoned()?;
        context.check_may_wait()?;
        if address == 0 {
            return context.check();
        }
        context.state().allocations.remove(&address).ok_or(Code::INVALID_VALUE)?;
        context.memory.free(address).map_err(|_| Code::INVALID_VALUE)?;
        context.check()
    }

    /// `cuMemFreeAsync`.
    pub(crate) fn free_on(&self, stream: u64, address: u64) -> Result<()> {
        if self.stream(stream)?.capture().is_some() {
            return Err(Code::NOT_SUPPORTED);
        }
        self.free(address)
    }

    /// `cuMemGetInfo`: free and total bytes.
    pub(crate) fn memory_info(&self) -> Result<(u64, u64)> {
        let context = self.current()?;
        let used: u64 = context.state().allocations.values().sum();
        Ok((context.capacity.saturating_sub(used), context.capacity))
    }

    /// What lies at `address`.
    pub(crate) fn pointer_kind(&self, address: u64) -> Result<PointerKind> {
        if usize::try_from(address).is_ok_and(|address| self.pinned.contains(address)) {
            return Ok(PointerKind::Host);
        }
        let context = self.current()?;
        context.allocation(address).map(|(start, bytes)| PointerKind::Device { start, bytes })
    }
}
