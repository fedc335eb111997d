//! What is found in a kernel: the driver's error, a spoilt context, and a report.

#![expect(unsafe_code, reason = "launches")]

mod support;

use support::{ADD, Device, add, module};
use tilewright_ffi::sys::CUresult;
use tilewright_ffi::{Arguments, Error, Launch};
use tilewright_libcuda_sim::{Kind, Options, Profile, Report};

/// Each thread writes the value of the next one, through shared memory; with a barrier between, or without.
fn shift(barrier: &str) -> String {
    module(
        "shift",
        ".param .u64 values",
        &format!(
            ".shared .align 16 .b8 tile[512];
             ld.param.u64 %rd0, [values];
             mov.u32 %r0, tile;
             mov.u32 %r1, %tid.x;
             mad.wide.u32 %rd1, %r1, 4, %rd0;
             ld.global.b32 %r2, [%rd1];
             mad.lo.u32 %r3, %r1, 4, %r0;
             st.shared.b32 [%r3], %r2;
             {barrier}
             add.u32 %r4, %r1, 1;
             and.b32 %r4, %r4, 127;
             mad.lo.u32 %r5, %r4, 4, %r0;
             ld.shared.b32 %r6, [%r5];
             st.global.b32 [%rd1], %r6;"
        ),
    )
}

/// Each thread reads 4 bytes at `offset` behind its own place.
fn read_at(offset: u32) -> String {
    module(
        "read",
        ".param .u64 values",
        &format!(
            "ld.param.u64 %rd0, [values];
             mov.u32 %r1, %tid.x;
             mad.wide.u32 %rd1, %r1, 4, %rd0;
             add.u64 %rd1, %rd1, {offset};
             ld.global.b32 %r2, [%rd1];
             st.global.b32 [%rd0], %r2;"
        ),
    )
}

/// Launches the kernel over one block of 128 threads and `len` values; the error it makes, and the one report about it.
fn launch(device: &Device, text: &str, entry: &str, len: usize) -> (CUresult, Report) {
    let stream = device.stream();
    let function = stream.context().load_ptx(text).expect("a module").function(entry, &[8]).expect("a kernel");
    let mut values = stream.upload(&vec![1u32; len]).expect("memory");
    let mut arguments = Arguments::new();
    arguments.pointer_mut(&mut values.as_slice_mut());
    // SAFETY: the simulator stops at every access that is wrong.
    let error = unsafe { function.launch(&stream, &Launch::new([1, 1, 1], 128, 0), &arguments) };
    let Err(Error::Driver { call: "cuLaunchKernel", code, .. }) = error else { panic!("{error:?}") };
    // Nothing works any more, whichever way it is asked; the first fault is the cause.
    for outcome in [stream.synchronize(), stream.download(values.as_slice()).map(drop), stream.context().synchronize()]
    {
        let Err(Error::Poisoned { cause, call, .. }) = outcome else { panic!("{outcome:?}") };
        assert_eq!((cause, call), (code, "cuLaunchKernel"));
    }
    // To the driver itself too: another owner of the context sees the fault.
    let other = device.context();
    assert!(matches!(other.synchronize(), Err(Error::Driver { code: seen, .. }) if seen == code));
    let mut reports = device.simulator.take_reports();
    assert_eq!(reports.len(), 1);
    assert!(device.simulator.take_reports().is_empty());
    (code, reports.remove(0))
}

#[test]
fn a_write_past_the_end_is_an_illegal_address() {
    let device = Device::open(Profile::Sm80);
    let text = module(
        "past",
        ".param .u64 values",
        "ld.param.u64 %rd0, [values];
         mov.u32 %r1, %tid.x;
         mad.wide.u32 %rd1, %r1, 4, %rd0;
         st.global.b32 [%rd1], %r1;",
    );
    let (code, report) = launch(&device, &text, "past", 127);
    assert_eq!(code, CUresult::ERROR_ILLEGAL_ADDRESS);
    let finding = &report.findings[0];
    assert!(matches!(finding.kind, Kind::OutOfBounds { limit_bytes: Some(508), was_freed: false }), "{report}");
    let [access] = finding.accesses.as_slice() else { panic!("{report}") };
    assert_eq!((access.thread, access.block), (127, [0, 0, 0]));
    assert!(access.instruction.contains("st.global.b32"), "{report}");
    assert_eq!(text.lines().nth(access.line as usize - 1).map(str::trim), Some("st.global.b32 [%rd1], %r1;"));
}

#[test]
fn a_race_names_both_accesses() {
    let device = Device::open(Profile::Sm86);
    let (code, report) = launch(&device, &shift(""), "shift", 128);
    assert_eq!(code, CUresult::ERROR_LAUNCH_FAILED);
    let race = report.findings.iter().find(|finding| finding.kind == Kind::Race).unwrap_or_else(|| panic!("{report}"));
    let mut instructions: Vec<&str> =
        race.accesses.iter().map(|access| access.instruction.split_whitespace().next().unwrap_or("")).collect();
    instructions.sort_unstable();
    assert_eq!(instructions, ["ld.shared.b32", "st.shared.b32"], "{report}");
    assert_ne!(race.accesses[0].thread, race.accesses[1].thread);
    let message = report.to_string();
    assert!(message.contains("race on shared memory in shift"), "{message}");
    assert!(message.contains("no barrier between line"), "{message}");
}

#[test]
fn the_same_kernel_with_a_barrier_is_clean() {
    let device = Device::open(Profile::Sm86);
    let stream = device.stream();
    let function = stream.context().load_ptx(&shift("bar.sync 0;")).unwrap().function("shift", &[8]).unwrap();
    let mut values = stream.upload(&(0..128).collect::<Vec<u32>>()).unwrap();
    let mut arguments = Arguments::new();
    arguments.pointer_mut(&mut values.as_slice_mut());
    for seed in 0..8 {
        let mut options = Options::DEFAULT;
        options.seed = seed;
        device.simulator.set_options(options);
        // SAFETY: 128 threads, 128 values.
        unsafe { function.launch(&stream, &Launch::new([1, 1, 1], 128, 0), &arguments) }.unwrap();
    }
    assert_eq!(stream.download(values.as_slice()).unwrap(), (8..136).map(|i| i % 128).collect::<Vec<u32>>());
    assert!(device.simulator.take_reports().is_empty());
}

#[test]
fn a_misaligned_read_is_a_misaligned_address() {
    let device = Device::open(Profile::Sm89);
    let (code, report) = launch(&device, &read_at(2), "read", 256);
    assert_eq!(code, CUresult::ERROR_MISALIGNED_ADDRESS);
    assert_eq!(report.findings[0].kind, Kind::Misaligned { align: 4 });
}

#[test]
fn a_kernel_that_does_not_end_times_out() {
    let device = Device::open(Profile::Sm90);
    let mut options = Options::DEFAULT;
    options.max_instructions = Some(1000);
    device.simulator.set_options(options);
    let text = module("endless", ".param .u64 values", "$again:\nbra $again;");
    let (code, report) = launch(&device, &text, "endless", 1);
    assert_eq!(code, CUresult::ERROR_LAUNCH_TIMEOUT);
    assert_eq!(report.findings[0].kind, Kind::Endless { limit: 1000 });
}

#[test]
fn memory_that_nobody_wrote_is_not_read_quietly() {
    let device = Device::open(Profile::Sm90);
    let stream = device.stream();
    let function = stream.context().load_ptx(&add()).unwrap().function("add", ADD).unwrap();
    let mut values = stream.alloc::<f32>(8).unwrap();
    let mut arguments = Arguments::new();
    arguments.pointer_mut(&mut values.as_slice_mut()).value(8u32).value(1.0f32);
    // SAFETY: as many values as are counted.
    let error = unsafe { function.launch(&stream, &Launch::new([1, 1, 1], 32, 0), &arguments) };
    assert!(matches!(error, Err(Error::Driver { code: CUresult::ERROR_LAUNCH_FAILED, .. })), "{error:?}");
    assert_eq!(device.simulator.take_reports()[0].findings[0].kind, Kind::UninitialisedMemory);
}

#[test]
fn the_seed_is_in_the_report() {
    let device = Device::open(Profile::Sm80);
    for seed in [0, 7, u64::MAX] {
        let mut options = Options::DEFAULT;
        options.seed = seed;
        device.simulator.set_options(options);
        let (_, report) = launch(&device, &shift(""), "shift", 128);
        assert_eq!(report.seed, seed);
        assert!(report.to_string().contains(&format!("(seed {seed})")));
    }
}

/// Unlike a chip's, whose process must end.
#[test]
fn the_next_primary_context_is_a_new_one() {
    let device = Device::open(Profile::Sm80);
    assert_eq!(launch(&device, &read_at(2), "read", 256).0, CUresult::ERROR_MISALIGNED_ADDRESS);
    let stream = device.stream();
    let buffer = stream.upload(&[1u8, 2]).unwrap();
    assert_eq!(stream.download(buffer.as_slice()).unwrap(), [1, 2]);
}

#[test]
fn a_spoilt_chip_leaves_the_others_alone() {
    let device = Device::open(Profile::Sm80);
    let other = tilewright_libcuda_sim::Simulator::new(Profile::Sm89);
    let stream = tilewright_ffi::Driver::from_api(other.api())
        .and_then(|driver| driver.device(0)?.primary_context()?.stream())
        .unwrap();
    assert_eq!(launch(&device, &read_at(2), "read", 256).0, CUresult::ERROR_MISALIGNED_ADDRESS);
    assert!(stream.synchronize().is_ok());
    assert!(other.take_reports().is_empty());
}
