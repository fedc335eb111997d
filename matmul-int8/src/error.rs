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
    /// So many products that their sum could pass what an i32 holds: -128 · -128 · k must stay below 2^31.
    #[error(
        "k = {k}: a sum of {k} products of int8 can reach {k} · 2^14 and pass the i32 limit 2^31 - 1; k may be {limit} at most"
    )]
    SumOverflow {
        /// What came.
        k: usize,
        /// The largest k whose sums fit.
        limit: usize,
    },
    /// The weight could not be brought into the kernels' order.
    #[error(transparent)]
    Repack(#[from] tilewright_quant_pack::Error),
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
