//! Kernels that are kept.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tilewright_ffi::{Error, KernelCache, KernelSource};

use crate::fake::Fake;

fn source() -> KernelSource {
    KernelSource { text: "add 8".to_owned(), entry: "add".to_owned(), parameters: vec![8] }
}

#[test]
fn a_kernel_is_built_once_however_many_threads_ask() {
    let fake = Fake::start();
    let cache = KernelCache::new(&fake.context());
    let builds = AtomicUsize::new(0);
    let build = || {
        builds.fetch_add(1, Ordering::Relaxed);
        std::thread::yield_now();
        Ok::<_, Error>(source())
    };
    let functions: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|index| {
                scope.spawn({
                    let cache = &cache;
                    move || cache.function(&(index % 2), build).expect("a kernel")
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(builds.load(Ordering::Relaxed), 2);
    for (index, function) in functions.iter().enumerate() {
        assert_eq!(Arc::ptr_eq(function, &functions[0]), index % 2 == 0);
    }
    let loads = fake.take_calls().into_iter().filter(|call| *call == "cuModuleLoadDataEx").count();
    assert_eq!(loads, 2);
    drop((functions, cache));
    fake.assert_clean();
}

#[test]
fn nothing_is_kept_after_a_failure() {
    let fake = Fake::start();
    let cache = KernelCache::new(&fake.context());
    // Of the build, of the load, of the kernel's name, of its parameters.
    let failed = cache.function(&0, || Err(Error::NoResult { call: "build" }));
    assert!(matches!(failed, Err(Error::NoResult { call: "build" })));
    for broken in [
        KernelSource { text: "refused".to_owned(), ..source() },
        KernelSource { entry: "sub".to_owned(), ..source() },
        KernelSource { parameters: vec![4], ..source() },
        KernelSource { parameters: Vec::new(), ..source() },
    ] {
        assert!(cache.function(&0, || Ok::<_, Error>(broken)).is_err());
    }
    let panicked =
        catch_unwind(AssertUnwindSafe(|| cache.function(&0, || -> Result<_, Error> { panic!("on purpose") })));
    assert!(panicked.is_err());
    // The context alone lives: modules of kernels that did not come to be are gone.
    assert_eq!(fake.live().len(), 1, "{:?}", fake.live());
    let kernel = cache.function(&0, || Ok::<_, Error>(source())).expect("a kernel");
    assert_eq!(kernel.name(), "add");
    cache.function(&0, || Err(Error::NoResult { call: "build" })).expect("the kept one");
}

#[test]
fn a_kernel_keeps_its_module_loaded() {
    let fake = Fake::start();
    let cache = KernelCache::new(&fake.context());
    let kernel = cache.function(&(), || Ok::<_, Error>(source())).expect("a kernel");
    drop(cache);
    assert_eq!(kernel.registers().expect("still loaded"), 40);
    drop(kernel);
    fake.assert_clean();
}
