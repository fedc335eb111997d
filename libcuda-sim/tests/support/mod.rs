//! Kernels, and a simulated device for one test at a time.

mod kernels;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use kernels::{ADD, add, module};
use tilewright_ffi::{Context, Driver, Stream};
use tilewright_libcuda_sim::{Options, Profile, Simulator};

/// A simulated driver that nobody else uses meanwhile: its options, reports and statistics are the whole process's.
pub(crate) struct Device {
    pub(crate) simulator: Simulator,
    pub(crate) driver: Driver,
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());

impl Device {
    pub(crate) fn open(profile: Profile) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let simulator = Simulator::new(profile);
        simulator.set_options(Options::DEFAULT);
        drop(simulator.take_reports());
        let _ = simulator.take_statistics();
        let driver = Driver::from_api(simulator.api()).expect("a simulator initializes");
        Self { simulator, driver, _alone: alone }
    }

    pub(crate) fn context(&self) -> Context {
        self.driver.device(0).and_then(|device| device.primary_context()).expect("a simulated device")
    }

    pub(crate) fn stream(&self) -> Stream {
        self.context().stream().expect("a stream")
    }
}
