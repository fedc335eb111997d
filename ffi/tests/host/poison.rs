//! A context that a fault has spoilt.

use tilewright_ffi::sys::CUresult;
use tilewright_ffi::{Arguments, Error, Event, Launch, PinnedBuffer};

use crate::fake::Fake;

#[test]
fn the_first_fault_stays_and_later_calls_do_not_reach_the_driver() {
    let fake = Fake::start();
    let context = fake.context();
    let stream = context.stream().unwrap();
    let mut buffer = stream.upload(&[1u32, 2]).unwrap();
    let module = context.load_ptx("plain").unwrap();
    let function = module.function("plain", &[]).unwrap();
    let event = Event::timed(&context).unwrap();
    let graph = stream.capture(|_| Ok::<_, Error>(())).unwrap();
    let executable = graph.instantiate().unwrap();
    let mut pinned = PinnedBuffer::<u32>::new(&context, 2).unwrap();
    fake.fail_next("cuStreamSynchronize", 700);
    let first = stream.synchronize().expect_err("told to fail");
    assert!(matches!(first, Error::Driver { call: "cuStreamSynchronize", code: CUresult(700), .. }), "{first}");
    fake.fail_next("cuStreamSynchronize", 719);
    fake.take_calls();
    let launch = Launch::new([1, 1, 1], 32, 0);
    for outcome in [
        stream.synchronize(),
        context.synchronize(),
        context.memory_info().map(drop),
        context.stream().map(drop),
        context.load_ptx("plain").map(drop),
        module.function("plain", &[]).map(drop),
        function.registers().map(drop),
        function.resident_blocks(32, 0).map(drop),
        // SAFETY: the fake runs nothing.
        unsafe { function.launch(&stream, &launch, &Arguments::new()) },
        stream.download(buffer.as_slice()).map(drop),
        stream.write(&[1, 2], &mut buffer.as_slice_mut()),
        stream.fill_bytes(&mut buffer.as_slice_mut(), 0),
        stream.copy_from_pinned(&mut pinned, &mut buffer.as_slice_mut()),
        stream.alloc::<u8>(1).map(drop),
        stream.is_idle().map(drop),
        stream.wait_for(&event),
        stream.capture(|_| Ok::<_, Error>(())).map(drop),
        event.record(&stream),
        event.synchronize(),
        event.has_happened().map(drop),
        graph.instantiate().map(drop),
        // SAFETY: the fake runs nothing.
        unsafe { executable.launch(&stream) },
        Event::untimed(&context).map(drop),
        PinnedBuffer::<u8>::new(&context, 1).map(drop),
    ] {
        let Err(Error::Poisoned { cause, name, call }) = outcome else { panic!("{outcome:?}") };
        assert_eq!((cause.0, name.as_str(), call), (700, "CUDA_ERROR_ILLEGAL_ADDRESS", "cuStreamSynchronize"));
    }
    assert_eq!(fake.take_calls(), [""; 0]);
    // Clones know it; what is held is given back.
    assert!(matches!(context.clone().synchronize(), Err(Error::Poisoned { .. })));
    drop((buffer, pinned, function, module, event, graph, executable, stream, context));
    fake.assert_clean();
}

#[test]
fn every_fault_that_stays_spoils_and_no_other_does() {
    let fake = Fake::start();
    for (name, code) in CUresult::CODES.iter().filter(|(_, code)| *code != 0) {
        fake.reset();
        let context = fake.context();
        fake.fail_next("cuCtxSynchronize", *code);
        context.synchronize().expect_err("told to fail");
        let stays = matches!(context.synchronize(), Err(Error::Poisoned { .. }));
        assert_eq!(stays, CUresult(*code).is_sticky(), "{name}");
        assert_eq!(stays, matches!(code, 214 | 220 | 226 | 700 | 702 | 710 | 714..=719 | 721 | 911), "{name}");
    }
}

#[test]
fn a_fault_that_the_compiler_reports_is_the_devices() {
    let fake = Fake::start();
    let context = fake.context();
    fake.fail_next("cuModuleLoadDataEx", 700);
    let error = context.load_ptx("plain").expect_err("told to fail");
    assert!(matches!(error, Error::Driver { call: "cuModuleLoadDataEx", code: CUresult(700), .. }), "{error:?}");
    assert!(matches!(context.synchronize(), Err(Error::Poisoned { call: "cuModuleLoadDataEx", .. })));
}

#[test]
fn of_many_threads_one_fault_is_the_first() {
    let fake = Fake::start();
    let context = fake.context();
    fake.fail_next("cuCtxSynchronize", 719);
    fake.failure_stays();
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| context.synchronize())).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    for outcome in outcomes {
        assert!(
            matches!(
                outcome,
                Err(Error::Driver { code: CUresult(719), .. } | Error::Poisoned { cause: CUresult(719), .. })
            ),
            "{outcome:?}"
        );
    }
}
