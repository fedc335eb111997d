//! The main job: every operation against its oracle, then the trained block.

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::Verdict;
use crate::arguments::DeviceArguments;
use crate::block;
use crate::device::Session;
use crate::operations::{OPERATIONS, Operation};
use crate::table::{self, Row};

/// The name of the trained block among the operations of the command line.
const BLOCK: &str = "block";

pub(crate) fn run(device: &DeviceArguments, names: &[String]) -> Result<Verdict> {
    let operations = chosen(names)?;
    let session = Session::open(device)?;
    let mut rows: Vec<Row> = Vec::new();
    let progress = bar(operations.len());
    for operation in operations {
        progress.set_message(operation.name);
        rows.extend((operation.check)(&session)?);
        progress.inc(1);
    }
    progress.finish_and_clear();
    let mut reports = Vec::new();
    if names.is_empty() || names.iter().any(|name| name == BLOCK) {
        for layer in block::Layer::all()? {
            let (checked, report) = block::run(&session, &layer)?;
            rows.extend(checked);
            reports.push(report);
        }
    }
    table::print_rows(&session.name, &rows);
    let mut verdict = Verdict::of(rows.iter().all(|row| row.worst.is_right));
    for report in &reports {
        verdict = verdict.and(report.print());
    }
    match verdict {
        Verdict::Right => println!("everything is within its bound"),
        Verdict::Missed => println!("something MISSED its bound"),
    }
    Ok(verdict)
}

/// The operations that are named; all of them if nothing is.
fn chosen(names: &[String]) -> Result<Vec<&'static Operation>> {
    if names.is_empty() {
        return Ok(OPERATIONS.iter().collect());
    }
    names.iter().filter(|name| *name != BLOCK).map(|name| find(name)).collect()
}

/// The operation called `name`.
pub(crate) fn find(name: &str) -> Result<&'static Operation> {
    let Some(operation) = OPERATIONS.iter().find(|operation| operation.name == name) else {
        let known: Vec<_> = OPERATIONS.iter().map(|operation| operation.name).collect();
        bail!("there is no operation `{name}`; there are {}", known.join(", "));
    };
    Ok(operation)
}

pub(crate) fn bar(length: usize) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    // Drawn on standard error, and only if that is a terminal.
    ProgressBar::new(length as u64).with_style(style)
}
