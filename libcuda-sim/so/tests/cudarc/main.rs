//! cudarc, which was not written for the simulator, on it: every program runs in a process of its own, whose only driver is the library of this package.
#![cfg(target_os = "linux")]
#![expect(unsafe_code, reason = "cudarc's launches and the driver's own functions are unsafe")]

mod child;
mod environment;
mod findings;
mod kernels;
mod numbers;
mod raw;
