//! Every call of every path fails once.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tilewright_ffi::sys::{CUresult, CUtensorMapDataType, CUtensorMapL2promotion, CUtensorMapSwizzle};
use tilewright_ffi::{
    Arguments, Driver, Error, Event, KernelCache, KernelSource, Launch, PinnedBuffer, TensorMap, Tiling,
};

use crate::fake::{Fake, Kind};

const TEXT: &str = "add 8 8 4\nplain";

/// A path through the host API, from loading the driver on.
type Path = fn(&Driver) -> Result<(), Error>;

const PATHS: &[(&str, Path)] = &[
    ("device", |driver| {
        let device = driver.device(driver.device_count()? - 1)?;
        device.name()?;
        device.total_memory()?;
        device.compute_capability()?;
        let context = device.primary_context()?;
        context.memory_info()?;
        context.synchronize()
    }),
    ("memory", |driver| {
        let stream = driver.device(0)?.primary_context()?.stream()?;
        let mut first = stream.upload(&[1u32, 2, 3, 4])?;
        let mut second = stream.alloc::<u32>(4)?;
        stream.fill_bytes(&mut second.as_slice_mut(), 0)?;
        stream.copy(first.slice(0..2)?, &mut second.slice_mut(2..4)?)?;
        stream.write(&[9], &mut first.slice_mut(0..1)?)?;
        assert_eq!(stream.download(first.as_slice())?, [9, 2, 3, 4]);
        assert_eq!(stream.download(second.as_slice())?, [0, 0, 1, 2]);
        stream.is_idle()?;
        stream.synchronize()
    }),
    ("pinned", |driver| {
        let stream = driver.device(0)?.primary_context()?.stream()?;
        let mut from = PinnedBuffer::<u32>::new(stream.context(), 3)?;
        let mut to = PinnedBuffer::<u32>::new(stream.context(), 3)?;
        from.as_mut_slice()?.copy_from_slice(&[7, 8, 9]);
        let mut buffer = stream.alloc::<u32>(3)?;
        stream.copy_from_pinned(&mut from, &mut buffer.as_slice_mut())?;
        stream.copy_to_pinned(buffer.as_slice(), &mut to)?;
        stream.copy_from_pinned(&mut from, &mut buffer.as_slice_mut())?;
        assert_eq!(to.as_slice()?, [7, 8, 9]);
        // The last copy is going on when its memory is dropped.
        drop(from);
        Ok(())
    }),
    ("events", |driver| {
        let context = driver.device(0)?.primary_context()?;
        let (first, second) = (context.stream()?, context.stream()?);
        let (start, end) = (Event::timed(&context)?, Event::timed(&context)?);
        let order = Event::untimed(&context)?;
        start.record(&first)?;
        order.record(&first)?;
        second.wait_for(&order)?;
        end.record(&second)?;
        end.synchronize()?;
        end.has_happened()?;
        start.elapsed_ms(&end).map(drop)
    }),
    ("launch", |driver| {
        let context = driver.device(0)?.primary_context()?;
        let stream = context.stream()?;
        let function = context.load_ptx(TEXT)?.function("add", &[8, 8, 4])?;
        function.registers()?;
        function.local_bytes()?;
        function.resident_blocks(128, 0)?;
        let from = stream.upload(&[1.0f32; 8])?;
        let mut to = stream.alloc::<f32>(8)?;
        let mut to = to.as_slice_mut();
        let mut arguments = Arguments::new();
        arguments.pointer(from.as_slice()).pointer_mut(&mut to).value(8u32);
        let launch = Launch::new([2, 1, 1], 128, 64 * 1024);
        // SAFETY: the fake runs nothing.
        unsafe { function.launch(&stream, &launch, &arguments) }?;
        // SAFETY: as above.
        unsafe { function.launch(&stream, &Launch { cluster: Some([2, 1, 1]), ..launch }, &arguments) }?;
        stream.synchronize()
    }),
    ("cache", |driver| {
        let context = driver.device(0)?.primary_context()?;
        let cache = KernelCache::new(&context);
        for _ in 0..2 {
            cache.function(&1, || {
                Ok::<_, Error>(KernelSource {
                    text: TEXT.to_owned(),
                    entry: "plain".to_owned(),
                    parameters: Vec::new(),
                })
            })?;
        }
        Ok(())
    }),
    ("graph", |driver| {
        let context = driver.device(0)?.primary_context()?;
        let stream = context.stream()?;
        let function = context.load_ptx(TEXT)?.function("plain", &[])?;
        let graph = stream.capture(|stream| {
            // SAFETY: the fake runs nothing.
            unsafe { function.launch(stream, &Launch::new([1, 1, 1], 32, 0), &Arguments::new()) }
        })?;
        let executable = graph.instantiate()?;
        // SAFETY: the fake runs nothing.
        unsafe { executable.launch(&stream) }?;
        stream.synchronize()
    }),
    ("tensor map", |driver| {
        let stream = driver.device(0)?.primary_context()?.stream()?;
        let memory = stream.alloc::<u16>(64 * 64)?;
        let tiling = Tiling {
            dtype: CUtensorMapDataType::FLOAT16,
            extents: &[64, 64],
            strides_bytes: &[128],
            box_extents: &[64, 8],
            swizzle: CUtensorMapSwizzle::BYTES_128,
            l2_promotion: CUtensorMapL2promotion::NONE,
        };
        TensorMap::tiled(memory.as_slice(), &tiling).map(drop)
    }),
];

/// Out of memory, a fault that stays, one nobody knows, one of newer drivers, and one that is an answer to some questions.
const CODES: [u32; 5] = [2, 700, 999, 99_999, 1];

#[test]
fn every_path_works_and_gives_everything_back() {
    let fake = Fake::start();
    for (name, path) in PATHS {
        fake.reset();
        path(&fake.driver().unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        fake.assert_clean();
        assert_eq!(fake.current(), 0, "{name} left a context behind");
    }
}

#[test]
fn a_failure_of_any_call_is_a_typed_error_and_leaks_nothing() {
    let fake = Fake::start();
    let mut cases = 0;
    for (name, path) in PATHS {
        let calls = count_calls(&fake, *path);
        for k in 1..=calls {
            for code in CODES {
                fake.reset();
                fake.fail(k, code);
                check(&fake, &format!("{name}, call {k} answers {code}"), *path, code);
                cases += 1;
            }
        }
    }
    assert!(cases > 500, "{cases} cases");
}

#[test]
fn a_fault_that_stays_is_a_typed_error_and_leaks_no_handles() {
    let fake = Fake::start();
    for (name, path) in PATHS {
        for k in 1..=count_calls(&fake, *path) {
            fake.reset();
            fake.fail(k, 700);
            fake.failure_stays();
            check(&fake, &format!("{name}, from call {k} on"), *path, 700);
        }
    }
}

fn count_calls(fake: &Fake, path: Path) -> usize {
    fake.reset();
    path(&fake.driver().unwrap()).unwrap();
    fake.take_calls().len()
}

/// Calls whose failure leaves something behind: there is no other way to give it back.
fn gives_back(call: &str) -> bool {
    ["Destroy", "Free", "Unload", "Release"].iter().any(|word| call.contains(word))
}

fn check(fake: &Fake, case: &str, path: Path, code: u32) {
    let outcome = catch_unwind(AssertUnwindSafe(|| fake.driver().and_then(|driver| path(&driver))));
    let outcome = outcome.unwrap_or_else(|_| panic!("{case}: a panic"));
    let failed = fake.failed().unwrap_or_else(|| panic!("{case}: nothing failed"));
    let case = format!("{case} ({failed}): {outcome:?}");
    let enters = failed == "cuCtxGetCurrent" || failed == "cuCtxSetCurrent";
    // Waiting for a copy fails in a destructor that cannot know its end: then the memory stays.
    let waits = failed == "cuEventSynchronize" || failed == "cuCtxSynchronize";
    match &outcome {
        // Destructors tell nobody. A parameter that the driver does not know is no error.
        Ok(()) => {
            assert!(gives_back(failed) || enters || waits || (failed == "cuFuncGetParamInfo" && code == 1), "{case}")
        }
        Err(Error::Driver { code: CUresult(got), name, .. } | Error::Module { code: CUresult(got), name, .. }) => {
            assert_eq!(*got, code, "{case}");
            assert_eq!(name == "unknown error", code != 1 && code != 700, "{case}");
        }
        Err(Error::Signature { .. }) => assert!(failed == "cuFuncGetParamInfo" && code == 1, "{case}"),
        Err(error) => assert!(matches!(error, Error::Poisoned { .. }) && code == 700, "{case}"),
    }
    let left: usize = fake.live().iter().map(|(_, count)| count).sum();
    let may_stay = usize::from(gives_back(failed) || waits || (enters && outcome.is_ok()));
    // In a spoilt context the end of a copy cannot be known.
    let copies = fake.live().iter().filter(|(kind, _)| *kind == Kind::PinnedMemory).map(|(_, count)| count).sum();
    let may_stay = if code == 700 { may_stay.max(copies) } else { may_stay };
    assert!(left <= may_stay, "{case}: {:?} stay", fake.live());
    assert_eq!(fake.misuse(), Vec::<String>::new(), "{case}");
}
