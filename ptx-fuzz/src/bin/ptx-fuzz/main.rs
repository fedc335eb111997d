//! `ptx-fuzz`: random kernels, run twice and compared.
#![forbid(unsafe_code)]

mod sweep;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};
use rayon::prelude::*;
use tilewright_ptx_fuzz::{Case, Coverage, Device, Failure, assemble, check, shrink, simulate};

/// Runs random kernels on the simulator and on a naive evaluator, which must agree in every register of every thread.
#[derive(Debug, Parser)]
#[command(version, args_override_self = true, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// How many kernels
    #[arg(long, default_value_t = 1000)]
    kernels: u64,
    /// The seed of the first; the others follow
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Also assembles them with this ptxas
    #[arg(long)]
    ptxas: Option<PathBuf>,
    /// Kernels of a module for ptxas
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// Who runs them beside the simulator: sim for the naive evaluator, or a GPU: cuda, or cuda:N
    #[arg(long, default_value = "sim", value_parser = device)]
    device: Beside,
    /// Writes each kernel, its input and the simulator's output to a folder instead
    #[arg(long)]
    write: Option<PathBuf>,
    /// So many kernels that fail are shown
    #[arg(long, default_value_t = 1)]
    most: usize,
    /// Prints instead how often each kind of instruction is executed in them
    #[arg(long)]
    coverage: bool,
    /// Prints the kernel of the first seed and ends
    #[arg(long)]
    show: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measures the answers of approximate instructions against the simulator's bounds
    Sweep(sweep::Arguments),
}

/// Who runs the kernels beside the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    Naive,
    Gpu(u32),
}

fn device(text: &str) -> Result<Beside, &'static str> {
    let wanted = "wanted sim, cuda or cuda:N";
    match text {
        "sim" => Ok(Beside::Naive),
        "cuda" => Ok(Beside::Gpu(0)),
        _ => text.strip_prefix("cuda:").and_then(|number| number.parse().ok()).map(Beside::Gpu).ok_or(wanted),
    }
}

fn main() -> ExitCode {
    match act(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything agreed.
fn act(arguments: &Arguments) -> Result<bool, Box<dyn std::error::Error>> {
    if let Some(Command::Sweep(arguments)) = &arguments.command {
        return sweep::act(arguments);
    }
    let seeds = arguments.seed..arguments.seed.saturating_add(arguments.kernels);
    if arguments.show {
        write!(io::stdout(), "{}", Case::new(arguments.seed).module)?;
        return Ok(true);
    }
    if let Some(folder) = &arguments.write {
        write(folder, seeds)?;
        return Ok(true);
    }
    if arguments.coverage {
        let add = |mut coverage: Coverage, seed| coverage.add(&Case::new(seed)).map(|()| coverage);
        let merge = |one: Coverage, other| Ok(one.merged(other));
        let coverage = seeds.into_par_iter().try_fold(Coverage::default, add).try_reduce(Coverage::default, merge)?;
        print!("{coverage}");
        return Ok(true);
    }
    let start = Instant::now();
    let (who, failed) = match arguments.device {
        Beside::Gpu(ordinal) => {
            let device = Device::open(ordinal)?;
            // One context: its kernels run one after another.
            let failed = seeds.clone().filter(|seed| shows(*seed, |case| device.check(case)));
            (device.name().to_owned(), failed.take(arguments.most).count())
        }
        Beside::Naive => {
            let failing: Vec<u64> =
                seeds.clone().into_par_iter().filter(|seed| check(&Case::new(*seed)).is_err()).collect();
            (
                "the naive evaluator".to_owned(),
                failing.into_iter().take(arguments.most).filter(|seed| shows(*seed, check)).count(),
            )
        }
    };
    if failed > 0 {
        return Ok(false);
    }
    let (count, last) = (arguments.kernels, seeds.end.saturating_sub(1));
    let seconds = start.elapsed().as_secs_f64();
    println!("{count} kernels, seeds {} to {last}: the simulator and {who} agree ({seconds:.1} s)", seeds.start);
    match &arguments.ptxas {
        Some(assembler) => assembles(assembler, seeds, arguments.batch.max(1)),
        None => Ok(true),
    }
}

/// Whether a kernel fails; if so, what is wrong with it and the least of it that fails are printed.
fn shows(seed: u64, check: impl Fn(&Case) -> Result<(), Failure>) -> bool {
    let case = Case::new(seed);
    let Err(failure) = check(&case) else { return false };
    println!("seed {seed}: {failure}");
    let kind = std::mem::discriminant(&failure);
    let smallest = shrink(&case, |case| check(case).is_err_and(|failure| std::mem::discriminant(&failure) == kind));
    if let Err(failure) = check(&smallest) {
        println!("\nwithout what it does not need: {failure}\n\n{}", smallest.module);
    }
    true
}

fn write(folder: &Path, seeds: std::ops::Range<u64>) -> Result<(), Box<dyn std::error::Error>> {
    fs::create_dir_all(folder)?;
    let mut launches = String::from("seed blocks threads\n");
    for seed in seeds {
        let case = Case::new(seed);
        let text = case.module.to_string();
        fs::write(folder.join(format!("{seed}.out")), simulate(&case, &text)?)?;
        fs::write(folder.join(format!("{seed}.in")), &case.input)?;
        fs::write(folder.join(format!("{seed}.ptx")), text)?;
        launches.push_str(&format!("{seed} {} {}\n", case.blocks, case.threads));
    }
    fs::write(folder.join("launches.txt"), launches)?;
    Ok(())
}

fn assembles(assembler: &Path, seeds: std::ops::Range<u64>, batch: usize) -> Result<bool, Box<dyn std::error::Error>> {
    let start = Instant::now();
    let count = seeds.end - seeds.start;
    let all: Vec<u64> = seeds.collect();
    let refused = all
        .par_chunks(batch)
        .map(|seeds| assemble(assembler, &seeds.iter().map(|seed| Case::new(*seed)).collect::<Vec<_>>()))
        .find_map_first(|outcome: io::Result<_>| outcome.transpose());
    let Some(refused) = refused.transpose()? else {
        println!("{count} kernels assemble ({:.1} s)", start.elapsed().as_secs_f64());
        return Ok(true);
    };
    println!("seed {}: the assembler refuses it: {}\n\n{}", refused.seed, refused.says, Case::new(refused.seed).module);
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_names() {
        assert_eq!(device("sim"), Ok(Beside::Naive));
        assert_eq!((device("cuda"), device("cuda:3")), (Ok(Beside::Gpu(0)), Ok(Beside::Gpu(3))));
        for text in ["", "cuda:", "cuda3", "cuda:-1", "cuda:x", "gpu"] {
            assert!(device(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_later_argument_replaces_an_earlier_one() {
        let arguments = Arguments::parse_from(["ptx-fuzz", "--kernels", "500", "--kernels", "7"]);
        assert_eq!(arguments.kernels, 7);
    }
}
