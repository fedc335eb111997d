//! Reductions over a warp or a block, for whoever writes a kernel.
//!
//! | | over | costs |
//! |---|---|---|
//! | [`warp_sum`], [`warp_max`], [`warp_min`] | the 32 lanes of each warp, every warp by itself | 5 shuffles |
//! | [`Block::sum`], [`Block::max`], [`Block::min`] | all threads of the block | at most 10 shuffles, 2 barriers |
//!
//! Every participant gets the result, the same bits in all of them. A thread that has nothing to contribute passes the identity of the
//! operation: 0 for a sum, -inf (`i32::MIN`) for a maximum, +inf (`i32::MAX`) for a minimum.
//!
//! # Convergence
//! All 32 lanes of a warp must reach a warp reduction together, and all threads of the block a block reduction, or the kernel's behaviour is
//! undefined: none of these belongs under an `if_` or after a `return_if` that only some of them take.
//!
//! # Numerics
//! A balanced tree in a fixed order: lanes at distance 16, 8, 4, 2, 1, then warps likewise. f32 is added with one rounding a level (5 for a warp). f16
//! and bf16 are widened to f32, reduced there and rounded once at the end, so a sum overflows only if the result does. i32 sums wrap.
//! A NaN makes a sum NaN; maximum and minimum ignore it, and of nothing but NaN they make NaN. -0 counts as less than +0.

mod block;
mod operation;
mod warp;

pub use block::Block;
pub use operation::Reduce;
pub use warp::{warp_max, warp_min, warp_sum};

pub(crate) use operation::Operation;
