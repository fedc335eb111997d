//! `showcase bench`: how fast the operations are, beside what the device can do at best.

mod cases;
mod ceilings;
mod limits;
pub(crate) mod record;
mod report;
mod simulated;
pub(crate) mod timing;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use indicatif::ProgressBar;

use crate::Verdict;
use crate::arguments::{BenchArguments, DeviceArguments};
use crate::device::Session;
use crate::operations::OPERATIONS;
use crate::plot;
use crate::table::Worst;
use record::{Ceilings, Limit, Measurement, Report, SCHEMA};
use timing::Timing;

/// What one call does.
pub(crate) struct Work {
    pub(crate) operation: &'static str,
    pub(crate) variant: String,
    pub(crate) shape: String,
    /// The fewest bytes that must move.
    pub(crate) bytes: usize,
    pub(crate) operations: usize,
    /// The ceiling of its arithmetic, and of its bytes.
    pub(crate) units: Limit,
    pub(crate) memory: Limit,
}

/// A run of `bench` on a GPU.
pub(crate) struct Bench<'a> {
    pub(crate) session: &'a Session,
    ceilings: Ceilings,
    rows: Vec<Measurement>,
    progress: ProgressBar,
    l2_bytes: usize,
}

pub(crate) fn run(device: &DeviceArguments, options: &BenchArguments) -> Result<Verdict> {
    for name in &options.operations {
        if !OPERATIONS.iter().any(|operation| operation.name == name) {
            bail!("`{name}` is not an operation; `showcase list` has them");
        }
    }
    let session = Session::open(device)?;
    if session.simulator().is_some() {
        return simulated::run(&session, options);
    }
    let is_wanted =
        |name: &str| options.operations.is_empty() || options.operations.iter().any(|wanted| wanted == name);
    let progress = crate::check::bar(0);
    progress.set_message("ceilings");
    let ceilings = ceilings::measure(&session)?;
    let l2_bytes = session.l2_bytes()?;
    let mut bench = Bench { session: &session, ceilings, rows: Vec::new(), progress, l2_bytes };
    cases::run(&mut bench, &is_wanted)?;
    bench.progress.finish_and_clear();
    let version = session.context.driver().version();
    let report = Report {
        schema: SCHEMA,
        device: session.name.clone(),
        driver: format!("{}.{}", version / 1000, version % 1000 / 10),
        ceilings,
        rows: bench.rows,
    };
    report::print(&report);
    if let Some(path) = &options.json {
        write(path, &serde_json::to_string_pretty(&report)?)?;
    }
    if let Some(folder) = &options.plot {
        plot::draw(&report, None, folder)?;
    }
    Ok(Verdict::of(report.rows.iter().all(|row| row.is_right)))
}

/// Writes a file as a whole or not at all.
fn write(path: &Path, text: &str) -> Result<()> {
    let part = path.with_extension("part");
    fs::write(&part, text).with_context(|| format!("{}", part.display()))?;
    fs::rename(&part, path).with_context(|| format!("{}", path.display()))
}

impl Bench<'_> {
    /// How many sets of `bytes` exceed four times the L2.
    pub(crate) fn sets(&self, bytes: usize) -> usize {
        (4 * self.l2_bytes).div_ceil(bytes.max(1)).clamp(1, 64)
    }

    /// Times `call(set)` for sets 0 to `sets` - 1.
    pub(crate) fn time(&self, work: &Work, sets: usize, call: impl FnMut(usize) -> Result<()>) -> Result<Timing> {
        self.progress.set_message(format!("{} {}", work.operation, work.shape));
        timing::measure(self.session, sets, call)
            .with_context(|| format!("{}, {}, {}", work.operation, work.variant, work.shape))
    }

    /// Keeps what was measured, with the worst of a sample of the results.
    pub(crate) fn record(&mut self, work: &Work, timing: &Timing, worst: Worst) {
        let seconds = timing.kernel_us.median / 1e6;
        let [bytes, operations] = [work.bytes, work.operations].map(timing::as_f64);
        let at_best = [work.memory, work.units].map(|limit| {
            let amount = if limit == work.memory { bytes } else { operations };
            (limit, amount / self.ceilings.of(limit))
        });
        let (limit, floor) = if at_best[0].1 >= at_best[1].1 { at_best[0] } else { at_best[1] };
        self.rows.push(Measurement {
            operation: work.operation.to_owned(),
            variant: work.variant.clone(),
            shape: work.shape.clone(),
            kernel_us: timing.kernel_us,
            host_us: timing.host_us,
            first_call_ms: timing.first_call.as_secs_f64() * 1e3,
            bytes: work.bytes as u64,
            operations: work.operations as u64,
            limit,
            share: floor / seconds,
            error: worst.error,
            bound: worst.bound,
            is_right: worst.is_right,
        });
        self.progress.inc(1);
    }
}
