//! Why a call was refused.

use tilewright_ptx_ir::VerifyErrors;

/// Why a call was refused. Nothing was launched and nothing written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A dimension is zero.
    #[error("{dimension} is 0; a matrix has at least one row and one column")]
    ZeroDimension {
        /// rows or columns.
        dimension: &'static str,
    },
    /// A dimension is larger than the kernels can index.
    #[error("{dimension} = {value} is larger than {limit}, the most that the kernels can index")]
    TooLarge {
        /// rows or columns.
        dimension: &'static str,
        /// What came.
        value: usize,
        /// The largest that works.
        limit: usize,
    },
    /// The matrix does not fit the address space.
    #[error("a matrix of {rows} x {columns} elements does not fit the address space")]
    Overflow {
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
    },
    /// A tensor does not have as many elements as the shape says.
    #[error("tensor `{tensor}` has {found} elements, the shape wants {wanted}")]
    WrongLength {
        /// x, y, weight or bias.
        tensor: &'static str,
        /// Elements that came.
        found: usize,
        /// Elements wanted.
        wanted: usize,
    },
    /// Epsilon is negative, infinite or NaN.
    #[error("epsilon = {value}; it must be finite and not negative")]
    Epsilon {
        /// What came.
        value: f32,
    },
    /// The device is older than the kernels.
    #[error("the device has compute capability {major}.{minor}; the kernels need 8.0")]
    UnsupportedDevice {
        /// Its major capability.
        major: u32,
        /// Its minor capability.
        minor: u32,
    },
    /// A kernel was built wrongly: a fault of this crate, never of its caller.
    #[error("the kernel does not verify")]
    Kernel(#[from] VerifyErrors),
    /// The driver, or a handle that belongs to another context.
    #[error(transparent)]
    Driver(#[from] tilewright_ffi::Error),
}
