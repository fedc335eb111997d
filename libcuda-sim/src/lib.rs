#![doc = include_str!("../README.md")]
#![expect(unsafe_code, reason = "this crate implements the driver's C functions")]

mod code;
mod driver;
mod engine;
mod faults;
mod faulty;
mod handles;
mod host;
mod options;
mod seam;
mod table;

use tilewright_ffi::Table;
pub use tilewright_ptx_sim::{Finding, Kind, Profile, Report, Statistics};

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
    if let Some(seed) = std::env::var("TILEWRIGHT_SIM_SEED").ok().and_then(|seed| seed.parse().ok()) {
        simulator.set_options(Options { seed, jitter: Some(seed), ..simulator.options() });
    }
    simulator.api()
}
