//! `showcase plot`: pictures of a run of `bench`.

pub(crate) mod bars;
mod ratios;
mod roofline;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use plotters::prelude::{RGBColor, TextStyle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontFamily, FontStyle, IntoFont as _};
use serde::de::DeserializeOwned;

use crate::Verdict;
use crate::arguments::PlotArguments;
use crate::bench::record::{Report, SCHEMA};
use ratios::Ratios;

pub(crate) fn run(options: &PlotArguments) -> Result<Verdict> {
    let report: Report = read(&options.ours)?;
    if report.schema != SCHEMA {
        bail!("{} has schema {}, not {SCHEMA}", options.ours.display(), report.schema);
    }
    let ratios = options.ratios.as_deref().map(Ratios::read).transpose()?;
    draw(&report, ratios.as_ref(), &options.out)?;
    Ok(Verdict::Right)
}

/// Draws everything into `folder` and prints the names of the files.
pub(crate) fn draw(report: &Report, ratios: Option<&Ratios>, folder: &Path) -> Result<()> {
    if let Some(ratios) = ratios {
        ratios.must_be_of(report)?;
    }
    fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
    let mut pictures = Vec::new();
    if let Some(picture) = roofline::draw(report).map_err(drawing)? {
        pictures.push(("roofline.svg".to_owned(), picture));
    }
    let mut operations: Vec<&str> = report.rows.iter().map(|row| row.operation.as_str()).collect();
    operations.dedup();
    for operation in operations {
        let rows = ratios.map_or_else(|| bars::shares(report, operation), |ratios| bars::ratios(ratios, operation));
        pictures.push((format!("{operation}.svg"), bars::draw(&rows).map_err(drawing)?));
    }
    for (name, picture) in pictures {
        let path = folder.join(name);
        fs::write(&path, picture).with_context(|| format!("{}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

/// An error of the drawing library, whose backend writes to memory.
pub(crate) fn drawing(error: Box<dyn std::error::Error>) -> anyhow::Error {
    anyhow!("a picture could not be drawn: {error}")
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{}", path.display()))
}

/// Colours that are told apart by everyone (Okabe and Ito, <https://jfly.uni-koeln.de/color/>).
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];
const INK: RGBColor = RGBColor(40, 40, 40);
const FAINT: RGBColor = RGBColor(225, 225, 225);

/// Text of so many pixels, anchored at its place.
fn text(pixels: u32, across: HPos, down: VPos) -> TextStyle<'static> {
    let font = (FontFamily::SansSerif, f64::from(pixels), FontStyle::Normal).into_font();
    font.color(&INK).pos(Pos::new(across, down))
}
