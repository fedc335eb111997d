//! `bench` where there is no GPU: what kernels do, in counts that are the same on every machine, each with a ceiling.

use anyhow::Result;

use super::limits::{self, Limits};
use crate::Verdict;
use crate::arguments::BenchArguments;
use crate::device::{Cost, Session};
use crate::operations::OPERATIONS;
use crate::table;

/// What a launch did.
#[derive(Clone, Copy)]
struct Counts {
    instructions: u64,
    sectors: u64,
    /// Passes of shared memory that conflicts cost.
    conflicts: u64,
}

pub(super) fn run(session: &Session, options: &BenchArguments) -> Result<Verdict> {
    let is_wanted =
        |name: &str| options.operations.is_empty() || options.operations.iter().any(|wanted| wanted == name);
    let mut rows = Vec::new();
    let mut verdict = Verdict::Right;
    for operation in OPERATIONS.iter().filter(|operation| is_wanted(operation.name)) {
        for row in (operation.check)(session)? {
            let Cost::Simulated(counts) = row.cost else { continue };
            let counts = Counts {
                instructions: counts.instructions,
                sectors: counts.global_sectors,
                conflicts: counts.shared_passes.saturating_sub(counts.shared_passes_ideal),
            };
            let limits = limits::of(&row.operation, &row.shape);
            let is_right = limits.is_some_and(|limits| counts.are_within(limits));
            verdict = verdict.and(Verdict::of(is_right));
            let beside = |count: u64, limit: fn(&Limits) -> u64| {
                format!("{count} / {}", limits.map_or_else(|| "none".to_owned(), |limits| limit(limits).to_string()))
            };
            rows.push(vec![
                row.operation.clone(),
                row.shape.clone(),
                beside(counts.instructions, |limits| limits.instructions),
                beside(counts.sectors, |limits| limits.sectors),
                beside(counts.conflicts, |limits| limits.conflicts),
                if is_right { "ok" } else { "MISSED" }.to_owned(),
            ]);
        }
    }
    println!("{}: counts / ceilings", session.name);
    table::print_texts(
        &["operation", "shape", "warp instructions", "sectors of 32 bytes", "bank conflicts", ""],
        &rows,
    );
    if verdict == Verdict::Missed {
        eprintln!("a kernel does more than its ceiling in showcase/src/bench/limits.rs allows");
    }
    Ok(verdict)
}

impl Counts {
    const fn are_within(self, limits: &Limits) -> bool {
        self.instructions <= limits.instructions && self.sectors <= limits.sectors && self.conflicts <= limits.conflicts
    }
}
