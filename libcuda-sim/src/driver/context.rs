//! The primary context and which context is current.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tilewright_ptx_sim::Memory;

use super::capture::Capture;
use super::{Driver, Object, Primary};
use crate::code::{Code, Result};
use crate::options::Options;

/// A context: its memory, and whether a kernel has spoilt it.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) memory: Memory,
    /// Bytes of memory that there are.
    pub(super) capacity: u64,
    pub(super) state: Mutex<ContextState>,
}

#[derive(Debug, Default)]
pub(super) struct ContextState {
    /// Size of each allocation by its address.
    pub(super) allocations: BTreeMap<u64, u64>,
    /// The first error of a kernel; every later call returns it.
    poisoned: Option<Code>,
    /// Captures in progress.
    pub(super) captures: Vec<Arc<Capture>>,
}

impl Context {
    pub(super) fn new(capacity: u64) -> Self {
        Self { memory: Memory::new(capacity), capacity, state: Mutex::new(ContextState::default()) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, ContextState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The error of the kernel that spoilt the context, if one did.
    pub(crate) fn check(&self) -> Result<()> {
        self.state().poisoned.map_or(Ok(()), Err)
    }

    /// Spoils the context; the first error stays.
    pub(crate) fn poison(&self, code: Code) -> Code {
        *self.state().poisoned.get_or_insert(code)
    }

    /// An error unless `bytes` bytes at `address` lie in one allocation.
    pub(super) fn check_extent(&self, address: u64, bytes: u64) -> Result<()> {
        let state = self.state();
        let (start, size) = state.allocations.range(..=address).next_back().ok_or(Code::INVALID_VALUE)?;
        let inside = address.checked_add(bytes).is_some_and(|end| end - start <= *size);
        if inside { Ok(()) } else { Err(Code::INVALID_VALUE) }
    }

    /// The allocation that `address` lies in: its start and size.
    pub(super) fn allocation(&self, address: u64) -> Result<(u64, u64)> {
        self.check_extent(address, 1)?;
        let state = self.state();
        state.allocations.range(..=address).next_back().map(|(start, size)| (*start, *size)).ok_or(Code::INVALID_VALUE)
    }

    /// An error, and an end to the capture, if the calling thread captures in a mode that forbids calls that may wait.
    pub(crate) fn check_may_wait(&self) -> Result<()> {
        let mut state = self.state();
        state.captures.retain(|capture| capture.is_active());
        state
            .captures
            .iter()
            .find(|capture| capture.forbids_waiting())
            .map_or(Ok(()), |capture| Err(capture.invalidate()))
    }
}

impl Driver {
    /// `cuDevicePrimaryCtxRetain`.
    pub(crate) fn retain_primary(&self, device: i32) -> Result<u64> {
        self.check_device(device)?;
        let mut state = self.state();
        if let Some(primary) = &mut state.primary {
            primary.retained += 1;
            return Ok(primary.handle);
        }
        let context = Context::new(state.options.unwrap_or_else(Options::from_environment).memory_bytes);
        let handle = state.objects.insert(Object::Context(Arc::new(context)))?;
        state.primary = Some(Primary { handle, retained: 1 });
        Ok(handle)
    }

    /// `cuDevicePrimaryCtxRelease`: the last release destroys the context with everything in it.
    pub(crate) fn release_primary(&self, device: i32) -> Result<()> {
        self.check_device(device)?;
        let mut state = self.state();
        let primary = state.primary.as_mut().ok_or(Code::INVALID_CONTEXT)?;
        primary.retained -= 1;
        if primary.retained == 0 {
            state.primary = None;
            state.lost = state.not_given_back();
            // All objects belong to the primary context: there is no other.
            state.objects.remove_if(|_| true);
        }
        Ok(())
    }

    /// `cuDevicePrimaryCtxGetState`: whether it lives.
    pub(crate) fn primary_is_active(&self, device: i32) -> Result<bool> {
        self.check_device(device)?;
        Ok(self.state().primary.is_some())
    }

    /// `cuCtxSetCurrent`; 0 leaves none.
    pub(crate) fn set_current(&self, handle: u64) -> Result<()> {
        self.check_initialized()?;
        if handle != 0 {
            self.context(handle)?;
        }
        self.with_current(|current| {
            current.pop();
            if handle != 0 {
                current.push(handle);
            }
        })
    }

    /// `cuCtxPushCurrent`.
    pub(crate) fn push_current(&self, handle: u64) -> Result<()> {
        self.check_initialized()?;
        self.context(handle)?;
        self.with_current(|current| current.push(handle))
    }

    /// `cuCtxPopCurrent`: the context that was current.
    pub(crate) fn pop_current(&self) -> Result<u64> {
        self.check_initialized()?;
        self.with_current(Vec::pop)?.ok_or(Code::INVALID_CONTEXT)
    }

    /// `cuCtxGetCurrent`; 0 if there is none.
    pub(crate) fn current_handle(&self) -> Result<u64> {
        self.check_initialized()?;
        Ok(self.with_current(|current| current.last().copied())?.unwrap_or(0))
    }

    /// The current context, spoilt or not.
    pub(crate) fn current_even_poisoned(&self) -> Result<Arc<Context>> {
        self.context(self.current_handle()?)
    }

    /// The current context; the kernel's error if one has spoilt it.
    pub(crate) fn current(&self) -> Result<Arc<Context>> {
        let context = self.current_even_poisoned()?;
        context.check()?;
        Ok(context)
    }

    /// The kernel's error if one has spoilt the current context. What is given back is given back all the same, so this is asked afterwards.
    pub(crate) fn check_spoilt(&self) -> Result<()> {
        self.current_even_poisoned().map_or(Ok(()), |context| context.check())
    }

    /// An error, and an end to the capture, if the calling thread may not wait now; with no current context nothing captures.
    pub(crate) fn check_may_wait(&self) -> Result<()> {
        self.current_even_poisoned().map_or(Ok(()), |context| context.check_may_wait())
    }

    /// Spoils the primary context, if there is one.
    pub(crate) fn spoil(&self, code: Code) {
        let primary = self.state().primary;
        if let Some(Ok(context)) = primary.map(|primary| self.context(primary.handle)) {
            context.poison(code);
        }
    }

    /// Makes every capture of the current context worthless.
    pub(crate) fn spoil_captures(&self) {
        if let Ok(context) = self.current_even_poisoned() {
            for capture in &context.state().captures {
                let _ = capture.invalidate();
            }
        }
    }

    /// `cuCtxSynchronize`: everything is done already, so this only reports.
    pub(crate) fn synchronize(&self) -> Result<()> {
        self.current()?.check_may_wait()
    }
}
