//! Reductions over a warp or a block, for whoever writes a kernel.
//!
//! | | over | costs |
//! |---|---|---|
//! | [`warp_sum`], [`warp_max`], [`warp_min`] | the 32 lanes of each warp, every warp by itself | 5 shuffles |
//! | [`Block::sum`], [`Block::max`], [`Block::min`] | all threads of the block | at most 10 shuffles, 2 barriers |
//!
//! Each takes f32, f16, bf16, i32 and u32. Every participant gets the result, the same bits in all of them. A thread that has nothing to
//! contribute passes what changes no result:
//!
//! | | f32, f16, bf16 | i32 | u32 |
//! |---|---|---|---|
//! | sum | 0 (-0, if a sum of nothing but -0 is to stay -0) | 0 | 0 |
//! | maximum | -inf | `i32::MIN` | 0 |
//! | minimum | +inf | `i32::MAX` | `u32::MAX` |
//!
//! # Convergence
//! All 32 lanes of a warp must reach a warp reduction together, and all threads of the block a block reduction, or the kernel's behaviour is
//! undefined: none of these belongs under an `if_` or after a `return_if` that only some of them take.
//!
//! # Numerics
//! A balanced tree in a fixed order: lanes at distance 16, 8, 4, 2, 1, then warps likewise. f32 is added with one rounding a level: 5 for a warp, at most 10
//! for a block. f16 and bf16 are widened to f32, reduced there and rounded to nearest even once at the end, so a sum overflows only if the
//! result does. i32 and u32 sums wrap. Maximum and minimum are exact.
//!
//! **NaN propagates**: one in any lane makes the sum, the maximum and the minimum NaN in all of them (a quiet one, whose payload is not promised).
//! -0 is smaller than +0. Infinities of both signs sum to NaN.
//!
//! # Source
//! PTX ISA 9.0: `shfl.sync`, `max` and `min` with `.NaN`, `bar.sync`. The rule is that of `maximum` and `minimum` in IEEE 754-2019, section 9.6.

mod block;
#[cfg(doctest)]
mod must_not_compile;
mod operation;
mod warp;

pub use block::Block;
pub use operation::Reduce;
pub use warp::{warp_max, warp_min, warp_sum};

pub(crate) use operation::Operation;
