//! The device that tests run on.

use std::sync::OnceLock;

use tilewright_ffi::{Context, Driver, Error, Stream};
use tilewright_libcuda_sim::{Profile, Simulator};

/// Opens the simulator, or the GPU if `TILEWRIGHT_DEVICE=cuda` asks for it.
///
/// # Errors
/// What the driver says; a missing GPU is an error, never a reason to run elsewhere.
pub fn open() -> Result<Context, Error> {
    let driver = if is_simulated() { Driver::from_api(tilewright_libcuda_sim::api())? } else { Driver::load()? };
    driver.device(0)?.primary_context()
}

/// Whether tests run on the simulator.
///
/// # Panics
/// If `TILEWRIGHT_DEVICE` is neither `cuda` nor `sim`.
#[must_use]
pub fn is_simulated() -> bool {
    match std::env::var("TILEWRIGHT_DEVICE").as_deref() {
        Err(_) | Ok("sim") => true,
        Ok("cuda") => false,
        Ok(other) => panic!("TILEWRIGHT_DEVICE is {other:?}, wanted `cuda` or `sim`"),
    }
}

/// The test device's context, one for the process.
///
/// # Panics
/// If there is no such device: a test without its device has failed.
#[must_use]
pub fn context() -> &'static Context {
    static CONTEXT: OnceLock<Context> = OnceLock::new();
    CONTEXT.get_or_init(|| open().expect("the test device must open"))
}

/// A new stream on the test device.
///
/// # Panics
/// If the device refuses.
#[must_use]
pub fn stream() -> Stream {
    context().stream().expect("a stream on the test device")
}

/// A context that is not the test device's: of the simulator of another chip.
///
/// # Panics
/// If it does not open.
#[must_use]
pub fn other_context() -> Context {
    let here = context().compute_capability();
    let other = Profile::ALL.into_iter().find(|profile| profile.compute_capability() != (here.major, here.minor));
    let api = Simulator::new(other.expect("there are several chips")).api();
    Driver::from_api(api).and_then(|driver| driver.device(0)?.primary_context()).expect("the simulator opens")
}
