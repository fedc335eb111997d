//! Refusals of bad input, and the table of them that the documentation shows.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

/// The refusals of one crate: each class of bad input with the error it gets.
///
/// The table is a file that a test compares byte for byte, so it shows what the code says. With `TILEWRIGHT_UPDATE_SNAPSHOTS=1` the test writes it.
#[derive(Debug)]
pub struct Refusals {
    krate: &'static str,
    rows: Vec<(String, String)>,
}

impl Refusals {
    /// No refusals of `krate` yet.
    #[must_use]
    pub const fn of(krate: &'static str) -> Self {
        Self { krate, rows: Vec::new() }
    }

    /// Adds a class of bad input and what came of it. That nothing was written is for the caller to assert.
    ///
    /// # Panics
    /// If it was not refused, or if the class is there already.
    pub fn add<T, E: Error>(&mut self, class: &str, outcome: Result<T, E>) {
        let error = outcome.err().unwrap_or_else(|| panic!("{class}: not refused"));
        assert!(self.rows.iter().all(|(other, _)| other != class), "{class}: twice in the table");
        self.rows.push((class.to_owned(), error.to_string()));
    }

    /// Asserts that the file at `path` is the table of these refusals.
    ///
    /// # Panics
    /// If it is not, or cannot be read.
    pub fn assert_table(&self, path: impl AsRef<Path>) {
        let path = path.as_ref();
        let mut table = format!("## {}\n\n| bad input | error |\n|---|---|\n", self.krate);
        for (class, error) in &self.rows {
            writeln!(table, "| {class} | {} |", error.replace('|', "\\|").replace('\n', " ")).expect("a string grows");
        }
        if std::env::var_os("TILEWRIGHT_UPDATE_SNAPSHOTS").is_some() {
            std::fs::write(path, &table).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        let found = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(found, table, "{} is not the table of the refusals", path.display());
    }
}
