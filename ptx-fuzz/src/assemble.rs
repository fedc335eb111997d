//! Many kernels at once through an assembler.

use std::io;
use std::path::Path;
use std::process::Command;

use tilewright_ptx_ir::ir::Module;

use crate::generate::Case;

/// A kernel that the assembler refuses, and what it says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refused {
    /// The kernel's seed.
    pub seed: u64,
    /// What the assembler says.
    pub says: String,
}

/// Assembles kernels as one module; if that fails, one by one until one fails.
///
/// # Errors
/// If the assembler cannot be run or its input not be written.
pub fn assemble(assembler: &Path, cases: &[Case]) -> io::Result<Option<Refused>> {
    let Some(first) = cases.first() else { return Ok(None) };
    let mut module = Module { functions: Vec::new(), kernels: Vec::new(), ..first.module.clone() };
    for case in cases {
        let (mut kernel, seed) = (case.kernel().clone(), case.seed);
        kernel.name = format!("fuzz_{seed}");
        for function in &case.module.functions {
            let mut function = function.clone();
            let name = format!("{}_{seed}", function.code.name);
            kernel
                .symbols
                .iter_mut()
                .filter(|symbol| **symbol == function.code.name)
                .for_each(|symbol| *symbol = name.clone());
            function.code.name = name;
            module.functions.push(function);
        }
        module.kernels.push(kernel);
    }
    let Some(says) = refusal(assembler, first.seed, &module)? else { return Ok(None) };
    if let [case] = cases {
        return Ok(Some(Refused { seed: case.seed, says }));
    }
    let (front, back) = cases.split_at(cases.len() / 2);
    match assemble(assembler, front)? {
        Some(refused) => Ok(Some(refused)),
        None => assemble(assembler, back),
    }
}

fn refusal(assembler: &Path, seed: u64, module: &Module) -> io::Result<Option<String>> {
    let path = std::env::temp_dir().join(format!("ptx-fuzz-{}-{seed}.ptx", std::process::id()));
    std::fs::write(&path, module.to_string())?;
    let output = Command::new(assembler)
        .arg(format!("-arch={}", module.target))
        .arg(&path)
        .args(["-o", if cfg!(windows) { "NUL" } else { "/dev/null" }])
        .output();
    std::fs::remove_file(&path)?;
    let output = output?;
    Ok(if output.status.success() { None } else { Some(String::from_utf8_lossy(&output.stderr).into_owned()) })
}
