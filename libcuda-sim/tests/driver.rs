//! The host API of `tilewright-ffi` over the simulated driver. Each test that spoils its context takes a chip of its own.
#![expect(unsafe_code, reason = "kernels are launched")]

use tilewright_ffi::sys::CUresult;
use tilewright_ffi::{Arguments, Context, DeviceBuffer, Driver, Error, Event, Function, Launch, PinnedBuffer};
use tilewright_libcuda_sim::{Kind, Options, Profile, Simulator};

fn context(profile: Profile) -> Context {
    Driver::from_api(Simulator::new(profile).api()).unwrap().device(0).unwrap().primary_context().unwrap()
}

/// x[i] += 1 for every thread; with `race` every thread also writes its number to one shared word.
fn kernel(context: &Context, race: &str) -> Function {
    let text = format!(
        ".version 7.8
.target sm_80
.address_size 64
.visible .entry increment(.param .u64 x, .param .u32 by)
{{
    .reg .b32 %r<8>;
    .reg .b64 %rd<4>;
    .shared .align 4 .b8 word[4];
    ld.param.u64 %rd0, [x];
    ld.param.u32 %r4, [by];
    mov.u32 %r0, %tid.x;
    mov.u32 %r3, word;
    mul.wide.u32 %rd1, %r0, 4;
    add.u64 %rd2, %rd0, %rd1;
{race}
    ld.global.u32 %r1, [%rd2];
    add.u32 %r2, %r1, %r4;
    st.global.u32 [%rd2], %r2;
    ret;
}}
"
    );
    context.load_ptx(&text).unwrap().function("increment", &[8, 4]).unwrap()
}

fn increment(
    function: &Function,
    stream: &tilewright_ffi::Stream,
    x: &mut DeviceBuffer<u32>,
    threads: u32,
) -> Result<(), Error> {
    let arguments = Arguments::new().pointer_mut(&mut x.as_slice_mut()).value(1u32);
    // SAFETY: the kernel reads and writes as many words as there are threads. Where there are fewer, the simulator says so.
    unsafe { function.launch(stream, &Launch::new([1, 1, 1], threads, 0), &arguments) }
}

#[test]
fn copies_launches_and_events_do_what_they_say() {
    let context = context(Profile::Sm90);
    let stream = context.stream().unwrap();
    let function = kernel(&context, "");
    let mut x = stream.upload(&(0..64).collect::<Vec<u32>>()).unwrap();
    let (start, end) = (Event::timed(&context).unwrap(), Event::timed(&context).unwrap());
    start.record(&stream).unwrap();
    increment(&function, &stream, &mut x, 64).unwrap();
    end.record(&stream).unwrap();
    end.synchronize().unwrap();
    assert!(start.elapsed_ms(&end).unwrap() >= 0.0 && end.has_happened().unwrap());
    assert_eq!(stream.download(x.as_slice()).unwrap(), (1..65).collect::<Vec<u32>>());

    let mut copy = stream.alloc::<u32>(64).unwrap();
    stream.copy(x.as_slice(), &mut copy.as_slice_mut()).unwrap();
    stream.fill_bytes(&mut copy.slice_mut(0..2).unwrap(), 0xFF).unwrap();
    assert_eq!(stream.download(copy.slice(0..4).unwrap()).unwrap(), [u32::MAX, u32::MAX, 3, 4]);

    let mut pinned = PinnedBuffer::<u32>::new(&context, 64).unwrap();
    pinned.as_mut_slice().unwrap().fill(7);
    stream.copy_from_pinned(&mut pinned, &mut x.as_slice_mut()).unwrap();
    increment(&function, &stream, &mut x, 64).unwrap();
    stream.copy_to_pinned(x.as_slice(), &mut pinned).unwrap();
    assert_eq!(pinned.as_slice().unwrap(), [8; 64]);
    assert!(stream.is_idle().unwrap());
    assert!(function.resident_blocks(64, 0).unwrap() > 0 && function.registers().unwrap() > 0);
}

#[test]
fn a_captured_graph_runs_when_it_is_launched_and_not_before() {
    let context = context(Profile::Sm90);
    let stream = context.stream().unwrap();
    let function = kernel(&context, "");
    let mut x = stream.upload(&[0u32; 32]).unwrap();
    let graph = stream.capture(|stream| increment(&function, stream, &mut x, 32)).unwrap();
    assert_eq!(stream.download(x.as_slice()).unwrap(), [0; 32]);
    let executable = graph.instantiate().unwrap();
    for _ in 0..3 {
        // SAFETY: the buffer and the kernel are alive.
        unsafe { executable.launch(&stream) }.unwrap();
    }
    assert_eq!(stream.download(x.as_slice()).unwrap(), [3; 32]);
    // A call that waits spoils the capture, and the stream goes on afterwards.
    let spoilt = stream.capture(|stream| stream.synchronize());
    assert!(spoilt.is_err());
    increment(&function, &stream, &mut x, 32).unwrap();
    assert_eq!(stream.download(x.as_slice()).unwrap(), [4; 32]);
}

#[test]
fn modules_are_refused_with_the_line() {
    let context = context(Profile::Sm90);
    let error = context.load_ptx(".version 7.0\n.target sm_80\n.address_size 64\n.visible .entry k()\n{\n    frobnicate.u32 %r0;\n    ret;\n}\n").expect_err("refused");
    let Error::Module { code, log, .. } = &error else { panic!("{error}") };
    assert!(!code.is_success() && log.contains('6'), "{error}");
    let module = context
        .load_ptx(".version 7.0\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u32 n)\n{\n    ret;\n}\n")
        .unwrap();
    assert!(matches!(module.function("l", &[4]), Err(Error::Driver { code: CUresult::ERROR_NOT_FOUND, .. })));
    assert!(matches!(module.function("k", &[8]), Err(Error::Signature { index: 0, actual: 4, declared: 8, .. })));
    assert!(matches!(module.function("k", &[]), Err(Error::Signature { index: 0, actual: 4, declared: 0, .. })));
}

#[test]
fn a_write_past_the_end_is_an_illegal_address_and_spoils_the_context() {
    let simulator = Simulator::new(Profile::Sm80);
    let context = context(Profile::Sm80);
    let stream = context.stream().unwrap();
    let function = kernel(&context, "");
    let mut x = stream.upload(&[0u32; 31]).unwrap();
    let error = increment(&function, &stream, &mut x, 32).expect_err("one thread too many");
    assert!(matches!(error, Error::Driver { code: CUresult::ERROR_ILLEGAL_ADDRESS, .. }), "{error}");
    let reports = simulator.take_reports();
    assert!(matches!(reports[0].findings[0].kind, Kind::OutOfBounds { limit_bytes: Some(124), .. }), "{}", reports[0]);
    assert_eq!(reports[0].findings[0].accesses[0].thread, 31);
    // The first error stays.
    for later in [stream.synchronize(), stream.download(x.as_slice()).map(drop), context.stream().map(drop)] {
        assert!(matches!(later, Err(Error::Poisoned { cause: CUresult::ERROR_ILLEGAL_ADDRESS, .. })), "{later:?}");
    }
}

#[test]
fn a_race_is_a_failed_launch_with_a_report() {
    let simulator = Simulator::new(Profile::Sm86);
    let mut options: Options = simulator.options();
    options.seed = 5;
    simulator.set_options(options);
    let context = context(Profile::Sm86);
    let stream = context.stream().unwrap();
    let function = kernel(&context, "    st.shared.u32 [%r3], %r0;");
    let mut x = stream.upload(&[0u32; 32]).unwrap();
    let error = increment(&function, &stream, &mut x, 32).expect_err("a race");
    assert!(matches!(error, Error::Driver { code: CUresult::ERROR_LAUNCH_FAILED, .. }), "{error}");
    let report = simulator.take_reports().remove(0);
    assert_eq!((report.seed, &report.findings[0].kind), (5, &Kind::Race), "{report}");
}

#[test]
fn a_misaligned_access_is_its_own_error() {
    let context = context(Profile::Sm89);
    let stream = context.stream().unwrap();
    let function = kernel(&context, "    add.u64 %rd2, %rd2, 2;");
    let mut x = stream.upload(&[0u32; 64]).unwrap();
    let error = increment(&function, &stream, &mut x, 32).expect_err("misaligned");
    assert!(matches!(error, Error::Driver { code: CUresult::ERROR_MISALIGNED_ADDRESS, .. }), "{error}");
}

#[test]
fn handles_of_two_chips_do_not_mix() {
    // Not the chips that other tests spoil: contexts are made, nothing runs.
    let (one, other) = (context(Profile::Sm90), Driver::from_api(Simulator::new(Profile::Sm90).api()).unwrap());
    let other = other.device(0).unwrap().primary_context().unwrap();
    let buffer = one.stream().unwrap().upload(&[1u32]).unwrap();
    // The same chip through another loading of the driver is another driver as far as the types can tell.
    let refused = other.stream().unwrap().download(buffer.as_slice());
    assert!(matches!(refused, Err(Error::ForeignContext { what: "the source" })), "{refused:?}");
}

#[test]
fn objects_may_be_used_and_dropped_on_other_threads() {
    let context = context(Profile::Sm90);
    let stream = context.stream().unwrap();
    let buffers: Vec<_> = (0..8u8).map(|value| stream.upload(&[value; 1000]).unwrap()).collect();
    let read: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = buffers
            .into_iter()
            .map(|buffer| {
                let context = context.clone();
                scope.spawn(move || context.stream().unwrap().download(buffer.as_slice()).unwrap())
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(read, (0..8u8).map(|value| vec![value; 1000]).collect::<Vec<_>>());
    std::thread::spawn(move || drop(stream)).join().unwrap();
    context.synchronize().unwrap();
}

#[test]
fn statistics_count_what_kernels_did() {
    let simulator = Simulator::new(Profile::Sm90);
    let context = context(Profile::Sm90);
    let stream = context.stream().unwrap();
    let function = kernel(&context, "");
    let mut x = stream.upload(&[0u32; 64]).unwrap();
    increment(&function, &stream, &mut x, 64).unwrap();
    let statistics = simulator.take_statistics();
    // Two warps of ten instructions, at least: other tests use the chip too.
    assert!(statistics.instructions >= 20 && statistics.global_sectors >= 16, "{statistics:?}");
}
