//! Tensor-core instructions and asynchronous copies.

use super::{Builder, Local, Source, Value, Word};
use crate::ir::{Address, Base, Cache, Guard, MmaShape, Op, Reg};

/// The c and d registers of one `mma.sync` in each thread, updated in place. `T` is f32, i32, or [`F16x2`](super::F16x2) pairs.
pub type Accumulator<'k, T> = [Local<'k, T>; 4];

/// What an asynchronous copy may assume.
#[derive(Clone, Copy, Debug, Default)]
pub struct CopyHint {
    /// Fetch this many bytes (64, 128 or 256) into L2 along with it.
    pub l2_prefetch: Option<u32>,
}

impl Builder {
    /// `accumulator += a · b` on one tile, by `mma.sync`. All 32 lanes take part; the layouts are the instruction's.
    ///
    /// The verifier refuses operand counts that do not fit `shape`.
    pub fn mma<'k, A: Word, B: Word, T: Word>(
        &'k self,
        shape: MmaShape,
        accumulator: &[Local<'k, T>],
        a: &[Value<'k, A>],
        b: &[Value<'k, B>],
    ) {
        let c: Vec<_> = accumulator.iter().map(|local| local.now()).collect();
        self.mma_onto(shape, accumulator, a, b, &c);
    }

    /// `accumulator = a · b + c` on one tile: as [`mma`](Self::mma), for sums that go on from elsewhere, or start anew from zeros, which cost no instruction.
    pub fn mma_onto<'k, A: Word, B: Word, T: Word>(
        &'k self,
        shape: MmaShape,
        accumulator: &[Local<'k, T>],
        a: &[Value<'k, A>],
        b: &[Value<'k, B>],
        c: &[Value<'k, T>],
    ) {
        let dsts = accumulator.iter().map(|local| local.register()).collect();
        let c = c.iter().map(|value| value.register()).collect();
        let a = a.iter().map(|value| value.register()).collect();
        let b = b.iter().map(|value| value.register()).collect();
        self.emit(Op::Mma { shape, satfinite: false, dsts, a, b, c });
    }

    /// Loads `N` (1, 2 or 4) 8x8 tiles of 16-bit elements; lanes 8i to 8i+7 give the shared addresses of tile i's rows.
    ///
    /// Each register gets a lane's pair of its tile: row lane / 4, columns 2 (lane % 4) and the next; with `transpose` of the transposed tile.
    #[must_use]
    pub fn ldmatrix<'k, const N: usize>(
        &'k self,
        address: Value<'k, u32>,
        offset: i32,
        transpose: bool,
    ) -> [Value<'k, u32>; N] {
        let dsts: [Reg; N] = std::array::from_fn(|_| self.register(crate::ir::RegClass::B32));
        let address = Address { base: Base::Reg(address.register()), offset };
        self.emit(Op::LdMatrix { transpose, dsts: dsts.to_vec(), address });
        dsts.map(|reg| Value::from_register(self, reg))
    }

    /// Starts copying 16 bytes from device memory to shared memory, past L1. Of the source only `source_bytes` are read (all if `None`); the
    /// rest of the destination becomes zero.
    pub fn copy_async_16<'k>(
        &'k self,
        destination: Value<'k, u32>,
        source: Value<'k, u64>,
        source_bytes: Option<Value<'k, u32>>,
        hint: CopyHint,
    ) {
        self.copy_async(None, 16, (destination, 0), source, source_bytes, hint);
    }

    /// As [`copy_async_16`](Self::copy_async_16) to `offset` bytes behind `destination`: copies of one thread that lie a constant apart need one register.
    pub fn copy_async_16_at<'k>(
        &'k self,
        destination: Value<'k, u32>,
        offset: u32,
        source: Value<'k, u64>,
        source_bytes: Value<'k, u32>,
    ) {
        let to = (destination, offset.cast_signed());
        self.copy_async(None, 16, to, source, Some(source_bytes), CopyHint::default());
    }

    /// Starts copying 4, 8 or 16 bytes as [`copy_async_16`](Self::copy_async_16) does, in the threads where `condition` is true.
    pub fn copy_async_if<'k>(
        &'k self,
        condition: Value<'k, bool>,
        bytes: u32,
        destination: Value<'k, u32>,
        source: Value<'k, u64>,
        source_bytes: Option<Value<'k, u32>>,
    ) {
        self.copy_async(Some(condition.guard()), bytes, (destination, 0), source, source_bytes, CopyHint::default());
    }

    /// Starts copying 4 or 8 bytes (through L1) or 16 (past it), zero-filling what lies past `source_bytes`.
    pub fn copy_async_small<'k>(
        &'k self,
        bytes: u32,
        destination: Value<'k, u32>,
        source: Value<'k, u64>,
        source_bytes: Option<Value<'k, u32>>,
    ) {
        self.copy_async(None, bytes, (destination, 0), source, source_bytes, CopyHint::default());
    }

    fn copy_async<'k>(
        &'k self,
        guard: Option<Guard>,
        bytes: u32,
        (destination, offset): (Value<'k, u32>, i32),
        source: Value<'k, u64>,
        source_bytes: Option<Value<'k, u32>>,
        hint: CopyHint,
    ) {
        let cache = if bytes == 16 { Cache::Global } else { Cache::All };
        let dst = Address { base: Base::Reg(destination.register()), offset };
        let src = Address { base: Base::Reg(source.register()), offset: 0 };
        let source_bytes = source_bytes.map(|value| value.value(self).operand);
        self.emit_guarded(
            guard,
            Op::CpAsync {
                cache,
                bytes,
                l2_prefetch: hint.l2_prefetch,
                dst,
                src,
                source_bytes,
                ignored: None,
                policy: None,
            },
        );
    }

    /// Closes the group of copies started since the last one.
    pub fn commit_copies(&self) {
        self.emit(Op::CpAsyncCommit);
    }

    /// Waits until all but the newest `pending` groups of this thread have landed. Other threads' copies need a barrier after their wait.
    pub fn wait_copies(&self, pending: u32) {
        self.emit(Op::CpAsyncWait { pending });
    }
}
