//! Reductions over the lanes of a warp.

use tilewright_ptx_ir::build::{Builder, Source, Value};

use super::operation::Wide;
use super::{Operation, Reduce};

/// The sum over the 32 lanes of the warp, in every lane.
///
/// All 32 lanes must [reach it together](crate::build#convergence); what has nothing to add passes 0 (-0 to leave a sum of -0 alone).
///
/// # Numerics
/// f32: a tree of 5 levels with one rounding each, within [`gamma`](tilewright_tile::oracle::gamma)(5) · Σ|x| of the exact sum. f16 and bf16: the
/// same tree in f32, rounded once at the end. i32 and u32 wrap. NaN in a lane, or infinities of both signs, give NaN; all lanes
/// have the same bits.
///
/// # Example
/// Lane l of every warp holds l; every thread stores 0 + 1 + … + 31 = 496.
/// ```
/// use tilewright_ptx_ir::{Target, ir::Module};
/// use tilewright_reduce::build::warp_sum;
///
/// let module = Module::kernel("lanes", Target::Sm80, |k| {
///     let y = k.pointer::<i32>("y");
///     let total = warp_sum(k, k.lane().cast::<i32>());
///     y.at(k.thread_idx().x()).store(total);
/// })?;
/// assert_eq!(module.to_string().matches("shfl.sync.bfly").count(), 5);
/// # Ok::<(), tilewright_ptx_ir::VerifyErrors>(())
/// ```
#[must_use]
pub fn warp_sum<'k, T: Reduce>(k: &'k Builder, value: impl Source<'k, T>) -> Value<'k, T> {
    reduce(k, Operation::Sum, value)
}

/// The maximum over the 32 lanes of the warp, in every lane.
///
/// All 32 lanes must [reach it together](crate::build#convergence); what has nothing to offer passes -inf, `i32::MIN` or 0.
///
/// # Numerics
/// Exact. A NaN in a lane gives NaN; +0 is larger than -0; all lanes have the same bits.
///
/// # Example
/// ```
/// use tilewright_ptx_ir::{Target, ir::Module};
/// use tilewright_reduce::build::warp_max;
///
/// // Every element becomes the largest of its 32 neighbours.
/// let module = Module::kernel("largest", Target::Sm80, |k| {
///     let x = k.pointer::<f32>("x").at(k.thread_idx().x());
///     x.store(warp_max(k, x.load()));
/// })?;
/// assert_eq!(module.to_string().matches("max.NaN.f32").count(), 5);
/// # Ok::<(), tilewright_ptx_ir::VerifyErrors>(())
/// ```
#[must_use]
pub fn warp_max<'k, T: Reduce>(k: &'k Builder, value: impl Source<'k, T>) -> Value<'k, T> {
    reduce(k, Operation::Max, value)
}

/// The minimum over the 32 lanes of the warp, in every lane.
///
/// All 32 lanes must [reach it together](crate::build#convergence); what has nothing to offer passes +inf, `i32::MAX` or `u32::MAX`.
///
/// # Numerics
/// Exact. A NaN in a lane gives NaN; -0 is smaller than +0; all lanes have the same bits.
///
/// # Example
/// ```
/// use half::bf16;
/// use tilewright_ptx_ir::{Target, ir::Module};
/// use tilewright_reduce::build::warp_min;
///
/// // Every element becomes the smallest of its 32 neighbours.
/// let module = Module::kernel("smallest", Target::Sm80, |k| {
///     let x = k.pointer::<bf16>("x").at(k.thread_idx().x());
///     x.store(warp_min(k, x.load()));
/// })?;
/// // Compared as f32, of which every bf16 is one.
/// assert_eq!(module.to_string().matches("min.NaN.f32").count(), 5);
/// # Ok::<(), tilewright_ptx_ir::VerifyErrors>(())
/// ```
#[must_use]
pub fn warp_min<'k, T: Reduce>(k: &'k Builder, value: impl Source<'k, T>) -> Value<'k, T> {
    reduce(k, Operation::Min, value)
}

fn reduce<'k, T: Reduce>(k: &'k Builder, operation: Operation, value: impl Source<'k, T>) -> Value<'k, T> {
    butterfly(operation, value.value(k).cast::<T::Wide>(), 32).cast()
}

/// Combines the values of each group of `lanes` neighbours, a power of two: in every round a lane exchanges with the one `distance` away, and both keep
/// the combination.
pub(super) fn butterfly<T: Wide>(operation: Operation, value: Value<'_, T>, lanes: u32) -> Value<'_, T> {
    let mut combined = value;
    let mut distance = lanes / 2;
    while distance > 0 {
        combined = operation.combine(combined, combined.shuffle_xor(distance));
        distance /= 2;
    }
    combined
}
