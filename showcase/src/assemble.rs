//! `showcase ptxas`: every kernel through the vendor's assembler.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, Result, anyhow, bail};
use tilewright_ptx_ir::ir::Module;

use crate::Verdict;
use crate::arguments::Arch;
use crate::operations::{OPERATIONS, Operation};
use crate::table;

/// Kernels that are assembled in one go: starting the assembler takes longer than a kernel.
const BATCH: usize = 24;
/// Where the machine code goes.
const NOWHERE: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// What the assembler says of an operation's kernels on one architecture.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    kernels: usize,
    most_registers: u32,
    spilled_bytes: u32,
    warnings: usize,
}

pub(crate) fn assemble(arch: Option<Arch>) -> Result<Verdict> {
    let ptxas = find_ptxas()?;
    let arches = arch.map_or(Arch::ALL.to_vec(), |arch| vec![arch]);
    let mut rows = Vec::new();
    let mut verdict = Verdict::Right;
    for operation in OPERATIONS {
        for arch in &arches {
            let figures =
                figures(&ptxas, operation, *arch).with_context(|| format!("{} for {}", operation.name, name(*arch)))?;
            let is_right = figures.spilled_bytes == 0 && figures.warnings == 0;
            verdict = verdict.and(Verdict::of(is_right));
            rows.push(vec![
                operation.name.to_owned(),
                name(*arch).to_owned(),
                figures.kernels.to_string(),
                figures.most_registers.to_string(),
                figures.spilled_bytes.to_string(),
                figures.warnings.to_string(),
                if is_right { "ok" } else { "MISSED" }.to_owned(),
            ]);
        }
    }
    table::print_texts(&["operation", "target", "kernels", "most registers", "spilled bytes", "warnings", ""], &rows);
    Ok(verdict)
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
    Ok(sum)
}

/// One module with all kernels, their names made distinct: plans that differ in small ways share a name.
fn joined(modules: &[Module]) -> Module {
    let mut all = Module {
        target: modules.first().map_or(tilewright_ptx_ir::Target::Sm80, |module| module.target),
        kernels: Vec::new(),
    };
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
    let mut figures = Figures::default();
    for line in log.lines() {
        if let Some(registers) = number_before(line, " registers") {
            figures.kernels += 1;
            figures.most_registers = figures.most_registers.max(registers);
        }
        figures.spilled_bytes += number_before(line, " bytes spill stores").unwrap_or(0);
        figures.spilled_bytes += number_before(line, " bytes spill loads").unwrap_or(0);
        figures.warnings += usize::from(line.contains("warning"));
        if line.contains("warning") {
            eprintln!("{line}");
        }
    }
    Ok(figures)
}

fn number_before(line: &str, what: &str) -> Option<u32> {
    let (before, _) = line.split_once(what)?;
    before.rsplit([' ', ',']).next()?.parse().ok()
}

impl Figures {
    fn add(&mut self, other: Self) {
        self.kernels += other.kernels;
        self.most_registers = self.most_registers.max(other.most_registers);
        self.spilled_bytes += other.spilled_bytes;
        self.warnings += other.warnings;
    }
}
