//! Files mapped into memory.
#![expect(unsafe_code, reason = "mapping a file is")]

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};
use memmap2::Mmap;

/// A file's bytes, read as they are looked at.
pub(crate) struct Mapped(Mmap);

impl Mapped {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let named = || format!("{}", path.display());
        let file = File::open(path).with_context(named)?;
        // SAFETY:
        // - The mapping is read only, so nothing here changes what the slices point at.
        // - No other process may shorten or change the file meanwhile: a program that names its input relies on that as it would with reads in pieces. Our own output is another file,
        //   which appears under its name by a rename and so never changes a file that is mapped.
        let map = unsafe { Mmap::map(&file) }.with_context(named)?;
        Ok(Self(map))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Lets go of the memory behind `part` of the bytes, so that a file that was looked at all over does not stay in memory as a whole. Whoever looks at it again reads it again.
    #[cfg(unix)]
    pub(crate) fn release(&self, part: &[u8]) {
        use memmap2::UncheckedAdvice;

        let start = part.as_ptr().addr().checked_sub(self.0.as_ptr().addr());
        let Some(start) = start.filter(|start| start.saturating_add(part.len()) <= self.0.len()) else { return };
        // SAFETY:
        // - The range lies in the mapping, which was just checked; that it is widened to whole pages stays within the mapping's own pages.
        // - The mapping is of a file, shared and read only. Linux, madvise(2), MADV_DONTNEED: later accesses bring up-to-date contents in from the mapped file, so the bytes that others
        //   still borrow keep their values.
        let released = unsafe { self.0.unchecked_advise_range(UncheckedAdvice::DontNeed, start, part.len()) };
        // It was advice: memory is all that could be lost.
        drop(released);
    }

    /// Windows takes such pages by itself.
    #[cfg(not(unix))]
    pub(crate) fn release(&self, _: &[u8]) {}
}
