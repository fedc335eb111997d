//! Entry points by name: those that are not there, and `cuGetProcAddress`.

use std::collections::BTreeSet;
use std::ffi::{CStr, c_int, c_void};

use cudarc::driver::CudaContext;
use cudarc::driver::sys::{self, CUdriverProcAddressQueryResult as Status, CUresult};
use libloading::Library;

use super::child::{folder, run};

#[test]
fn a_stub_says_its_name() {
    let ran = run("raw::a_stub_says_its_name", &[], || {
        let context = CudaContext::new(0).unwrap();
        let error = context.get_limit(sys::CUlimit::CU_LIMIT_STACK_SIZE).unwrap_err();
        assert_eq!(error.0, CUresult::CUDA_ERROR_NOT_SUPPORTED);
        assert_eq!(error.error_name().unwrap(), c"CUDA_ERROR_NOT_SUPPORTED");
        let stream = context.new_stream().unwrap();
        let mut address = 0;
        // SAFETY: the result is a local variable.
        let refused = unsafe { sys::cuMemAllocManaged(&raw mut address, 16, 1) };
        assert_eq!(refused, CUresult::CUDA_ERROR_NOT_SUPPORTED);
        // The context is as it was.
        stream.synchronize().unwrap();
    });
    if let Some(ran) = ran {
        ran.succeeded()
            .said("tilewright: cuCtxGetLimit is not modelled by the simulator")
            .said("tilewright: cuMemAllocManaged is not modelled by the simulator");
    }
}

#[test]
fn every_listed_symbol_is_exported() {
    let listed: Vec<&str> = [tilewright_cuda::served(), tilewright_cuda::absent()].concat();
    assert_eq!(listed.len(), listed.iter().collect::<BTreeSet<_>>().len(), "a symbol stands twice");
    // SAFETY: our own library, whose loading runs nothing.
    let library = unsafe { Library::new(folder().join("libcuda.so.1")) }.unwrap();
    for symbol in listed {
        // SAFETY: it is looked up, not called.
        let found = unsafe { library.get::<unsafe extern "C" fn()>(symbol) };
        assert!(found.is_ok(), "{symbol}");
    }
}

/// Every function of the table that `tilewright-ffi` binds works, but for those the simulator lacks.
#[test]
fn what_tilewright_binds_works() {
    let served = tilewright_cuda::served();
    for signature in tilewright_ffi::sys::Api::SIGNATURES {
        assert_eq!(
            served.contains(&signature.symbol),
            signature.symbol != "cuTensorMapEncodeTiled",
            "{}",
            signature.symbol
        );
    }
}

#[test]
fn a_program_linked_against_the_driver_finds_it() {
    let ran = run("raw::a_program_linked_against_the_driver_finds_it", &[], || {
        let driver = tilewright_ffi::Driver::load().unwrap();
        assert_eq!(driver.version(), 13_000);
        assert_eq!(driver.device(0).unwrap().name().unwrap(), "Tilewright simulator (sm_90)");
    });
    if let Some(ran) = ran {
        ran.succeeded().kept_quiet();
    }
}

/// The address that `cuGetProcAddress` gives for a name, and what it says about it.
fn look_up(name: &CStr, version: c_int, flags: u64) -> (*mut c_void, Status) {
    let (mut address, mut status) = (std::ptr::null_mut(), Status::CU_GET_PROC_ADDRESS_SUCCESS);
    // SAFETY: the results are local variables, the name ends with a zero.
    let code = unsafe { sys::cuGetProcAddress_v2(name.as_ptr(), &raw mut address, version, flags, &raw mut status) };
    assert_eq!(code, CUresult::CUDA_SUCCESS);
    (address, status)
}

/// The address of a symbol in the library.
fn symbol(name: &str) -> *mut c_void {
    // SAFETY: the one driver that there is to load is the library of this package.
    let library = unsafe { sys::culib() };
    // SAFETY: it is looked up, not called.
    let found = unsafe { library.get::<*mut c_void>(name.as_bytes()) };
    *found.unwrap()
}

#[test]
fn functions_are_found_by_name_and_version() {
    let ran = run("raw::functions_are_found_by_name_and_version", &[], || {
        const FOUND: Status = Status::CU_GET_PROC_ADDRESS_SUCCESS;
        assert_eq!(look_up(c"cuMemAlloc", 12_000, 0), (symbol("cuMemAlloc_v2"), FOUND));
        assert_eq!(look_up(c"cuMemAlloc", 3_000, 0), (symbol("cuMemAlloc"), FOUND));
        assert_eq!(look_up(c"cuCtxCreate", 11_000, 0), (symbol("cuCtxCreate_v2"), FOUND));
        assert_eq!(look_up(c"cuCtxCreate", 13_000, 0), (symbol("cuCtxCreate_v4"), FOUND));
        assert_eq!(look_up(c"cuEventElapsedTime", 12_000, 0), (symbol("cuEventElapsedTime"), FOUND));
        assert_eq!(look_up(c"cuEventElapsedTime", 13_000, 0), (symbol("cuEventElapsedTime_v2"), FOUND));
        // The stream 0 of the thread.
        assert_eq!(look_up(c"cuLaunchKernel", 12_000, 2), (symbol("cuLaunchKernel_ptsz"), FOUND));
        assert_eq!(look_up(c"cuLaunchKernel", 12_000, 1), (symbol("cuLaunchKernel"), FOUND));
        // Those that only say their name are found too.
        assert_eq!(look_up(c"cuMemAllocManaged", 12_000, 0), (symbol("cuMemAllocManaged"), FOUND));
        let nothing = std::ptr::null_mut();
        assert_eq!(
            look_up(c"cuLaunchKernelEx", 11_000, 0),
            (nothing, Status::CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT)
        );
        assert_eq!(look_up(c"cuMakeCoffee", 13_000, 0), (nothing, Status::CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND));
        // SAFETY: cuInit's type.
        let init: unsafe extern "C" fn(u32) -> CUresult =
            unsafe { std::mem::transmute(look_up(c"cuInit", 12_000, 0).0) };
        // SAFETY: the flags must be 0.
        assert_eq!(unsafe { init(0) }, CUresult::CUDA_SUCCESS);
        // SAFETY: as above.
        assert_eq!(unsafe { init(1) }, CUresult::CUDA_ERROR_INVALID_VALUE);
    });
    if let Some(ran) = ran {
        ran.succeeded().kept_quiet();
    }
}
