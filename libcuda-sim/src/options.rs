//! Which simulated driver, and how it runs kernels.

use std::fmt;
use std::sync::Arc;

use tilewright_ptx_ir::ir::Module;
use tilewright_ptx_sim::{Check, Converge, Profile, Report, Statistics};

use crate::{environment, table};

/// How kernels run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Seed of everything that the hardware leaves open: which warp runs first, when an asynchronous copy lands.
    pub seed: u64,
    /// With a seed, approximate instructions answer anywhere inside their documented bounds; without, correctly rounded.
    pub jitter: Option<u64>,
    /// Instructions that one warp may execute before it counts as stuck; `None` is the simulator's own limit.
    pub max_instructions: Option<u64>,
    /// When lanes of a warp that parted run together again.
    pub converge: Converge,
    /// What is looked for in kernels.
    pub check: Check,
    /// Bytes of device memory. Takes effect when the next primary context is created.
    pub memory_bytes: u64,
}

impl Options {
    /// Seed 0, correctly rounded answers, every check, 16 GiB.
    pub const DEFAULT: Self = Self {
        seed: 0,
        jitter: None,
        max_instructions: None,
        converge: Converge::Early,
        check: Check::All,
        memory_bytes: 16 << 30,
    };

    /// [`Options::DEFAULT`] with the seed of `TILEWRIGHT_SIM_SEED`, the way of running together of `TILEWRIGHT_SIM_CONVERGE` (`early` or `adversarial`) and
    /// the checks of `TILEWRIGHT_SIM_CHECK` (`off`, `errors` or `all`): what holds in a process until something else is set. A value that means nothing
    /// counts as none here; `cuInit` refuses it.
    #[must_use]
    pub fn from_environment() -> Self {
        Self {
            seed: environment::seed().ok().flatten().unwrap_or(Self::DEFAULT.seed),
            converge: environment::converge().ok().flatten().unwrap_or(Self::DEFAULT.converge),
            check: environment::check().ok().flatten().unwrap_or(Self::DEFAULT.check),
            ..Self::DEFAULT
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What becomes of a module before it is loaded.
#[derive(Clone)]
pub(crate) struct Rewrite(Arc<dyn Fn(Module) -> Module + Send + Sync>);

impl Rewrite {
    pub(crate) fn apply(&self, module: Module) -> Module {
        (self.0)(module)
    }
}

impl fmt::Debug for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rewrite")
    }
}

/// One simulated driver: there is one of each profile in a process, each with one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simulator {
    profile: Profile,
}

impl Simulator {
    /// The simulated driver of a chip.
    #[must_use]
    pub const fn new(profile: Profile) -> Self {
        Self { profile }
    }

    /// The one that `TILEWRIGHT_SIM_ARCH` names (`sm_80`, `sm_86`, `sm_89`, `sm_90` or `sm_90a`); sm_90 if it is not set. If it names none it is sm_90's too, whose
    /// `cuInit` says so and fails.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::new(environment::profile().ok().flatten().unwrap_or(Profile::Sm90))
    }

    /// The chip.
    #[must_use]
    pub const fn profile(self) -> Profile {
        self.profile
    }

    /// Its functions, for [`Driver::from_api`](tilewright_ffi::Driver::from_api).
    #[must_use]
    pub fn api(self) -> tilewright_ffi::Table {
        table::table(self.profile)
    }

    /// How kernels run from now on, in the whole process.
    pub fn set_options(self, options: Options) {
        table::driver(self.profile).set_options(options);
    }

    /// How kernels run.
    #[must_use]
    pub fn options(self) -> Options {
        table::driver(self.profile).options()
    }

    /// From now on every module that is loaded, in the whole process, is first made into what `rewrite` makes of it: to plant faults in kernels that host
    /// code builds itself. Lines in reports are those of the new module's text.
    ///
    /// # Example
    /// ```
    /// use tilewright_ffi::{Driver, Error};
    /// use tilewright_libcuda_sim::{Profile, Simulator};
    ///
    /// let simulator = Simulator::new(Profile::Sm89);
    /// let context = Driver::from_api(simulator.api())?.device(0)?.primary_context()?;
    /// simulator.set_rewrite(|mut module| {
    ///     module.kernels.iter_mut().for_each(|kernel| kernel.name = "renamed".to_owned());
    ///     module
    /// });
    /// let module = context.load_ptx(".version 7.0\n.target sm_80\n.address_size 64\n.visible .entry nothing() { ret; }")?;
    /// assert!(module.function("renamed", &[]).is_ok() && module.function("nothing", &[]).is_err());
    /// simulator.clear_rewrite();
    /// # Ok::<(), Error>(())
    /// ```
    pub fn set_rewrite(self, rewrite: impl Fn(Module) -> Module + Send + Sync + 'static) {
        table::driver(self.profile).set_rewrite(Some(Rewrite(Arc::new(rewrite))));
    }

    /// Modules are loaded as they are again.
    pub fn clear_rewrite(self) {
        table::driver(self.profile).set_rewrite(None);
    }

    /// What kernels have done since the last call, those excepted in which something was found.
    #[must_use]
    pub fn take_statistics(self) -> Statistics {
        table::driver(self.profile).take_statistics()
    }

    /// What was found in kernels since the last call, oldest first; at most 256 reports are kept.
    #[must_use]
    pub fn take_reports(self) -> Vec<Report> {
        table::driver(self.profile).take_reports()
    }
}
