//! Programs with a fault are told.

use cudarc::driver::sys::CUresult;
use cudarc::driver::{CudaContext, DriverError, PushKernelArg};

use super::child::run;
use super::kernels;
use super::numbers::{launch, load};

/// What adding to 40 values with 64 threads, so many of which think that there is a value for them, gives; and what every later call gives.
fn write_past(excess: u32) -> (Result<(), DriverError>, Result<(), DriverError>) {
    let context = CudaContext::new(0).unwrap();
    let function = load(&context, &kernels::add_scaled(excess), "add_scaled").unwrap();
    let stream = context.new_stream().unwrap();
    let x = stream.clone_htod(&[1.0f32; 64]).unwrap();
    let mut y = stream.alloc_zeros::<f32>(40).unwrap();
    let mut builder = stream.launch_builder(&function);
    builder.arg(&mut y).arg(&x).arg(&1.0f32).arg(&40u32);
    // SAFETY: too many threads write, which is the point: the simulator stops them.
    let launched = unsafe { builder.launch(launch(1, 64)) };
    (launched.map(drop), stream.synchronize())
}

#[test]
fn a_write_past_the_end() {
    let ran = run("findings::a_write_past_the_end", &[], || {
        let (launched, waited) = write_past(24);
        assert_eq!(launched.unwrap_err().0, CUresult::CUDA_ERROR_ILLEGAL_ADDRESS);
        assert_eq!(waited.unwrap_err().0, CUresult::CUDA_ERROR_ILLEGAL_ADDRESS);
    });
    if let Some(ran) = ran {
        ran.succeeded()
            .said("access past the end (0xa0 bytes) on global memory in add_scaled (seed 0)")
            .said("ld.global.f32 %f2, [%rd2];");
    }
}

#[test]
fn no_write_past_the_end() {
    let ran = run("findings::no_write_past_the_end", &[], || {
        let (launched, waited) = write_past(0);
        launched.unwrap();
        waited.unwrap();
    });
    if let Some(ran) = ran {
        ran.succeeded().kept_quiet();
    }
}

/// What turning 64 words around gives.
fn reverse(barrier: &str) -> Result<Vec<u32>, DriverError> {
    let context = CudaContext::new(0)?;
    let function = load(&context, &kernels::reverse(barrier), "reverse")?;
    let stream = context.new_stream()?;
    let words: Vec<u32> = (0..64).collect();
    let mut device = stream.clone_htod(&words)?;
    let mut builder = stream.launch_builder(&function);
    builder.arg(&mut device);
    // SAFETY: 64 words, and as many threads.
    unsafe { builder.launch(launch(1, 64)) }?;
    stream.clone_dtoh(&device)
}

#[test]
fn a_race() {
    let ran = run("findings::a_race", &[], || {
        assert_eq!(reverse("").unwrap_err().0, CUresult::CUDA_ERROR_LAUNCH_FAILED);
    });
    if let Some(ran) = ran {
        ran.succeeded()
            .said("race on shared memory in reverse (seed 0)")
            .said("st.shared.u32 [%r4], %r1;")
            .said("ld.shared.u32 %r6, [%r5];");
    }
}

#[test]
fn no_race_behind_a_barrier() {
    let ran = run("findings::no_race_behind_a_barrier", &[], || {
        assert_eq!(reverse("bar.sync 0;").unwrap(), (0..64).rev().collect::<Vec<u32>>());
    });
    if let Some(ran) = ran {
        ran.succeeded().kept_quiet();
    }
}

#[test]
fn a_race_is_not_looked_for_where_only_errors_are() {
    let ran = run(
        "findings::a_race_is_not_looked_for_where_only_errors_are",
        &[("TILEWRIGHT_SIM_CHECK", "errors")],
        // What it gives depends on which warp runs first; that it gives something does not.
        || assert_eq!(reverse("").map(|words| words.len()).ok().or(Some(64)), Some(64)),
    );
    if let Some(ran) = ran {
        ran.succeeded();
    }
}

#[test]
fn a_write_past_the_end_stays_an_error_without_any_check() {
    let ran = run(
        "findings::a_write_past_the_end_stays_an_error_without_any_check",
        &[("TILEWRIGHT_SIM_CHECK", "off")],
        || assert_eq!(write_past(24).1.unwrap_err().0, CUresult::CUDA_ERROR_ILLEGAL_ADDRESS),
    );
    if let Some(ran) = ran {
        ran.succeeded();
    }
}
