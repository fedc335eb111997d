//! `mutants`: every kernel with every fault, and whether the checks of its crate notice.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};
use tilewright_mutants::{Campaign, Group, OPERATORS, serve, table};

/// Plants faults in every kernel and prints how many of them the checks of the kernel's crate notice.
#[derive(Debug, Parser)]
#[command(version, args_override_self = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// So many mutants of each operator and kernel
    #[arg(long, default_value_t = 1)]
    sample: usize,
    /// Each operator on every so many-th kernel, each on others
    #[arg(long, default_value_t = 36)]
    stride: usize,
    /// Only the kernels of this crate: reduce, matmul-f16, …
    #[arg(long, value_parser = group)]
    only: Vec<Group>,
    /// Only kernels whose names contain this
    #[arg(long, default_value = "")]
    kernel: String,
    /// Only this operator
    #[arg(long)]
    operator: Vec<String>,
    /// Also prints the mutants that cannot matter, with the reason
    #[arg(long)]
    survivors: bool,
    /// Also prints the cases of each kernel with a mutant that nobody noticed
    #[arg(long)]
    cases: bool,
    /// Also runs the mutants that are proved not to matter, to see whether the proofs are right
    #[arg(long)]
    doubts: bool,
    /// Processes; one for each core if not given
    #[arg(long)]
    processes: Option<usize>,
    /// The least share that must be noticed, in percent
    #[arg(long, default_value_t = 98.0)]
    least: f64,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints the operators
    Operators,
    /// Prints the kernels that `--only` and `--kernel` name, each statement with the number by which mutants name it
    Show,
    /// Answers jobs on standard input; what the program starts itself
    #[command(hide = true)]
    Worker,
}

fn group(text: &str) -> Result<Group, String> {
    let names = Group::ALL.map(Group::name).join(", ");
    Group::ALL.into_iter().find(|group| group.name() == text).ok_or_else(|| format!("wanted one of {names}"))
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

/// Whether enough was noticed.
fn act(arguments: &Arguments) -> Result<bool, Box<dyn std::error::Error>> {
    match arguments.command {
        Some(Command::Worker) => {
            serve(io::stdin().lock(), io::stdout().lock())?;
            return Ok(true);
        }
        Some(Command::Operators) => {
            for operator in OPERATORS {
                println!("{:<18} {}", operator.name, operator.what);
            }
            return Ok(true);
        }
        Some(Command::Show) | None => {}
    }
    let start = Instant::now();
    let campaign = Campaign {
        sample: arguments.sample,
        stride: arguments.stride,
        doubts: arguments.doubts,
        groups: if arguments.only.is_empty() { Group::ALL.to_vec() } else { arguments.only.clone() },
        kernels: arguments.kernel.clone(),
        operators: arguments.operator.clone(),
        processes: match arguments.processes {
            Some(count) => count,
            None => std::thread::available_parallelism()?.get(),
        },
    };
    if matches!(arguments.command, Some(Command::Show)) {
        for (name, module) in campaign.kernels()? {
            print!("{}", table::text(&name, &module));
        }
        return Ok(true);
    }
    let judgements = campaign.run(|done, all| {
        // Only for whoever waits: nothing is lost if nobody can be told.
        write!(io::stderr(), "\r{done} of {all} kernels").ok();
    })?;
    eprintln!();
    print!("{}\n{}", table::survivors(&judgements, arguments.survivors), table::print(&judgements));
    if arguments.cases {
        print!("{}", table::cases(&judgements));
    }
    let (tally, unchecked) = (table::total(&judgements), table::unchecked(&judgements));
    println!(
        "{} mutants of {} kernels: {} killed, {} equivalent, {} survived: {:.2} % of those that matter; {:.0} s",
        tally.made,
        judgements.len(),
        tally.killed(),
        tally.equivalent,
        tally.survived,
        tally.percent(),
        start.elapsed().as_secs_f64()
    );
    if unchecked > 0 {
        println!("{unchecked} that drop synchronisation were noticed by no checker");
    }
    if tally.contradicted > 0 {
        println!("{} were noticed although a rule says that they cannot matter", tally.contradicted);
    }
    Ok(tally.percent() >= arguments.least && unchecked == 0 && tally.contradicted == 0)
}
