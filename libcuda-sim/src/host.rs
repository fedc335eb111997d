//! The caller's memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::code::{Code, Result};

/// Bytes of the caller that an operation reads or writes when it is performed: at once, or whenever the graph that holds it is launched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostBytes {
    address: usize,
    bytes: usize,
}

impl HostBytes {
    /// # Safety
    /// - From now until the operation that gets it was performed for the last time, `address` is valid for reads of `bytes` bytes, and for
    ///   writes if the operation writes there; for no bytes it may be anything.
    /// - Nobody else writes there while it is performed, nor reads if it writes.
    pub(crate) unsafe fn new(address: usize, bytes: usize) -> Result<Self> {
        if bytes > 0 && (address == 0 || isize::try_from(bytes).is_err()) {
            return Err(Code::INVALID_VALUE);
        }
        Ok(Self { address, bytes })
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// What lies there.
    pub(crate) fn read(&self) -> Vec<u8> {
        let mut copy = vec![0; self.bytes];
        if self.bytes > 0 {
            // SAFETY:
            // - the source is valid for reads of `bytes` bytes: promised at construction.
            // - the destination is a vector of that length, just made, so it is valid for writes and overlaps nothing.
            // - bytes have no alignment.
            unsafe { std::ptr::copy_nonoverlapping(self.address as *const u8, copy.as_mut_ptr(), self.bytes) };
        }
        copy
    }

    /// Puts `bytes` there; both are equally long.
    pub(crate) fn write(&self, bytes: &[u8]) {
        let count = self.bytes.min(bytes.len());
        if count > 0 {
            // SAFETY:
            // - the destination is valid for writes of `bytes` bytes, at least `count`: promised at construction.
            // - the source is a live slice of at least `count` bytes; it is ours, so the caller's memory does not overlap it.
            // - bytes have no alignment.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.address as *mut u8, count) };
        }
    }
}

/// Page-locked memory: ordinary memory that the simulator keeps a list of.
#[derive(Debug)]
pub(crate) struct Pinned {
    /// Address and number of pages of every block given out, each a leaked `Box<[Page]>`.
    blocks: Mutex<BTreeMap<usize, usize>>,
}

/// The unit of pinned memory, aligned as a page is.
#[derive(Clone, Debug)]
#[repr(align(4096))]
struct Page {
    _bytes: [u8; 4096],
}

impl Pinned {
    pub(crate) const fn new() -> Self {
        Self { blocks: Mutex::new(BTreeMap::new()) }
    }

    /// Zeroed memory of at least `bytes` bytes; its address.
    pub(crate) fn allocate(&self, bytes: usize) -> Result<usize> {
        let pages = bytes.div_ceil(size_of::<Page>());
        if bytes == 0 {
            return Err(Code::INVALID_VALUE);
        }
        let mut block = Vec::new();
        block.try_reserve_exact(pages).map_err(|_| Code::OUT_OF_MEMORY)?;
        block.resize(pages, Page { _bytes: [0; 4096] });
        let address = Box::into_raw(block.into_boxed_slice()).cast::<Page>().expose_provenance();
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).insert(address, pages);
        Ok(address)
    }

    /// Gives back what `allocate` gave.
    pub(crate) fn free(&self, address: usize) -> Result<()> {
        let pages = self.blocks.lock().unwrap_or_else(PoisonError::into_inner).remove(&address);
        let pages = pages.ok_or(Code::INVALID_VALUE)?;
        let block = std::ptr::with_exposed_provenance_mut::<Page>(address);
        // SAFETY:
        // - the address and the length are those of a box that `allocate` leaked: they stood in the map.
        // - it is freed once: the entry was removed under the lock.
        drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(block, pages)) });
        Ok(())
    }

    /// How many blocks were given out and not freed.
    pub(crate) fn count(&self) -> usize {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Strikes every block off the list without freeing it: somebody may still use it.
    pub(crate) fn forget(&self) {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Whether `address` lies in pinned memory.
    pub(crate) fn contains(&self, address: usize) -> bool {
        let blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        blocks.range(..=address).next_back().is_some_and(|(start, pages)| address - start < pages * size_of::<Page>())
    }
}
