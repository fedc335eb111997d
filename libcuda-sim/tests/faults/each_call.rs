//! Every call of every path fails once.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tilewright_ffi::Error;
use tilewright_ffi::sys::CUresult;
use tilewright_libcuda_sim::{Balance, Faults, FaultySimulator, Profile, Simulator};

use crate::paths::{PATHS, Path};
use crate::{driver, simulator};

/// Out of memory, a fault that stays, one that the driver cannot name, and one that nobody knows.
const CODES: [u32; 4] = [2, 700, 999, 99_999];

/// Loads the driver and goes the path; a panic fails the test with the case's name.
pub(crate) fn go(simulator: &FaultySimulator, path: Path, case: &str) -> Result<(), Error> {
    catch_unwind(AssertUnwindSafe(|| path(&driver(simulator)?))).unwrap_or_else(|_| panic!("{case}: a panic"))
}

/// Goes the path without a fault; its calls.
pub(crate) fn go_clean(profile: Profile, path: Path, name: &str) -> Vec<&'static str> {
    let simulator = simulator(profile);
    go(&simulator, path, name).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(simulator.balance(), Balance::ZERO, "{name}");
    assert_eq!(simulator.struck(), None);
    simulator.calls()
}

/// The calls in front of one that gives back: where one fails in a destructor the object is out of reach.
fn enters(symbol: &str) -> bool {
    matches!(symbol, "cuCtxGetCurrent" | "cuCtxSetCurrent") || symbol == EXCHANGE
}

/// Only destructors call it, in a capture; without it what they drop stays, and the capture is spoilt.
const EXCHANGE: &str = "cuThreadExchangeStreamCaptureMode";
const SPOILT_CAPTURE: u32 = CUresult::ERROR_STREAM_CAPTURE_INVALIDATED.0;

/// The calls with which a pinned buffer waits for its copy when it is dropped.
fn awaits_copy(symbol: &str) -> bool {
    matches!(symbol, "cuEventSynchronize" | "cuCtxSynchronize")
}

/// An error that says what the driver answered.
pub(crate) fn assert_typed(error: &Error, code: u32, case: &str) {
    let got = match error {
        Error::Driver { code, .. } | Error::Module { code, .. } => code,
        // Later calls name the first fault.
        Error::Poisoned { cause, .. } if cause.is_sticky() => cause,
        other => panic!("{case}: {other:?}"),
    };
    assert_eq!(got.0, code, "{case}: {error}");
    assert!(error.to_string().contains(&format!("({code})")), "{case}: {error}");
}

#[test]
fn the_paths_come_by_all_that_the_host_api_calls() {
    let called: BTreeSet<&str> = PATHS.iter().flat_map(|(name, path)| go_clean(Profile::Sm80, *path, name)).collect();
    // The rest of the table is there for others; no file of the host API names it.
    let unused = [
        "cuDevicePrimaryCtxGetState",
        "cuCtxPushCurrent_v2",
        "cuCtxPopCurrent_v2",
        "cuCtxGetDevice",
        "cuMemcpyHtoD_v2",
        "cuMemcpyDtoH_v2",
        "cuMemcpyDtoD_v2",
        "cuMemsetD8_v2",
        "cuMemsetD16Async",
        "cuMemsetD32Async",
        "cuMemAllocAsync",
        "cuMemFreeAsync",
        "cuPointerGetAttribute",
        "cuStreamCreateWithPriority",
        "cuStreamGetCtx",
        "cuStreamGetFlags",
        "cuStreamGetPriority",
        "cuModuleLoadData",
        "cuStreamIsCapturing",
        // Not modelled: the paths meet its absence.
        "cuTensorMapEncodeTiled",
        // Only name errors, and are not counted.
        "cuGetErrorName",
        "cuGetErrorString",
    ];
    for signature in tilewright_ffi::sys::Api::SIGNATURES {
        let symbol = signature.symbol;
        assert!(called.contains(symbol) != unused.contains(&symbol), "{symbol}");
    }
}

#[test]
fn a_failure_of_any_call_is_a_typed_error_and_leaks_nothing() {
    let mut cases = 0;
    for (name, path) in PATHS {
        let calls = go_clean(Profile::Sm80, *path, name);
        for (k, call) in (1..).zip(&calls) {
            for code in CODES {
                let case = format!("{name}, call {k} of {}, {call}, answers {code}", calls.len());
                let simulator = Simulator::new(Profile::Sm80).faults(Faults::new().fail_call(k, CUresult(code)));
                let outcome = go(&simulator, *path, &case);
                assert_eq!(simulator.struck(), Some(*call), "{case}");
                match &outcome {
                    // Destructors tell nobody.
                    Ok(()) => assert!(Faults::gives_back(call) || enters(call) || awaits_copy(call), "{case}: lost"),
                    Err(error) if *call == EXCHANGE => assert_typed(error, SPOILT_CAPTURE, &case),
                    Err(error) => {
                        assert_typed(error, code, &case);
                        if let Error::Driver { call: named, .. } = error {
                            assert!(call.starts_with(named), "{case}: {error}");
                        }
                    }
                }
                assert_balance(&simulator.balance(), call, &outcome, code == 700, &case);
                cases += 1;
            }
        }
    }
    assert!(cases > 1000, "{cases} cases");
}

/// Nothing stays but what a destructor could not reach, and pinned memory whose copy has no end that can be known: of one copy after a failed wait,
/// of all copies, two at most in these paths, in a context that is spoilt.
fn assert_balance(balance: &Balance, struck: &str, outcome: &Result<(), Error>, stays: bool, case: &str) {
    let was_told = matches!(outcome, Err(Error::Driver { call, .. }) if struck.starts_with(call));
    let unreached = usize::from(enters(struck) && !was_told);
    let copies = if stays { 2 } else { usize::from(awaits_copy(struck)).max(unreached) };
    assert!(balance.pinned_allocations <= copies, "{case}: {balance:?}");
    assert!(balance.total() - balance.pinned_allocations <= unreached, "{case}: {balance:?}");
}

#[test]
fn a_context_that_any_call_spoils_is_a_typed_error_and_leaks_no_handles() {
    for (name, path) in PATHS {
        let calls = go_clean(Profile::Sm86, *path, name);
        for (k, call) in (1..).zip(&calls) {
            for code in [700, 719] {
                let case = format!("{name}, spoilt by call {k} of {}, {call}, with {code}", calls.len());
                let simulator = Simulator::new(Profile::Sm86).faults(Faults::new().poison_at(k, CUresult(code)));
                let outcome = go(&simulator, *path, &case);
                assert_eq!(simulator.struck(), Some(*call), "{case}");
                match &outcome {
                    Ok(()) => assert!(Faults::gives_back(call) || enters(call) || awaits_copy(call), "{case}: lost"),
                    Err(error) => assert_typed(error, code, &case),
                }
                assert_balance(&simulator.balance(), call, &outcome, true, &case);
            }
        }
    }
}
