//! `showcase plot` on times made up here: which pictures there are, what stands in them, and what is refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// (operation, shape, operations, kernel time in microseconds)
const ROWS: [(&str, &str, u64, f64); 3] = [
    ("matmul-f16", "1 x 2 x 3", 1_000_000, 10.0),
    ("matmul-f16", "4 x 5 x 6", 64_000_000, 20.0),
    ("softmax", "7 x 8", 0, 5.0),
];

fn spread(median: f64) -> serde_json::Value {
    serde_json::json!({ "median": median, "smallest": median, "largest": median, "samples": 24 })
}

fn times() -> serde_json::Value {
    let rows = ROWS.map(|(operation, shape, operations, median)| {
        serde_json::json!({
            "operation": operation, "variant": "f16", "shape": shape, "kernel_us": spread(median), "host_us": spread(3.0),
            "first_call_ms": 1.0, "bytes": 100_000, "operations": operations, "limit": "read", "share": 0.25,
            "error": 0.0, "bound": 1.0, "is_right": true,
        })
    });
    let ceilings = serde_json::json!({ "copy": 4e12, "read": 4e12, "f16": 6e14, "int8": 1.2e15 });
    serde_json::json!({ "schema": 1, "device": "A card", "driver": "13.0", "ceilings": ceilings, "rows": rows })
}

fn ratios(first_median: f64) -> serde_json::Value {
    let mut rows = ROWS.map(|(operation, shape, _, median)| {
        serde_json::json!({
            "operation": operation, "variant": "f16", "shape": shape, "kernel_us": spread(median), "is_right": true,
            "best": null, "ratio": null, "verdict": null, "peers": [],
        })
    });
    rows[0]["kernel_us"] = spread(first_median);
    rows[0]["best"] = "the other".into();
    rows[0]["ratio"] = 1.5.into();
    rows[0]["verdict"] = "faster".into();
    serde_json::json!({ "schema": 1, "device": "A card", "driver": "13.0", "missing": {}, "unmatched": [], "rows": rows })
}

/// A folder that is removed at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tilewright-plot-{}-{test}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, value: &serde_json::Value) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, value.to_string()).unwrap();
        path
    }

    fn picture(&self, name: &str) -> String {
        fs::read_to_string(self.0.join("pictures").join(name)).unwrap()
    }

    fn plot(&self, ours: &Path, ratios: Option<&Path>) -> Output {
        // Where the tests run without cargo, the program lies elsewhere.
        let program = std::env::var_os("TILEWRIGHT_SHOWCASE").unwrap_or_else(|| env!("CARGO_BIN_EXE_showcase").into());
        let mut command = Command::new(program);
        command.arg("plot").arg(ours).arg("--out").arg(self.0.join("pictures"));
        if let Some(ratios) = ratios {
            command.arg("--ratios").arg(ratios);
        }
        command.output().expect("the program starts")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn the_roofline_has_a_point_for_each_row_with_operations_and_the_ceilings_of_the_run() {
    let folder = Folder::new("roofline");
    assert!(folder.plot(&folder.write("ours.json", &times()), None).status.success());
    let picture = folder.picture("roofline.svg");
    // Two rows of matmul-f16 and the legend's; softmax has no operations.
    assert_eq!(picture.matches("<circle").count(), 3);
    for text in ["A card", "read 4.00 TB/s", "mma.sync f16 600 TFLOP/s", "mma.sync int8 1200 TOP/s", "matmul-f16"] {
        assert!(picture.contains(text), "{text}");
    }
    assert!(!picture.contains("softmax"));
}

#[test]
fn bars_are_shares_without_peers_and_ratios_with_them() {
    let folder = Folder::new("bars");
    let ours = folder.write("ours.json", &times());
    assert!(folder.plot(&ours, None).status.success());
    for (operation, shape, ..) in ROWS {
        let picture = folder.picture(&format!("{operation}.svg"));
        assert!(picture.contains(&format!("f16, {shape}")) && picture.contains("0.25 of read"));
    }
    assert!(folder.plot(&ours, Some(&folder.write("ratios.json", &ratios(10.0)))).status.success());
    assert!(folder.picture("matmul-f16.svg").contains("1.50 the other"));
    assert!(folder.picture("softmax.svg").contains("no peer ran"));
}

#[test]
fn ratios_of_another_run_and_other_schemas_are_refused() {
    let folder = Folder::new("refused");
    let ours = folder.write("ours.json", &times());
    let refused = folder.plot(&ours, Some(&folder.write("ratios.json", &ratios(11.0))));
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("another run"));
    let mut newer = times();
    newer["schema"] = 2.into();
    let refused = folder.plot(&folder.write("newer.json", &newer), None);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("schema 2, not 1"));
}
