//! The environment steers the library.

use cudarc::driver::CudaContext;
use cudarc::driver::sys::CUresult;

use super::child::run;

#[test]
fn the_chip_is_chosen() {
    let ran = run("environment::the_chip_is_chosen", &[("TILEWRIGHT_SIM_ARCH", "sm_86")], || {
        let context = CudaContext::new(0).unwrap();
        assert_eq!(context.compute_capability().unwrap(), (8, 6));
        assert_eq!(context.name().unwrap(), "Tilewright simulator (sm_86)");
    });
    if let Some(ran) = ran {
        ran.succeeded().kept_quiet();
    }
}

#[test]
fn a_chip_that_is_none_is_refused() {
    let ran = run("environment::a_chip_that_is_none_is_refused", &[("TILEWRIGHT_SIM_ARCH", "sm_70")], || {
        assert_eq!(CudaContext::new(0).unwrap_err().0, CUresult::CUDA_ERROR_INVALID_VALUE);
    });
    if let Some(ran) = ran {
        ran.succeeded().said("TILEWRIGHT_SIM_ARCH is `sm_70`, wanted sm_80, sm_86, sm_89, sm_90 or sm_90a");
    }
}

#[test]
fn a_level_of_checks_that_is_none_is_refused() {
    let ran =
        run("environment::a_level_of_checks_that_is_none_is_refused", &[("TILEWRIGHT_SIM_CHECK", "most")], || {
            assert_eq!(CudaContext::new(0).unwrap_err().0, CUresult::CUDA_ERROR_INVALID_VALUE);
        });
    if let Some(ran) = ran {
        ran.succeeded().said("TILEWRIGHT_SIM_CHECK is `most`, wanted off, errors or all");
    }
}
