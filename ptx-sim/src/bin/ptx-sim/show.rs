//! Findings as text and as JSON.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tilewright_ptx_sim::{Access, Action, Converge, Finding, Location, Report};

use crate::Verdict;
use crate::session::Session;

/// A finding, where it was seen first, and in how many launches.
#[derive(Debug)]
pub(crate) struct Found<'r> {
    report: &'r Report,
    finding: &'r Finding,
    launches: usize,
    /// The last report that has it.
    last: &'r Report,
}

/// Each finding of some reports once: the same kind at the same lines is the same, whichever came first.
pub(crate) fn once<'r>(reports: impl IntoIterator<Item = &'r Report>) -> Vec<Found<'r>> {
    let lines = |finding: &Finding| {
        let mut lines: Vec<u32> = finding.accesses.iter().map(|access| access.line).collect();
        lines.sort_unstable();
        lines
    };
    let mut all: Vec<Found<'r>> = Vec::new();
    for report in reports {
        for finding in &report.findings {
            let is_same = |known: &&mut Found<'_>| {
                known.finding.kind.name() == finding.kind.name() && lines(known.finding) == lines(finding)
            };
            match all.iter_mut().find(is_same) {
                // A launch may have seen it in both orders.
                Some(known) if std::ptr::eq(known.last, report) => {}
                Some(known) => {
                    known.launches += 1;
                    known.last = report;
                }
                None => all.push(Found { report, finding, launches: 1, last: report }),
            }
        }
    }
    all
}

/// Prints findings, and what the allocations are that they name.
pub(crate) fn print(session: &Session<'_>, found: &[Found<'_>]) {
    for Found { report, finding, .. } in found {
        let mut alone = Report::new(&report.kernel, report.seed);
        alone.converge = report.converge;
        alone.findings.push((*finding).clone());
        println!("{alone}\n");
    }
    let named = |found: &Found<'_>| match found.finding.location {
        Some(Location::Global { allocation, .. }) if allocation > 0 => Some(allocation),
        _ => None,
    };
    let allocations: BTreeSet<u64> = found.iter().filter_map(named).collect();
    for number in &allocations {
        if let Some(name) = name(session, *number) {
            println!("allocation {number} is {name}");
        }
    }
    if !allocations.is_empty() {
        println!();
    }
}

/// One object: the verdict, what was run, the findings.
pub(crate) fn json(session: &Session<'_>, verdict: Verdict, launches: usize, found: &[Found<'_>]) -> Value {
    json!({
        "verdict": verdict.name(),
        "kernel": session.kernel.name,
        "arch": session.program.profile().name(),
        "launches": launches,
        "findings": found.iter().map(|found| finding(session, found)).collect::<Vec<_>>(),
    })
}

fn finding(session: &Session<'_>, Found { report, finding, launches, .. }: &Found<'_>) -> Value {
    json!({
        "kind": finding.kind.name(),
        "message": finding.kind.to_string(),
        "location": finding.location.map(|place| location(session, place)),
        "accesses": finding.accesses.iter().map(access).collect::<Vec<_>>(),
        "seed": report.seed,
        "converge": if report.converge == Converge::Adversarial { "adversarial" } else { "early" },
        "launches": launches,
    })
}

fn location(session: &Session<'_>, location: Location) -> Value {
    match location {
        Location::Global { allocation, offset } => {
            let name = name(session, allocation);
            json!({ "memory": "global", "allocation": allocation, "name": name, "offset": offset })
        }
        Location::Shared { offset } => json!({ "memory": "shared", "offset": offset }),
        Location::Local { offset } => json!({ "memory": "local", "offset": offset }),
        Location::Param { offset } => json!({ "memory": "param", "offset": offset }),
        _ => Value::Null,
    }
}

fn access(access: &Access) -> Value {
    let (action, bytes) = match access.action {
        Action::Read(bytes) => ("read", Some(bytes)),
        Action::Write(bytes) => ("write", Some(bytes)),
        Action::Atomic(bytes) => ("atomic", Some(bytes)),
        Action::Copy(bytes) => ("copy", Some(bytes)),
        Action::Wait | Action::Await { .. } => ("wait", None),
        Action::Use => ("use", None),
        _ => ("execute", None),
    };
    let Access { block, thread, line, instruction, .. } = access;
    json!({
        "action": action, "bytes": bytes, "block": block, "thread": thread, "line": line, "instruction": instruction,
    })
}

/// The buffer or the variable of the text that an allocation is.
fn name(session: &Session<'_>, allocation: u64) -> Option<String> {
    let index = usize::try_from(allocation).ok()?.checked_sub(1)?;
    let buffer = session.buffers.get(index).map(|buffer| format!("{} ({} bytes)", buffer.name, buffer.bytes()));
    buffer.or_else(|| session.program.variable(allocation).map(str::to_owned))
}
