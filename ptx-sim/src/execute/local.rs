//! The memory that each thread has to itself: `.local` arrays, and what calls pass.

use crate::POISON;

/// The local memory of a warp's lanes, and which of its bytes were written.
#[derive(Debug, Default)]
pub(crate) struct Local {
    bytes: usize,
    data: Vec<u8>,
    written: Vec<bool>,
}

impl Local {
    /// So many bytes for each of 32 lanes, none of them written.
    pub(crate) fn reset(&mut self, bytes: u32) {
        self.bytes = bytes as usize;
        self.data.clear();
        self.data.resize(32 * self.bytes, POISON);
        self.written.clear();
        self.written.resize(32 * self.bytes, false);
    }

    /// The `bytes` (at most 8) at `offset` of a lane, and which of them nobody has written. `None` outside.
    pub(crate) fn load(&self, lane: u32, offset: u64, bytes: u32) -> Option<(u64, u8)> {
        let range = self.range(lane, offset, bytes)?;
        let mut value = [0; 8];
        value.get_mut(..bytes as usize)?.copy_from_slice(self.data.get(range.clone())?);
        let bits = self.written.get(range)?.iter().enumerate();
        let unwritten = bits.fold(0, |unwritten, (byte, written)| unwritten | u8::from(!written) << byte);
        Some((u64::from_le_bytes(value), unwritten))
    }

    /// Stores the low `bytes` bytes of `value`. `None` outside.
    pub(crate) fn store(&mut self, lane: u32, offset: u64, bytes: u32, value: u64) -> Option<()> {
        let range = self.range(lane, offset, bytes)?;
        self.data.get_mut(range.clone())?.copy_from_slice(value.to_le_bytes().get(..bytes as usize)?);
        self.written.get_mut(range)?.fill(true);
        Some(())
    }

    fn range(&self, lane: u32, offset: u64, bytes: u32) -> Option<std::ops::Range<usize>> {
        let offset = usize::try_from(offset).ok()?;
        let end = offset.checked_add(bytes as usize).filter(|end| *end <= self.bytes)?;
        let start = lane as usize * self.bytes;
        Some(start + offset..start + end)
    }
}
