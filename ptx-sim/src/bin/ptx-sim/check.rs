//! `ptx-sim check`: many schedules, each finding once.

use serde_json::json;

use crate::Verdict;
use crate::arguments::{Check, Way};
use crate::failure::Failure;
use crate::session::Session;
use crate::show;

pub(crate) fn check(arguments: &Check) -> Result<Verdict, Failure> {
    let session = Session::open(&arguments.job)?;
    let ways = arguments.converge.map_or(Way::ALL.to_vec(), |way| vec![way]);
    let mut reports = Vec::new();
    let mut first: Option<Vec<Vec<u8>>> = None;
    // Buffers that not all schedules leave alike.
    let mut varying = vec![false; session.buffers.len()];
    for seed in (0..arguments.seeds).map(|index| arguments.job.seed.wrapping_add(index)) {
        for way in &ways {
            let launched = session.launch(seed, *way, false)?;
            reports.push(launched.outcome.report);
            let first = first.get_or_insert_with(|| launched.contents.clone());
            for ((varies, first), contents) in varying.iter_mut().zip(first).zip(&launched.contents) {
                *varies |= first != contents;
            }
        }
    }
    session.write(first.as_deref().unwrap_or_default())?;
    let found = show::once(&reports);
    let verdict = Verdict::of(found.is_empty());
    let varying: Vec<&str> = session
        .buffers
        .iter()
        .zip(varying)
        .filter(|(_, varies)| *varies)
        .map(|(buffer, _)| buffer.name.as_str())
        .collect();
    if arguments.job.json {
        let mut object = show::json(&session, verdict, reports.len(), &found);
        object["launches_with_findings"] = json!(reports.iter().filter(|report| !report.is_clean()).count());
        object["varying"] = json!(varying);
        println!("{object}");
        return Ok(verdict);
    }
    show::print(&session, &found);
    if !varying.is_empty() {
        println!("note: not every schedule leaves the same in {}", varying.join(", "));
    }
    println!(
        "{}: {} on {}, {} schedules ({} seeds from {}, {})",
        verdict.name(),
        session.kernel.name,
        session.program.profile().name(),
        reports.len(),
        arguments.seeds,
        arguments.job.seed,
        if ways.len() == 2 { "lanes running together early and late" } else { "one way of running together" },
    );
    Ok(verdict)
}
