//! Paths through the host API. Together they come by everything that it can do.

use tilewright_ffi::sys::{
    CUdevice_attribute, CUresult, CUtensorMapDataType, CUtensorMapL2promotion, CUtensorMapSwizzle,
};
use tilewright_ffi::{
    Arguments, Context, DeviceBuffer, Driver, Error, Event, Function, KernelCache, KernelSource, Launch, PinnedBuffer,
    Stream, TensorMap, Tiling,
};

use crate::support::{ADD, add};

/// A path from a loaded driver on. What it expects to fail is no error of the path.
pub(crate) type Path = fn(&Driver) -> Result<(), Error>;

pub(crate) const PATHS: &[(&str, Path)] = &[
    ("device", device),
    ("memory", memory),
    ("pinned", pinned),
    ("events", events),
    ("launch", launch),
    ("refused modules", refused_modules),
    ("launch with attributes", launch_with_attributes),
    ("cache", cache),
    ("graph", graph),
    ("spoilt capture", spoilt_capture),
    ("drop in a capture", drop_in_a_capture),
    ("tensor map", tensor_map),
    ("borrowed", borrowed),
];

fn context(driver: &Driver) -> Result<Context, Error> {
    driver.device(0)?.primary_context()
}

fn add_function(context: &Context) -> Result<Function, Error> {
    context.load_ptx(&add())?.function("add", ADD)
}

/// Adds `amount` to all values.
fn launch_add(function: &Function, stream: &Stream, values: &mut DeviceBuffer<f32>, shared: u32) -> Result<(), Error> {
    let count = values.len() as u32;
    let mut arguments = Arguments::new();
    arguments.pointer_mut(&mut values.as_slice_mut()).value(count).value(1.0f32);
    // SAFETY: as many values as are counted; threads past them do nothing.
    unsafe { function.launch(stream, &Launch::new([1, 1, 1], 32, shared), &arguments) }
}

fn device(driver: &Driver) -> Result<(), Error> {
    let device = driver.device(driver.device_count()? - 1)?;
    assert!(device.name()?.starts_with("Tilewright"));
    assert!(device.total_memory()? > 0 && device.attribute(CUdevice_attribute::MULTIPROCESSOR_COUNT)? > 0);
    device.compute_capability()?;
    let context = device.primary_context()?;
    // The second owner of the same context.
    let again = device.primary_context()?;
    assert!(again.is_same(&context));
    context.memory_info()?;
    context.synchronize()
}

fn memory(driver: &Driver) -> Result<(), Error> {
    let stream = context(driver)?.stream()?;
    let mut first = stream.upload(&[1u32, 2, 3, 4])?;
    let mut second = stream.alloc::<u32>(4)?;
    stream.fill_bytes(&mut second.as_slice_mut(), 0)?;
    stream.copy(first.slice(0..2)?, &mut second.slice_mut(2..4)?)?;
    stream.write(&[9], &mut first.slice_mut(0..1)?)?;
    assert_eq!(stream.download(first.as_slice())?, [9, 2, 3, 4]);
    let mut back = [7; 4];
    stream.read(second.as_slice(), &mut back)?;
    assert_eq!(back, [0, 0, 1, 2]);
    assert!(stream.is_idle()?);
    stream.synchronize()
}

fn pinned(driver: &Driver) -> Result<(), Error> {
    let stream = context(driver)?.stream()?;
    let mut from = PinnedBuffer::<u32>::new(stream.context(), 3)?;
    let mut to = PinnedBuffer::<u32>::new(stream.context(), 3)?;
    from.as_mut_slice()?.copy_from_slice(&[7, 8, 9]);
    let mut buffer = stream.alloc::<u32>(3)?;
    stream.copy_from_pinned(&mut from, &mut buffer.as_slice_mut())?;
    stream.copy_to_pinned(buffer.as_slice(), &mut to)?;
    stream.copy_from_pinned(&mut from, &mut buffer.as_slice_mut())?;
    assert_eq!(to.as_slice()?, [7, 8, 9]);
    to.wait()
}

fn events(driver: &Driver) -> Result<(), Error> {
    let context = context(driver)?;
    let (first, second) = (context.stream()?, context.stream()?);
    let (start, end) = (Event::timed(&context)?, Event::timed(&context)?);
    let order = Event::untimed(&context)?;
    start.record(&first)?;
    order.record(&first)?;
    second.wait_for(&order)?;
    end.record(&second)?;
    end.synchronize()?;
    assert!(end.has_happened()? && start.elapsed_ms(&end)? >= 0.0);
    Ok(())
}

fn launch(driver: &Driver) -> Result<(), Error> {
    let context = context(driver)?;
    let stream = context.stream()?;
    let module = context.load_ptx(&add())?;
    let function = module.function("add", ADD)?;
    assert_eq!(module.info_log(), "");
    assert!(function.registers()? > 0 && function.local_bytes()? == 0 && function.resident_blocks(128, 0)? > 0);
    let mut values = stream.upload(&[1.0f32; 8])?;
    launch_add(&function, &stream, &mut values, 0)?;
    // More shared memory than there is unasked.
    launch_add(&function, &stream, &mut values, 64 * 1024)?;
    assert_eq!(stream.download(values.as_slice())?, [3.0; 8]);
    Ok(())
}

fn refused_modules(driver: &Driver) -> Result<(), Error> {
    let context = context(driver)?;
    match context.load_ptx(&add().replace("%f2, %f1, %f0", "%f2, %f1")).map(drop) {
        Err(Error::Module { code: CUresult::ERROR_INVALID_PTX, log, .. }) => assert!(!log.is_empty()),
        other => return other,
    }
    match context.load_ptx(&add())?.function("subtract", ADD).map(drop) {
        Err(Error::Driver { code: CUresult::ERROR_NOT_FOUND, .. }) => {}
        other => return other,
    }
    match context.load_ptx(&add())?.function("add", &[8, 4]).map(drop) {
        Err(Error::Signature { index: 2, .. }) => Ok(()),
        other => other,
    }
}

/// Clusters are not modelled; on a chip this path works.
fn launch_with_attributes(driver: &Driver) -> Result<(), Error> {
    let context = context(driver)?;
    let stream = context.stream()?;
    let function = add_function(&context)?;
    let launch = Launch { cluster: Some([1, 1, 1]), ..Launch::new([1, 1, 1], 32, 0) };
    let mut arguments = Arguments::new();
    arguments.value(0u64).value(0u32).value(0.0f32);
    // SAFETY: no value is counted.
    match unsafe { function.launch(&stream, &launch, &arguments) } {
        Err(Error::Driver { call: "cuLaunchKernelEx", code: CUresult::ERROR_NOT_SUPPORTED, .. }) => Ok(()),
        other => other,
    }
}

fn cache(driver: &Driver) -> Result<(), Error> {
    let cache = KernelCache::new(&context(driver)?);
    let source = || KernelSource { text: add(), entry: "add".to_owned(), parameters: ADD.to_vec() };
    let first = cache.function(&1, || Ok::<_, Error>(source()))?;
    let second = cache.function(&1, || Err(Error::NoResult { call: "nobody" }))?;
    assert_eq!(first.raw(), second.raw());
    cache.function(&2, || Ok::<_, Error>(source())).map(drop)
}

fn graph(driver: &Driver) -> Result<(), Error> {
    let context = context(driver)?;
    let stream = context.stream()?;
    let function = add_function(&context)?;
    let mut values = stream.upload(&[1.0f32; 4])?;
    let mut copy = stream.upload(&[0.0f32; 4])?;
    let graph = stream.capture(|stream| {
        launch_add(&function, stream, &mut values, 0)?;
        stream.copy(values.as_slice(), &mut copy.as_slice_mut())
    })?;
    let executable = graph.instantiate()?;
    drop(graph);
    for _ in 0..2 {
        // SAFETY: the buffers and the kernel are alive; nothing else is done meanwhile.
        unsafe { executable.launch(&stream) }?;
    }
    assert_eq!(stream.download(copy.as_slice())?, [3.0; 4]);
    Ok(())
}

fn spoilt_capture(driver: &Driver) -> Result<(), Error> {
    let stream = context(driver)?.stream()?;
    let buffer = stream.upload(&[1u8])?;
    match stream.capture(|stream| stream.download(buffer.as_slice()).map(drop)).map(drop) {
        Err(Error::Driver { code: CUresult::ERROR_STREAM_CAPTURE_UNSUPPORTED, .. }) => {}
        other => return other,
    }
    // It has ended: the stream can be waited for.
    stream.synchronize()
}

fn drop_in_a_capture(driver: &Driver) -> Result<(), Error> {
    let stream = context(driver)?.stream()?;
    let buffer = stream.upload(&[1u8])?;
    let pinned = PinnedBuffer::<u8>::new(stream.context(), 1)?;
    let module = stream.context().load_ptx(&add())?;
    stream.capture(|_| {
        drop((buffer, pinned, module));
        Ok::<_, Error>(())
    })?;
    stream.synchronize()
}

/// Not modelled; on a chip of sm_90 this path works.
fn tensor_map(driver: &Driver) -> Result<(), Error> {
    let memory = context(driver)?.stream()?.alloc::<u16>(64 * 64)?;
    let tiling = Tiling {
        dtype: CUtensorMapDataType::FLOAT16,
        extents: &[64, 64],
        strides_bytes: &[128],
        box_extents: &[64, 8],
        swizzle: CUtensorMapSwizzle::BYTES_128,
        l2_promotion: CUtensorMapL2promotion::NONE,
    };
    match TensorMap::tiled(memory.as_slice(), &tiling).map(drop) {
        Err(Error::MissingSymbol { symbol: "cuTensorMapEncodeTiled", .. }) => Ok(()),
        other => other,
    }
}

fn borrowed(driver: &Driver) -> Result<(), Error> {
    let owner = context(driver)?;
    let stream = owner.stream()?;
    let buffer = stream.upload(&[1u32, 2])?;
    // SAFETY: the owner outlives it.
    let context = unsafe { Context::borrow_raw(owner.device(), owner.raw()) }?;
    // SAFETY: as above.
    let stream = unsafe { Stream::borrow_raw(&context, stream.raw()) };
    // SAFETY: as above; the owner does not use it meanwhile.
    let mut same = unsafe { DeviceBuffer::<u32>::borrow_raw(&context, buffer.address(), 2) }?;
    stream.write(&[3, 4], &mut same.as_slice_mut())?;
    assert_eq!(stream.download(buffer.as_slice())?, [3, 4]);
    Ok(())
}
