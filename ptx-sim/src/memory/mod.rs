//! Memory: what launches share ([`Memory`]), and what one block has to itself ([`shared`]).

mod allocation;
pub(crate) mod shadow;
pub(crate) mod shared;
mod view;

use std::sync::{Arc, PoisonError, RwLock};

pub(crate) use allocation::Allocation;
pub(crate) use view::{FIRST_VARIABLE, Fault, Variables, View, name};

use crate::error::MemoryError;

/// Bits of an address below the allocation's number. Allocations are so far apart that no access to one lands in another.
pub(crate) const OFFSET_BITS: u32 = 40;

/// Device memory.
///
/// An address is an allocation's number, from 1, and an offset of 40 bits. Every byte knows whether it was ever written.
#[derive(Debug)]
pub struct Memory {
    capacity: u64,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    /// `None` where an allocation was freed; numbers are never used again. Launches share the list: it is copied only when it changes under one.
    allocations: Arc<Vec<Option<Arc<Allocation>>>>,
    used: u64,
}

impl Memory {
    /// Memory of so many bytes, nothing of it allocated.
    #[must_use]
    pub fn new(capacity_bytes: u64) -> Self {
        Self { capacity: capacity_bytes, state: RwLock::default() }
    }

    /// A new allocation of at least one byte; its address.
    ///
    /// # Errors
    /// [`MemoryError::OutOfMemory`].
    pub fn allocate(&self, bytes: u64) -> Result<u64, MemoryError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let left = self.capacity.saturating_sub(state.used);
        let number = state.allocations.len() as u64 + 1;
        if bytes > left || bytes >= 1 << OFFSET_BITS || number >= FIRST_VARIABLE {
            return Err(MemoryError::OutOfMemory { bytes, left });
        }
        let allocation = Allocation::new(bytes).ok_or(MemoryError::OutOfMemory { bytes, left })?;
        state.used += bytes;
        Arc::make_mut(&mut state.allocations).push(Some(Arc::new(allocation)));
        Ok(number << OFFSET_BITS)
    }

    /// Gives an allocation back. Its address is never given out again.
    ///
    /// # Errors
    /// [`MemoryError::NotAllocated`].
    pub fn free(&self, address: u64) -> Result<(), MemoryError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let (index, offset) = split(address);
        let freed = match Arc::make_mut(&mut state.allocations).get_mut(index) {
            Some(slot) if offset == 0 => slot.take(),
            _ => None,
        };
        let allocation = freed.ok_or(MemoryError::NotAllocated { address })?;
        state.used -= allocation.bytes();
        Ok(())
    }

    /// Copies device memory out. Bytes that were never written read as [`POISON`](crate::POISON).
    ///
    /// # Errors
    /// [`MemoryError::OutOfBounds`].
    pub fn read(&self, address: u64, to: &mut [u8]) -> Result<(), MemoryError> {
        let (allocation, offset) = self.extent(address, to.len() as u64)?;
        allocation.copy_out(offset, to);
        Ok(())
    }

    /// Copies bytes into device memory.
    ///
    /// # Errors
    /// [`MemoryError::OutOfBounds`].
    pub fn write(&self, address: u64, from: &[u8]) -> Result<(), MemoryError> {
        let (allocation, offset) = self.extent(address, from.len() as u64)?;
        allocation.copy_in(offset, from);
        Ok(())
    }

    /// Writes `byte` to `count` bytes.
    ///
    /// # Errors
    /// [`MemoryError::OutOfBounds`].
    pub fn fill(&self, address: u64, byte: u8, count: u64) -> Result<(), MemoryError> {
        let (allocation, offset) = self.extent(address, count)?;
        allocation.fill(offset, byte, count);
        Ok(())
    }

    /// Copies inside device memory; what was never written stays so. Overlapping extents are copied as if there was a buffer between.
    ///
    /// # Errors
    /// [`MemoryError::OutOfBounds`].
    pub fn copy(&self, to: u64, from: u64, bytes: u64) -> Result<(), MemoryError> {
        let (source, source_offset) = self.extent(from, bytes)?;
        let (destination, offset) = self.extent(to, bytes)?;
        destination.copy_from(offset, &source, source_offset, bytes);
        Ok(())
    }

    /// The allocations as they are now, for a launch.
    pub(crate) fn view(&self, variables: Arc<Variables>) -> View {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        View::new(Arc::clone(&state.allocations), variables)
    }

    fn extent(&self, address: u64, bytes: u64) -> Result<(Arc<Allocation>, u64), MemoryError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let (index, offset) = split(address);
        match state.allocations.get(index) {
            Some(Some(allocation)) if offset.saturating_add(bytes) <= allocation.bytes() => {
                Ok((Arc::clone(allocation), offset))
            }
            _ => Err(MemoryError::OutOfBounds { address, bytes }),
        }
    }
}

/// The allocation's index and the offset in it. Address numbers below the first allocation give an index that there is nothing at.
const fn split(address: u64) -> (usize, u64) {
    let number = address >> OFFSET_BITS;
    let index = if number == 0 { usize::MAX } else { number as usize - 1 };
    (index, address & ((1 << OFFSET_BITS) - 1))
}

/// All bits of the bytes of a word that the low four bits of `bytes` name.
pub(crate) const fn byte_mask(bytes: u32) -> u32 {
    // Bit i goes to bit 8i, which is spread over its byte.
    ((bytes & 0xF).wrapping_mul(0x0020_4081) & 0x0101_0101) * 0xFF
}
