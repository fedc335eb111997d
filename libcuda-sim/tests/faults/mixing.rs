//! Objects of two simulated drivers do not mix.

use tilewright_ffi::{Arguments, Error, Event, Function, Launch, PinnedBuffer, Stream};
use tilewright_libcuda_sim::{Faults, FaultySimulator, Profile};

use crate::support::{ADD, add};
use crate::{driver, simulator};

fn stream(simulator: &FaultySimulator) -> Stream {
    driver(simulator).unwrap().device(0).unwrap().primary_context().unwrap().stream().unwrap()
}

fn function(stream: &Stream) -> Function {
    stream.context().load_ptx(&add()).unwrap().function("add", ADD).unwrap()
}

#[test]
fn what_belongs_to_another_driver_is_refused_and_nothing_happens() {
    let (here, there) = (simulator(Profile::Sm80), simulator(Profile::Sm90));
    let (own, foreign) = (stream(&here), stream(&there));
    assert!(!own.context().is_same(foreign.context()));
    let (own_kernel, foreign_kernel) = (function(&own), function(&foreign));
    let (mut own_values, mut foreign_values) =
        (own.upload(&[1.0f32; 4]).unwrap(), foreign.upload(&[2.0f32; 4]).unwrap());
    let mut foreign_pinned = PinnedBuffer::<f32>::new(foreign.context(), 4).unwrap();
    let (own_event, foreign_event) = (Event::timed(own.context()).unwrap(), Event::timed(foreign.context()).unwrap());
    let executable = foreign.capture(|_| Ok::<_, Error>(())).unwrap().instantiate().unwrap();
    here.set_faults(Faults::new());
    there.set_faults(Faults::new());

    let launch = |kernel: &Function, stream: &Stream, arguments: &Arguments<'_>| {
        // SAFETY: refused; nothing runs.
        unsafe { kernel.launch(stream, &Launch::new([1, 1, 1], 32, 0), arguments) }
    };
    let mut of_foreign = Arguments::new();
    of_foreign.pointer_mut(&mut foreign_values.as_slice_mut()).value(4u32).value(1.0f32);
    let error = launch(&own_kernel, &own, &of_foreign).expect_err("a foreign buffer");
    assert!(matches!(error, Error::ForeignArgument { index: 0, .. }), "{error}");
    let mut of_own = Arguments::new();
    of_own.pointer_mut(&mut own_values.as_slice_mut()).value(4u32).value(1.0f32);
    let mut back = [0.0; 4];
    for outcome in [
        launch(&own_kernel, &foreign, &of_own),
        launch(&foreign_kernel, &own, &of_own),
        own.write(&[3.0; 4], &mut foreign_values.as_slice_mut()),
        own.read(foreign_values.as_slice(), &mut back),
        own.download(foreign_values.as_slice()).map(drop),
        own.copy(foreign_values.as_slice(), &mut own_values.as_slice_mut()),
        own.copy(own_values.as_slice(), &mut foreign_values.as_slice_mut()),
        own.fill_bytes(&mut foreign_values.as_slice_mut(), 0),
        own.copy_from_pinned(&mut foreign_pinned, &mut own_values.as_slice_mut()),
        own.copy_to_pinned(own_values.as_slice(), &mut foreign_pinned),
        own.wait_for(&foreign_event),
        foreign_event.record(&own),
        own_event.elapsed_ms(&foreign_event).map(drop),
        // SAFETY: refused; nothing runs.
        unsafe { executable.launch(&own) },
    ] {
        assert!(matches!(outcome, Err(Error::ForeignContext { .. })), "{outcome:?}");
    }
    // Neither driver was called.
    assert_eq!((here.calls(), there.calls()), (Vec::new(), Vec::new()));
    assert_eq!(back, [0.0; 4]);
    assert_eq!(own.download(own_values.as_slice()).unwrap(), [1.0; 4]);
    assert_eq!(foreign.download(foreign_values.as_slice()).unwrap(), [2.0; 4]);
    assert_eq!(foreign_pinned.as_slice().unwrap(), [0.0; 4]);
}

#[test]
fn a_spoilt_context_leaves_the_other_alone() {
    let (here, there) = (simulator(Profile::Sm80), simulator(Profile::Sm90));
    let (own, other) = (stream(&here), stream(&there));
    here.set_faults(Faults::new().poison_at(1, tilewright_ffi::sys::CUresult::ERROR_ILLEGAL_ADDRESS));
    assert!(own.synchronize().is_err() && own.synchronize().is_err());
    let buffer = other.upload(&[5u8]).unwrap();
    assert_eq!(other.download(buffer.as_slice()).unwrap(), [5]);
    drop((own, buffer, other));
    assert_eq!((here.balance().total(), there.balance().total()), (0, 0));
}
