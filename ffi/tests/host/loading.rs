//! Loading the driver, and what it does not know.

use tilewright_ffi::sys::CUresult;
use tilewright_ffi::{Arguments, Driver, Error, Event, Launch};

use crate::fake::{Fake, api};

#[test]
fn a_missing_library_lists_every_name_tried() {
    let names = ["libtilewright-does-not-exist.so", "libtilewright-nor-this.so.1"];
    // SAFETY: there are no such libraries.
    let error = unsafe { Driver::load_from(&names) }.expect_err("nothing to load");
    let Error::NoDriver { attempts } = &error else { panic!("{error:?}") };
    assert_eq!(attempts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), names);
    let message = error.to_string();
    assert!(names.iter().all(|name| message.contains(name)), "{message}");
    assert!(attempts.iter().all(|(_, why)| !why.is_empty()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_library_that_is_no_driver_lists_every_function_that_is_missing() {
    // SAFETY: the C library's mathematics, which every Linux program can load.
    let error = unsafe { Driver::load_from(&["libtilewright-does-not-exist.so", "libm.so.6"]) }.expect_err("no driver");
    let Error::MissingSymbols { library, missing } = &error else { panic!("{error:?}") };
    assert_eq!(library, "libm.so.6");
    let required = tilewright_ffi::sys::Api::SIGNATURES.iter().filter(|signature| signature.required);
    assert_eq!(*missing, required.map(|signature| signature.symbol).collect::<Vec<_>>());
    assert!(error.to_string().contains("cuMemAlloc_v2"));
}

/// A driver's library as the C compiler makes it, whose functions all succeed and do nothing.
#[cfg(target_os = "linux")]
fn library_of(name: &str, symbols: &[&str]) -> std::path::PathBuf {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    // Not below the target folder: tests also run on machines that have none.
    let folder = std::env::temp_dir().join(format!("tilewright-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(format!("lib{name}.so"));
    let functions: String = symbols.iter().map(|symbol| format!("int {symbol}() {{ return 0; }}\n")).collect();
    // The linker of every Rust program.
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let mut child = Command::new(compiler)
        .args(["-shared", "-fPIC", "-x", "c", "-", "-o"])
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("a C compiler");
    child.stdin.take().expect("a pipe").write_all(functions.as_bytes()).expect("it reads");
    assert!(child.wait().expect("it ends").success());
    path
}

#[cfg(target_os = "linux")]
#[test]
fn one_error_lists_the_required_functions_that_a_library_lacks_and_no_other() {
    use tilewright_ffi::sys::Api;

    let load = |name: &str, is_there: &dyn Fn(&tilewright_ffi::sys::Signature) -> bool| {
        let there = Api::SIGNATURES.iter().filter(|signature| is_there(signature));
        let path = library_of(name, &there.map(|signature| signature.symbol).collect::<Vec<_>>());
        // SAFETY: functions that take anything and do nothing; nothing else is called here than what loading calls.
        unsafe { Driver::load_from(&[path.to_str().expect("a path in UTF-8")]) }
    };
    let absent = ["cuCtxSynchronize", "cuMemFree_v2", "cuStreamEndCapture"];
    let error = load("some", &|signature| signature.required && !absent.contains(&signature.symbol));
    let Err(Error::MissingSymbols { missing, library }) = error else { panic!("{error:?}") };
    assert_eq!(missing, absent);
    assert!(library.ends_with("libsome.so"));
    // As a driver of CUDA 11.0: nothing that came later.
    let old = load("old", &|signature| signature.required).expect("all that is needed");
    let api = old.api();
    assert!(api.tensor_map_encode_tiled.is_none() && api.mem_alloc_async.is_none() && api.launch_kernel_ex.is_none());
    assert!(api.func_get_param_info.is_none() && api.graph_instantiate_with_flags.is_none());
    let new = load("new", &|_| true).expect("everything");
    assert!(new.api().tensor_map_encode_tiled.is_some() && new.api().mem_free_async.is_some());
}

#[test]
fn a_code_that_nobody_knows_is_kept_as_it_is() {
    let fake = Fake::start();
    let context = fake.context();
    fake.fail_next("cuStreamCreate", 99_999);
    let error = context.stream().expect_err("told to fail");
    let Error::Driver { call, code, name, .. } = &error else { panic!("{error:?}") };
    assert_eq!((*call, *code, name.as_str()), ("cuStreamCreate", CUresult(99_999), "unknown error"));
    assert!(error.to_string().contains("99999"), "{error}");
    // It does not stay.
    assert!(context.stream().is_ok());
}

#[test]
fn functions_that_an_old_driver_lacks_are_missed_only_when_they_are_needed() {
    let fake = Fake::start();
    let mut api = api();
    api.func_get_param_info = None;
    api.launch_kernel_ex = None;
    api.graph_instantiate_with_flags = None;
    let driver = Driver::from_api(fake.table(api)).unwrap();
    let context = driver.device(0).unwrap().primary_context().unwrap();
    let stream = context.stream().unwrap();
    // Without the driver's knowledge of the parameters, what is declared is believed.
    let function = context.load_ptx("plain").unwrap().function("plain", &[]).unwrap();
    let launch = Launch::new([1, 1, 1], 32, 0);
    // SAFETY: the fake runs nothing.
    unsafe { function.launch(&stream, &launch, &Arguments::new()) }.unwrap();
    let clustered = Launch { cluster: Some([1, 1, 1]), ..launch };
    // SAFETY: as above.
    let error = unsafe { function.launch(&stream, &clustered, &Arguments::new()) }.expect_err("no such function");
    assert!(matches!(error, Error::MissingSymbol { symbol: "cuLaunchKernelEx", driver_version: 12_040 }), "{error:?}");
    assert_eq!(error.to_string(), "the driver (CUDA 12.4) has no cuLaunchKernelEx");
    let graph = stream.capture(|_| Ok::<_, Error>(())).unwrap();
    let error = graph.instantiate().expect_err("no such function");
    assert!(matches!(error, Error::MissingSymbol { symbol: "cuGraphInstantiateWithFlags", .. }), "{error:?}");
    drop((graph, function, stream, context));
    fake.assert_clean();
}

#[test]
fn a_refused_module_comes_with_a_log_that_no_zero_ends() {
    let fake = Fake::start();
    let context = fake.context();
    let error = context.load_ptx("refused").expect_err("told to refuse");
    let Error::Module { code, log, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*code, CUresult::ERROR_INVALID_PTX);
    assert!(log.len() > 10_000 && log.bytes().all(|byte| byte == b'x'), "{} bytes", log.len());
}

#[test]
fn a_module_that_needs_another_driver_or_device_says_so() {
    let fake = Fake::start();
    let context = fake.context();
    fake.fail_next("cuModuleLoadDataEx", 222);
    assert!(context.load_ptx("plain").unwrap_err().to_string().contains("newer than CUDA 12.4"));
    fake.fail_next("cuModuleLoadDataEx", 209);
    assert!(context.load_ptx("plain").unwrap_err().to_string().contains("compute capability 9.0"));
}

#[test]
fn text_with_a_zero_byte_is_refused_before_the_driver_sees_it() {
    let fake = Fake::start();
    let context = fake.context();
    let module = context.load_ptx("plain").unwrap();
    fake.take_calls();
    assert!(matches!(context.load_ptx("pl\0ain"), Err(Error::ZeroByte { what: "the PTX text" })));
    assert!(matches!(module.function("pl\0ain", &[]), Err(Error::ZeroByte { what: "the kernel's name" })));
    assert_eq!(fake.take_calls(), [""; 0]);
}

#[test]
fn names_and_numbers_of_devices_are_read_whatever_the_driver_writes() {
    let fake = Fake::start();
    let driver = fake.driver().unwrap();
    // The fake writes as much as it may, without a zero.
    assert_eq!(driver.device(0).unwrap().name().unwrap(), "n".repeat(255));
    for ordinal in [2, u32::MAX] {
        assert!(matches!(driver.device(ordinal), Err(Error::Driver { code: CUresult(101), .. })));
    }
}

#[test]
fn an_event_of_another_driver_is_refused() {
    let fake = Fake::start();
    let context = fake.context();
    let stream = context.stream().unwrap();
    let other = Event::untimed(&fake.context()).unwrap();
    fake.take_calls();
    assert!(matches!(stream.wait_for(&other), Err(Error::ForeignContext { what: "the event" })));
    assert_eq!(fake.take_calls(), [""; 0]);
    // Of another device of the same driver it may be.
    let other = Event::untimed(&fake.other_context(context.driver())).unwrap();
    stream.wait_for(&other).unwrap();
}
