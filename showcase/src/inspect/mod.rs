//! `showcase inspect`: what a quantized checkpoint holds, layer by layer, and how far it is from its original.

mod blocks;
mod layers;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use tilewright_quant_pack::Shape;
use tilewright_quant_pack::formats::checkpoint::{CONFIG, Config};

use crate::Verdict;
use crate::arguments::InspectArguments;
use crate::plot::{self, bars};
use crate::table;
use crate::weights::{Distance, Mapped, Source, layer_of};

/// What was found of a layer.
struct Row {
    layer: String,
    format: String,
    shape: Shape,
    group: usize,
    /// `symmetric`, `zero points` or `minima`.
    zeros: &'static str,
    /// `in order` or `g_idx`.
    order: &'static str,
    /// Bits of a weight with its share of everything else.
    bits: f64,
    error: Option<Distance>,
    /// What must be said about it.
    note: Option<String>,
}

/// All rows, and how many other tensors there are.
struct Findings {
    rows: Vec<Row>,
    others: usize,
}

pub(crate) fn run(arguments: &InspectArguments) -> Result<Verdict> {
    let named = || format!("{}", arguments.file.display());
    let file = Mapped::open(&arguments.file)?;
    let original = arguments.original.as_deref().map(Mapped::open).transpose()?;
    let original = original.as_ref().map(Source::parse).transpose();
    let original = original.context("the original")?;
    let findings = if file.bytes().starts_with(b"GGUF") {
        blocks::find(file.bytes(), original.as_ref())
    } else {
        layers::find(file.bytes(), config(arguments)?, arguments.zeros, original.as_ref())
    };
    let mut findings = findings.with_context(named)?;
    findings.rows.sort_by_cached_key(|row| natural(&row.layer));
    if findings.rows.is_empty() {
        bail!("{}: no quantized layer among {} tensors", arguments.file.display(), findings.others);
    }
    print(&findings);
    if let Some(folder) = &arguments.plot {
        draw(&findings, &arguments.file, folder)?;
    }
    Ok(Verdict::Right)
}

/// A name as pieces that sort as people count: layer 9 before layer 10.
fn natural(name: &str) -> Vec<(u64, String)> {
    name.split('.').map(|piece| (piece.parse().unwrap_or(0), piece.to_owned())).collect()
}

/// The configuration that is named, or that lies beside the file.
fn config(arguments: &InspectArguments) -> Result<Option<Config>> {
    let parse = |path: &Path, text: &str| Config::parse(text).with_context(|| format!("{}", path.display()));
    if let Some(path) = &arguments.config {
        let text = fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        return parse(path, &text).map(Some);
    }
    let path = arguments.file.with_file_name("quantize_config.json");
    if let Ok(text) = fs::read_to_string(&path) {
        return parse(&path, &text).map(Some);
    }
    let path = arguments.file.with_file_name("config.json");
    // One that does not speak of quantization is of something else.
    match fs::read_to_string(&path) {
        Ok(text) if text.contains(CONFIG) => parse(&path, &text).map(Some),
        _ => Ok(None),
    }
}

/// The original's values of a layer, which must have its shape.
fn original_of(source: &Source<'_>, layer: &str, shape: Shape) -> Result<Vec<f32>> {
    let entries = source.entries();
    let entry = entries.iter().find(|entry| layer_of(&entry.name) == layer);
    let entry = entry.with_context(|| format!("the original has no tensor of layer `{layer}`"))?;
    if entry.shape != [shape.n, shape.k] {
        bail!("the original's tensor `{}` has shape {:?}, wanted [{}, {}]", entry.name, entry.shape, shape.n, shape.k);
    }
    source.floats(&entry.name)
}

fn print(findings: &Findings) {
    let has_errors = findings.rows.iter().any(|row| row.error.is_some());
    let mut header = vec!["layer", "format", "N x K", "group", "zero points", "columns", "bits a weight"];
    if has_errors {
        header.extend(["relative error", "largest error"]);
    }
    let rows: Vec<Vec<String>> = findings
        .rows
        .iter()
        .map(|row| {
            let name = if row.layer.is_empty() { "(no name)" } else { &row.layer };
            let mut cells = vec![
                name.to_owned(),
                row.format.clone(),
                format!("{} x {}", row.shape.n, row.shape.k),
                row.group.to_string(),
                row.zeros.to_owned(),
                row.order.to_owned(),
                format!("{:.3}", row.bits),
            ];
            if let Some(error) = row.error {
                cells.extend([format!("{:.5}", error.relative), format!("{:.2e}", error.largest)]);
            }
            cells
        })
        .collect();
    table::print_texts(&header, &rows);
    let weights: usize = findings.rows.iter().map(|row| row.shape.n * row.shape.k).sum();
    println!("{} layers with {weights} weights; {} other tensors", findings.rows.len(), findings.others);
    let errors = || findings.rows.iter().filter_map(|row| row.error.map(|error| (row, error.relative)));
    if let Some((row, worst)) = errors().max_by(|a, b| a.1.total_cmp(&b.1)) {
        let mean = errors().map(|(_, error)| error).sum::<f64>() / errors().count() as f64;
        println!("relative error: {mean:.5} on average, {worst:.5} at most (`{}`)", row.layer);
    }
    for row in &findings.rows {
        if let Some(note) = &row.note {
            println!("note: layer `{}`: {note}", row.layer);
        }
    }
}

fn draw(findings: &Findings, file: &Path, folder: &Path) -> Result<()> {
    let layers = findings.rows.iter().filter_map(|row| row.error.map(|error| (row.layer.clone(), error.relative)));
    let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let picture = bars::draw(&bars::errors(&name, layers)).map_err(plot::drawing)?;
    fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
    let path = folder.join("error-by-layer.svg");
    fs::write(&path, picture).with_context(|| format!("{}", path.display()))?;
    println!("{}", path.display());
    Ok(())
}
