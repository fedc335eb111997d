//! Objects on other threads than the one that made them.

use tilewright_ffi::{Event, PinnedBuffer};

use crate::fake::Fake;

fn elsewhere(act: impl FnOnce() + Send + 'static) {
    std::thread::spawn(act).join().expect("no panic");
}

#[test]
fn everything_can_be_dropped_on_another_thread() {
    let fake = Fake::start();
    let context = fake.context();
    let stream = context.stream().unwrap();
    let buffer = stream.upload(&[1u32, 2, 3]).unwrap();
    let mut pinned = PinnedBuffer::<u32>::new(&context, 3).unwrap();
    stream.copy_to_pinned(buffer.as_slice(), &mut pinned).unwrap();
    let event = Event::timed(&context).unwrap();
    let module = context.load_ptx("plain").unwrap();
    let function = module.function("plain", &[]).unwrap();
    let graph = stream.capture(|_| Ok::<_, tilewright_ffi::Error>(())).unwrap();
    let executable = graph.instantiate().unwrap();
    // Each alone: none relies on a context that another has made current.
    elsewhere(move || drop(buffer));
    elsewhere(move || drop(pinned));
    elsewhere(move || drop(event));
    elsewhere(move || drop(module));
    elsewhere(move || drop(function));
    elsewhere(move || drop(executable));
    elsewhere(move || drop(graph));
    elsewhere(move || drop(stream));
    elsewhere(move || drop(context));
    fake.assert_clean();
}

#[test]
fn the_last_object_lets_the_context_go() {
    let fake = Fake::start();
    let context = fake.context();
    let stream = context.stream().unwrap();
    let buffer = stream.upload(&[1u8]).unwrap();
    drop((context, stream));
    assert_eq!(fake.live().len(), 2, "{:?}", fake.live());
    drop(buffer);
    fake.assert_clean();
}

#[test]
fn the_context_that_was_current_is_current_again() {
    let fake = Fake::start();
    let context = fake.context();
    let other = fake.other_context(context.driver());
    let set = context.driver().api().ctx_set_current;
    // SAFETY: a live context.
    assert!(unsafe { set(other.raw()) }.is_success());
    let before = fake.current();
    drop(context.stream().unwrap().upload(&[1u8]).unwrap());
    context.synchronize().unwrap();
    assert_eq!(fake.current(), before);
    // What is current already is not set again.
    fake.take_calls();
    other.synchronize().unwrap();
    assert_eq!(fake.take_calls(), ["cuCtxGetCurrent", "cuCtxSynchronize"]);
}

#[test]
fn where_the_context_of_before_cannot_be_restored_none_is_current() {
    let fake = Fake::start();
    let context = fake.context();
    // cuCtxGetCurrent, cuCtxSetCurrent, cuCtxSynchronize, and cuCtxSetCurrent for the one of before.
    fake.fail(4, 999);
    context.synchronize().unwrap();
    assert_eq!((fake.failed(), fake.current()), (Some("cuCtxSetCurrent"), 0));
    // The one of before has died meanwhile.
    let other = fake.other_context(context.driver());
    let set = context.driver().api().ctx_set_current;
    // SAFETY: a live context.
    assert!(unsafe { set(other.raw()) }.is_success());
    let stream = context.stream().unwrap();
    let outcome = stream.capture(|_| {
        drop(other);
        Ok::<_, tilewright_ffi::Error>(())
    });
    assert!(outcome.is_ok());
    assert_eq!(fake.current(), 0);
}

#[test]
fn many_threads_use_one_context() {
    let fake = Fake::start();
    let context = fake.context();
    std::thread::scope(|scope| {
        for thread in 0..8u32 {
            let context = &context;
            scope.spawn(move || {
                let stream = context.stream().expect("a stream");
                for round in 0..20u32 {
                    let values = [thread, round, thread ^ round];
                    let buffer = stream.upload(&values).expect("an upload");
                    assert_eq!(stream.download(buffer.as_slice()).expect("a download"), values);
                }
            });
        }
    });
    drop(context);
    fake.assert_clean();
}

#[test]
fn a_primary_context_is_shared_and_released_as_often_as_retained() {
    let fake = Fake::start();
    let driver = fake.driver().unwrap();
    let device = driver.device(0).unwrap();
    let (first, second) = (device.primary_context().unwrap(), device.primary_context().unwrap());
    assert!(first.is_same(&second));
    let stream = first.stream().unwrap();
    drop(first);
    drop(second);
    assert_eq!(fake.live().len(), 2, "{:?}", fake.live());
    stream.synchronize().unwrap();
    drop(stream);
    fake.assert_clean();
}
