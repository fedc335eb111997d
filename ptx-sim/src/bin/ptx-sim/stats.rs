//! `ptx-sim stats`: what each line of the text does.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tilewright_ptx_sim::{LineStatistics, Mix, Statistics};

use crate::Verdict;
use crate::arguments::Run;
use crate::failure::Failure;
use crate::session::{Launched, Session};
use crate::show;

pub(crate) fn stats(arguments: &Run) -> Result<Verdict, Failure> {
    let session = Session::open(&arguments.job)?;
    let Launched { outcome, contents } = session.launch(arguments.job.seed, arguments.converge, true)?;
    let verdict = Verdict::of(outcome.report.is_clean());
    session.write(&contents)?;
    let found = show::once([&outcome.report]);
    let text = |line: u32| session.program.line(line).unwrap_or_default();
    let names = by_name(&outcome.lines, text);
    let all = &outcome.statistics;
    if arguments.job.json {
        let mut object = show::json(&session, verdict, 1, &found);
        object["all"] = counts(all);
        object["mix"] = classes(&all.mix).into_iter().map(|(name, count)| (name.to_owned(), json!(count))).collect();
        object["instructions"] = names.iter().map(|(name, count)| (name.clone(), json!(count))).collect();
        object["lines"] = outcome.lines.iter().map(|line| of_line(line, text(line.line))).collect();
        println!("{object}");
        return Ok(verdict);
    }
    show::print(&session, &found);
    println!("{:>14}  kind of instruction", "executed");
    for (name, count) in classes(&all.mix) {
        println!("{count:>14}  {name}");
    }
    println!("\n{:>14}  instruction", "executed");
    for (name, count) in &names {
        println!("{count:>14}  {name}");
    }
    println!("\n  line       executed  shared passes  conflicts  sectors  least  instruction");
    for LineStatistics { line, statistics, .. } in &outcome.lines {
        print_line(&line.to_string(), statistics, text(*line));
    }
    print_line("all", all, "");
    Ok(verdict)
}

/// Executions by the name of the instruction, most first.
fn by_name<'t>(lines: &[LineStatistics], text: impl Fn(u32) -> &'t str) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for line in lines {
        let mut words = text(line.line).split_whitespace();
        let name = words.find(|word| !word.starts_with('@') && !word.ends_with(':') && *word != "{");
        *counts.entry(name.unwrap_or("?").trim_end_matches(';').to_owned()).or_default() +=
            line.statistics.instructions;
    }
    let mut counts: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

fn classes(mix: &Mix) -> [(&'static str, u64); 7] {
    [
        ("arithmetic", mix.arithmetic),
        ("float", mix.float),
        ("tensor", mix.tensor),
        ("global", mix.global),
        ("shared", mix.shared),
        ("warp", mix.warp),
        ("control", mix.control),
    ]
}

/// Sectors that so many bytes take at least.
const fn least_sectors(statistics: &Statistics) -> u64 {
    statistics.global_bytes.div_ceil(32)
}

fn counts(statistics: &Statistics) -> Value {
    json!({
        "executed": statistics.instructions,
        "shared_passes": statistics.shared_passes,
        "bank_conflicts": statistics.shared_passes - statistics.shared_passes_ideal,
        "sectors": statistics.global_sectors,
        "sectors_least": least_sectors(statistics),
        "global_bytes": statistics.global_bytes,
    })
}

fn of_line(line: &LineStatistics, text: &str) -> Value {
    let mut object = counts(&line.statistics);
    object["line"] = json!(line.line);
    object["instruction"] = json!(text);
    object
}

fn print_line(line: &str, statistics: &Statistics, text: &str) {
    let cell = |value: u64| if value == 0 { String::new() } else { value.to_string() };
    // Compilers write tabs.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    println!(
        "{line:>6} {:>14} {:>14} {:>10} {:>8} {:>6}  {text}",
        statistics.instructions,
        cell(statistics.shared_passes),
        cell(statistics.shared_passes - statistics.shared_passes_ideal),
        cell(statistics.global_sectors),
        cell(least_sectors(statistics)),
    );
}
