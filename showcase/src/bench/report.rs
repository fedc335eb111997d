//! The table of a run.

use super::record::{Limit, Report};
use crate::table;

pub(crate) fn print(report: &Report) {
    let ceilings = &report.ceilings;
    println!(
        "{}, CUDA {}: copy {:.2} TB/s, read {:.2} TB/s, mma.sync f16 {:.0} TFLOP/s, int8 {:.0} TOP/s, empty launch {:.2} µs",
        report.device,
        report.driver,
        ceilings.copy / 1e12,
        ceilings.read / 1e12,
        ceilings.f16 / 1e12,
        ceilings.int8 / 1e12,
        ceilings.launch_us,
    );
    let titles = [
        "operation",
        "variant",
        "shape",
        "kernel µs",
        "smallest",
        "largest",
        "host µs",
        "first ms",
        "rate",
        "of the ceiling",
        "error",
        "bound",
        "",
    ];
    let rows: Vec<Vec<String>> = report
        .rows
        .iter()
        .map(|row| {
            let seconds = row.kernel_us.median / 1e6;
            let [bytes, operations] = [row.bytes, row.operations].map(|count| {
                #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
                let count = count as f64;
                count / seconds / 1e12
            });
            let rate = match row.limit {
                Limit::Copy | Limit::Read => format!("{bytes:.2} TB/s"),
                Limit::F16 => format!("{operations:.0} TFLOP/s"),
                Limit::Int8 => format!("{operations:.0} TOP/s"),
            };
            vec![
                row.operation.clone(),
                row.variant.clone(),
                row.shape.clone(),
                format!("{:.2}", row.kernel_us.median),
                format!("{:.2}", row.kernel_us.smallest),
                format!("{:.2}", row.kernel_us.largest),
                format!("{:.2}", row.host_us.median),
                format!("{:.0}", row.first_call_ms),
                rate,
                format!("{:.0} % of {}", 100.0 * row.share, row.limit.name()),
                format!("{:.2e}", row.error),
                format!("{:.2e}", row.bound),
                if row.is_right { "ok" } else { "MISSED" }.to_owned(),
            ]
        })
        .collect();
    table::print_texts(&titles, &rows);
}
