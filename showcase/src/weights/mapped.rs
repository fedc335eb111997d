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
}
