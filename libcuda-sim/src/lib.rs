#![doc = include_str!("../README.md")]
#![expect(unsafe_code, reason = "this crate implements the driver's C functions")]

mod code;
mod driver;
mod engine;
mod environment;
mod faults;
mod faulty;
mod handles;
mod host;
mod options;
mod seam;
mod table;

use tilewright_ffi::Table;
pub use tilewright_ptx_sim::{Check, Finding, Kind, Profile, Report, Statistics};

pub use driver::Balance;
pub use faults::Faults;
pub use faulty::FaultySimulator;
pub use options::{Options, Simulator};

/// The functions of the simulated driver that the environment asks for: [`Simulator::from_environment`].
///
/// With `TILEWRIGHT_SIM_SEED` set to a number, kernels run with that seed: warps in another order, asynchronous copies at other moments, approximate instructions
/// elsewhere inside their bounds. A program that is right is right with every seed.
///
/// # Example
/// ```
/// use tilewright_ffi::Driver;
/// let driver = Driver::from_api(tilewright_libcuda_sim::api())?;
/// assert!(driver.device(0)?.name()?.starts_with("Tilewright simulator"));
/// # Ok::<(), tilewright_ffi::Error>(())
/// ```
#[must_use]
pub fn api() -> Table {
    let simulator = Simulator::from_environment();
    if let Ok(Some(seed)) = environment::seed() {
        simulator.set_options(Options { seed, jitter: Some(seed), ..simulator.options() });
    }
    simulator.api()
}
