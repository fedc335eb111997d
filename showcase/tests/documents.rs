//! Documents that are made of what tests say.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// The repository's root.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Each crate's test holds its own table; this one is their sum. `TILEWRIGHT_UPDATE_SNAPSHOTS=1` writes it.
#[test]
fn the_table_of_refusals_is_the_sum_of_the_crates_tables() {
    let mut parts = Vec::new();
    for entry in fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path().join("tests/refusals.md");
        if path.is_file() {
            parts.push(fs::read_to_string(path).unwrap());
        }
    }
    parts.sort();
    let classes =
        parts.iter().flat_map(|part| part.lines()).filter(|line| line.starts_with("| ")).count() - parts.len();
    assert!(classes >= 60, "{classes} classes of bad input");
    let mut table = format!(
        "# Refusals\n\nWhat bad input is answered with: {classes} classes, each a typed error with the numbers in it. Nothing is launched then, and nothing is written. The\n\
         tests of each crate make these tables and hold them.\n"
    );
    for part in parts {
        write!(table, "\n{part}").unwrap();
    }
    let path = root().join("docs/refusals.md");
    if std::env::var_os("TILEWRIGHT_UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, &table).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), table, "docs/refusals.md is not the sum of the crates' tables");
}
