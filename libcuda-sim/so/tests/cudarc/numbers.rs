//! Programs without a fault get the right numbers.

use cudarc::driver::sys::{CUevent_flags, CUresult};
use cudarc::driver::{CudaContext, CudaFunction, DriverError, LaunchConfig, PushKernelArg};

use super::child::run;
use super::kernels;

/// A function of cudarc's from PTX text.
pub(crate) fn load(context: &std::sync::Arc<CudaContext>, ptx: &str, name: &str) -> Result<CudaFunction, DriverError> {
    context.load_module(cudarc::nvrtc::Ptx::from_src(ptx))?.load_function(name)
}

pub(crate) fn launch(grid: u32, block: u32) -> LaunchConfig {
    LaunchConfig { grid_dim: (grid, 1, 1), block_dim: (block, 1, 1), shared_mem_bytes: 0 }
}

#[test]
fn copies_both_ways() {
    let ran = run("numbers::copies_both_ways", &[], || {
        let context = CudaContext::new(0).unwrap();
        assert_eq!(context.name().unwrap(), "Tilewright simulator (sm_90)");
        assert_eq!(context.compute_capability().unwrap(), (9, 0));
        assert_ne!(context.uuid().unwrap().bytes, [0; 16]);
        let stream = context.default_stream();
        let host: Vec<u32> = (0..1000).collect();
        let device = stream.clone_htod(&host).unwrap();
        let mut other = stream.alloc_zeros::<u32>(1000).unwrap();
        assert_eq!(stream.clone_dtoh(&other).unwrap(), vec![0; 1000]);
        stream.memcpy_dtod(&device, &mut other).unwrap();
        assert_eq!(stream.clone_dtoh(&other).unwrap(), host);
        let (free, total) = context.mem_get_info().unwrap();
        assert_eq!(total - free, 8000);
        drop((device, other));
        let (free, total) = context.mem_get_info().unwrap();
        assert_eq!(total, free);
    });
    if let Some(ran) = ran {
        ran.succeeded().kept_quiet();
    }
}

#[test]
fn launches_with_arguments() {
    let ran = run("numbers::launches_with_arguments", &[], || {
        let context = CudaContext::new(0).unwrap();
        let function = load(&context, &kernels::add_scaled(0), "add_scaled").unwrap();
        let stream = context.default_stream();
        let x: Vec<f32> = (0u16..1000).map(f32::from).collect();
        let device_x = stream.clone_htod(&x).unwrap();
        let mut y = stream.clone_htod(&vec![1.0f32; 1000]).unwrap();
        let mut builder = stream.launch_builder(&function);
        builder.arg(&mut y).arg(&device_x).arg(&0.5f32).arg(&1000u32);
        // SAFETY: two buffers of 1000 values, as the kernel's parameters say.
        unsafe { builder.launch(launch(8, 128)) }.unwrap();
        let wanted: Vec<f32> = x.iter().map(|x| 0.5 * x + 1.0).collect();
        assert_eq!(stream.clone_dtoh(&y).unwrap(), wanted);
        assert_eq!(function.max_threads_per_block().unwrap(), 1024);
        let (blocks, threads) = function.occupancy_max_potential_block_size(none, 0, 0, None).unwrap();
        assert_eq!((blocks, threads), (264, 1024));
    });
    if let Some(ran) = ran {
        ran.succeeded().kept_quiet();
    }
}

extern "C" fn none(_threads: i32) -> usize {
    0
}

#[test]
fn streams_events_and_async_copies() {
    let ran = run("numbers::streams_events_and_async_copies", &[], || {
        let context = CudaContext::new(0).unwrap();
        let function = load(&context, &kernels::reverse("bar.sync 0;"), "reverse").unwrap();
        let (first, second) = (context.new_stream().unwrap(), context.new_stream().unwrap());
        // SAFETY: it is written before it is read.
        let mut pinned = unsafe { context.alloc_pinned::<u32>(64) }.unwrap();
        for (place, value) in pinned.as_mut_slice().unwrap().iter_mut().zip(0..) {
            *place = value;
        }
        let mut device = first.alloc_zeros::<u32>(64).unwrap();
        let begin = first.record_event(Some(CUevent_flags::CU_EVENT_DEFAULT)).unwrap();
        first.memcpy_htod(&pinned, &mut device).unwrap();
        second.join(&first).unwrap();
        let mut builder = second.launch_builder(&function);
        builder.arg(&mut device);
        // SAFETY: 64 words, and as many threads.
        unsafe { builder.launch(launch(1, 64)) }.unwrap();
        let end = second.record_event(Some(CUevent_flags::CU_EVENT_DEFAULT)).unwrap();
        end.synchronize().unwrap();
        assert!(begin.is_complete() && begin.elapsed_ms(&end).unwrap() > 0.0);
        second.memcpy_dtoh(&device, &mut pinned).unwrap();
        second.synchronize().unwrap();
        let wanted: Vec<u32> = (0..64).rev().collect();
        assert_eq!(pinned.as_slice().unwrap(), wanted);
    });
    if let Some(ran) = ran {
        ran.succeeded().kept_quiet();
    }
}

#[test]
fn captured_graphs_are_replayed() {
    use cudarc::driver::sys::{CUgraphInstantiate_flags, CUstreamCaptureMode};
    let ran = run("numbers::captured_graphs_are_replayed", &[], || {
        let context = CudaContext::new(0).unwrap();
        // SAFETY: one stream only.
        unsafe { context.disable_event_tracking() };
        let function = load(&context, &kernels::add_scaled(0), "add_scaled").unwrap();
        let stream = context.new_stream().unwrap();
        let x = stream.clone_htod(&[2.0f32; 8]).unwrap();
        let mut y = stream.clone_htod(&[1.0f32; 8]).unwrap();
        stream.begin_capture(CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED).unwrap();
        let mut builder = stream.launch_builder(&function);
        builder.arg(&mut y).arg(&x).arg(&3.0f32).arg(&8u32);
        // SAFETY: two buffers of 8 values, as the kernel's parameters say.
        unsafe { builder.launch(launch(1, 32)) }.unwrap();
        let flags = CUgraphInstantiate_flags::CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH;
        let graph = stream.end_capture(flags).unwrap().unwrap();
        graph.launch().unwrap();
        graph.launch().unwrap();
        assert_eq!(stream.clone_dtoh(&y).unwrap(), [13.0; 8]);
    });
    if let Some(ran) = ran {
        ran.succeeded().kept_quiet();
    }
}

#[test]
fn errors_have_their_codes() {
    let ran = run("numbers::errors_have_their_codes", &[], || {
        assert_eq!(CudaContext::new(1).unwrap_err().0, CUresult::CUDA_ERROR_INVALID_DEVICE);
        let context = CudaContext::new(0).unwrap();
        let function = load(&context, &kernels::add_scaled(0), "add_scaled").unwrap();
        assert_eq!(load(&context, "no PTX", "f").unwrap_err().0, CUresult::CUDA_ERROR_INVALID_PTX);
        let error = load(&context, &kernels::add_scaled(0), "multiply").unwrap_err();
        assert_eq!(error.0, CUresult::CUDA_ERROR_NOT_FOUND);
        assert_eq!(error.error_name().unwrap(), c"CUDA_ERROR_NOT_FOUND");
        let missing = cudarc::nvrtc::Ptx::from_file("/no/such/file.ptx");
        let error = context.load_module(missing).unwrap_err();
        assert_eq!(error.0, CUresult::CUDA_ERROR_FILE_NOT_FOUND);
        assert_eq!(error.error_name().unwrap(), c"CUDA_ERROR_FILE_NOT_FOUND");
        let stream = context.default_stream();
        // SAFETY: nothing is read.
        let refused = unsafe { stream.alloc::<u8>(1 << 40) };
        assert_eq!(refused.unwrap_err().0, CUresult::CUDA_ERROR_OUT_OF_MEMORY);
        let y = stream.alloc_zeros::<f32>(4).unwrap();
        let mut builder = stream.launch_builder(&function);
        builder.arg(&y).arg(&y).arg(&1.0f32).arg(&4u32);
        // SAFETY: the launch is refused: a block has 1024 threads at most.
        let refused = unsafe { builder.launch(launch(1, 2048)) };
        assert_eq!(refused.unwrap_err().0, CUresult::CUDA_ERROR_INVALID_VALUE);
        stream.synchronize().unwrap();
    });
    if let Some(ran) = ran {
        ran.succeeded().kept_quiet();
    }
}

#[test]
fn a_context_of_ones_own_is_the_primary_one() {
    let ran = run("numbers::a_context_of_ones_own_is_the_primary_one", &[], || {
        let context = CudaContext::new_non_primary(0, 0).unwrap();
        let stream = context.default_stream();
        let device = stream.clone_htod(&[1u8, 2, 3]).unwrap();
        assert_eq!(stream.clone_dtoh(&device).unwrap(), [1, 2, 3]);
        let primary = CudaContext::new(0).unwrap();
        assert_eq!(primary.cu_ctx(), context.cu_ctx());
        drop((device, stream, context));
        assert_eq!(primary.default_stream().clone_htod(&[1u8]).unwrap().len(), 1);
    });
    if let Some(ran) = ran {
        ran.succeeded().kept_quiet();
    }
}
