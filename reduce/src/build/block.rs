//! Reductions over all threads of a block.

use std::fmt;

use tilewright_ptx_ir::build::{Builder, SharedArray, Source, Value};

use super::warp::butterfly;
use super::{Operation, Reduce};

/// A block of `X` by `Y` by `Z` threads that reduce together.
///
/// [`Block::of`] declares the block size to the driver (`.reqntid`), so a launch with any other fails instead of reducing wrongly. A block that is not whole
/// warps does not compile:
/// ```compile_fail
/// # use tilewright_ptx_ir::{Target, ir::Module};
/// use tilewright_reduce::build::Block;
///
/// let _ = Module::kernel("ragged", Target::Sm80, |k| {
///     let _ = Block::<48>::of(k); // one and a half warps
/// });
/// ```
///
/// # Example
/// ```
/// use tilewright_ptx_ir::{Target, ir::Module};
/// use tilewright_reduce::build::Block;
///
/// // y[block] = the largest of the block's 16 x 16 elements of x.
/// let module = Module::kernel("tile_max", Target::Sm80, |k| {
///     let (x, y) = (k.pointer::<f32>("x"), k.pointer::<f32>("y"));
///     let block = Block::<16, 16>::of(k);
///     let index = k.block_idx().x() * Block::<16, 16>::THREADS + block.thread();
///     let largest = block.max(x.at(index).load());
///     k.if_(block.thread().eq(0), || y.at(k.block_idx().x()).store(largest));
/// })?;
/// assert!(module.to_string().contains(".reqntid 16, 16, 1"));
/// # Ok::<(), tilewright_ptx_ir::VerifyErrors>(())
/// ```
pub struct Block<'k, const X: u32, const Y: u32 = 1, const Z: u32 = 1> {
    k: &'k Builder,
    thread: Value<'k, u32>,
    /// One word a warp; a block of one warp needs none.
    partial: Option<SharedArray<'k, u32>>,
}

impl<const X: u32, const Y: u32, const Z: u32> fmt::Debug for Block<'_, X, Y, Z> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block<{X}, {Y}, {Z}>")
    }
}

impl<'k, const X: u32, const Y: u32, const Z: u32> Block<'k, X, Y, Z> {
    /// Threads of the block.
    pub const THREADS: u32 = {
        let threads = X as u64 * Y as u64 * Z as u64;
        assert!(
            threads != 0 && threads.is_multiple_of(32),
            "a block that reduces must be whole warps: X * Y * Z must be a multiple of 32"
        );
        assert!(threads <= 1024 && Z <= 64, "a block has at most 1024 threads, 64 of them along z");
        X * Y * Z
    };
    const WARPS: u32 = Self::THREADS / 32;

    /// The block of the kernel that `k` builds; once a kernel. Declares its size and the shared array `block_partial` of one word a warp.
    #[must_use]
    pub fn of(k: &'k Builder) -> Self {
        k.require_threads(X, Y, Z);
        let partial = (Self::WARPS > 1).then(|| k.shared("block_partial", Self::WARPS));
        Self { k, thread: linear_thread(k, [X, Y, Z]), partial }
    }

    /// The thread's index among all of the block: x fastest, then y, then z. Warp w is the threads 32w to 32w + 31 of this count.
    #[must_use]
    pub fn thread(&self) -> Value<'k, u32> {
        self.thread
    }

    /// The sum over the block, in every thread.
    ///
    /// All threads must [reach it together](crate::build#convergence); what has nothing to add passes 0 (-0 to leave a sum of -0 alone).
    ///
    /// # Numerics
    /// f32: a tree with one rounding a level, 5 within each warp and ⌈log2 warps⌉ across them: within [`gamma`](tilewright_tile::oracle::gamma)(levels) · Σ|x|
    /// of the exact sum. f16 and bf16: the same tree in f32, rounded once at the end. i32 and u32 wrap. NaN in a thread, or infinities of both
    /// signs, give NaN; all threads have the same bits.
    ///
    /// # Example
    /// ```
    /// use tilewright_ptx_ir::{Target, ir::Module};
    /// use tilewright_reduce::build::Block;
    ///
    /// // y[block] = the mean of its 128 elements.
    /// let module = Module::kernel("mean", Target::Sm80, |k| {
    ///     let (x, y) = (k.pointer::<f32>("x"), k.pointer::<f32>("y"));
    ///     let block = Block::<128>::of(k);
    ///     let sum = block.sum(x.at(k.block_idx().x() * 128 + block.thread()).load());
    ///     k.if_(block.thread().eq(0), || y.at(k.block_idx().x()).store(sum / 128.0));
    /// })?;
    /// // 5 exchanges in each warp, 2 across the four.
    /// assert_eq!(module.to_string().matches("shfl.sync.bfly").count(), 7);
    /// # Ok::<(), tilewright_ptx_ir::VerifyErrors>(())
    /// ```
    #[must_use]
    pub fn sum<T: Reduce>(&self, value: impl Source<'k, T>) -> Value<'k, T> {
        self.reduce(Operation::Sum, value)
    }

    /// The maximum over the block, in every thread. [`Block`] has an example.
    ///
    /// All threads must [reach it together](crate::build#convergence); what has nothing to offer passes -inf, `i32::MIN` or 0.
    ///
    /// # Numerics
    /// Exact. A NaN in a thread gives NaN; +0 is larger than -0; all threads have the same bits.
    #[must_use]
    pub fn max<T: Reduce>(&self, value: impl Source<'k, T>) -> Value<'k, T> {
        self.reduce(Operation::Max, value)
    }

    /// The minimum over the block, in every thread. Used as [`max`](Self::max) is.
    ///
    /// All threads must [reach it together](crate::build#convergence); what has nothing to offer passes +inf, `i32::MAX` or `u32::MAX`.
    ///
    /// # Numerics
    /// Exact. A NaN in a thread gives NaN; -0 is smaller than +0; all threads have the same bits.
    #[must_use]
    pub fn min<T: Reduce>(&self, value: impl Source<'k, T>) -> Value<'k, T> {
        self.reduce(Operation::Min, value)
    }

    /// Each warp reduces its own values and its first lane leaves the result in shared memory; then every warp reduces the results of all warps.
    pub(crate) fn reduce<T: Reduce>(&self, operation: Operation, value: impl Source<'k, T>) -> Value<'k, T> {
        let of_warp = butterfly(operation, value.value(self.k).cast::<T::Wide>(), 32);
        let Some(partial) = self.partial else { return of_warp.cast() };
        let (warp, lane) = (self.thread >> 5, self.thread & 31);

        // The reduction before this one, perhaps in the last trip of a loop, may still be reading.
        self.k.barrier();
        partial.at(warp).cast::<T::Wide>().store_if(lane.eq(0), of_warp);
        self.k.barrier();

        // As many lanes as there are warps, rounded up to a power of two, take one result each. The lanes too many take the last one again, which
        // changes no maximum and no minimum; in a sum they count for nothing.
        let lanes = Self::WARPS.next_power_of_two();
        let slot = lane & (lanes - 1);
        let mut of_slot = partial.at(slot.min(Self::WARPS - 1)).cast::<T::Wide>().load();
        if lanes > Self::WARPS && operation == Operation::Sum {
            of_slot = slot.lt(Self::WARPS).select(of_slot, T::NOTHING);
        }
        butterfly(operation, of_slot, lanes).cast()
    }
}

/// The thread's index in a block of these dimensions, x fastest.
fn linear_thread(k: &Builder, [x, y, z]: [u32; 3]) -> Value<'_, u32> {
    let mut thread = k.thread_idx().x();
    if y > 1 {
        thread = k.thread_idx().y().mad(x, thread);
    }
    if z > 1 {
        thread = k.thread_idx().z().mad(x * y, thread);
    }
    thread
}
