//! Tables on the terminal.

use comfy_table::{CellAlignment, Table, presets};

use crate::device::Cost;
use crate::operations::OPERATIONS;

/// One checked result.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) operation: String,
    pub(crate) shape: String,
    pub(crate) worst: Worst,
    pub(crate) cost: Cost,
}

/// The element of a result that uses most of its bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Worst {
    pub(crate) error: f64,
    pub(crate) bound: f64,
    /// Whether every element is within its bound.
    pub(crate) is_right: bool,
}

impl Worst {
    /// The worst of `results` against (value, bound) of each; a result that may round to infinity may be infinite.
    pub(crate) fn of<T: tilewright_testkit::Bits>(
        results: &[T],
        expected: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        let mut worst = Self { error: 0.0, bound: 0.0, is_right: true };
        let mut used = -1.0;
        let mut count = 0;
        for (result, (value, bound)) in results.iter().map(|result| result.value()).zip(expected) {
            count += 1;
            let overflows = value.abs() + bound >= T::OVERFLOW && result == f64::INFINITY.copysign(value);
            let error = if overflows { 0.0 } else { (result - value).abs() };
            // A NaN is beyond every bound.
            let is_right = error <= bound;
            let share = if is_right { error / bound.max(f64::MIN_POSITIVE) } else { f64::INFINITY };
            worst.is_right &= is_right;
            if share > used {
                used = share;
                (worst.error, worst.bound) = (error, bound);
            }
        }
        worst.is_right &= count == results.len();
        worst
    }
}

impl Cost {
    fn text(self) -> String {
        match self {
            Self::Milliseconds(milliseconds) => format!("{:.1} µs", f64::from(milliseconds) * 1e3),
            Self::Simulated(counts) => format!("{} instr", counts.instructions),
        }
    }
}

fn plain(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header(header);
    table
}

/// Prints the results of all operations.
pub(crate) fn print_rows(device: &str, rows: &[Row]) {
    let mut table = plain(&["operation", "shape", "device", "error", "bound", "", "cost"]);
    for row in rows {
        table.add_row([
            row.operation.clone(),
            row.shape.clone(),
            device.to_owned(),
            format!("{:.2e}", row.worst.error),
            format!("{:.2e}", row.worst.bound),
            if row.worst.is_right { "ok" } else { "MISSED" }.to_owned(),
            row.cost.text(),
        ]);
    }
    for column in [3, 4, 6] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    println!("{table}");
}

/// Prints a table of texts; the first column to the left, the others to the right.
pub(crate) fn print_texts(header: &[&str], rows: &[Vec<String>]) {
    let mut table = plain(header);
    for row in rows {
        table.add_row(row.clone());
    }
    for column in 1..header.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    println!("{table}");
}

/// Prints the operations.
pub(crate) fn print_operations() {
    let mut table = plain(&["operation", "computes", "tensors"]);
    for operation in OPERATIONS {
        table.add_row([operation.name, operation.computes, operation.tensors]);
    }
    println!("{table}");
}
