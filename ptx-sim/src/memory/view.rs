//! Device memory as one launch sees it.

use std::sync::Arc;

use super::{Allocation, split};

/// The allocations at the time of the launch.
#[derive(Debug)]
pub(crate) struct View {
    allocations: Arc<Vec<Option<Arc<Allocation>>>>,
    variables: Arc<Variables>,
    /// The allocations that may be written, by index; all if there is no list.
    written: Option<Vec<usize>>,
}

/// The number of the first allocation that is a variable of a module; those of [`Memory`](super::Memory) are below.
pub(crate) const FIRST_VARIABLE: u64 = 1 << 21;

/// The variables of a module. Their addresses are no other module's.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    /// The number of the first.
    pub(crate) first: u64,
    pub(crate) allocations: Vec<Arc<Allocation>>,
    /// Whether each is constant.
    pub(crate) constants: Vec<bool>,
    pub(crate) names: Vec<String>,
}

impl Variables {
    /// The name of the variable whose allocation has this number.
    pub(crate) fn name(&self, number: u64) -> Option<&str> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.names.get(index).map(String::as_str)
    }
}

/// Why an access cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not inside an allocation. With the size of the allocation that the address names, if there is one.
    OutOfBounds { allocation_bytes: Option<u64>, was_freed: bool },
    /// Not a multiple of its size.
    Misaligned,
    /// Inside memory that cannot be written.
    ReadOnly,
}

impl View {
    pub(super) const fn new(allocations: Arc<Vec<Option<Arc<Allocation>>>>, variables: Arc<Variables>) -> Self {
        Self { allocations, variables, written: None }
    }

    /// Says that only the allocations that these addresses lie in are written, and variables.
    pub(crate) fn limit_writes(&mut self, addresses: impl Iterator<Item = u64>) {
        self.written =
            Some(addresses.map(|address| split(address).0).filter(|index| *index < self.allocations.len()).collect());
    }

    /// How many allocations there are or were, and variables.
    pub(crate) fn places(&self) -> usize {
        self.allocations.len() + self.variables.allocations.len()
    }

    /// The bytes of the allocation, or of the variable, at a [place](Self::place) below [`places`](Self::places).
    pub(crate) fn bytes(&self, place: usize) -> Option<u64> {
        match self.allocations.get(place) {
            Some(slot) => slot.as_ref().map(|allocation| allocation.bytes()),
            None => self.variables.allocations.get(place - self.allocations.len()).map(|variable| variable.bytes()),
        }
    }

    /// The place of the allocation that `address` lies in, variables after all others, and the offset in it.
    pub(crate) fn place(&self, address: u64) -> (usize, u64) {
        let (index, offset) = split(address);
        if index < self.allocations.len() {
            return (index, offset);
        }
        let variable = (address >> super::OFFSET_BITS).wrapping_sub(self.variables.first);
        (usize::try_from(variable).unwrap_or(usize::MAX).saturating_add(self.allocations.len()), offset)
    }

    /// Whether the memory at `address` may be written in this launch.
    pub(crate) fn is_watched(&self, address: u64) -> bool {
        let index = split(address).0;
        index >= self.allocations.len() || self.written.as_ref().is_none_or(|written| written.contains(&index))
    }

    /// Whether the memory at `address` is constant.
    pub(crate) fn is_constant(&self, address: u64) -> bool {
        let index = (address >> super::OFFSET_BITS).checked_sub(self.variables.first);
        let index = index.and_then(|index| usize::try_from(index).ok());
        index.and_then(|index| self.variables.constants.get(index)).copied().unwrap_or(false)
    }

    fn variable(&self, address: u64) -> Option<&Allocation> {
        let index = usize::try_from((address >> super::OFFSET_BITS).checked_sub(self.variables.first)?).ok()?;
        self.variables.allocations.get(index).map(Arc::as_ref)
    }

    /// The allocation and the offset of `bytes` bytes at `address`, which must be a multiple of `align`.
    #[inline]
    pub(crate) fn locate(&self, address: u64, bytes: u32, align: u32) -> Result<(&Allocation, u64), Fault> {
        let (index, offset) = split(address);
        if let (None, Some(variable)) = (self.allocations.get(index), self.variable(address)) {
            return if offset + u64::from(bytes) > variable.bytes() {
                Err(Fault::OutOfBounds { allocation_bytes: Some(variable.bytes()), was_freed: false })
            } else if address.is_multiple_of(u64::from(align)) {
                Ok((variable, offset))
            } else {
                Err(Fault::Misaligned)
            };
        }
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
