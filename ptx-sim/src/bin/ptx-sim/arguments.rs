//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tilewright_ptx_sim::{Converge, Profile};

use crate::argument::Argument;

/// Runs PTX kernels on the CPU with a chip's arithmetic and reports every hazard.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit status: 0 clean, 1 something was found, 2 bad usage or input, 3 incomplete: the text has what is not modelled."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a kernel once and write its buffers.
    Run(Run),
    /// Run a kernel on many schedules, every checker on, and print each finding once.
    Check(Check),
    /// Run a kernel once and count what each line of its text does.
    Stats(Run),
    /// Hold the tensor-core model against outputs that were measured on a chip.
    Vectors(Vectors),
}

/// A kernel, its launch and its arguments.
#[derive(Debug, Args)]
pub(crate) struct Job {
    /// The PTX text.
    #[arg(value_name = "FILE.ptx")]
    pub(crate) file: PathBuf,
    /// The kernel; may be left out where the text has one.
    #[arg(long, value_name = "NAME")]
    pub(crate) kernel: Option<String>,
    /// Blocks.
    #[arg(long, value_name = "X[,Y[,Z]]", value_parser = extents)]
    pub(crate) grid: [u32; 3],
    /// Threads of a block.
    #[arg(long, value_name = "X[,Y[,Z]]", value_parser = extents)]
    pub(crate) block: [u32; 3],
    /// Dynamic shared memory.
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    pub(crate) shared: u32,
    /// The chip: sm_80, sm_86, sm_89 or sm_90; the oldest that runs the text if left out.
    #[arg(long, value_name = "ARCH", value_parser = profile)]
    pub(crate) arch: Option<Profile>,
    /// Tensors for `buf:` arguments.
    #[arg(long, value_name = "IN.safetensors")]
    pub(crate) input: Option<PathBuf>,
    /// The kernel's arguments in order: buf:NAME (that tensor), zeros:NAME:BYTES, u32:V, s32:V, u64:V, f32:V, f64:V.
    #[arg(long = "arg", value_name = "ARG", num_args = 1..)]
    pub(crate) args: Vec<Argument>,
    /// Where the buffers go that the arguments name, as the (first) launch left them.
    #[arg(long, value_name = "OUT.safetensors")]
    pub(crate) output: Option<PathBuf>,
    /// Decides what the chip leaves open; `check` begins with it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Instructions after which a warp counts as one that does not end.
    #[arg(long, value_name = "N", default_value_t = 100_000_000)]
    pub(crate) limit: u64,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `run` and `stats`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) job: Job,
    /// When lanes that parted run together again.
    #[arg(long, value_name = "WAY", default_value = "early")]
    pub(crate) converge: Way,
}

/// `check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) job: Job,
    /// How many seeds, each in both ways of running together.
    #[arg(long, value_name = "K", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seeds: u64,
    /// Only this way of running together.
    #[arg(long, value_name = "WAY")]
    pub(crate) converge: Option<Way>,
}

/// `vectors`.
#[derive(Debug, Args)]
pub(crate) struct Vectors {
    /// Tensors ARCH.TYPE.{a,b,c,d}.
    #[arg(value_name = "FILE.safetensors")]
    pub(crate) file: PathBuf,
    /// The chip whose model computes every set, whatever its name says.
    #[arg(long = "as", value_name = "ARCH", value_parser = profile)]
    pub(crate) forced: Option<Profile>,
}

/// [`Converge`] on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    /// Where their ways meet.
    Early,
    /// Only where an instruction makes them.
    Adversarial,
}

impl Way {
    pub(crate) const ALL: [Self; 2] = [Self::Early, Self::Adversarial];

    pub(crate) const fn converge(self) -> Converge {
        match self {
            Self::Early => Converge::Early,
            Self::Adversarial => Converge::Adversarial,
        }
    }
}

fn profile(name: &str) -> Result<Profile, String> {
    Profile::from_name(name).ok_or_else(|| "wanted sm_80, sm_86, sm_89 or sm_90".to_owned())
}

fn extents(text: &str) -> Result<[u32; 3], String> {
    let mut extents = [1; 3];
    let parts: Vec<&str> = text.split(',').collect();
    if parts.len() > 3 {
        return Err("wanted at most three numbers".to_owned());
    }
    for (extent, part) in extents.iter_mut().zip(parts) {
        *extent = part.trim().parse().map_err(|error| format!("`{part}`: {error}"))?;
    }
    Ok(extents)
}
