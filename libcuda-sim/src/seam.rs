//! The one place that every call of a faulty simulator goes through.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tilewright_ffi::sys::CUresult;

use crate::code::{Code, Result};
use crate::driver::Driver;
use crate::faults::{Effect, Fault, Faults, When};

/// Counts calls and makes them fail.
#[derive(Debug)]
pub(crate) struct Seam {
    state: Mutex<State>,
    /// Held by whoever uses the simulator.
    pub(crate) alone: Mutex<()>,
}

#[derive(Debug)]
struct State {
    faults: Faults,
    calls: Vec<&'static str>,
    /// The function whose call was struck first.
    struck: Option<&'static str>,
    /// What the next call that waits answers.
    delayed: Option<Code>,
}

impl State {
    const NEW: Self = Self { faults: Faults::new(), calls: Vec::new(), struck: None, delayed: None };

    /// Notes a call; the fault that strikes it.
    fn note(&mut self, symbol: &'static str) -> Option<Fault> {
        self.calls.push(symbol);
        let same = || self.calls.iter().filter(|call| **call == symbol).count();
        let strikes = |fault: &&Fault| match fault.when {
            When::Call(k) => k == self.calls.len(),
            When::Function(function, n) => function == symbol && n == same(),
        };
        self.faults.faults.iter().find(strikes).copied()
    }
}

impl Seam {
    pub(crate) const fn new() -> Self {
        Self { state: Mutex::new(State::NEW), alone: Mutex::new(()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts to count anew, with other faults.
    pub(crate) fn set_faults(&self, faults: Faults) {
        *self.state() = State { faults, ..State::NEW };
    }

    pub(crate) fn calls(&self) -> Vec<&'static str> {
        self.state().calls.clone()
    }

    pub(crate) fn struck(&self) -> Option<&'static str> {
        self.state().struck
    }

    /// A call of `symbol`, which does `act` unless a fault says otherwise.
    pub(crate) fn pass(&self, symbol: &'static str, driver: &Driver, act: impl FnOnce() -> Result<()>) -> Result<()> {
        if matches!(symbol, "cuGetErrorName" | "cuGetErrorString") {
            return act();
        }
        let Some(fault) = self.state().note(symbol) else { return self.wait(symbol, driver, act()) };
        let code = Code(fault.code);
        if fault.effect == Effect::Delay {
            let outcome = self.wait(symbol, driver, act());
            if outcome.is_ok() && Faults::enqueues(symbol) {
                let mut state = self.state();
                state.struck.get_or_insert(symbol);
                state.delayed.get_or_insert(code);
            }
            return outcome;
        }
        self.state().struck.get_or_insert(symbol);
        if fault.effect == Effect::Poison {
            driver.spoil(code);
        }
        if symbol == "cuStreamEndCapture" {
            // A graph that nobody is told of would stay for ever.
            driver.spoil_captures();
        }
        if Faults::gives_back(symbol) {
            // Whether it worked does not matter: the answer is the fault's.
            let _ = act();
        }
        Err(code)
    }

    /// The outcome of a call; if it waited for work that has failed, the failure.
    fn wait(&self, symbol: &str, driver: &Driver, outcome: Result<()>) -> Result<()> {
        outcome?;
        if !Faults::waits(symbol) {
            return Ok(());
        }
        let Some(code) = self.state().delayed.take() else { return Ok(()) };
        if CUresult(code.0).is_sticky() {
            driver.spoil(code);
        }
        Err(code)
    }
}
