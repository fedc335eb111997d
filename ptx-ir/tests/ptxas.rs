//! Random modules that the verifier accepts assemble.
//!
//! With the environment variable `TILEWRIGHT_PTXAS` naming an assembler of CUDA 13.0 or later, it decides; otherwise the parser does.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use tilewright_ptx_ir::ir::{Kernel, Label, Module, Statement};
use tilewright_ptx_ir::{Target, parse};

use support::{Draw, KINDS};

#[test]
fn random_modules_assemble() {
    let assembler = std::env::var_os("TILEWRIGHT_PTXAS").map(PathBuf::from);
    let cases: u64 = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(40);
    let mut refused = Vec::new();
    for case in 0..cases {
        let module = module(case);
        match &assembler {
            Some(assembler) if assemble(assembler, case, &module).is_empty() => {}
            Some(assembler) => refused.extend(alone(&module).flat_map(|module| assemble(assembler, case, &module))),
            None => assert_eq!(parse(&module.to_string()).map(|source| source.module), Ok(module)),
        }
    }
    refused.sort();
    refused.dedup_by_key(|(reason, _)| reason.clone());
    assert!(refused.is_empty(), "{refused:#?}");
}

fn module(case: u64) -> Module {
    let mut draw = Draw::new(case);
    let target = draw.of(&Target::ALL);
    let statements = (0..60).map(|_| (draw.below(KINDS as u32) as usize, draw.next())).collect();
    support::module(target, &[(draw.next(), statements)])
}

/// Each instruction in a module of its own: the assembler stops early and miscounts lines.
fn alone(module: &Module) -> impl Iterator<Item = Module> {
    let kernel = &module.kernels[0];
    let (preamble, rest) = kernel.body.split_at(support::preamble().len());
    let labels = (0..support::LABELS).map(|label| Statement::Label(Label(label)));
    rest.iter().filter(|statement| matches!(statement, Statement::Inst(_))).map(move |statement| {
        let mut body = preamble.to_vec();
        body.push(statement.clone());
        body.extend(labels.clone());
        body.push(rest.last().unwrap().clone());
        Module { kernels: vec![Kernel { body, ..kernel.clone() }], ..module.clone() }
    })
}

/// What the assembler says, each with the first instruction after the preamble.
fn assemble(assembler: &Path, case: u64, module: &Module) -> Vec<(String, String)> {
    let path = std::env::temp_dir().join(format!("tilewright-ptx-ir-{}-{case}.ptx", std::process::id()));
    let text = module.to_string();
    std::fs::write(&path, &text).unwrap();
    let arch = format!("-arch={}", module.target);
    let output = Command::new(assembler).arg(arch).arg(&path).args(["-o", "/dev/null"]).output().unwrap();
    std::fs::remove_file(&path).unwrap();
    if output.status.success() {
        return Vec::new();
    }
    let messages = String::from_utf8_lossy(&output.stderr).into_owned();
    messages
        .lines()
        .filter(|message| message.contains("error  ") || message.contains("fatal  "))
        .map(|message| {
            let reason = message.rsplit("; ").next().unwrap_or(message).to_owned();
            let statement = module.kernels[0].statement_text(support::preamble().len()).unwrap();
            (reason, format!("{statement} ({} {})", module.target, module.version()))
        })
        .collect()
}
