//! Reductions over the lanes of a warp.

use tilewright_ptx_ir::build::{Builder, Number, Source, Value, Word};

use super::{Operation, Reduce};

/// The sum over the 32 lanes of the warp, in every lane. See the [module](crate::build) for convergence and numerics.
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

/// The maximum over the 32 lanes of the warp, in every lane. See the [module](crate::build) for convergence and numerics.
#[must_use]
pub fn warp_max<'k, T: Reduce>(k: &'k Builder, value: impl Source<'k, T>) -> Value<'k, T> {
    reduce(k, Operation::Max, value)
}

/// The minimum over the 32 lanes of the warp, in every lane. See the [module](crate::build) for convergence and numerics.
#[must_use]
pub fn warp_min<'k, T: Reduce>(k: &'k Builder, value: impl Source<'k, T>) -> Value<'k, T> {
    reduce(k, Operation::Min, value)
}

fn reduce<'k, T: Reduce>(k: &'k Builder, operation: Operation, value: impl Source<'k, T>) -> Value<'k, T> {
    butterfly(operation, value.value(k).cast::<T::Wide>(), 32).cast()
}

/// Combines the values of each group of `lanes` neighbours, a power of two: in every round a lane exchanges with the one `distance` away, and both keep
/// the combination.
pub(super) fn butterfly<T: Number + Word>(operation: Operation, value: Value<'_, T>, lanes: u32) -> Value<'_, T> {
    let mut combined = value;
    let mut distance = lanes / 2;
    while distance > 0 {
        combined = operation.combine(combined, combined.shuffle_xor(distance));
        distance /= 2;
    }
    combined
}
