//! Small CUDA C++ kernels as nvcc 13.0 prints them (`scripts/twins.sh`), run on every seed and compared with what Rust computes.

mod atomics;
mod blocks;
mod language;
mod numbers;
mod stage;
mod triton;
mod warps;

use stage::text;

/// Every text beside this file, by name.
fn all() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/twins");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().unwrap().strip_suffix(".ptx").map(str::to_owned))
        .collect();
    names.sort();
    names
}

#[test]
fn every_twin_says_which_compiler_printed_it_and_is_tested() {
    let tests = [
        include_str!("atomics.rs"),
        include_str!("blocks.rs"),
        include_str!("language.rs"),
        include_str!("main.rs"),
        include_str!("numbers.rs"),
        include_str!("warps.rs"),
    ];
    let names = all();
    assert!(names.len() >= 40, "{names:?}");
    for name in names {
        assert!(text(&name).contains("Cuda compilation tools, release 13.0, V13.0.88"), "{name}");
        assert!(tests.iter().any(|test| test.contains(&format!("\"{name}\""))), "{name} is not run");
    }
}

#[test]
fn what_was_parsed_prints_and_parses_to_the_same_module() {
    for name in all().iter().filter(|name| *name != "product_wmma") {
        let module = tilewright_ptx_ir::parse(&text(name)).unwrap_or_else(|errors| panic!("{name}: {errors}")).module;
        let printed = module.to_string();
        let again =
            tilewright_ptx_ir::parse(&printed).unwrap_or_else(|errors| panic!("{name}: {errors}\n{printed}")).module;
        assert_eq!(again, module, "{name}");
        assert_eq!(again.to_string(), printed, "{name}");
    }
}

#[test]
fn what_is_not_modelled_is_refused_with_its_line() {
    use tilewright_ptx_sim::{LoadError, Profile, Program};
    let error = Program::load(&text("product_wmma"), Profile::Sm80).expect_err("wmma is not modelled");
    let LoadError::Parse(errors) = &error else { panic!("{error}") };
    assert!(errors.is_unsupported(), "{error}");
    assert!(error.to_string().starts_with("line 33: unsupported instruction `wmma.load.a"), "{error}");
}
