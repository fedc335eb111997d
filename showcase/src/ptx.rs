//! `showcase ptx`: the text of an operation's kernels.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use tilewright_ptx_ir::Target;
use tilewright_ptx_ir::ir::Statement;

use crate::Verdict;
use crate::arguments::{Arch, PtxArguments};
use crate::check::find;
use crate::operations::Described;
use crate::table;

pub(crate) fn print(arguments: &PtxArguments, arch: Option<Arch>) -> Result<Verdict> {
    let operation = find(&arguments.operation)?;
    let target = arch.map_or(Target::Sm80, Arch::target);
    let mut chosen = match &arguments.shape {
        Some(shape) if shape.len() == operation.shape.len() => vec![(operation.planned)(target, shape)?],
        Some(shape) => {
            bail!("{} has shapes of {}, not of {} numbers", operation.name, operation.shape.join(","), shape.len())
        }
        None => (operation.modules)(target)?,
    };
    if let Some(plan) = arguments.plan {
        if plan >= chosen.len() {
            bail!("{} has plans 0 to {}", operation.name, chosen.len() - 1);
        }
        chosen = vec![chosen.swap_remove(plan)];
    }
    if arguments.stats {
        let rows: Vec<_> = chosen.iter().enumerate().map(|(index, described)| row(index, described)).collect();
        table::print_texts(&["plan", "instructions", "mma", "barriers", "shared bytes", "most frequent"], &rows);
    } else if let Some(described) = chosen.first() {
        println!("// {}\n{}", described.plan, described.module);
    }
    Ok(Verdict::Right)
}

fn row(index: usize, described: &Described) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut total = 0;
    let kernels = &described.module.kernels;
    for statement in kernels.iter().flat_map(|kernel| &kernel.body) {
        if let Statement::Inst(inst) = statement {
            // The variant's name is the instruction's family.
            let text = format!("{:?}", inst.op);
            let family = text.split([' ', '{']).next().unwrap_or_default().to_owned();
            *counts.entry(family).or_default() += 1;
            total += 1;
        }
    }
    let count = |family: &str| counts.get(family).copied().unwrap_or(0).to_string();
    let mut frequent: Vec<_> = counts.iter().collect();
    frequent.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let frequent: Vec<_> = frequent.iter().take(4).map(|(family, count)| format!("{family} {count}")).collect();
    vec![
        format!("{index} {}", described.plan),
        total.to_string(),
        count("Mma"),
        count("BarrierSync"),
        described.shared_bytes.to_string(),
        frequent.join(", "),
    ]
}
