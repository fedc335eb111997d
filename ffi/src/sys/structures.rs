//! Structures that go through the interface.
//!
//! # Source
//! [CUDA Driver API, Data types used by CUDA driver](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__TYPES.html).

#![expect(clippy::exhaustive_structs, reason = "the driver's structures")]
#![expect(non_snake_case, reason = "the names of the driver's documentation")]

use std::ffi::c_uint;
use std::fmt;

use super::types::{CUlaunchAttributeID, CUstream};

/// A launch with attributes, 56 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the fields are the driver's own")]
pub struct CUlaunchConfig {
    pub gridDimX: c_uint,
    pub gridDimY: c_uint,
    pub gridDimZ: c_uint,
    pub blockDimX: c_uint,
    pub blockDimY: c_uint,
    pub blockDimZ: c_uint,
    pub sharedMemBytes: c_uint,
    pub hStream: CUstream,
    pub attrs: *mut CUlaunchAttribute,
    pub numAttrs: c_uint,
}

/// One launch attribute, 72 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the fields are the driver's own")]
pub struct CUlaunchAttribute {
    pub id: CUlaunchAttributeID,
    pub pad: [u8; 4],
    pub value: CUlaunchAttributeValue,
}

/// The value of a launch attribute, a union of 64 bytes.
#[repr(C)]
#[derive(Clone, Copy)]
#[expect(missing_docs, reason = "the fields are the driver's own")]
pub union CUlaunchAttributeValue {
    pub pad: [u64; 8],
    pub clusterDim: [c_uint; 3],
    pub programmaticStreamSerializationAllowed: i32,
}

impl fmt::Debug for CUlaunchAttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CUlaunchAttributeValue(..)")
    }
}

/// A tensor map: 128 opaque bytes. Aligned as CUDA 13 wants it, which satisfies the 64 bytes of CUDA 12.
#[repr(C, align(128))]
#[derive(Clone, Copy, Debug)]
pub struct CUtensorMap {
    /// The driver's own.
    pub opaque: [u64; 16],
}

const _: () = {
    assert!(size_of::<CUlaunchConfig>() == 56);
    assert!(size_of::<CUlaunchAttributeValue>() == 64);
    assert!(size_of::<CUlaunchAttribute>() == 72);
    assert!(size_of::<CUtensorMap>() == 128);
};
