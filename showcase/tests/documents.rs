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

/// Every row of the reference has a line, and every proof that is named exists.
#[test]
fn parity_has_every_row_and_its_proofs_exist() {
    let text = fs::read_to_string(root().join("PARITY.md")).unwrap();
    let mut numbers = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let number = cells.first().and_then(|cell| cell.parse::<usize>().ok());
        numbers.extend(number);
        let proof = *cells.last().unwrap();
        // 56 and 70 are the reference's own log and funding file.
        let needs_none = matches!(number, Some(56 | 70)) || proof == "proof" || proof.starts_with("---");
        assert!(needs_none || !proof.is_empty(), "no proof: {line}");
        for part in proof.split(';').filter(|part| part.contains('`')) {
            let names: Vec<&str> = part.split('`').skip(1).step_by(2).collect();
            let [path, name] = names[..] else { panic!("a proof is a file and a name: {line}") };
            let file = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
            let declared = ["fn ", "const ", "struct "].iter().any(|word| file.contains(&format!("{word}{name}")));
            assert!(declared, "{path} has no {name}");
        }
    }
    assert_eq!(numbers, (1..=72).collect::<Vec<_>>());
}
