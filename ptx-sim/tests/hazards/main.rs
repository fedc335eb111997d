//! Kernels with a hazard, each beside its mended twin.
//!
//! Every file has a kernel `broken`, a kernel `mended`, and the command that checks them, `ptx-sim check FILE …`. On each schedule of that command the first
//! must have what the text says, and nothing else; the second must be clean.
//!
//! | folder | what |
//! |---|---|
//! | `kinds` | every kind of finding, in PTX; the lines that a report must name are marked `//~ KIND` |
//! | `classes` | the bugs that people make, in CUDA C++ with what nvcc 13.0 prints of it (`scripts/twins.sh`); `// finds KIND on MEMORY` says what must be found |

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Every [`Kind`](tilewright_ptx_sim::Kind) by name, without the one that no kernel has any more.
const KINDS: [&str; 18] = [
    "barrier-count",
    "barrier-mismatch",
    "barrier-number",
    "branch-index",
    "copy-size",
    "deadlock",
    "divergence",
    "endless",
    "lane-mask",
    "mbarrier",
    "misaligned",
    "out-of-bounds",
    "pending-copy",
    "race",
    "read-only",
    "trap",
    "uninitialised-memory",
    "uninitialised-register",
];

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hazards").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}

/// Checks one kernel of a file by the command in its source: the exit status and what was printed.
fn check(source: &Path, kernel: &str) -> (i32, Value) {
    let text = std::fs::read_to_string(source).unwrap();
    let command = text.lines().find_map(|line| line.strip_prefix("// ptx-sim ")).expect("the command");
    let file = source.with_extension("ptx");
    let words = command.split_whitespace().map(|word| if word == "FILE" { file.to_str().unwrap() } else { word });
    let output = Command::new(env!("CARGO_BIN_EXE_ptx-sim")).args(words).args(["--kernel", kernel, "--json"]).output();
    let output = output.unwrap();
    let json = serde_json::from_slice(&output.stdout);
    (output.status.code().unwrap(), json.unwrap_or_else(|error| panic!("{source:?}: {error}\n{output:?}")))
}

fn is_clean(source: &Path) {
    let (code, found) = check(source, "mended");
    assert_eq!(code, 0, "{source:?}: {found:#}");
    assert_eq!(found["verdict"], "clean");
}

/// The findings of the broken kernel, which no schedule may be without.
fn broken(source: &Path) -> Vec<Value> {
    let (code, found) = check(source, "broken");
    assert_eq!(code, 1, "{source:?}: {found:#}");
    assert_eq!(found["launches_with_findings"], found["launches"], "{source:?}: {found:#}");
    found["findings"].as_array().unwrap().clone()
}

#[test]
fn every_kind_of_finding_is_found_at_its_lines_and_its_mended_twin_is_clean() {
    let mut kinds = BTreeSet::new();
    for file in files("kinds", "ptx") {
        let text = std::fs::read_to_string(&file).unwrap();
        let marks: BTreeSet<(&str, u64)> = (1..)
            .zip(text.lines())
            .filter_map(|(number, line)| Some((line.split_once("//~ ")?.1.trim(), number)))
            .collect();
        assert!(!marks.is_empty(), "{file:?}");
        kinds.extend(marks.iter().map(|(kind, _)| (*kind).to_owned()));
        let findings = broken(&file);
        let accesses = findings.iter().flat_map(|finding| {
            let kind = finding["kind"].as_str().unwrap();
            finding["accesses"].as_array().unwrap().iter().map(move |access| (kind, access["line"].as_u64().unwrap()))
        });
        let named: BTreeSet<(&str, u64)> = accesses.collect();
        assert_eq!(named, marks, "{file:?}: {findings:#?}");
        is_clean(&file);
    }
    assert_eq!(kinds, KINDS.map(str::to_owned).into(), "a kind is without a kernel");
}

#[test]
fn the_bugs_that_people_make_are_found_and_their_mended_twins_are_clean() {
    let sources = files("classes", "cu");
    assert!(sources.len() >= 20);
    for source in sources {
        let text = std::fs::read_to_string(source.with_extension("ptx")).unwrap();
        assert!(text.contains("Cuda compilation tools, release 13.0, V13.0.88"), "{source:?}");
        let text = std::fs::read_to_string(&source).unwrap();
        let wanted: BTreeSet<String> =
            text.lines().filter_map(|line| line.strip_prefix("// finds ")).map(str::to_owned).collect();
        assert!(!wanted.is_empty(), "{source:?}");
        let findings = broken(&source);
        let found: BTreeSet<String> = findings
            .iter()
            .map(|finding| match (finding["kind"].as_str().unwrap(), finding["location"]["memory"].as_str()) {
                (kind, Some(memory)) => format!("{kind} on {memory}"),
                (kind, None) => kind.to_owned(),
            })
            .collect();
        assert_eq!(found, wanted, "{source:?}: {findings:#?}");
        let has_two = |finding: &Value| finding["accesses"].as_array().unwrap().len() == 2;
        assert!(findings.iter().filter(|finding| finding["kind"] == "race").all(has_two), "{source:?}");
        is_clean(&source);
    }
}
