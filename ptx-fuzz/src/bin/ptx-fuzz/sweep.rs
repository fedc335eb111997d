//! `ptx-fuzz sweep`: approximate instructions, answer by answer.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use tilewright_ptx_fuzz::sweep::{Checked, Error, Errors, Instruction, Measure, Sweeper, Tally};

use crate::{Beside, device};

#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct Arguments {
    /// Who answers: sim for the simulator, or a GPU: cuda, or cuda:N
    #[arg(long, default_value = "sim", value_parser = device)]
    device: Beside,
    /// Runs every N-th input; best an odd number. Without it, all on a GPU and every 4099th on the simulator
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    stride: Option<u32>,
    /// Runs only the instructions whose names contain this
    #[arg(long, default_value = "")]
    only: String,
    /// Seed by which the simulator answers elsewhere inside the bounds
    #[arg(long)]
    seed: Option<u64>,
    /// Also writes all there is, with a hash of the answers for each exponent, to a file
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Whether every answer is one that the simulator may give.
pub(crate) fn act(arguments: &Arguments) -> Result<bool, Box<dyn std::error::Error>> {
    let mut sweeper = match arguments.device {
        Beside::Gpu(ordinal) => Sweeper::gpu(ordinal)?,
        Beside::Naive => Sweeper::simulator(arguments.seed)?,
    };
    let stride = arguments.stride.unwrap_or(if arguments.device == Beside::Naive { 4099 } else { 1 });
    let instructions: Vec<_> =
        Instruction::all().into_iter().filter(|one| one.to_string().contains(&arguments.only)).collect();
    if instructions.is_empty() {
        return Err(format!("no instruction is called {}", arguments.only).into());
    }
    let start = Instant::now();
    let which = if stride == 1 { "every operand".to_owned() } else { format!("one operand of {stride}") };
    println!("{}, {which}\n\n{HEADER}", sweeper.name());
    let (mut failed, mut lines) = (Vec::new(), Vec::new());
    for instruction in instructions {
        let start = Instant::now();
        let outcome = sweeper.sweep(&instruction, stride);
        let seconds = start.elapsed().as_secs_f64();
        match &outcome {
            Ok(tally) => print(&instruction, tally, seconds),
            // The next one may run all the same.
            Err(error) => println!("{instruction:<22} does not run: {error}"),
        }
        if !outcome.as_ref().is_ok_and(Tally::passes) {
            failed.push(instruction.to_string());
        }
        lines.push(match outcome {
            Ok(tally) => json(&instruction, &tally, seconds),
            Err(error) => format!("{{\"name\": \"{instruction}\", \"error\": {:?}}}", error.to_string()),
        });
    }
    if let Some(file) = &arguments.json {
        let name = sweeper.name();
        let lines = lines.join(",\n");
        fs::write(file, format!("{{\"device\": {name:?}, \"stride\": {stride}, \"instructions\": [\n{lines}\n]}}\n"))?;
    }
    let seconds = start.elapsed().as_secs_f64();
    if failed.is_empty() {
        println!("\nall answers are ones that the simulator may give ({seconds:.1} s)");
    } else {
        println!("\nnot as in the simulator: {} ({seconds:.1} s)", failed.join(", "));
    }
    Ok(failed.is_empty())
}

const HEADER: &str = "instruction            answers     where              bound              largest  of it  for                    ulps  for                    hash";

/// A line a region; then the answers that are wrong.
fn print(instruction: &Instruction, tally: &Tally, seconds: f64) {
    let answers: u64 = tally.exponents.iter().map(|exponent| exponent.count).sum();
    let start = (instruction.to_string(), answers.to_string(), format!("{:016x}  {seconds:.1} s", tally.hash()));
    let mut start = Some(start);
    for errors in tally.regions.iter().filter(|errors| errors.count > 0) {
        let (name, answers, hash) = start.take().unwrap_or_default();
        let Errors { region, largest, ulps, .. } = errors;
        let [at, ulps_at] = [largest, ulps].map(|error| operands(instruction, error.input));
        let share = if region.limit.is_finite() { format!("{:.0} %", 100.0 * errors.share()) } else { String::new() };
        println!(
            "{name:<22} {answers:<11} {:<18} {:<18} {:<8} {share:>5}  {at:<21} {:>5.*}  {ulps_at:<21}  {hash}",
            region.place,
            bound(errors),
            size(region.measure, largest),
            if ulps.size < 1000.0 { 2 } else { 0 },
            ulps.size.min(99_999.0),
        );
    }
    let line = [
        ("special", &tally.specials),
        ("NaN", &tally.nan),
        ("exact", &tally.exact),
        ("within a bound", &tally.bounded),
    ];
    for (what, checked) in line.into_iter().filter(|(_, checked)| checked.wrong > 0) {
        println!("    WRONG: {} of {} that should be {what}", checked.wrong, checked.count);
        for (input, answer) in &checked.first {
            let (wanted, operands) = (instruction.simulated(*input, None), operands(instruction, *input));
            let (is, should) = (instruction.value(*answer), instruction.value(wanted));
            println!("        of {operands} it is {answer:#x} ({is:e}), in the simulator {wanted:#x} ({should:e})");
        }
    }
}

/// As the tables of the PTX ISA have it.
fn bound(errors: &Errors) -> String {
    let (limit, exponent) = (errors.region.limit, errors.region.limit.log2());
    // 2^-22.9 has one digit, 2^-10.987 three.
    let exponent = format!("{exponent:.3}");
    let exponent = exponent.trim_end_matches('0').trim_end_matches('.');
    match errors.region.measure {
        _ if limit.is_infinite() => "none".to_owned(),
        Measure::Relative => format!("relative 2^{exponent}"),
        Measure::Ulps => format!("{} ulp", (1000.0 * limit).round() / 1000.0),
        _ => format!("absolute 2^{exponent}"),
    }
}

/// In the form of the bound.
fn size(measure: Measure, error: &Error) -> String {
    match measure {
        Measure::Ulps => format!("{:.3}", error.size),
        _ if error.size == 0.0 => "0".to_owned(),
        _ => format!("2^{:.2}", error.size.log2()),
    }
}

/// The bits of the operands of an input.
fn operands(instruction: &Instruction, input: u64) -> String {
    if instruction.divides() {
        format!("{:#010x}/{:#x}", input >> 32, input & 0xFFFF_FFFF)
    } else if instruction.bits() == 32 {
        format!("{input:#010x}")
    } else {
        format!("{input:#06x}")
    }
}

fn json(instruction: &Instruction, tally: &Tally, seconds: f64) -> String {
    let mut text = format!(
        "{{\"name\": \"{instruction}\", \"passes\": {}, \"seconds\": {seconds:.3}, \"hash\": \"{:016x}\",\n  \"regions\": [",
        tally.passes(),
        tally.hash(),
    );
    let error = |error: &Error| {
        let input = operands(instruction, error.input);
        format!("{{\"size\": {}, \"input\": \"{input}\", \"answer\": \"{:#x}\"}}", number(error.size), error.answer)
    };
    let regions = tally.regions.iter().map(|errors| {
        let Errors { region, count, largest, ulps, .. } = errors;
        let measure = match region.measure {
            Measure::Relative => "relative",
            Measure::Ulps => "ulps",
            _ => "absolute",
        };
        format!(
            "\n    {{\"where\": \"{}\", \"measure\": \"{measure}\", \"limit\": {}, \"count\": {count}, \"largest\": {}, \"ulps\": {}}}",
            region.place,
            number(region.limit),
            error(largest),
            error(ulps),
        )
    });
    text.push_str(&regions.collect::<Vec<_>>().join(","));
    text.push_str("],\n  ");
    let checked = |name: &str, checked: &Checked| {
        let wrong = checked.first.iter().map(|(input, answer)| {
            let wanted = instruction.simulated(*input, None);
            let operands = operands(instruction, *input);
            format!("{{\"input\": \"{operands}\", \"answer\": \"{answer:#x}\", \"simulator\": \"{wanted:#x}\"}}")
        });
        let wrong = wrong.collect::<Vec<_>>().join(", ");
        format!("\"{name}\": {{\"count\": {}, \"wrong\": {}, \"first\": [{wrong}]}}", checked.count, checked.wrong)
    };
    let all = [
        checked("special", &tally.specials),
        checked("nan", &tally.nan),
        checked("exact", &tally.exact),
        checked("bounded", &tally.bounded),
    ];
    text.push_str(&all.join(",\n  "));
    // Sign and exponent of the (first) operand, the number of answers, their hash, their largest error in units in the last place.
    text.push_str(",\n  \"exponents\": [");
    let some = tally.exponents.iter().enumerate().filter(|(_, exponent)| exponent.count > 0);
    for (index, (exponent, found)) in some.enumerate() {
        let separator = if index == 0 { "" } else { "," };
        let ulps = number(found.ulps);
        let _ = write!(text, "{separator}\n    [{exponent}, {}, \"{:016x}\", {ulps}]", found.count, found.hash);
    }
    text.push_str("]}");
    text
}

/// JSON has no infinity.
fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:e}") } else { "null".to_owned() }
}
