//! What the environment asks of the simulated driver, each case in a process of its own.

use std::process::Command;

use tilewright_ffi::Driver;
use tilewright_ffi::sys::CUresult;
use tilewright_libcuda_sim::{Check, Options, Profile, Simulator};

/// Set in the child.
const CHILD: &str = "TILEWRIGHT_TEST_CHILD";

/// What a child finds with the variable set: its standard output and error.
fn child(variable: &str, value: &str) -> (String, String) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "what_the_child_finds", "--nocapture"])
        .env(CHILD, "1")
        .env(variable, value)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn what_the_child_finds() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let code = match Driver::from_api(tilewright_libcuda_sim::api()) {
        Ok(_) => CUresult::SUCCESS,
        Err(tilewright_ffi::Error::Driver { code, .. }) => code,
        Err(error) => panic!("{error}"),
    };
    let simulator = Simulator::from_environment();
    println!("result {} {} {}", code.0, simulator.profile().name(), simulator.options().check.name());
}

#[test]
fn variables_steer_the_driver() {
    for (variable, value, wanted) in [
        ("TILEWRIGHT_SIM_CHECK", "off", "result 0 sm_90 off"),
        ("TILEWRIGHT_SIM_CHECK", "errors", "result 0 sm_90 errors"),
        ("TILEWRIGHT_SIM_CHECK", "all", "result 0 sm_90 all"),
        ("TILEWRIGHT_SIM_ARCH", "sm_86", "result 0 sm_86 all"),
    ] {
        let (out, _) = child(variable, value);
        assert!(out.contains(wanted), "{variable}={value}: {out}");
    }
}

#[test]
fn values_that_mean_nothing_are_refused() {
    for (variable, value, wanted) in [
        ("TILEWRIGHT_SIM_CHECK", "most", "TILEWRIGHT_SIM_CHECK is `most`, wanted off, errors or all"),
        ("TILEWRIGHT_SIM_CHECK", "", "TILEWRIGHT_SIM_CHECK is ``, wanted off, errors or all"),
        ("TILEWRIGHT_SIM_ARCH", "sm_70", "TILEWRIGHT_SIM_ARCH is `sm_70`, wanted sm_80, sm_86, sm_89, sm_90 or sm_90a"),
        ("TILEWRIGHT_SIM_SEED", "-1", "TILEWRIGHT_SIM_SEED is `-1`, wanted a number of 64 bits"),
        ("TILEWRIGHT_SIM_CONVERGE", "late", "TILEWRIGHT_SIM_CONVERGE is `late`, wanted early or adversarial"),
    ] {
        let (out, error) = child(variable, value);
        assert!(out.contains("result 1 "), "{variable}={value}: {out}");
        assert!(error.contains(wanted), "{variable}={value}: {error}");
    }
}

#[test]
fn options_can_be_set_too() {
    let simulator = Simulator::new(Profile::Sm89);
    let mut options = simulator.options();
    options.check = Check::Errors;
    simulator.set_options(options);
    assert_eq!(simulator.options().check, Check::Errors);
    assert_eq!(Options::DEFAULT.check, Check::All);
}
