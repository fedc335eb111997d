//! The helper notices what it is there to notice.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tilewright_ffi::{Context, DeviceBuffer, Error, Event, KernelCache, KernelSource, PinnedBuffer};
use tilewright_testkit::each_call_fails_once;

/// An operation's error, as the operation crates have it.
#[derive(Debug)]
enum OperationError {
    Driver(Error),
    Vague,
}

impl std::fmt::Display for OperationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Driver(error) => write!(f, "{error}"),
            Self::Vague => f.write_str("something went wrong"),
        }
    }
}

impl std::error::Error for OperationError {}

impl From<Error> for OperationError {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

/// What the helper says of a path that is wrong.
#[track_caller]
fn complaint<E: std::error::Error>(path: impl Fn(&Context) -> Result<(), E>) -> String {
    let outcome = catch_unwind(AssertUnwindSafe(|| each_call_fails_once(path)));
    let panic = outcome.expect_err("it must complain");
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default()
}

fn good(context: &Context) -> Result<(), OperationError> {
    let stream = context.stream()?;
    let mut pinned = PinnedBuffer::<u32>::new(context, 2)?;
    pinned.as_mut_slice()?.fill(3);
    let mut buffer = stream.alloc::<u32>(2)?;
    stream.copy_from_pinned(&mut pinned, &mut buffer.as_slice_mut())?;
    let text = ".version 7.0\n.target sm_80\n.address_size 64\n.visible .entry nothing()\n{\nret;\n}\n";
    let cache = KernelCache::new(context);
    let source = || KernelSource { text: text.to_owned(), entry: "nothing".to_owned(), parameters: Vec::new() };
    cache.function(&1, || Ok::<_, OperationError>(source()))?;
    let event = Event::untimed(context)?;
    event.record(&stream)?;
    event.synchronize()?;
    let scratch = stream.upload(&[1u8])?;
    let graph = stream.capture(|stream| {
        drop(scratch);
        stream.fill_bytes(&mut buffer.as_slice_mut(), 1)
    })?;
    drop(graph.instantiate()?);
    assert_eq!(stream.download(buffer.as_slice())?, [3, 3]);
    Ok(())
}

#[test]
fn a_path_that_passes_every_error_on_passes() {
    let calls = each_call_fails_once(good);
    assert!(calls > 40, "{calls} calls");
}

#[test]
fn a_path_that_fails_by_itself_is_named() {
    let text = complaint(|context| context.load_ptx("no PTX").map(drop));
    assert!(text.starts_with("without a failure: module refused"), "{text}");
}

#[test]
fn a_leak_is_noticed_with_and_without_a_failure() {
    let text = complaint(|context| {
        let _ = context.stream()?.alloc::<u8>(1)?.leak();
        Ok::<_, Error>(())
    });
    assert!(text.contains("something was left behind") && text.contains("device_allocations: 1"), "{text}");
    let text = complaint(|context| {
        let stream = context.stream()?;
        let buffer = stream.alloc::<u8>(1)?;
        // Given back on the good path only.
        Event::untimed(context).map(drop).inspect_err(|_| std::mem::forget(buffer))
    });
    assert!(text.contains("fails: ") && text.contains("leaves something behind"), "{text}");
}

#[test]
fn a_failure_that_is_swallowed_is_noticed() {
    let text = complaint(|context| {
        drop(context.stream());
        Ok::<_, Error>(())
    });
    assert!(text.contains("the failure was lost") && text.contains("cuStreamCreate"), "{text}");
    // Of work that fails later too.
    let text = complaint(|context| {
        let stream = context.stream()?;
        let mut buffer: DeviceBuffer<u8> = stream.alloc(4)?;
        stream.fill_bytes(&mut buffer.as_slice_mut(), 0)?;
        if let Err(error) = stream.synchronize() {
            let is_later = matches!(&error, Error::Driver { code, .. } if code.0 == 719);
            return if is_later { Ok(()) } else { Err(error) };
        }
        Ok(())
    });
    assert!(text.contains("the failure was lost") && text.contains("Later(719)"), "{text}");
}

#[test]
fn an_error_that_hides_the_drivers_is_noticed() {
    let text = complaint(|context| context.stream().map(drop).map_err(|_| OperationError::Vague));
    assert!(text.contains("the error does not carry the code: something went wrong"), "{text}");
}

#[test]
fn a_panic_is_noticed() {
    let text = complaint(|context| {
        let stream = context.stream().expect("a stream");
        stream.synchronize()
    });
    assert!(text.ends_with("a panic") && text.contains("call 1 of"), "{text}");
}

#[test]
fn a_path_that_makes_other_calls_each_time_is_noticed() {
    let rounds = Cell::new(0);
    let text = complaint(|context| {
        rounds.set(rounds.get() + 1);
        if rounds.get() == 1 { context.stream()?.synchronize() } else { Ok(()) }
    });
    assert!(text.contains("the path made other calls than before"), "{text}");
}
