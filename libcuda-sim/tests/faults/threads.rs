//! Objects on other threads than the one that made them.

use tilewright_ffi::{Event, KernelCache, PinnedBuffer};
use tilewright_libcuda_sim::{Balance, Profile};

use crate::support::{ADD, add};
use crate::{driver, simulator};

/// On a thread on which no context is current; the calls that were made there.
fn elsewhere(act: impl FnOnce() + Send) {
    std::thread::scope(|scope| scope.spawn(act).join()).expect("no panic");
}

#[test]
fn everything_can_be_used_and_dropped_on_another_thread() {
    let simulator = simulator(Profile::Sm80);
    let driver = driver(&simulator).unwrap();
    let device = driver.device(0).unwrap();
    let context = device.primary_context().unwrap();
    let stream = context.stream().unwrap();
    let mut buffer = stream.upload(&[1u32, 2, 3]).unwrap();
    let mut pinned = PinnedBuffer::<u32>::new(&context, 3).unwrap();
    stream.copy_to_pinned(buffer.as_slice(), &mut pinned).unwrap();
    let event = Event::timed(&context).unwrap();
    let module = context.load_ptx(&add()).unwrap();
    let function = module.function("add", ADD).unwrap();
    let cache = KernelCache::<u32>::new(&context);
    let graph = stream.capture(|_| Ok::<_, tilewright_ffi::Error>(())).unwrap();
    let executable = graph.instantiate().unwrap();

    elsewhere(|| {
        assert_eq!(pinned.as_slice().unwrap(), [1, 2, 3]);
        stream.write(&[4, 5, 6], &mut buffer.as_slice_mut()).unwrap();
        event.record(&stream).unwrap();
        assert!(event.has_happened().unwrap() && function.registers().is_ok());
        // SAFETY: it does nothing.
        unsafe { executable.launch(&stream) }.unwrap();
    });
    assert_eq!(stream.download(buffer.as_slice()).unwrap(), [4, 5, 6]);
    // Each alone on a thread of its own: none relies on a context that another has made current. What each gives back shows in the books.
    let total = || simulator.balance().total();
    assert_eq!(total(), 9);
    elsewhere(move || drop(buffer));
    assert_eq!(total(), 8);
    elsewhere(move || drop(pinned));
    assert_eq!(total(), 6, "the memory and its event");
    elsewhere(move || drop(event));
    assert_eq!(total(), 5);
    elsewhere(move || drop(module));
    assert_eq!(total(), 5, "its function keeps it");
    elsewhere(move || drop(function));
    assert_eq!(total(), 4);
    elsewhere(move || drop(executable));
    assert_eq!(total(), 3);
    elsewhere(move || drop(graph));
    assert_eq!(total(), 2);
    elsewhere(move || drop(cache));
    elsewhere(move || drop(stream));
    assert_eq!(total(), 1);
    elsewhere(move || drop((context, device, driver)));
    assert_eq!(simulator.balance(), Balance::ZERO);
}

#[test]
fn a_context_that_another_thread_has_current_is_left_so() {
    let simulator = simulator(Profile::Sm80);
    let context = driver(&simulator).unwrap().device(0).unwrap().primary_context().unwrap();
    let api = *context.driver().api();
    let current = || {
        let mut current = std::ptr::null_mut();
        // SAFETY: the result is a local variable.
        assert!(unsafe { (api.ctx_get_current)(&raw mut current) }.is_success());
        current
    };
    // SAFETY: a live context.
    assert!(unsafe { (api.ctx_set_current)(context.raw()) }.is_success());
    let stream = context.stream().unwrap();
    elsewhere(|| {
        drop(stream.upload(&[1u8]).unwrap());
        assert!(current().is_null());
    });
    assert_eq!(current(), context.raw());
}
