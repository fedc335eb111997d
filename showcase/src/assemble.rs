//! `showcase ptxas`: every kernel through the vendor's assembler.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::mem;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, Result, anyhow, bail};
use tilewright_ptx_ir::Target;
use tilewright_ptx_ir::ir::Module;
use tilewright_tile::Budget;

use crate::Verdict;
use crate::arguments::Arch;
use crate::operations::{OPERATIONS, Operation};
use crate::table;

/// Kernels that are assembled in one go: starting the assembler takes longer than a kernel.
const BATCH: usize = 24;
/// Where the machine code goes.
const NOWHERE: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// What the assembler says of one kernel on one architecture.
#[derive(Clone, Debug)]
struct Kernel {
    name: String,
    registers: u32,
    spilled_bytes: u32,
}

/// What the assembler says of some kernels.
#[derive(Clone, Debug, Default)]
struct Figures {
    kernels: Vec<Kernel>,
    warnings: usize,
}

/// Assembles every kernel and holds each to its budget; with `list`, says what each name uses at most.
pub(crate) fn assemble(arch: Option<Arch>, list: bool) -> Result<Verdict> {
    let ptxas = find_ptxas()?;
    let arches = arch.map_or(Arch::ALL.to_vec(), |arch| vec![arch]);
    let (mut rows, mut names) = (Vec::new(), Vec::new());
    let mut verdict = Verdict::Right;
    for operation in OPERATIONS {
        for arch in &arches {
            let figures =
                figures(&ptxas, operation, *arch).with_context(|| format!("{} for {}", operation.name, name(*arch)))?;
            let missed = figures.missed(operation.budgets, arch.target());
            missed.iter().for_each(|line| eprintln!("{line}"));
            let is_right = missed.is_empty() && figures.warnings == 0;
            verdict = verdict.and(Verdict::of(is_right));
            rows.push(vec![
                operation.name.to_owned(),
                name(*arch).to_owned(),
                figures.kernels.len().to_string(),
                figures.kernels.iter().map(|kernel| kernel.registers).max().unwrap_or(0).to_string(),
                missed.len().to_string(),
                figures.kernels.iter().map(|kernel| kernel.spilled_bytes).sum::<u32>().to_string(),
                figures.warnings.to_string(),
                if is_right { "ok" } else { "MISSED" }.to_owned(),
            ]);
            if list {
                names.extend(figures.rows(operation.budgets, *arch));
            }
        }
    }
    if list {
        table::print_texts(&["kernel", "target", "plans", "registers", "budget"], &names);
    }
    let titles = ["operation", "target", "kernels", "most registers", "over budget", "spilled bytes", "warnings", ""];
    table::print_texts(&titles, &rows);
    Ok(verdict)
}

impl Figures {
    /// A line for each kernel that passes its budget or has none.
    fn missed(&self, budgets: &[Budget], target: Target) -> Vec<String> {
        let mut lines = Vec::new();
        for Kernel { name, registers, spilled_bytes } in &self.kernels {
            let Some(budget) = Budget::of(budgets, name) else {
                lines.push(format!("{name} has no budget; it uses {registers} registers on {}", target.name()));
                continue;
            };
            let budget = budget.registers(target);
            if *registers > budget {
                lines.push(format!("{name} uses {registers} registers on {}, its budget is {budget}", target.name()));
            }
            if *spilled_bytes > 0 {
                lines.push(format!("{name} spills {spilled_bytes} bytes on {}, its budget is 0", target.name()));
            }
        }
        lines.sort();
        lines.dedup();
        lines
    }

    /// For each name the most that a kernel of that name uses.
    fn rows(&self, budgets: &[Budget], arch: Arch) -> Vec<Vec<String>> {
        let mut most = BTreeMap::<&str, (usize, u32)>::new();
        for kernel in &self.kernels {
            let (count, registers) = most.entry(&kernel.name).or_default();
            *count += 1;
            *registers = kernel.registers.max(*registers);
        }
        let row = |(name, (count, registers)): (&str, (usize, u32))| {
            let budget = Budget::of(budgets, name).map(|budget| budget.registers(arch.target()).to_string());
            vec![
                name.to_owned(),
                self::name(arch).to_owned(),
                count.to_string(),
                registers.to_string(),
                budget.unwrap_or_default(),
            ]
        };
        most.into_iter().map(row).collect()
    }

    fn add(&mut self, other: Self) {
        self.kernels.extend(other.kernels);
        self.warnings += other.warnings;
    }
}

const fn name(arch: Arch) -> &'static str {
    arch.target().name()
}

fn find_ptxas() -> Result<PathBuf> {
    if let Some(path) = env::var_os("TILEWRIGHT_PTXAS") {
        return Ok(path.into());
    }
    let on_path = env::var_os("PATH").into_iter().flat_map(|path| env::split_paths(&path).collect::<Vec<_>>());
    let toolkit = PathBuf::from("/usr/local/cuda/bin");
    on_path
        .chain([toolkit])
        .map(|folder| folder.join(format!("ptxas{}", env::consts::EXE_SUFFIX)))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            anyhow!("no ptxas on the path; name one in TILEWRIGHT_PTXAS (the PyPI package nvidia-cuda-nvcc has it)")
        })
}

fn figures(ptxas: &Path, operation: &Operation, arch: Arch) -> Result<Figures> {
    let modules: Vec<Module> =
        (operation.modules)(arch.target())?.into_iter().map(|described| described.module).collect();
    let batches: Vec<String> = modules.chunks(BATCH).map(|batch| joined(batch).to_string()).collect();
    let workers = thread::available_parallelism().map_or(1, usize::from).min(batches.len().max(1));
    let queue = Mutex::new(batches.iter());
    let results: Vec<Result<Figures>> = thread::scope(|scope| {
        let handles: Vec<_> = (0..workers)
            .map(|_| {
                scope.spawn(|| {
                    let mut sum = Figures::default();
                    loop {
                        // The lock is held only for the look into the queue.
                        let next = queue.lock().map_err(|_| anyhow!("a worker failed"))?.next();
                        let Some(text) = next else { return Ok(sum) };
                        sum.add(run(ptxas, text, arch)?);
                    }
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap_or_else(|_| Err(anyhow!("a worker failed")))).collect()
    });
    let mut sum = Figures::default();
    for result in results {
        sum.add(result?);
    }
    let kernels: usize = modules.iter().map(|module| module.kernels.len()).sum();
    if sum.kernels.len() != kernels {
        bail!("ptxas was given {kernels} kernels and tells of {}", sum.kernels.len());
    }
    Ok(sum)
}

/// One module with all kernels, their names made distinct: plans that differ in small ways share a name.
fn joined(modules: &[Module]) -> Module {
    let mut all = Module::new(modules.first().map_or(Target::Sm80, |module| module.target), Vec::new());
    for (index, module) in modules.iter().enumerate() {
        for kernel in &module.kernels {
            let mut kernel = kernel.clone();
            kernel.name = format!("{}_{index}", kernel.name);
            all.kernels.push(kernel);
        }
    }
    all
}

fn run(ptxas: &Path, text: &str, arch: Arch) -> Result<Figures> {
    static FILES: AtomicUsize = AtomicUsize::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let file = env::temp_dir().join(format!("tilewright-{}-{number}.ptx", process::id()));
    fs::write(&file, text).with_context(|| format!("{}", file.display()))?;
    let arch = format!("-arch={}", name(arch));
    let output = Command::new(ptxas).args(["-v", &arch, "-o", NOWHERE]).arg(&file).output();
    // What happened to the assembler matters more than a file that stays behind.
    drop(fs::remove_file(&file));
    let output = output.with_context(|| format!("{}", ptxas.display()))?;
    let log = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("ptxas refuses a kernel:\n{log}");
    }
    Ok(read(&log))
}

/// Reads what `ptxas -v` says: a line with the kernel's name, one with its spills, one with its registers.
fn read(log: &str) -> Figures {
    let mut figures = Figures::default();
    let (mut name, mut spilled_bytes) = (String::new(), 0);
    for line in log.lines() {
        if let Some((_, rest)) = line.split_once("Compiling entry function '") {
            // `joined` has put the kernel's index behind its name.
            let joined = rest.split('\'').next().unwrap_or_default();
            joined.rsplit_once('_').map_or(joined, |(name, _)| name).clone_into(&mut name);
        }
        if let Some(stores) = number_before(line, " bytes spill stores") {
            spilled_bytes = stores + number_before(line, " bytes spill loads").unwrap_or(0);
        }
        if let Some(registers) = number_before(line, " registers") {
            figures.kernels.push(Kernel { name: mem::take(&mut name), registers, spilled_bytes });
        }
        if line.contains("warning") {
            figures.warnings += 1;
            eprintln!("{line}");
        }
    }
    figures
}

fn number_before(line: &str, what: &str) -> Option<u32> {
    let (before, _) = line.split_once(what)?;
    before.rsplit([' ', ',']).next()?.parse().ok()
}
