//! A simulated driver that fails on demand: every call of every path of the host API, now or later.

#![expect(unsafe_code, reason = "launches, borrowed handles and C functions")]

/// Calls a function of the table; its code.
macro_rules! call {
    ($api:ident.$function:ident($($argument:expr),* $(,)?)) => {
        // SAFETY: pointers are null or lead to local variables; handles and addresses may be anything.
        unsafe { ($api.$function)($($argument),*) }.0
    };
}

mod delayed;
mod each_call;
mod mixing;
mod paths;
mod seam;
#[path = "../support/kernels.rs"]
mod support;
mod symbols;
mod threads;

use tilewright_ffi::{Driver, Error};
use tilewright_libcuda_sim::{Faults, FaultySimulator, Profile, Simulator};

/// A simulator without faults, fresh: whatever an earlier case has left current on this thread is forgotten.
fn simulator(profile: Profile) -> FaultySimulator {
    Simulator::new(profile).faults(Faults::new())
}

fn driver(simulator: &FaultySimulator) -> Result<Driver, Error> {
    Driver::from_api(simulator.api()?)
}
