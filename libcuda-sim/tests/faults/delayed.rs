//! Errors that come later than the call that made them.

use tilewright_ffi::sys::{CUresult, CUstreamCaptureMode};
use tilewright_ffi::{Arguments, Error, Event, Launch, PinnedBuffer};
use tilewright_libcuda_sim::{Balance, Faults, Profile, Simulator};

use crate::each_call::{assert_typed, go, go_clean};
use crate::paths::PATHS;
use crate::support::{ADD, add};
use crate::{driver, simulator};

/// A fault that stays, and two that do not.
const CODES: [u32; 3] = [719, 999, 99_999];

#[test]
fn an_error_of_any_work_comes_with_the_next_wait_and_leaks_nothing() {
    let mut told = 0;
    for (name, path) in PATHS {
        let calls = go_clean(Profile::Sm89, *path, name);
        for (k, call) in (1..).zip(&calls).filter(|(_, call)| Faults::enqueues(call)) {
            for code in CODES {
                let case = format!("{name}, {call} (call {k}) fails later with {code}");
                let simulator = Simulator::new(Profile::Sm89).faults(Faults::new().delay_call(k, CUresult(code)));
                let outcome = go(&simulator, *path, &case);
                if simulator.struck().is_none() {
                    // Refused where it was enqueued, as without the fault.
                    assert_eq!(*call, "cuLaunchKernelEx", "{case}");
                    continue;
                }
                // The call itself works: the one behind it is made.
                assert!(simulator.calls().len() > k, "{case}");
                match &outcome {
                    Err(error) => {
                        assert_typed(error, code, &case);
                        told += 1;
                    }
                    // Nobody waits any more but a destructor.
                    Ok(()) => {
                        let next = calls.iter().skip(k).find(|call| call.ends_with("Synchronize"));
                        assert_eq!(next, None, "{case}: lost");
                    }
                }
                let mut balance = simulator.balance();
                // The end of the copy cannot be known: the memory is left to it.
                assert!(balance.pinned_allocations <= 2 && (*name == "pinned" || balance.pinned_allocations == 0));
                balance.pinned_allocations = 0;
                assert_eq!(balance, Balance::ZERO, "{case}");
            }
        }
    }
    assert!(told > 20, "{told} told");
}

#[test]
fn a_launch_that_fails_later_succeeds_first_and_spoils_the_context_then() {
    let simulator = simulator(Profile::Sm90);
    let context = driver(&simulator).unwrap().device(0).unwrap().primary_context().unwrap();
    let other = context.device().primary_context().unwrap();
    let stream = context.stream().unwrap();
    let event = Event::untimed(&context).unwrap();
    let function = context.load_ptx(&add()).unwrap().function("add", ADD).unwrap();
    let buffer = stream.upload(&[1u32; 4]).unwrap();
    simulator.set_faults(Faults::new().delay_call(2, CUresult::ERROR_ILLEGAL_ADDRESS));
    let mut arguments = Arguments::new();
    arguments.value(0u64).value(0u32).value(0.0f32);
    // SAFETY: no value is counted.
    let launch = || unsafe { function.launch(&stream, &Launch::new([1, 1, 1], 32, 0), &arguments) };
    // The second call is the launch's cuCtxSetCurrent, which enqueues nothing: no fault.
    launch().unwrap();
    stream.synchronize().unwrap();
    assert_eq!(simulator.struck(), None);
    simulator.set_faults(Faults::new().delay_call(3, CUresult::ERROR_ILLEGAL_ADDRESS));
    launch().unwrap();
    assert_eq!(simulator.struck(), Some("cuLaunchKernel"));
    // Until somebody waits nothing is known.
    event.record(&stream).unwrap();
    launch().unwrap();
    let error = event.synchronize().expect_err("it waits");
    assert!(matches!(error, Error::Driver { call: "cuEventSynchronize", code: CUresult(700), .. }), "{error}");
    assert!(matches!(stream.synchronize(), Err(Error::Poisoned { cause: CUresult(700), .. })));
    // The driver knows too: another owner of the context is told by every call.
    for outcome in [
        other.synchronize(),
        other.stream().map(drop),
        PinnedBuffer::<u8>::new(&other, 1).map(drop),
        other.load_ptx(&add()).map(drop),
    ] {
        assert!(matches!(outcome, Err(Error::Driver { code: CUresult(700), .. } | Error::Poisoned { .. })));
    }
    // What gives back is refused, and has given back.
    let api = *context.driver().api();
    let codes = [
        call!(api.ctx_set_current(context.raw())),
        call!(api.mem_free(buffer.leak())),
        call!(api.ctx_set_current(std::ptr::null_mut())),
    ];
    assert_eq!(codes, [0, 700, 0]);
    drop((event, function, stream, context, other));
    assert_eq!(simulator.balance(), Balance::ZERO);
}

/// As on a chip, whoever asks: the safe layer of one owner of the context may know, that of another cannot.
#[test]
fn a_spoilt_context_answers_calls_with_the_fault_and_takes_back_what_is_given_back() {
    let simulator = simulator(Profile::Sm80);
    let context = driver(&simulator).unwrap().device(0).unwrap().primary_context().unwrap();
    let stream = context.stream().unwrap();
    let event = Event::untimed(&context).unwrap();
    let module = context.load_ptx(&add()).unwrap();
    let graph = stream.capture(|_| Ok::<_, Error>(())).unwrap();
    let executable = graph.instantiate().unwrap();
    let pinned = PinnedBuffer::<u8>::new(&context, 1).unwrap();
    let address = stream.upload(&[1u8]).unwrap().leak();
    simulator.set_faults(Faults::new().poison_at(3, CUresult::ERROR_LAUNCH_FAILED));
    assert!(matches!(context.memory_info(), Err(Error::Driver { code: CUresult(719), .. })));
    let api = *context.driver().api();
    let mut handle = std::ptr::null_mut();
    let mut number = 0;
    assert_eq!(call!(api.ctx_set_current(context.raw())), 0);
    let codes = [
        call!(api.ctx_synchronize()),
        call!(api.mem_alloc(&raw mut number, 4)),
        call!(api.memcpy_dtod(address, address, 1)),
        call!(api.stream_create(&raw mut handle, 1)),
        call!(api.stream_synchronize(stream.raw())),
        call!(api.event_record(event.raw(), stream.raw())),
        call!(api.stream_begin_capture(stream.raw(), CUstreamCaptureMode::RELAXED)),
        call!(api.graph_launch(executable.raw(), stream.raw())),
        call!(api.mem_free(address)),
    ];
    assert_eq!(codes, [719; 9]);
    assert_eq!(simulator.balance().device_allocations, 0);
    assert_eq!(call!(api.ctx_set_current(std::ptr::null_mut())), 0);
    let before = simulator.balance().total();
    drop((event, module, graph, executable, pinned, stream));
    assert_eq!((before, simulator.balance().total()), (8, 1), "all but the context");
    drop(context);
    // The next primary context is a new one.
    let context = driver(&simulator).unwrap().device(0).unwrap().primary_context().unwrap();
    assert!(context.synchronize().is_ok());
}

#[test]
fn what_a_fault_struck_can_be_done_again() {
    let simulator = simulator(Profile::Sm90);
    let stream = driver(&simulator).unwrap().device(0).unwrap().primary_context().unwrap().stream().unwrap();
    for code in [2, 999, 99_999] {
        simulator.set_faults(Faults::new().fail_function("cuMemAlloc_v2", 1, CUresult(code)));
        assert_typed(&stream.alloc::<u8>(4).expect_err("told to fail"), code, "an allocation");
        let mut buffer = stream.upload(&[1u8, 2, 3]).unwrap();
        simulator.set_faults(Faults::new().fail_function("cuMemcpyHtoDAsync_v2", 1, CUresult(code)));
        assert_typed(&stream.write(&[9, 9, 9], &mut buffer.as_slice_mut()).expect_err("told to fail"), code, "a copy");
        assert_eq!(stream.download(buffer.as_slice()).unwrap(), [1, 2, 3], "nothing was copied");
        simulator.set_faults(Faults::new().fail_function("cuStreamEndCapture", 1, CUresult(code)));
        let error = stream.capture(|_| Ok::<_, Error>(())).expect_err("told to fail");
        assert_typed(&error, code, "a capture");
        drop(stream.capture(|_| Ok::<_, Error>(())).unwrap());
    }
    drop(stream);
    assert_eq!(simulator.balance(), Balance::ZERO);
}
