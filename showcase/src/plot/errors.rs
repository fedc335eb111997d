//! Errors of a checkpoint, layer by layer.

use std::error::Error;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::{COLOURS, FAINT, INK, text};
use crate::bench::timing::as_f64;

/// Pixels of a picture.
const WIDTH: u32 = 1000;
const ROW_HEIGHT: u32 = 16;
const HEAD: u32 = 40;
const FOOT: u32 = 48;
/// Pixels left of the bars for the layers' names, and right of them for numbers.
const NAMES: u32 = 330;
const NUMBERS: u32 = 80;

/// A bar a layer, in the order in which they come.
pub(crate) fn draw(title: &str, bars: &[(String, f64)]) -> Result<String, Box<dyn Error>> {
    let mut picture = String::new();
    let height = HEAD + FOOT + ROW_HEIGHT * u32::try_from(bars.len())?;
    // An axis needs a length, also when nothing is wrong anywhere.
    let end = bars.iter().map(|(_, error)| *error).fold(f64::MIN_POSITIVE, f64::max) * 1.02;
    {
        let root = SVGBackend::with_string(&mut picture, (WIDTH, height)).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(title, text(18, HPos::Left, VPos::Top))
            .margin_top(8)
            .margin_right(NUMBERS)
            .x_label_area_size(FOOT)
            .y_label_area_size(NAMES)
            .build_cartesian_2d(0.0..end, as_f64(bars.len())..0.0)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .x_labels(8)
            .bold_line_style(FAINT)
            .light_line_style(WHITE)
            .axis_style(INK)
            .x_desc("square root of Σ (w − quantized)² over Σ w²")
            .label_style(text(13, HPos::Left, VPos::Top))
            .draw()?;
        for (index, (name, error)) in bars.iter().enumerate() {
            let top = as_f64(index);
            chart.draw_series([Rectangle::new([(0.0, top + 0.15), (*error, top + 0.85)], COLOURS[0].filled())])?;
            let area = chart.plotting_area();
            let (left, right) = (text(12, HPos::Right, VPos::Center), text(12, HPos::Left, VPos::Center));
            area.draw(&(EmptyElement::at((0.0, top + 0.5)) + Text::new(name.clone(), (-8, 0), left)))?;
            area.draw(&(EmptyElement::at((end, top + 0.5)) + Text::new(format!("{error:.4}"), (8, 0), right)))?;
        }
        root.present()?;
    }
    Ok(picture)
}
