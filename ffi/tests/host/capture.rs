//! Recording work.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tilewright_ffi::sys::CUresult;
use tilewright_ffi::{Arguments, Error, Launch, PinnedBuffer, Stream};

use crate::fake::Fake;

/// The capture has ended if another one can begin and the stream can be waited for.
fn assert_ended(fake: &Fake, stream: &Stream) {
    stream.synchronize().expect("no capture is open");
    stream.capture(|_| Ok::<_, Error>(())).expect("a new capture");
    assert_eq!(fake.misuse(), [""; 0]);
}

#[test]
fn a_capture_ends_after_an_error_of_the_work() {
    let fake = Fake::start();
    let stream = fake.context().stream().unwrap();
    let outcome = stream.capture(|_| Err(Error::NoResult { call: "work" }));
    assert!(matches!(outcome, Err(Error::NoResult { call: "work" })));
    assert_ended(&fake, &stream);
    drop(stream);
    fake.assert_clean();
}

#[test]
fn a_capture_ends_after_a_panic_of_the_work() {
    let fake = Fake::start();
    let stream = fake.context().stream().unwrap();
    let outcome = catch_unwind(AssertUnwindSafe(|| stream.capture(|_| -> Result<(), Error> { panic!("on purpose") })));
    assert!(outcome.is_err());
    assert_ended(&fake, &stream);
    drop(stream);
    fake.assert_clean();
    assert_eq!(fake.current(), 0);
}

#[test]
fn a_capture_ends_although_its_work_spoilt_the_context() {
    let fake = Fake::start();
    let context = fake.context();
    let stream = context.stream().unwrap();
    let function = context.load_ptx("plain").unwrap().function("plain", &[]).unwrap();
    fake.fail_next("cuLaunchKernel", 719);
    fake.take_calls();
    // SAFETY: the fake runs nothing.
    let outcome =
        stream.capture(|stream| unsafe { function.launch(stream, &Launch::new([1, 1, 1], 1, 0), &Arguments::new()) });
    assert!(matches!(outcome, Err(Error::Driver { call: "cuLaunchKernel", .. })), "{outcome:?}");
    assert!(fake.take_calls().contains(&"cuStreamEndCapture"));
    drop((function, stream, context));
    fake.assert_clean();
}

#[test]
fn work_that_waits_spoils_a_capture_with_an_error() {
    let fake = Fake::start();
    let stream = fake.context().stream().unwrap();
    let buffer = stream.upload(&[1u32]).unwrap();
    // The first error comes out, not the spoilt capture.
    let outcome = stream.capture(|stream| stream.download(buffer.as_slice()).map(drop));
    assert!(
        matches!(&outcome, Err(Error::Driver { call: "cuStreamSynchronize", code, .. }) if code.0 == 900),
        "{outcome:?}"
    );
    // Work that hides its error leaves no graph either.
    let outcome = stream.capture(|stream| {
        drop(stream.synchronize());
        Ok::<_, Error>(())
    });
    assert!(matches!(outcome, Err(Error::Driver { call: "cuStreamEndCapture", .. })), "{outcome:?}");
    assert_ended(&fake, &stream);
}

#[test]
fn a_capture_inside_a_capture_of_the_same_stream_is_refused() {
    let fake = Fake::start();
    let stream = fake.context().stream().unwrap();
    let outcome = stream.capture(|stream| {
        let inner = stream.capture(|_| Ok::<_, Error>(()));
        assert!(matches!(inner, Err(Error::Driver { call: "cuStreamBeginCapture", .. })), "{inner:?}");
        Ok::<_, Error>(())
    });
    assert!(outcome.is_ok());
    assert_ended(&fake, &stream);
}

#[test]
fn what_is_dropped_in_a_capture_is_given_back_and_the_capture_goes_on() {
    let fake = Fake::start();
    let stream = fake.context().stream().unwrap();
    let buffer = stream.upload(&[1u32]).unwrap();
    let pinned = PinnedBuffer::<u32>::new(stream.context(), 1).unwrap();
    let module = stream.context().load_ptx("plain").unwrap();
    let graph = stream.capture(|_| {
        drop((buffer, pinned, module));
        Ok::<_, Error>(())
    });
    drop(graph.unwrap());
    // Only destructors may: other calls that wait are still refused.
    let outcome = stream.capture(|stream| stream.synchronize());
    assert!(matches!(outcome, Err(Error::Driver { code: CUresult(900), .. })), "{outcome:?}");
    drop(stream);
    fake.assert_clean();
}
