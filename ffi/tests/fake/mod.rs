//! A driver that only keeps books: which handles live, which calls came, what was misused. It can fail any call.
//!
//! Copies are lazy: an asynchronous one is performed when something waits for it, so that memory that is freed too early is noticed. A module's
//! text has one line for each kernel, its name and the bytes of its parameters: `add 8 8 4`. Text with the word `refused` is refused, with a log
//! that no zero byte ends.

mod effects;
mod functions;
mod state;

use std::sync::{Mutex, MutexGuard, PoisonError};

use tilewright_ffi::sys::Api;
use tilewright_ffi::{Context, Driver, Error, Table};

pub(crate) use functions::api;
use state::{CURRENT, STATE, State};
pub(crate) use state::{Kind, Launched};

/// The fake driver, for one test at a time.
pub(crate) struct Fake {
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());

impl Fake {
    /// A fake that nothing has happened to.
    pub(crate) fn start() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let fake = Self { _alone: alone };
        fake.reset();
        fake
    }

    pub(crate) fn reset(&self) {
        *state() = State::new();
        CURRENT.set(0);
    }

    pub(crate) fn driver(&self) -> Result<Driver, Error> {
        Driver::from_api(self.table(api()))
    }

    /// The fake's functions, changed or with some left out.
    pub(crate) fn table(&self, api: Api) -> Table {
        // SAFETY: the functions are the fake's, which keep the driver's contract as far as this crate relies on it: they check every handle.
        unsafe { Table::new(api) }
    }

    pub(crate) fn context(&self) -> Context {
        self.driver().and_then(|driver| driver.device(0)?.primary_context()).expect("nothing fails unless told to")
    }

    /// The context of the second device.
    pub(crate) fn other_context(&self, driver: &Driver) -> Context {
        driver.device(1).and_then(|device| device.primary_context()).expect("nothing fails unless told to")
    }

    /// The `k`-th call from now, the first being 1, answers `code` and does nothing.
    pub(crate) fn fail(&self, k: usize, code: u32) {
        let mut state = state();
        state.fail_at = Some(state.counted + k);
        state.fail_with = code;
    }

    /// The next call of `symbol` answers `code` and does nothing.
    pub(crate) fn fail_next(&self, symbol: &'static str, code: u32) {
        let mut state = state();
        state.fail_symbol = Some(symbol);
        state.fail_with = code;
    }

    /// After a failure every later call fails in the same way; what gives back still does.
    pub(crate) fn failure_stays(&self) {
        state().failure_stays = true;
    }

    /// The call that was failed.
    pub(crate) fn failed(&self) -> Option<&'static str> {
        state().failed
    }

    /// The calls since the last time, names of errors excepted.
    pub(crate) fn take_calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut state().calls)
    }

    /// The calls that came, without those that make a context current.
    pub(crate) fn take_work(&self) -> Vec<&'static str> {
        self.take_calls().into_iter().filter(|call| !call.starts_with("cuCtx")).collect()
    }

    /// What lives: kinds with their counts.
    pub(crate) fn live(&self) -> Vec<(Kind, usize)> {
        state().live()
    }

    /// What was done that must not be done.
    pub(crate) fn misuse(&self) -> Vec<String> {
        state().misuse.clone()
    }

    pub(crate) fn take_launches(&self) -> Vec<Launched> {
        std::mem::take(&mut state().launches)
    }

    /// Queries answer that work is going on.
    pub(crate) fn keep_busy(&self, busy: bool) {
        state().is_busy = busy;
    }

    /// A handle that the caller owns, made without this crate.
    pub(crate) fn foreign_stream(&self) -> tilewright_ffi::sys::CUstream {
        std::ptr::without_provenance_mut(state().create(Kind::Stream) as usize)
    }

    /// Nothing lives and nothing was misused.
    #[track_caller]
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.live(), [], "calls: {:?}", state().calls);
        assert_eq!(self.misuse(), Vec::<String>::new());
    }

    /// The context that is current on this thread, 0 for none.
    pub(crate) fn current(&self) -> u64 {
        CURRENT.get()
    }
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}
