//! What is refused before the driver is called, and what it gets.

use tilewright_ffi::{Arguments, Error, Function, Launch, MAX_ARGUMENTS, Stream};

use crate::fake::{Fake, Launched};

const ONE: Launch = Launch::new([1, 1, 1], 32, 0);

fn launch(function: &Function, stream: &Stream, launch: &Launch, arguments: &Arguments<'_>) -> Result<(), Error> {
    // SAFETY: the fake runs nothing.
    unsafe { function.launch(stream, launch, arguments) }
}

#[test]
fn a_wrong_number_or_size_of_arguments_never_reaches_the_driver() {
    let fake = Fake::start();
    let context = fake.context();
    let stream = context.stream().unwrap();
    let function = context.load_ptx("add 8 4").unwrap().function("add", &[8, 4]).unwrap();
    fake.take_calls();
    let refused = |arguments: &Arguments<'_>| launch(&function, &stream, &ONE, arguments).expect_err("refused");
    for got in [0, 1, 3, MAX_ARGUMENTS + 1] {
        let mut arguments = Arguments::new();
        for _ in 0..got {
            arguments.value(0u64);
        }
        let error = refused(&arguments);
        assert!(matches!(error, Error::ArgumentCount { got: count, wanted: 2, .. } if count == got), "{error}");
    }
    let error = refused(Arguments::new().value(1u64).value(2u64));
    assert!(matches!(error, Error::ArgumentSize { index: 1, got: 8, wanted: 4, .. }), "{error}");
    let error = refused(Arguments::new().value(1u32).value(2u32));
    assert!(matches!(error, Error::ArgumentSize { index: 0, got: 4, wanted: 8, .. }), "{error}");
    assert_eq!(fake.take_calls(), [""; 0]);
}

#[test]
fn the_driver_gets_every_argument_in_its_place() {
    let fake = Fake::start();
    let context = fake.context();
    let stream = context.stream().unwrap();
    let sizes: Vec<usize> = (0..MAX_ARGUMENTS).map(|index| [1, 2, 4, 8][index % 4]).collect();
    let line = sizes.iter().map(|size| format!(" {size}")).collect::<String>();
    let function = context.load_ptx(&format!("many{line}")).unwrap().function("many", &sizes).unwrap();
    let mut arguments = Arguments::new();
    for index in 0..MAX_ARGUMENTS {
        match index % 4 {
            0 => arguments.value(index as u8),
            1 => arguments.value(-(index as i16)),
            2 => arguments.value(index as f32),
            _ => arguments.value(index as u64),
        };
    }
    launch(&function, &stream, &ONE, &arguments).unwrap();
    launch(&function, &stream, &Launch { cluster: Some([1, 1, 1]), ..ONE }, &arguments).unwrap();
    let bytes = |index: usize| match index % 4 {
        0 => (index as u8).to_le_bytes().to_vec(),
        1 => (-(index as i16)).to_le_bytes().to_vec(),
        2 => (index as f32).to_le_bytes().to_vec(),
        _ => (index as u64).to_le_bytes().to_vec(),
    };
    let wanted = |has_cluster| Launched {
        kernel: "many".to_owned(),
        arguments: (0..MAX_ARGUMENTS).map(bytes).collect(),
        has_cluster,
    };
    assert_eq!(fake.take_launches(), [wanted(false), wanted(true)]);
}

#[test]
fn a_kernel_with_more_parameters_than_can_be_passed_is_refused() {
    let fake = Fake::start();
    let module = fake.context().load_ptx("many").unwrap();
    let error = module.function("many", &[4; MAX_ARGUMENTS + 1]).expect_err("too many");
    assert!(matches!(error, Error::TooManyParameters { got: 33, limit: 32, .. }), "{error}");
}

#[test]
fn what_belongs_to_another_context_is_refused_before_the_driver_is_called() {
    let fake = Fake::start();
    let context = fake.context();
    let other = fake.other_context(context.driver());
    assert!(!context.is_same(&other) && context.is_same(&context.clone()));
    let (stream, other_stream) = (context.stream().unwrap(), other.stream().unwrap());
    let function = context.load_ptx("add 8 8").unwrap().function("add", &[8, 8]).unwrap();
    let (mut own, mut foreign) = (stream.upload(&[1u32]).unwrap(), other_stream.upload(&[1u32]).unwrap());
    let mut pinned = tilewright_ffi::PinnedBuffer::<u32>::new(&other, 1).unwrap();
    let event = tilewright_ffi::Event::timed(&other).unwrap();
    let own_event = tilewright_ffi::Event::timed(&context).unwrap();
    fake.take_calls();

    let mut arguments = Arguments::new();
    arguments.pointer(own.as_slice()).pointer(foreign.as_slice());
    let error = launch(&function, &stream, &ONE, &arguments).expect_err("refused");
    assert!(matches!(error, Error::ForeignArgument { index: 1, .. }), "{error}");
    let mut arguments = Arguments::new();
    arguments.value(0u64).pointer_mut(&mut foreign.as_slice_mut());
    let error = launch(&function, &stream, &ONE, &arguments).expect_err("refused");
    assert!(matches!(error, Error::ForeignArgument { index: 1, .. }), "{error}");
    let mut arguments = Arguments::new();
    arguments.value(0u64).value(0u64);
    let foreign_stream = launch(&function, &other_stream, &ONE, &arguments);
    let mut result = [0u32];
    for outcome in [
        foreign_stream,
        stream.write(&[1], &mut foreign.as_slice_mut()),
        stream.read(foreign.as_slice(), &mut result),
        stream.copy(foreign.as_slice(), &mut own.as_slice_mut()),
        stream.copy(own.as_slice(), &mut foreign.as_slice_mut()),
        stream.fill_bytes(&mut foreign.as_slice_mut(), 0),
        stream.copy_from_pinned(&mut pinned, &mut own.as_slice_mut()),
        stream.copy_to_pinned(own.as_slice(), &mut pinned),
        event.record(&stream),
        event.elapsed_ms(&own_event).map(drop),
    ] {
        assert!(matches!(outcome, Err(Error::ForeignContext { .. })), "{outcome:?}");
    }
    assert_eq!(fake.take_calls(), [""; 0]);
}

#[test]
fn grids_and_blocks_that_no_device_runs_are_refused() {
    let fake = Fake::start();
    let context = fake.context();
    let stream = context.stream().unwrap();
    let function = context.load_ptx("plain").unwrap().function("plain", &[]).unwrap();
    fake.take_calls();
    let at = |grid, block, cluster| {
        launch(&function, &stream, &Launch { grid, block, shared_bytes: 0, cluster }, &Arguments::new())
    };
    let one = [1, 1, 1];
    for (grid, block, cluster) in [
        ([0, 1, 1], one, None),
        ([1, 1, 0], one, None),
        ([1 << 31, 1, 1], one, None),
        ([1, 65_536, 1], one, None),
        ([1, 1, 65_536], one, None),
        (one, [0, 1, 1], None),
        (one, [1025, 1, 1], None),
        (one, [1, 1, 65], None),
        (one, [32, 33, 1], None),
        (one, [u32::MAX; 3], None),
        (one, one, Some([0, 1, 1])),
        (one, one, Some([17, 1, 1])),
    ] {
        let outcome = at(grid, block, cluster);
        assert!(matches!(outcome, Err(Error::LaunchSize { .. })), "{grid:?} {block:?} {cluster:?}: {outcome:?}");
    }
    assert_eq!(fake.take_calls(), [""; 0]);
    for (grid, block) in [([0x7FFF_FFFF, 65_535, 65_535], [32, 32, 1]), (one, [1024, 1, 1]), (one, [1, 1, 64])] {
        at(grid, block, None).unwrap();
    }
}

#[test]
fn declared_parameters_that_the_module_does_not_have_are_refused() {
    let fake = Fake::start();
    let module = fake.context().load_ptx("add 8 4").unwrap();
    for (declared, index, actual, wanted) in
        [(&[8][..], 1, 4, 0), (&[8, 8], 1, 4, 8), (&[8, 4, 4], 2, 0, 4), (&[], 0, 8, 0)]
    {
        let error = module.function("add", declared).expect_err("another signature");
        let Error::Signature { index: i, actual: a, declared: d, .. } = error else { panic!("{error:?}") };
        assert_eq!((i, a, d), (index, actual, wanted), "{declared:?}");
    }
    assert!(module.function("add", &[8, 4]).is_ok());
}

#[test]
fn the_driver_is_told_once_of_a_larger_demand_for_shared_memory() {
    let fake = Fake::start();
    let context = fake.context();
    let stream = context.stream().unwrap();
    let function = context.load_ptx("plain").unwrap().function("plain", &[]).unwrap();
    fake.take_calls();
    for (shared_bytes, is_told) in [
        (0, false),
        (48 * 1024, false),
        (48 * 1024 + 1, true),
        (48 * 1024 + 1, false),
        (99 * 1024, true),
        (64 * 1024, false),
    ] {
        launch(&function, &stream, &Launch { shared_bytes, ..ONE }, &Arguments::new()).unwrap();
        let wanted: &[&str] = if is_told { &["cuFuncSetAttribute", "cuLaunchKernel"] } else { &["cuLaunchKernel"] };
        assert_eq!(fake.take_work(), wanted, "{shared_bytes}");
    }
    // What the driver refused is asked for again.
    let larger = Launch { shared_bytes: 200 * 1024, ..ONE };
    fake.fail_next("cuFuncSetAttribute", 1);
    launch(&function, &stream, &larger, &Arguments::new()).expect_err("refused");
    launch(&function, &stream, &larger, &Arguments::new()).unwrap();
    assert_eq!(fake.take_work(), ["cuFuncSetAttribute", "cuFuncSetAttribute", "cuLaunchKernel"]);
}
