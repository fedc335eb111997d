//! Runs every kernel on the best device found, checks it against its oracle, and runs a trained attention block through them.
//!
//! Exit status: 0 right, 1 a result missed its bound, 2 bad usage or input.
#![deny(unsafe_code)]

mod arguments;
mod assemble;
mod bench;
mod block;
mod check;
mod device;
mod inspect;
mod operations;
mod plot;
mod ptx;
mod quantize;
mod run;
mod table;
mod weights;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    // Bad usage ends the process here, with status 2.
    let arguments = Arguments::parse();
    match act(&arguments) {
        Ok(Verdict::Right) => ExitCode::SUCCESS,
        Ok(Verdict::Missed) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// What a command found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Everything is within its bound.
    Right,
    /// Something is not.
    Missed,
}

impl Verdict {
    const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Right, Self::Right) => Self::Right,
            _ => Self::Missed,
        }
    }

    const fn of(is_right: bool) -> Self {
        if is_right { Self::Right } else { Self::Missed }
    }
}

fn act(arguments: &Arguments) -> Result<Verdict> {
    match &arguments.command {
        None => check::run(&arguments.device, &arguments.operations),
        Some(Command::List) => {
            table::print_operations();
            Ok(Verdict::Right)
        }
        Some(Command::Devices) => {
            device::print_all();
            Ok(Verdict::Right)
        }
        Some(Command::Run(run)) => run::run(&arguments.device, run),
        Some(Command::Ptx(ptx)) => ptx::print(ptx, arguments.device.arch),
        Some(Command::Bench(options)) => bench::run(&arguments.device, options),
        Some(Command::Plot(options)) => plot::run(options),
        Some(Command::Quantize(options)) => quantize::run(options),
        Some(Command::Inspect(options)) => inspect::run(options),
        Some(Command::Ptxas { kernels }) => assemble::assemble(arguments.device.arch, *kernels),
    }
}
