//! The roofline: operations a byte against operations a second, below the ceilings of the same run.
//!
//! Williams, Waterman and Patterson, Roofline: an insightful visual performance model, Communications of the ACM 52 (4), 2009.

use std::error::Error;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::{COLOURS, FAINT, INK, text};
use crate::bench::record::{Measurement, Report};

const SIZE: (u32, u32) = (1000, 700);

/// A row as a point.
struct Point {
    /// Operations a byte.
    intensity: f64,
    /// Operations a second.
    rate: f64,
}

/// None if no row has operations, as those of softmax and norms.
pub(super) fn draw(report: &Report) -> Result<Option<String>, Box<dyn Error>> {
    let mut series: Vec<(&str, Vec<Point>)> = Vec::new();
    for row in &report.rows {
        let Some(point) = Point::of(row) else { continue };
        match series.iter_mut().find(|(operation, _)| *operation == row.operation) {
            Some((_, points)) => points.push(point),
            None => series.push((&row.operation, vec![point])),
        }
    }
    let points = || series.iter().flat_map(|(_, points)| points);
    let bounds = |of: fn(&Point) -> f64| {
        points().map(of).fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)))
    };
    let (slowest, _) = bounds(|point| point.rate);
    let (left, right) = bounds(|point| point.intensity);
    if right == 0.0 {
        return Ok(None);
    }
    let ceilings = &report.ceilings;
    let (left, right) = (left / 2.0, right.max(ceilings.int8 / ceilings.read) * 2.0);
    let (bottom, top) = (slowest.min(ceilings.read * left) / 2.0, ceilings.int8.max(ceilings.f16) * 3.0);

    let mut picture = String::new();
    {
        let root = SVGBackend::with_string(&mut picture, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(format!("Roofline of {}, CUDA {}", report.device, report.driver), text(20, HPos::Left, VPos::Top))
            .margin(12)
            .x_label_area_size(52)
            .y_label_area_size(80)
            .build_cartesian_2d((left..right).log_scale(), (bottom..top).log_scale())?;
        chart
            .configure_mesh()
            .bold_line_style(FAINT)
            .light_line_style(WHITE)
            .axis_style(INK)
            .x_desc("operations a byte (fewest bytes that must move)")
            .y_desc("operations a second (T: 10¹²)")
            .x_label_formatter(&|value| format!("{value}"))
            .y_label_formatter(&|value| format!("{} T", value / 1e12))
            .label_style(text(15, HPos::Left, VPos::Top))
            .draw()?;

        let highest = ceilings.f16.max(ceilings.int8);
        let slope = [(left, left * ceilings.read), (highest / ceilings.read, highest)];
        chart.draw_series([PathElement::new(slope, INK.stroke_width(2))])?;
        let along = (left * 4.0, left * 4.0 * ceilings.read);
        let name = text(15, HPos::Right, VPos::Bottom);
        let saying = format!("read {:.2} TB/s", ceilings.read / 1e12);
        chart.plotting_area().draw(&(EmptyElement::at(along) + Text::new(saying, (-6, -2), name.clone())))?;
        let units = [("f16", "TFLOP/s", ceilings.f16), ("int8", "TOP/s", ceilings.int8)];
        for (operand, unit, rate) in units {
            let line = [(rate / ceilings.read, rate), (right, rate)];
            chart.draw_series([PathElement::new(line, INK.stroke_width(2))])?;
            let saying = format!("mma.sync {operand} {:.0} {unit}", rate / 1e12);
            chart
                .plotting_area()
                .draw(&(EmptyElement::at((right, rate)) + Text::new(saying, (-6, -4), name.clone())))?;
        }

        for ((operation, points), colour) in series.iter().zip(COLOURS.iter().cycle()) {
            let colour = *colour;
            let dots =
                points.iter().map(|point| Circle::new((point.intensity, point.rate), 4, colour.mix(0.8).filled()));
            chart
                .draw_series(dots)?
                .label(*operation)
                .legend(move |(x, y)| Circle::new((x + 10, y), 4, colour.filled()));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE.mix(0.9))
            .border_style(FAINT)
            .label_font(text(15, HPos::Left, VPos::Top))
            .draw()?;
        root.present()?;
    }
    Ok(Some(picture))
}

impl Point {
    fn of(row: &Measurement) -> Option<Self> {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let [operations, bytes] = [row.operations, row.bytes].map(|count| count as f64);
        let point = Self { intensity: operations / bytes, rate: operations / row.kernel_us.median * 1e6 };
        (point.rate > 0.0 && point.rate.is_finite() && point.intensity.is_finite()).then_some(point)
    }
}
