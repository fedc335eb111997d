//! The host API of `tilewright-ffi` on the simulator.

#![expect(unsafe_code, reason = "launches")]

mod support;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};
use support::{ADD, Device, add, module};
use tilewright_ffi::sys::{CUdevice_attribute, CUresult};
use tilewright_ffi::{Arguments, Context, Error, Event, Function, Launch, PinnedBuffer, Stream};
use tilewright_libcuda_sim::{Options, Profile};

fn cases() -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|asked| asked.parse().ok());
    Config {
        cases: asked.unwrap_or(64),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..Config::default()
    }
}

fn add_function(context: &Context) -> Function {
    context.load_ptx(&add()).expect("a module").function("add", ADD).expect("a kernel")
}

/// Adds `amount` to all values.
fn launch_add(function: &Function, stream: &Stream, values: &mut tilewright_ffi::DeviceBuffer<f32>, amount: f32) {
    let count = values.len() as u32;
    let mut arguments = Arguments::new();
    arguments.pointer_mut(&mut values.as_slice_mut()).value(count).value(amount);
    let launch = Launch::new([count.div_ceil(64), 1, 1], 64, 0);
    // SAFETY: as many values as are counted; threads past them do nothing.
    unsafe { function.launch(stream, &launch, &arguments) }.expect("a clean launch");
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn what_goes_up_comes_down(values in prop::collection::vec(any::<u16>(), 0..3000), cut in any::<(prop::sample::Index, prop::sample::Index)>()) {
        let device = Device::open(Profile::Sm90);
        let stream = device.stream();
        let mut buffer = stream.upload(&values).unwrap();
        prop_assert_eq!(&stream.download(buffer.as_slice()).unwrap(), &values);
        // A part of it, and a part overwritten.
        let (one, other) = (cut.0.index(values.len() + 1), cut.1.index(values.len() + 1));
        let (start, end) = (one.min(other), one.max(other));
        prop_assert_eq!(&stream.download(buffer.slice(start..end).unwrap()).unwrap(), &values[start..end]);
        let negated: Vec<u16> = values[start..end].iter().map(|value| !value).collect();
        stream.write(&negated, &mut buffer.slice_mut(start..end).unwrap()).unwrap();
        let mut wanted = values.clone();
        wanted[start..end].copy_from_slice(&negated);
        prop_assert_eq!(stream.download(buffer.as_slice()).unwrap(), wanted);
    }

    #[test]
    fn copies_and_fills_on_the_device_touch_what_they_name(len in 1usize..2000, byte in any::<u8>(), cut in any::<(prop::sample::Index, prop::sample::Index)>()) {
        let device = Device::open(Profile::Sm90);
        let stream = device.stream();
        let values: Vec<u8> = (0..len).map(|index| index as u8).collect();
        let from = stream.upload(&values).unwrap();
        let mut to = stream.alloc::<u8>(len).unwrap();
        stream.fill_bytes(&mut to.as_slice_mut(), byte).unwrap();
        let (one, other) = (cut.0.index(len + 1), cut.1.index(len + 1));
        let (start, end) = (one.min(other), one.max(other));
        stream.copy(from.slice(start..end).unwrap(), &mut to.slice_mut(start..end).unwrap()).unwrap();
        let wanted: Vec<u8> = (0..len).map(|index| if (start..end).contains(&index) { values[index] } else { byte }).collect();
        prop_assert_eq!(stream.download(to.as_slice()).unwrap(), wanted);
    }

    #[test]
    fn a_kernel_adds_to_every_value_and_no_other(values in prop::collection::vec(-1e6f32..1e6, 1..300), amount in -1e6f32..1e6) {
        let device = Device::open(Profile::Sm80);
        let stream = device.stream();
        let function = add_function(stream.context());
        let mut buffer = stream.upload(&values).unwrap();
        launch_add(&function, &stream, &mut buffer, amount);
        let wanted: Vec<f32> = values.iter().map(|value| value + amount).collect();
        prop_assert_eq!(stream.download(buffer.as_slice()).unwrap(), wanted);
    }
}

#[test]
fn every_chip_says_who_it_is() {
    for profile in Profile::ALL {
        let device = Device::open(profile);
        assert_eq!(device.driver.device_count().unwrap(), 1);
        assert!(device.driver.version() >= 12_000);
        let simulated = device.driver.device(0).unwrap();
        assert_eq!(simulated.name().unwrap(), format!("Tilewright simulator ({})", profile.name()));
        let capability = simulated.compute_capability().unwrap();
        assert_eq!((capability.major, capability.minor), profile.compute_capability());
        let limits = profile.limits();
        for (attribute, wanted) in [
            (CUdevice_attribute::MAX_THREADS_PER_BLOCK, limits.threads_per_block),
            (CUdevice_attribute::MULTIPROCESSOR_COUNT, limits.multiprocessors),
            (CUdevice_attribute::MAX_SHARED_MEMORY_PER_BLOCK, 48 * 1024),
            (CUdevice_attribute::MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, limits.shared_bytes_per_block_opt_in),
            (CUdevice_attribute::L2_CACHE_SIZE, limits.l2_bytes),
        ] {
            assert_eq!(simulated.attribute(attribute).unwrap(), wanted as i32, "{attribute:?}");
        }
        assert!(matches!(device.driver.device(1), Err(Error::Driver { code: CUresult::ERROR_INVALID_DEVICE, .. })));
    }
}

#[test]
fn occupancy_follows_threads_and_shared_memory() {
    for profile in Profile::ALL {
        let device = Device::open(profile);
        let limits = profile.limits();
        let function = add_function(&device.context());
        let mut last = u32::MAX;
        for threads in [32, 64, 128, 256, 512, 1024] {
            let blocks = function.resident_blocks(threads, 0).unwrap();
            assert!(
                blocks * threads <= limits.threads_per_multiprocessor && blocks <= limits.blocks_per_multiprocessor
            );
            // One more would be too many threads or blocks.
            assert!(
                (blocks + 1) * threads > limits.threads_per_multiprocessor
                    || blocks == limits.blocks_per_multiprocessor
            );
            assert!(blocks <= last);
            last = blocks;
        }
        for shared in [1024, 40 * 1024, limits.shared_bytes_per_block_opt_in] {
            let blocks = function.resident_blocks(32, shared).unwrap();
            assert!(
                blocks >= 1 && blocks * (shared + 1024) <= limits.shared_bytes_per_multiprocessor,
                "{shared}: {blocks}"
            );
        }
        assert!(matches!(
            function.resident_blocks(32, limits.shared_bytes_per_block_opt_in + 1),
            Err(Error::Driver { .. })
        ));
        assert!((1..=255).contains(&function.registers().unwrap()));
        assert_eq!(function.local_bytes().unwrap(), 0);
    }
}

#[test]
fn memory_is_counted() {
    let device = Device::open(Profile::Sm86);
    let stream = device.stream();
    let before = stream.context().memory_info().unwrap();
    assert_eq!(before.total_bytes as u64, Options::DEFAULT.memory_bytes);
    let buffer = stream.alloc::<u8>(1 << 20).unwrap();
    assert_eq!(stream.context().memory_info().unwrap().free_bytes, before.free_bytes - (1 << 20));
    drop(buffer);
    assert_eq!(stream.context().memory_info().unwrap(), before);
    // Options take effect with the next context.
    let mut options = Options::DEFAULT;
    options.memory_bytes = 1 << 20;
    device.simulator.set_options(options);
    assert_eq!(stream.context().memory_info().unwrap(), before);
    drop(stream);
    let stream = device.stream();
    assert_eq!(stream.context().memory_info().unwrap().total_bytes, 1 << 20);
    let half = stream.alloc::<u8>(1 << 19).unwrap();
    let error = stream.alloc::<u8>((1 << 19) + 1);
    assert!(matches!(error, Err(Error::Driver { code: CUresult::ERROR_OUT_OF_MEMORY, .. })), "{error:?}");
    drop(half);
    assert!(stream.alloc::<u8>(1 << 20).is_ok());
}

#[test]
fn pinned_memory_goes_up_and_comes_down() {
    let device = Device::open(Profile::Sm89);
    let stream = device.stream();
    let function = add_function(stream.context());
    let mut from = PinnedBuffer::<f32>::new(stream.context(), 100).unwrap();
    let mut to = PinnedBuffer::<f32>::new(stream.context(), 100).unwrap();
    for (index, value) in from.as_mut_slice().unwrap().iter_mut().enumerate() {
        *value = index as f32;
    }
    let mut buffer = stream.alloc::<f32>(100).unwrap();
    stream.copy_from_pinned(&mut from, &mut buffer.as_slice_mut()).unwrap();
    launch_add(&function, &stream, &mut buffer, 0.5);
    stream.copy_to_pinned(buffer.as_slice(), &mut to).unwrap();
    let wanted: Vec<f32> = (0..100).map(|index| index as f32 + 0.5).collect();
    assert_eq!(to.as_slice().unwrap(), wanted);
}

#[test]
fn events_order_and_measure() {
    let device = Device::open(Profile::Sm89);
    let context = device.context();
    let (first, second) = (context.stream().unwrap(), context.stream().unwrap());
    let (start, end) = (Event::timed(&context).unwrap(), Event::timed(&context).unwrap());
    // Not recorded yet: nothing to measure.
    assert!(matches!(start.elapsed_ms(&end), Err(Error::Driver { code: CUresult::ERROR_INVALID_HANDLE, .. })));
    start.record(&first).unwrap();
    second.wait_for(&start).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2));
    end.record(&second).unwrap();
    end.synchronize().unwrap();
    assert!(end.has_happened().unwrap() && second.is_idle().unwrap());
    assert!(start.elapsed_ms(&end).unwrap() >= 2.0);
    assert!(end.elapsed_ms(&start).unwrap() <= -2.0);
    let untimed = Event::untimed(&context).unwrap();
    untimed.record(&first).unwrap();
    assert!(start.elapsed_ms(&untimed).is_err());
}

#[test]
fn a_recorded_kernel_runs_at_every_launch_of_the_graph() {
    let device = Device::open(Profile::Sm90);
    let stream = device.stream();
    let function = add_function(stream.context());
    let mut buffer = stream.upload(&[1.0f32, 2.0]).unwrap();
    let graph = stream
        .capture(|stream| {
            launch_add(&function, stream, &mut buffer, 1.0);
            launch_add(&function, stream, &mut buffer, 10.0);
            Ok::<_, Error>(())
        })
        .unwrap();
    assert_eq!(stream.download(buffer.as_slice()).unwrap(), [1.0, 2.0], "recording does nothing");
    let executable = graph.instantiate().unwrap();
    drop(graph);
    for _ in 0..3 {
        // SAFETY: the buffer and the kernel are alive.
        unsafe { executable.launch(&stream) }.unwrap();
    }
    assert_eq!(stream.download(buffer.as_slice()).unwrap(), [34.0, 35.0]);
}

#[test]
fn a_capture_ends_whatever_happens_in_it() {
    let device = Device::open(Profile::Sm90);
    let stream = device.stream();
    let error = stream.capture(|_| Err(Error::NoResult { call: "work" }));
    assert!(matches!(error, Err(Error::NoResult { .. })));
    let error = stream.capture(|stream| stream.upload(&[1u8]).map(drop)).expect_err("it waits");
    assert!(matches!(error, Error::Driver { code: CUresult::ERROR_STREAM_CAPTURE_UNSUPPORTED, .. }), "{error:?}");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        stream.capture(|_| -> Result<(), Error> { panic!("on purpose") })
    }));
    assert!(panicked.is_err());
    let buffer = stream.upload(&[1u8]).unwrap();
    assert_eq!(stream.download(buffer.as_slice()).unwrap(), [1]);
}

#[test]
fn a_drop_in_a_capture_does_not_permit_what_waits() {
    let device = Device::open(Profile::Sm90);
    let stream = device.stream();
    let buffer = stream.upload(&[1u8]).unwrap();
    let outcome = stream.capture(|stream| {
        drop(buffer);
        stream.alloc::<u8>(1).map(drop)
    });
    let refused = CUresult::ERROR_STREAM_CAPTURE_UNSUPPORTED;
    assert!(matches!(outcome, Err(Error::Driver { call: "cuMemAlloc", code, .. }) if code == refused), "{outcome:?}");
}

#[test]
fn a_refused_module_names_the_line() {
    let device = Device::open(Profile::Sm90);
    let context = device.context();
    let text = add().replace("add.rn.f32 %f2, %f1, %f0;", "add.rn.f32 %f2, %f1;");
    let line = text.lines().position(|line| line.contains("add.rn.f32")).unwrap() + 1;
    let Err(Error::Module { code, log, .. }) = context.load_ptx(&text) else { panic!("loaded") };
    assert_eq!(code, CUresult::ERROR_INVALID_PTX);
    assert!(log.contains(&line.to_string()), "line {line}: {log}");
    // The next text loads.
    context.load_ptx(&add()).unwrap();
}

#[test]
fn a_module_for_a_newer_chip_is_refused() {
    let device = Device::open(Profile::Sm80);
    let text = add().replace(".version 7.0\n.target sm_80", ".version 7.8\n.target sm_90");
    let Err(Error::Module { code, log, .. }) = device.context().load_ptx(&text) else { panic!("loaded") };
    assert_eq!(code, CUresult::ERROR_NO_BINARY_FOR_GPU, "{log}");
    assert!(log.contains("sm_90") && log.contains("sm_80"), "{log}");
}

#[test]
fn names_and_signatures_are_checked() {
    let device = Device::open(Profile::Sm90);
    let module = device.context().load_ptx(&add()).unwrap();
    for name in ["ad", "ADD", "add ", ""] {
        let error = module.function(name, ADD);
        assert!(matches!(error, Err(Error::Driver { code: CUresult::ERROR_NOT_FOUND, .. })), "{name:?}: {error:?}");
    }
    for wrong in [&[8usize, 4][..], &[8, 4, 8], &[8, 4, 4, 4], &[]] {
        assert!(matches!(module.function("add", wrong), Err(Error::Signature { .. })), "{wrong:?}");
    }
    assert!(module.function("add", ADD).is_ok());
}

#[test]
fn a_block_larger_than_the_kernel_allows_is_refused_and_spoils_nothing() {
    let device = Device::open(Profile::Sm90);
    let stream = device.stream();
    let text = module("small", "", "").replace("()\n{", "()\n.maxntid 64, 1, 1\n{");
    let function = stream.context().load_ptx(&text).unwrap().function("small", &[]).unwrap();
    let launch = |threads| {
        // SAFETY: the kernel does nothing.
        unsafe { function.launch(&stream, &Launch::new([1, 1, 1], threads, 0), &Arguments::new()) }
    };
    assert!(matches!(launch(65), Err(Error::Driver { code: CUresult::ERROR_INVALID_VALUE, .. })));
    launch(64).unwrap();
}

#[test]
fn statistics_count_what_clean_kernels_do() {
    let device = Device::open(Profile::Sm90);
    let stream = device.stream();
    let function = add_function(stream.context());
    let mut buffer = stream.upload(&[0.0f32; 64]).unwrap();
    assert_eq!(device.simulator.take_statistics().instructions, 0);
    launch_add(&function, &stream, &mut buffer, 1.0);
    let once = device.simulator.take_statistics();
    // Two warps, each one load and one store of 32 neighbouring values.
    assert_eq!((once.mix.global, once.global_bytes, once.global_sectors), (4, 512, 16));
    assert_eq!(once.mix.float, 2);
    launch_add(&function, &stream, &mut buffer, 1.0);
    launch_add(&function, &stream, &mut buffer, 1.0);
    let twice = device.simulator.take_statistics();
    assert_eq!((twice.instructions, twice.mix.global), (2 * once.instructions, 2 * once.mix.global));
    assert_eq!(device.simulator.take_statistics().instructions, 0);
}

#[test]
fn options_are_kept() {
    let device = Device::open(Profile::Sm86);
    let mut options = Options::DEFAULT;
    options.seed = 42;
    options.jitter = Some(7);
    device.simulator.set_options(options);
    assert_eq!(device.simulator.options(), options);
    assert_eq!(tilewright_libcuda_sim::Simulator::new(Profile::Sm80).options().seed, 0, "each chip has its own");
}

#[test]
fn jitter_moves_approximations_inside_their_bound() {
    let device = Device::open(Profile::Sm86);
    let stream = device.stream();
    let text = module(
        "exponential",
        ".param .u64 values",
        "ld.param.u64 %rd0, [values];
         mov.u32 %r1, %tid.x;
         mad.wide.u32 %rd1, %r1, 4, %rd0;
         ld.global.f32 %f0, [%rd1];
         ex2.approx.ftz.f32 %f1, %f0;
         st.global.f32 [%rd1], %f1;",
    );
    let function = stream.context().load_ptx(&text).unwrap().function("exponential", &[8]).unwrap();
    let inputs: Vec<f32> = (0..128).map(|index| index as f32 / 37.0).collect();
    let run = |jitter| {
        let mut options = Options::DEFAULT;
        options.jitter = jitter;
        device.simulator.set_options(options);
        let mut values = stream.upload(&inputs).unwrap();
        let mut arguments = Arguments::new();
        arguments.pointer_mut(&mut values.as_slice_mut());
        // SAFETY: 128 threads, 128 values.
        unsafe { function.launch(&stream, &Launch::new([1, 1, 1], 128, 0), &arguments) }.unwrap();
        stream.download(values.as_slice()).unwrap()
    };
    let (plain, first, second) = (run(None), run(Some(1)), run(Some(2)));
    assert_eq!(run(Some(1)), first);
    assert!(plain != first && first != second);
    for (input, output) in inputs.iter().zip(first) {
        let exact = f64::from(*input).exp2();
        // 2^-22.5, and the rounding of the result.
        assert!((f64::from(output) - exact).abs() <= exact * (2f64.powf(-22.5) + 2f64.powi(-24)), "{input}: {output}");
    }
}

#[test]
fn many_threads_share_a_device() {
    let device = Device::open(Profile::Sm90);
    let context = device.context();
    let function = add_function(&context);
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            let (context, function) = (&context, &function);
            scope.spawn(move || {
                let stream = context.stream().expect("a stream");
                let mut buffer = stream.upload(&[f32::from(thread); 70]).expect("memory");
                for _ in 0..10 {
                    launch_add(function, &stream, &mut buffer, 1.0);
                }
                assert_eq!(stream.download(buffer.as_slice()).expect("a copy"), [f32::from(thread) + 10.0; 70]);
            });
        }
    });
}
