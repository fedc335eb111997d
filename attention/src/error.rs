//! What can go wrong.

use tilewright_ptx_ir::VerifyErrors;

/// Why a call was refused or failed. Nothing was launched and nothing written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A dimension is zero or larger than the kernels can index.
    #[error("{dimension} = {value}, wanted 1 to {limit}")]
    Dimension {
        /// batch, heads_q, heads_kv, len_q, len_kv, ...
        dimension: &'static str,
        /// What came.
        value: usize,
        /// The largest that works.
        limit: usize,
    },
    /// A head dimension that the kernels do not have.
    #[error("dim = {dim}, wanted a multiple of 16 from 32 to 256")]
    HeadDim {
        /// What came.
        dim: usize,
    },
    /// A head dimension that cannot be rotated in pairs.
    #[error("dim = {dim}, wanted an even number from 2 to {limit}")]
    RotaryDim {
        /// What came.
        dim: usize,
        /// The largest that works.
        limit: usize,
    },
    /// Query heads cannot be shared out evenly among key heads.
    #[error("heads_q = {heads_q} is not a multiple of heads_kv = {heads_kv}")]
    Heads {
        /// Heads of q.
        heads_q: usize,
        /// Heads of k and v.
        heads_kv: usize,
    },
    /// The scale is not a number that scores can be multiplied by.
    #[error("scale = {value}; it must be finite")]
    Scale {
        /// What came.
        value: f32,
    },
    /// A stride that the kernels cannot index, or an output whose elements lie on top of each other.
    #[error("tensor `{tensor}`: {stride} stride {value}, wanted {wanted}")]
    Stride {
        /// q, k, v, o, x or y.
        tensor: &'static str,
        /// batch, head or row.
        stride: &'static str,
        /// What came.
        value: usize,
        /// What is possible.
        wanted: String,
    },
    /// A tensor does not have as many elements as its shape and layout say.
    #[error("tensor `{tensor}` has {found} elements, its shape and layout want {wanted}")]
    WrongLength {
        /// q, k, v, o, x, y, cos or sin.
        tensor: &'static str,
        /// Elements that came.
        found: usize,
        /// Elements wanted.
        wanted: usize,
    },
    /// A tensor does not fit the address space.
    #[error("tensor `{tensor}` does not fit the address space")]
    Overflow {
        /// Which one.
        tensor: &'static str,
    },
    /// The device is older than the kernels.
    #[error("compute capability {major}.{minor} is not supported, wanted 8.0 or newer")]
    UnsupportedDevice {
        /// Its major capability.
        major: u32,
        /// Its minor capability.
        minor: u32,
    },
    /// The kernel does not verify; a fault of this crate.
    #[error("kernel does not verify: {0}")]
    Kernel(#[from] VerifyErrors),
    /// The driver, or a handle that belongs elsewhere.
    #[error(transparent)]
    Driver(#[from] tilewright_ffi::Error),
}
