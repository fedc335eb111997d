//! Choosing and opening a device.

use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use tilewright_ffi::sys::CUdevice_attribute;
use tilewright_ffi::{Context, Driver, Event, Stream};
use tilewright_libcuda_sim::{Profile, Simulator, Statistics};

use crate::arguments::DeviceArguments;

/// What `--device` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Auto,
    Cuda(u32),
    Sim,
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "sim" => Ok(Self::Sim),
            "cuda" => Ok(Self::Cuda(0)),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|ordinal| ordinal.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| format!("`{text}` is not a device; wanted auto, cuda, cuda:N or sim")),
        }
    }
}

/// An opened device.
pub(crate) struct Session {
    pub(crate) context: Context,
    pub(crate) stream: Stream,
    pub(crate) name: String,
    simulator: Option<Simulator>,
}

/// What an operation cost.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cost {
    /// Milliseconds on a GPU: the shortest of a few launches.
    Milliseconds(f32),
    /// What the simulator counted.
    Simulated(Statistics),
}

/// Launches that are timed, after one that is not.
const TIMED: usize = 10;

impl Session {
    /// Opens the chosen device, and says in one line if that is the simulator for want of a GPU.
    pub(crate) fn open(arguments: &DeviceArguments) -> Result<Self> {
        let profile = arguments.arch.map_or(Profile::Sm90, |arch| arch.profile());
        match arguments.device {
            Choice::Sim => Self::simulated(profile),
            Choice::Cuda(ordinal) => Self::gpu(ordinal),
            Choice::Auto => Self::gpu(0).or_else(|error| {
                eprintln!("no GPU ({error:#}); using the simulator ({})", profile.name());
                Self::simulated(profile)
            }),
        }
    }

    fn gpu(ordinal: u32) -> Result<Self> {
        Self::new(&Driver::load()?, ordinal, None)
    }

    fn simulated(profile: Profile) -> Result<Self> {
        let simulator = Simulator::new(profile);
        Self::new(&Driver::from_api(simulator.api())?, 0, Some(simulator))
    }

    fn new(driver: &Driver, ordinal: u32, simulator: Option<Simulator>) -> Result<Self> {
        let count = driver.device_count()?;
        if ordinal >= count {
            bail!("there is no device {ordinal}, the driver has {count}");
        }
        let device = driver.device(ordinal)?;
        let context = device.primary_context().with_context(|| format!("device {ordinal}"))?;
        let stream = context.stream()?;
        Ok(Self { name: device.name()?, context, stream, simulator })
    }

    /// Multiprocessors of the device.
    pub(crate) fn sms(&self) -> Result<u32> {
        Ok(u32::try_from(self.context.device().attribute(CUdevice_attribute::MULTIPROCESSOR_COUNT)?)?)
    }

    /// Bytes of the L2.
    pub(crate) fn l2_bytes(&self) -> Result<usize> {
        Ok(usize::try_from(self.context.device().attribute(CUdevice_attribute::L2_CACHE_SIZE)?)?)
    }

    /// The simulator, where that is the device.
    pub(crate) const fn simulator(&self) -> Option<Simulator> {
        self.simulator
    }

    /// Runs `launch` and says what it cost. On a GPU it is run several times, so it must give the same result each time.
    pub(crate) fn measure<E: Into<anyhow::Error>>(&self, mut launch: impl FnMut() -> Result<(), E>) -> Result<Cost> {
        let mut run = || launch().map_err(Into::into);
        if let Some(simulator) = self.simulator {
            let _ = simulator.take_statistics();
            run()?;
            self.stream.synchronize()?;
            return Ok(Cost::Simulated(simulator.take_statistics()));
        }
        run()?;
        let (start, end) = (Event::timed(&self.context)?, Event::timed(&self.context)?);
        let mut shortest = f32::INFINITY;
        for _ in 0..TIMED {
            start.record(&self.stream)?;
            run()?;
            end.record(&self.stream)?;
            end.synchronize()?;
            shortest = shortest.min(start.elapsed_ms(&end)?);
        }
        Ok(Cost::Milliseconds(shortest))
    }
}

/// Prints the devices found, and why one was not.
pub(crate) fn print_all() {
    match Driver::load() {
        Ok(driver) => print_gpus(&driver),
        Err(error) => println!("cuda: none ({error})"),
    }
    for profile in Profile::ALL {
        println!("sim --arch {}: Tilewright simulator", profile.name().replace("sm_90", "sm_90a"));
    }
}

fn print_gpus(driver: &Driver) {
    let version = driver.version();
    println!("driver: CUDA {}.{}", version / 1000, version % 1000 / 10);
    for ordinal in 0..driver.device_count().unwrap_or(0) {
        let described = driver.device(ordinal).and_then(|device| {
            let gib = device.total_memory()? >> 30;
            Ok(format!("{}, compute capability {}, {gib} GiB", device.name()?, device.compute_capability()?))
        });
        match described {
            Ok(text) => println!("cuda:{ordinal}: {text}"),
            Err(error) => println!("cuda:{ordinal}: {error}"),
        }
    }
}
