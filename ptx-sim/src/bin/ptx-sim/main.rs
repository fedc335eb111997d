//! `ptx-sim`: runs, checks and counts kernels of PTX texts, and holds the tensor-core model against measured outputs.
//!
//! | file | what |
//! |---|---|
//! | `arguments` | the command line |
//! | `argument` | one argument of a kernel |
//! | `session` | a loaded text with its buffers, which every launch finds as they were given |
//! | `run`, `check`, `stats`, `vectors` | the subcommands |
//! | `show` | findings as text and as JSON |
//! | `failure` | why nothing was run |
#![forbid(unsafe_code)]

mod argument;
mod arguments;
mod check;
mod failure;
mod run;
mod session;
mod show;
mod stats;
mod vectors;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

/// What a command found out, if it could do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Clean,
    /// The kernel has a hazard, or an output missed what was measured.
    Finding,
}

fn main() -> ExitCode {
    // Bad usage ends the process here, with status 2.
    let arguments = Arguments::parse();
    let (outcome, is_json) = match &arguments.command {
        Command::Run(run) => (run::run(run), run.job.json),
        Command::Check(check) => (check::check(check), check.job.json),
        Command::Stats(stats) => (stats::stats(stats), stats.job.json),
        Command::Vectors(vectors) => (vectors::vectors(vectors), false),
    };
    match outcome {
        Ok(Verdict::Clean) => ExitCode::SUCCESS,
        Ok(Verdict::Finding) => ExitCode::from(1),
        Err(failure) => {
            if is_json {
                println!("{}", failure.json());
            }
            eprintln!("error: {failure}");
            ExitCode::from(if failure.is_incomplete() { 3 } else { 2 })
        }
    }
}

impl Verdict {
    const fn of(is_clean: bool) -> Self {
        if is_clean { Self::Clean } else { Self::Finding }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Finding => "finding",
        }
    }
}
