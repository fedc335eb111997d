//! A simulated driver whose calls can be made to fail.

use std::sync::{MutexGuard, PoisonError};

use tilewright_ffi::{Error, Table};

use crate::driver::{Balance, Driver};
use crate::faults::Faults;
use crate::seam::Seam;
use crate::{Options, Report, Simulator, table};

/// A simulated driver that is nobody else's, fresh, with [`Faults`]; it also keeps books. From [`Simulator::faults`].
///
/// Everything made with it is to be dropped before it is: what stays is dead, and memory that it pinned is never freed.
#[derive(Debug)]
pub struct FaultySimulator {
    simulator: Simulator,
    driver: &'static Driver,
    seam: &'static Seam,
    absent: Vec<&'static str>,
    _alone: MutexGuard<'static, ()>,
}

impl Simulator {
    /// Another simulated driver of the same chip, with faults. There is one of each chip in a process: the call waits until whoever has it has
    /// dropped it, for ever if that is the calling thread.
    #[must_use]
    pub fn faults(self, faults: Faults) -> FaultySimulator {
        let (driver, seam) = table::faulty(self.profile());
        let alone = seam.alone.lock().unwrap_or_else(PoisonError::into_inner);
        driver.reset();
        let absent = faults.absent.clone();
        seam.set_faults(faults);
        FaultySimulator { simulator: self, driver, seam, absent, _alone: alone }
    }
}

impl FaultySimulator {
    /// Its functions, for [`Driver::from_api`](tilewright_ffi::Driver::from_api).
    ///
    /// # Errors
    /// [`Error::MissingSymbols`] with all required functions that [`Faults::without`] has left out.
    pub fn api(&self) -> Result<Table, Error> {
        table::faulty_table(self.simulator.profile()).without(&self.absent)
    }

    /// Other faults from now on; calls are counted anew. Which functions are absent stays as it is.
    pub fn set_faults(&self, faults: Faults) {
        self.seam.set_faults(faults);
    }

    /// The functions called since the faults were set, in order. Those that only name an error are left out.
    #[must_use]
    pub fn calls(&self) -> Vec<&'static str> {
        self.seam.calls()
    }

    /// The function whose call was the first to be struck by a fault, if one was.
    #[must_use]
    pub fn struck(&self) -> Option<&'static str> {
        self.seam.struck()
    }

    /// What was created and not given back.
    #[must_use]
    pub fn balance(&self) -> Balance {
        self.driver.balance()
    }

    /// How kernels run from now on.
    pub fn set_options(&self, options: Options) {
        self.driver.set_options(options);
    }

    /// What was found in kernels since the last call.
    #[must_use]
    pub fn take_reports(&self) -> Vec<Report> {
        self.driver.take_reports()
    }
}

impl Drop for FaultySimulator {
    fn drop(&mut self) {
        self.seam.set_faults(Faults::new());
        self.driver.reset();
    }
}
