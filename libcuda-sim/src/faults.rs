//! Which calls fail, and how.

use tilewright_ffi::sys::CUresult;

/// Faults of a driver, for [`Simulator::faults`](crate::Simulator::faults). Calls are counted from 1; those that only name an error are not.
///
/// Where two faults meet in one call, the one that was named first counts. [`CUresult::SUCCESS`] is no fault.
///
/// # Example
/// ```
/// use tilewright_ffi::{Driver, Error, sys::CUresult};
/// use tilewright_libcuda_sim::{Faults, Profile, Simulator};
///
/// let faults = Faults::new().fail_function("cuMemAlloc_v2", 2, CUresult::ERROR_OUT_OF_MEMORY);
/// let simulator = Simulator::new(Profile::Sm80).faults(faults);
/// let stream = Driver::from_api(simulator.api()?)?.device(0)?.primary_context()?.stream()?;
/// let first = stream.alloc::<f32>(8)?;
/// assert!(matches!(stream.alloc::<f32>(8), Err(Error::Driver { call: "cuMemAlloc", .. })));
/// assert_eq!(simulator.balance().device_allocations, 1);
/// drop((first, stream));
/// assert_eq!(simulator.balance().total(), 0);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Faults {
    pub(crate) faults: Vec<Fault>,
    pub(crate) absent: Vec<&'static str>,
}

/// One fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) when: When,
    pub(crate) effect: Effect,
    pub(crate) code: u32,
}

/// The call that it strikes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    /// The so-manieth of all.
    Call(usize),
    /// The so-manieth of one function.
    Function(&'static str, usize),
}

/// What happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The call fails.
    Fail,
    /// The call works, and the next one that waits fails.
    Delay,
    /// The call fails, and every later one in the context.
    Poison,
}

impl Faults {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { faults: Vec::new(), absent: Vec::new() }
    }

    /// The `k`-th call answers `code` and creates, copies or starts nothing. What a call gives back is given back all the same: nobody could
    /// do it again.
    #[must_use]
    pub fn fail_call(self, k: usize, code: CUresult) -> Self {
        self.with(When::Call(k), Effect::Fail, code)
    }

    /// As [`Faults::fail_call`], for the `n`-th call of the function `symbol`.
    #[must_use]
    pub fn fail_function(self, symbol: &'static str, n: usize, code: CUresult) -> Self {
        self.with(When::Function(symbol, n), Effect::Fail, code)
    }

    /// If the `k`-th call enqueues work ([`Faults::enqueues`]) it succeeds, and the next call that waits answers `code`, once: a query, a synchronization,
    /// a copy that waits, a `cuMemFree_v2`. A code that stays ([`CUresult::is_sticky`]) spoils the context then.
    #[must_use]
    pub fn delay_call(self, k: usize, code: CUresult) -> Self {
        self.with(When::Call(k), Effect::Delay, code)
    }

    /// The `k`-th call answers `code`, and if there is a primary context by then it is spoilt: every later call in it answers the same, those
    /// included that give something back, which they do all the same.
    #[must_use]
    pub fn poison_at(self, k: usize, code: CUresult) -> Self {
        self.with(When::Call(k), Effect::Poison, code)
    }

    /// The driver lacks the functions of these symbols.
    #[must_use]
    pub fn without(mut self, symbols: &[&'static str]) -> Self {
        self.absent.extend_from_slice(symbols);
        self
    }

    /// Whether the function `symbol` enqueues work whose error can come later.
    #[must_use]
    pub fn enqueues(symbol: &str) -> bool {
        matches!(
            symbol,
            "cuLaunchKernel"
                | "cuLaunchKernelEx"
                | "cuGraphLaunch"
                | "cuMemcpyHtoDAsync_v2"
                | "cuMemcpyDtoHAsync_v2"
                | "cuMemcpyDtoDAsync_v2"
                | "cuMemsetD8Async"
                | "cuMemsetD16Async"
                | "cuMemsetD32Async"
        )
    }

    /// Whether the function `symbol` gives back what another has created.
    #[must_use]
    pub fn gives_back(symbol: &str) -> bool {
        matches!(
            symbol,
            "cuDevicePrimaryCtxRelease_v2"
                | "cuMemFree_v2"
                | "cuMemFreeAsync"
                | "cuMemFreeHost"
                | "cuStreamDestroy_v2"
                | "cuStreamEndCapture"
                | "cuEventDestroy_v2"
                | "cuModuleUnload"
                | "cuGraphDestroy"
                | "cuGraphExecDestroy"
        )
    }

    /// Whether the function `symbol` waits for work, or asks for its end.
    pub(crate) fn waits(symbol: &str) -> bool {
        matches!(
            symbol,
            "cuCtxSynchronize"
                | "cuStreamSynchronize"
                | "cuStreamQuery"
                | "cuEventSynchronize"
                | "cuEventQuery"
                | "cuMemFree_v2"
                | "cuMemcpyHtoD_v2"
                | "cuMemcpyDtoH_v2"
                | "cuMemcpyDtoD_v2"
        )
    }

    fn with(mut self, when: When, effect: Effect, code: CUresult) -> Self {
        if !code.is_success() {
            self.faults.push(Fault { when, effect, code: code.0 });
        }
        self
    }
}
