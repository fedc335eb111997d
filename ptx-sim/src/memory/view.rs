//! Device memory as one launch sees it.

use std::sync::Arc;

use super::{Allocation, split};

/// The allocations at the time of the launch.
#[derive(Debug)]
pub(crate) struct View {
    allocations: Vec<Option<Arc<Allocation>>>,
}

/// Why an access cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not inside an allocation. With the size of the allocation that the address names, if there is one.
    OutOfBounds { allocation_bytes: Option<u64>, was_freed: bool },
    /// Not a multiple of its size.
    Misaligned,
}

impl View {
    pub(super) const fn new(allocations: Vec<Option<Arc<Allocation>>>) -> Self {
        Self { allocations }
    }

    /// The allocation and the offset of `bytes` bytes at `address`, which must be a multiple of `align`.
    #[inline]
    pub(crate) fn locate(&self, address: u64, bytes: u32, align: u32) -> Result<(&Allocation, u64), Fault> {
        let (index, offset) = split(address);
        match self.allocations.get(index) {
            Some(Some(allocation)) if offset + u64::from(bytes) <= allocation.bytes() => {
                if address.is_multiple_of(u64::from(align)) { Ok((allocation, offset)) } else { Err(Fault::Misaligned) }
            }
            Some(Some(allocation)) => {
                Err(Fault::OutOfBounds { allocation_bytes: Some(allocation.bytes()), was_freed: false })
            }
            Some(None) => Err(Fault::OutOfBounds { allocation_bytes: None, was_freed: true }),
            None => Err(Fault::OutOfBounds { allocation_bytes: None, was_freed: false }),
        }
    }
}

/// The number of the allocation that `address` names, from 1, and the offset in it.
pub(crate) const fn name(address: u64) -> (u64, u64) {
    (address >> super::OFFSET_BITS, address & ((1 << super::OFFSET_BITS) - 1))
}
