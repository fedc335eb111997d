#![doc = include_str!("../README.md")]
#![expect(unsafe_code, reason = "this crate implements the driver's C functions")]

mod code;
mod driver;
mod engine;
mod handles;
mod host;
mod options;
mod table;

use tilewright_ffi::Table;
pub use tilewright_ptx_sim::{Finding, Kind, Profile, Report, Statistics};

pub use options::{Options, Simulator};

/// The functions of the simulated driver that the environment asks for: [`Simulator::from_environment`].
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
    Simulator::from_environment().api()
}
