//! Operations whose driver fails.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tilewright_ffi::sys::CUresult;
use tilewright_ffi::{Context, Driver};
use tilewright_libcuda_sim::{Balance, Faults, FaultySimulator, Simulator};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// It answers the code.
    Once(u32),
    /// It answers the code, and so does every later one.
    ForEver(u32),
    /// The work that it enqueues fails, which the next call that waits tells.
    Later(u32),
}

/// Out of memory, an error without a cause, one that nobody knows, and faults that stay.
const FAILURES: [Failure; 6] = [
    Failure::Once(2),
    Failure::Once(999),
    Failure::Once(99_999),
    Failure::ForEver(700),
    Failure::Later(999),
    Failure::Later(719),
];

/// Goes `path` once to count the calls that it makes to the driver, then again for each of them, and each time that call fails: with several
/// codes, for ever, or, where it enqueues work, when that work is waited for. How many calls there are.
///
/// The path runs on simulated drivers of its own, whatever `TILEWRIGHT_DEVICE` says: others in the process notice nothing. It makes everything
/// that it uses, and keeps none of it. It makes the same calls every time, so it takes no time and no unseeded random numbers into account.
///
/// # Example
/// ```
/// use tilewright_ffi::{Context, Error};
///
/// let calls = tilewright_testkit::each_call_fails_once(|context: &Context| -> Result<(), Error> {
///     let stream = context.stream()?;
///     let buffer = stream.upload(&[1.0f32, 2.0])?;
///     assert_eq!(stream.download(buffer.as_slice())?, [1.0, 2.0]);
///     Ok(())
/// });
/// assert!(calls > 6);
/// ```
///
/// # Panics
/// With the call and the failure, if
/// - the path fails, or leaves something behind, although no call has failed;
/// - it succeeds although a call has failed whose failure somebody could be told of (of those in destructors nobody can), or its error does not
///   carry the code;
/// - it panics, assertions about results included;
/// - it leaves a stream, a buffer or anything else behind that could have been given back.
pub fn each_call_fails_once<E: Error>(path: impl Fn(&Context) -> Result<(), E>) -> usize {
    let clean = Run::of(Faults::new(), &path, "without a failure");
    if let Err(error) = &clean.outcome {
        panic!("without a failure: {error}");
    }
    assert_eq!(clean.balance, Balance::ZERO, "without a failure something was left behind");
    for (k, call) in (1..).zip(&clean.calls) {
        for failure in FAILURES {
            let (faults, code) = match failure {
                Failure::Once(code) => (Faults::new().fail_call(k, CUresult(code)), code),
                Failure::ForEver(code) => (Faults::new().poison_at(k, CUresult(code)), code),
                Failure::Later(_) if !Faults::enqueues(call) => continue,
                Failure::Later(code) => (Faults::new().delay_call(k, CUresult(code)), code),
            };
            let case = format!("call {k} of {}, {call}, fails: {failure:?}", clean.calls.len());
            let run = Run::of(faults, &path, &case);
            assert_eq!(run.struck, Some(*call), "{case}: the path made other calls than before");
            let silent = match failure {
                Failure::Later(_) => is_never_told(&clean.calls, k),
                _ => is_in_destructors(call),
            };
            match &run.outcome {
                Ok(()) => assert!(silent, "{case}: the failure was lost"),
                // Destructors call it in a capture, which is spoilt where that fails.
                Err(error) if *call == EXCHANGE && matches!(failure, Failure::Once(_)) => {
                    assert_names(error, 901, &case)
                }
                Err(error) => assert_names(error, code, &case),
            }
            run.assert_nothing_left(failure, call, &case);
        }
    }
    clean.calls.len()
}

/// What a path did.
struct Run<E> {
    outcome: Result<(), E>,
    calls: Vec<&'static str>,
    struck: Option<&'static str>,
    balance: Balance,
}

impl<E: Error> Run<E> {
    /// Goes the path on a driver that works until the path begins.
    fn of(faults: Faults, path: &impl Fn(&Context) -> Result<(), E>, case: &str) -> Self {
        let simulator = Simulator::from_environment().faults(Faults::new());
        let context = open(&simulator);
        simulator.set_faults(faults);
        let outcome = catch_unwind(AssertUnwindSafe(|| path(&context))).unwrap_or_else(|_| panic!("{case}: a panic"));
        let (calls, struck) = (simulator.calls(), simulator.struck());
        drop(context);
        Self { outcome, calls, struck, balance: simulator.balance() }
    }

    /// Nothing but what a destructor could not reach, and pinned memory whose copy has no end that can be known.
    fn assert_nothing_left(&self, failure: Failure, struck: &str, case: &str) {
        let Self { outcome, balance, .. } = self;
        // In front of a call whose error was told a context could not be made current; if it was not told, that was in a destructor.
        let was_told = outcome.as_ref().is_err_and(|error| message(error).contains(struck));
        let unreached = usize::from(enters(struck) && !was_told);
        let pinned = match failure {
            Failure::Once(_) => usize::from(awaits_copy(struck)).max(unreached),
            Failure::ForEver(_) | Failure::Later(_) => usize::MAX,
        };
        assert!(balance.pinned_allocations <= pinned, "{case} and leaves pinned memory behind: {balance:?}");
        let left = balance.total() - balance.pinned_allocations;
        assert!(left <= unreached, "{case} and leaves something behind: {balance:?}");
    }
}

fn open(simulator: &FaultySimulator) -> Context {
    let opened = simulator.api().and_then(Driver::from_api).and_then(|driver| driver.device(0)?.primary_context());
    opened.expect("a simulator opens")
}

/// The calls in front of one that gives back: where one fails in a destructor the object is out of reach.
fn enters(call: &str) -> bool {
    matches!(call, "cuCtxGetCurrent" | "cuCtxSetCurrent") || call == EXCHANGE
}

const EXCHANGE: &str = "cuThreadExchangeStreamCaptureMode";

/// The calls with which a pinned buffer that is dropped waits for its copy.
fn awaits_copy(call: &str) -> bool {
    matches!(call, "cuEventSynchronize" | "cuCtxSynchronize")
}

/// Whether destructors make the call, which can tell nobody of its failure.
fn is_in_destructors(call: &str) -> bool {
    Faults::gives_back(call) || enters(call) || awaits_copy(call)
}

/// Whether nobody but destructors waits for what the `k`-th call has enqueued.
fn is_never_told(calls: &[&str], k: usize) -> bool {
    let later = calls.get(k..).unwrap_or_default();
    let told = [
        "cuStreamSynchronize",
        "cuStreamQuery",
        "cuEventQuery",
        "cuMemcpyHtoD_v2",
        "cuMemcpyDtoH_v2",
        "cuMemcpyDtoD_v2",
    ];
    match later.iter().position(|call| told.contains(call)) {
        None => true,
        // A buffer that is dropped in front of it is told instead.
        Some(wait) => later.iter().take(wait).any(|call| *call == "cuMemFree_v2" || awaits_copy(call)),
    }
}

/// The error, or one that caused it, says the driver's code.
fn assert_names(error: &impl Error, code: u32, case: &str) {
    let message = message(error);
    assert!(message.contains(&format!("({code})")), "{case}: the error does not carry the code: {message}");
}

/// What the error says, and what those say that caused it.
fn message(error: &impl Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    message
}

/// The calls that `run` makes to the driver when it is run for the second time, on what `prepare` made: a kernel is loaded by then.
///
/// Runs on a simulated driver of its own, whatever `TILEWRIGHT_DEVICE` says.
///
/// # Panics
/// If the simulator does not open.
pub fn calls_of_a_second_run<S>(prepare: impl FnOnce(&Context) -> S, run: impl Fn(&mut S)) -> Vec<&'static str> {
    let simulator = Simulator::from_environment().faults(Faults::new());
    let context = open(&simulator);
    let mut prepared = prepare(&context);
    run(&mut prepared);
    simulator.set_faults(Faults::new());
    run(&mut prepared);
    simulator.calls()
}

/// Asserts that `calls` launch one kernel and otherwise only make the context current: no allocation, no copy, no wait, no module.
///
/// # Panics
/// With the calls, if they do anything else.
pub fn assert_one_launch(calls: &[&str]) {
    let launches = calls.iter().filter(|call| call.starts_with("cuLaunchKernel")).count();
    let others = calls.iter().filter(|call| !call.starts_with("cuLaunchKernel") && !call.starts_with("cuCtx")).count();
    assert!(launches == 1 && others == 0 && !calls.contains(&"cuCtxSynchronize"), "{calls:?}");
}
