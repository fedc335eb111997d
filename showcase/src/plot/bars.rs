//! Bars, a row each. Of one operation: the best peer's time over ours, or where there are no peers the share of the ceiling. Of a checkpoint: the error of each layer.

use std::error::Error;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::ratios::{RatioVerdict, Ratios};
use super::{COLOURS, FAINT, INK, text};
use crate::bench::record::Report;
use crate::bench::timing::as_f64;

/// Pixels of a picture.
const WIDTH: u32 = 1100;
const ROW_HEIGHT: u32 = 20;
const HEAD: u32 = 40;
const FOOT: u32 = 48;
/// Pixels left of the bars for the rows' names, and right of them for what a bar says.
const NAMES: u32 = 330;
const SAYINGS: u32 = 240;

/// A picture's content.
pub(crate) struct Bars {
    title: String,
    axis: &'static str,
    rows: Vec<Bar>,
    /// What all are measured against.
    mark: Option<f64>,
}

struct Bar {
    name: String,
    length: Option<f64>,
    saying: String,
    colour: RGBColor,
}

/// Shares of the ceilings.
pub(super) fn shares(report: &Report, operation: &str) -> Bars {
    let rows = report.rows.iter().filter(|row| row.operation == operation);
    Bars {
        title: format!("{operation}, {}", report.device),
        axis: "share of the ceiling that binds (1: all of it)",
        rows: rows
            .map(|row| Bar {
                name: format!("{}, {}", row.variant, row.shape),
                length: Some(row.share),
                saying: format!("{:.2} of {}, {:.1} µs", row.share, row.limit.name(), row.kernel_us.median),
                colour: COLOURS[0],
            })
            .collect(),
        mark: Some(1.0),
    }
}

/// Ratios to the best peer.
pub(super) fn ratios(ratios: &Ratios, operation: &str) -> Bars {
    let rows = ratios.rows.iter().filter(|row| row.operation == operation);
    Bars {
        title: format!("{operation} beside its best peer, {}", ratios.device),
        axis: "the peer's time / ours (above 1: we are faster; grey: within the spread)",
        rows: rows
            .map(|row| {
                let peer = row.best.as_deref().unwrap_or("no peer ran");
                Bar {
                    name: format!("{}, {}", row.variant, row.shape),
                    length: row.ratio,
                    saying: row.ratio.map_or_else(|| peer.to_owned(), |ratio| format!("{ratio:.2} {peer}")),
                    colour: match row.verdict {
                        Some(RatioVerdict::Faster) => COLOURS[0],
                        Some(RatioVerdict::Slower) => COLOURS[1],
                        Some(RatioVerdict::Equal) | None => COLOURS[6],
                    },
                }
            })
            .collect(),
        mark: Some(1.0),
    }
}

/// Relative errors of layers, in the order in which they come.
pub(crate) fn errors(file: &str, layers: impl Iterator<Item = (String, f64)>) -> Bars {
    let bar = |(name, error)| Bar { name, length: Some(error), saying: format!("{error:.4}"), colour: COLOURS[0] };
    Bars {
        title: format!("{file}: relative error of the weights, by layer"),
        axis: "square root of Σ (w − quantized)² over Σ w²",
        rows: layers.map(bar).collect(),
        mark: None,
    }
}

pub(crate) fn draw(bars: &Bars) -> Result<String, Box<dyn Error>> {
    let mut picture = String::new();
    let height = HEAD + FOOT + ROW_HEIGHT * u32::try_from(bars.rows.len())?;
    // An axis needs a length, also when there is nothing to show on it.
    let shortest = bars.mark.unwrap_or(f64::MIN_POSITIVE);
    let end = bars.rows.iter().filter_map(|bar| bar.length).fold(shortest, f64::max) * 1.02;
    {
        let root = SVGBackend::with_string(&mut picture, (WIDTH, height)).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(&bars.title, text(20, HPos::Left, VPos::Top))
            .margin_top(8)
            .margin_right(SAYINGS)
            .x_label_area_size(FOOT)
            .y_label_area_size(NAMES)
            .build_cartesian_2d(0.0..end, as_f64(bars.rows.len())..0.0)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .x_labels(8)
            .bold_line_style(FAINT)
            .light_line_style(WHITE)
            .axis_style(INK)
            .x_desc(bars.axis)
            .label_style(text(14, HPos::Left, VPos::Top))
            .draw()?;
        for (index, bar) in bars.rows.iter().enumerate() {
            let top = as_f64(index);
            let corners = [(0.0, top + 0.15), (bar.length.unwrap_or(0.0), top + 0.85)];
            chart.draw_series([Rectangle::new(corners, bar.colour.filled())])?;
            let name = text(14, HPos::Right, VPos::Center);
            let saying = text(14, HPos::Left, VPos::Center);
            let area = chart.plotting_area();
            area.draw(&(EmptyElement::at((0.0, top + 0.5)) + Text::new(bar.name.clone(), (-8, 0), name)))?;
            area.draw(&(EmptyElement::at((end, top + 0.5)) + Text::new(bar.saying.clone(), (8, 0), saying)))?;
        }
        if let Some(mark) = bars.mark {
            let line = [(mark, 0.0), (mark, as_f64(bars.rows.len()))];
            chart.draw_series([PathElement::new(line, INK.stroke_width(1))])?;
        }
        root.present()?;
    }
    Ok(picture)
}
