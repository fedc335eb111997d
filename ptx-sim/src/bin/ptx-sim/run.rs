//! `ptx-sim run`: once, and what the buffers hold then.

use serde_json::json;

use crate::Verdict;
use crate::arguments::Run;
use crate::failure::Failure;
use crate::session::{Launched, Session};
use crate::show;

pub(crate) fn run(arguments: &Run) -> Result<Verdict, Failure> {
    let session = Session::open(&arguments.job)?;
    let Launched { outcome, contents } = session.launch(arguments.job.seed, arguments.converge, false)?;
    let verdict = Verdict::of(outcome.report.is_clean());
    session.write(&contents)?;
    let found = show::once([&outcome.report]);
    if arguments.job.json {
        let mut object = show::json(&session, verdict, 1, &found);
        object["instructions"] = json!(outcome.statistics.instructions);
        println!("{object}");
    } else {
        show::print(&session, &found);
        println!(
            "{}: {} on {}, {} warp instructions",
            verdict.name(),
            session.kernel.name,
            session.program.profile().name(),
            outcome.statistics.instructions
        );
    }
    Ok(verdict)
}
