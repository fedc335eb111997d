//! What can go wrong.

use tilewright_ptx_ir::VerifyErrors;
use tilewright_tile::ShapeError;

/// Why a product was refused or failed. After any of these nothing was launched and nothing written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A shape that cannot be, or a tensor that does not have it.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A group size that the kernels do not take.
    #[error("groups of {size} along k; wanted a multiple of 32, or the whole row")]
    Group {
        /// Elements of a group.
        size: usize,
    },
    /// The weight could not be brought into the kernels' order.
    #[error(transparent)]
    Repack(#[from] tilewright_quant_pack::Error),
    /// The three weights are not quantized alike.
    #[error("{what} of the three weights differs")]
    Mismatch {
        /// What differs.
        what: &'static str,
    },
    /// A weight whose shape does not go with the weight before it.
    #[error("tensor `{tensor}` is {found_n} x {found_k}; with `{other}` of {other_n} x {other_k} it must be {wanted}")]
    WeightShape {
        /// w_k or w_v.
        tensor: &'static str,
        /// Its rows.
        found_n: usize,
        /// Its columns.
        found_k: usize,
        /// w_q or w_k.
        other: &'static str,
        /// That one's rows.
        other_n: usize,
        /// That one's columns.
        other_k: usize,
        /// What the two must have in common.
        wanted: &'static str,
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
