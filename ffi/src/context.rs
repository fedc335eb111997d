//! Contexts: where memory, modules and streams live.

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use crate::device::{ComputeCapability, Device};
use crate::driver::Driver;
use crate::error::Error;
use crate::graph::Exempt;
use crate::raw::Raw;
use crate::sys::{CUcontext, CUctx_st, CUresult};

/// A context. Clones are the same context; it is let go when the last clone and the last object in it are gone.
///
/// Every call enters the context and leaves it again, so any object may be used and dropped on any thread.
#[derive(Clone, Debug)]
pub struct Context {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    device: Device,
    capability: ComputeCapability,
    raw: Raw<CUctx_st>,
    ownership: Ownership,
    /// The first fault that spoilt the context.
    poison: OnceLock<(CUresult, &'static str)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ownership {
    /// A retained primary context, to be released.
    Retained,
    /// Somebody else's.
    Borrowed,
}

impl Context {
    pub(crate) fn retain_primary(device: &Device) -> Result<Self, Error> {
        let capability = device.compute_capability()?;
        let mut raw = std::ptr::null_mut();
        // SAFETY: the result is a local variable.
        let code = unsafe { (device.driver().api().device_primary_ctx_retain)(&raw mut raw, device.raw()) };
        device.driver().check("cuDevicePrimaryCtxRetain", code)?;
        if raw.is_null() {
            return Err(Error::NoResult { call: "cuDevicePrimaryCtxRetain" });
        }
        Ok(Self::new(device, capability, raw, Ownership::Retained))
    }

    /// Uses a context that somebody else owns; dropping this leaves it alone.
    ///
    /// # Safety
    /// `raw` is a context of `device`, obtained from the same driver library, and outlives this value, its clones and every object made
    /// from them.
    ///
    /// # Errors
    /// [`Error::Driver`] if the device does not answer.
    pub unsafe fn borrow_raw(device: &Device, raw: CUcontext) -> Result<Self, Error> {
        Ok(Self::new(device, device.compute_capability()?, raw, Ownership::Borrowed))
    }

    fn new(device: &Device, capability: ComputeCapability, raw: CUcontext, ownership: Ownership) -> Self {
        let inner = Inner { device: device.clone(), capability, raw: Raw(raw), ownership, poison: OnceLock::new() };
        Self { inner: Arc::new(inner) }
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.inner.device
    }

    /// The device's architecture.
    #[must_use]
    pub fn compute_capability(&self) -> ComputeCapability {
        self.inner.capability
    }

    /// The driver.
    #[must_use]
    pub fn driver(&self) -> &Driver {
        self.inner.device.driver()
    }

    /// The driver's handle.
    #[must_use]
    pub fn raw(&self) -> CUcontext {
        self.inner.raw.0
    }

    /// Whether both are the same context.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
            || (self.inner.raw.0 == other.inner.raw.0 && self.driver().is_same(other.driver()))
    }

    /// An error that names `what` unless both are the same context.
    ///
    /// # Errors
    /// [`Error::ForeignContext`].
    pub fn check_same(&self, other: &Self, what: &'static str) -> Result<(), Error> {
        if self.is_same(other) { Ok(()) } else { Err(Error::ForeignContext { what }) }
    }

    /// Waits for everything in the context.
    ///
    /// # Errors
    /// The first fault of any work in it.
    pub fn synchronize(&self) -> Result<(), Error> {
        let _entered = self.enter()?;
        // SAFETY: the context is current.
        self.check("cuCtxSynchronize", unsafe { (self.driver().api().ctx_synchronize)() })
    }

    /// Free and total bytes of device memory.
    ///
    /// # Errors
    /// [`Error::Driver`].
    pub fn memory_info(&self) -> Result<MemoryInfo, Error> {
        let _entered = self.enter()?;
        let (mut free, mut total) = (0, 0);
        // SAFETY: the results are local variables; the context is current.
        let code = unsafe { (self.driver().api().mem_get_info)(&raw mut free, &raw mut total) };
        self.check("cuMemGetInfo", code)?;
        Ok(MemoryInfo { free_bytes: free, total_bytes: total })
    }

    /// Makes the context current on this thread until the guard is dropped.
    pub(crate) fn enter(&self) -> Result<Entered<'_>, Error> {
        if let Some((cause, call)) = self.inner.poison.get() {
            let (name, _) = self.driver().api().describe(*cause);
            return Err(Error::Poisoned { cause: *cause, name, call });
        }
        self.make_current()
    }

    /// For destructors: what is spoilt must still be given back, and so must what is dropped while a stream captures.
    pub(crate) fn enter_to_give_back(&self) -> Result<GivingBack<'_>, Error> {
        let entered = self.make_current()?;
        Ok(GivingBack { _exempt: Exempt::new(self), _entered: entered })
    }

    fn make_current(&self) -> Result<Entered<'_>, Error> {
        let api = self.driver().api();
        let mut previous = std::ptr::null_mut();
        // SAFETY: the result is a local variable.
        self.driver().check("cuCtxGetCurrent", unsafe { (api.ctx_get_current)(&raw mut previous) })?;
        if previous != self.raw() {
            // SAFETY: the context is alive: this value keeps it so, or its owner promised it.
            self.driver().check("cuCtxSetCurrent", unsafe { (api.ctx_set_current)(self.raw()) })?;
        }
        Ok(Entered { context: self, previous, _thread_bound: PhantomData })
    }

    /// Turns a result into an error, and remembers it if the context is spoilt.
    pub(crate) fn check(&self, call: &'static str, code: CUresult) -> Result<(), Error> {
        if code.is_sticky() {
            // The first fault stays.
            let _ = self.inner.poison.set((code, call));
        }
        self.driver().check(call, code)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.ownership == Ownership::Retained {
            // A destructor has nobody to report to; a driver that is shutting down refuses.
            // SAFETY: retained once when this was made, released once here.
            let _ = unsafe { (self.device.driver().api().device_primary_ctx_release)(self.device.raw()) };
        }
    }
}

/// The guard of a current context; stays on its thread.
#[derive(Debug)]
pub(crate) struct Entered<'c> {
    context: &'c Context,
    previous: CUcontext,
    _thread_bound: PhantomData<*mut ()>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if self.previous == self.context.raw() {
            return;
        }
        let set_current = self.context.driver().api().ctx_set_current;
        // SAFETY: it was current on this thread a moment ago; a context that died meanwhile is refused by the driver.
        let code = unsafe { set_current(self.previous) };
        if !code.is_success() {
            // Ours may be gone tomorrow; none is better. If that is refused too, nothing is left to try.
            // SAFETY: no context is a valid choice.
            let _ = unsafe { set_current(std::ptr::null_mut()) };
        }
    }
}

/// The guard of a destructor's context. Fields are dropped in this order.
#[derive(Debug)]
pub(crate) struct GivingBack<'c> {
    _exempt: Option<Exempt<'c>>,
    _entered: Entered<'c>,
}

/// Device memory, as far as the driver counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two numbers")]
pub struct MemoryInfo {
    /// Bytes that are free.
    pub free_bytes: usize,
    /// Bytes there are.
    pub total_bytes: usize,
}
