//! `ptx-sim vectors`.

use std::path::Path;

use super::stage::{Folder, line};

fn measured() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tensor-core-h200.safetensors"))
}

#[test]
fn the_model_of_another_chip_misses() {
    let ended = line(measured(), "vectors FILE");
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.lines().all(|line| line.contains(" right of ")), "{ended:?}");
    let ended = line(measured(), "vectors FILE --as sm_90a");
    assert_eq!(ended.code, 0, "{ended:?}");
    let ended = line(measured(), "vectors FILE --as sm_80");
    assert_eq!(ended.code, 1, "{ended:?}");
}

#[test]
fn files_that_cannot_be_used_exit_with_two() {
    let folder = Folder::new();
    let file = folder.tensors("other.safetensors", &[("x", &[1.0])]);
    let ended = line(&file, "vectors FILE");
    assert_eq!((ended.code, ended.error.contains("no tensor is called ARCH.TYPE.d")), (2, true), "{ended:?}");
    let file = folder.tensors("unknown.safetensors", &[("X1.fp16.d", &[1.0])]);
    assert_eq!(line(&file, "vectors FILE").code, 2);
    assert_eq!(line(&folder.path("missing"), "vectors FILE").code, 2);
    assert_eq!(line(measured(), "vectors FILE --as sm_70").code, 2);
}
