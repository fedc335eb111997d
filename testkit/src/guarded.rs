//! Device buffers between guards.

use bytemuck::Pod;
use tilewright_ffi::{DeviceBuffer, DeviceSlice, DeviceSliceMut, Stream};

/// Elements in front of and behind the buffer.
const GUARD: usize = 64;
/// What guards hold, and fresh outputs, so that what was not written shows.
const PATTERN: u8 = 0xA5;

/// `len` elements of device memory between two guards, all filled with a pattern.
///
/// On a GPU a kernel that writes next to its output changes a guard; the simulator reports what leaves the allocation altogether.
#[derive(Debug)]
pub struct Guarded<T> {
    buffer: DeviceBuffer<T>,
    offset: usize,
    len: usize,
}

impl<T: Pod> Guarded<T> {
    /// `len` elements of the pattern.
    ///
    /// # Panics
    /// If the device refuses.
    #[must_use]
    pub fn new(stream: &Stream, len: usize) -> Self {
        Self::misaligned(stream, len, 0)
    }

    /// `len` elements that start `offset` elements behind an address that is aligned to 64 of them.
    ///
    /// # Panics
    /// If the device refuses.
    #[must_use]
    pub fn misaligned(stream: &Stream, len: usize, offset: usize) -> Self {
        let mut buffer = stream.alloc(len + 2 * GUARD + offset).expect("device memory");
        stream.fill_bytes(&mut buffer.as_slice_mut(), PATTERN).expect("a fill");
        Self { buffer, offset: GUARD + offset, len }
    }

    /// A copy of `values`, `offset` elements behind an aligned address.
    ///
    /// # Panics
    /// If the device refuses.
    #[must_use]
    pub fn upload(stream: &Stream, values: &[T], offset: usize) -> Self {
        let mut guarded = Self::misaligned(stream, values.len(), offset);
        stream.write(values, &mut guarded.as_slice_mut()).expect("an upload");
        guarded
    }

    /// The elements, to read.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn as_slice(&self) -> DeviceSlice<'_, T> {
        self.buffer.slice(self.offset..self.offset + self.len).expect("inside the buffer")
    }

    /// The elements, to write.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn as_slice_mut(&mut self) -> DeviceSliceMut<'_, T> {
        self.buffer.slice_mut(self.offset..self.offset + self.len).expect("inside the buffer")
    }

    /// The elements.
    ///
    /// # Panics
    /// If the device refuses, or if a byte of a guard has changed.
    #[must_use]
    pub fn download(&self, stream: &Stream) -> Vec<T> {
        let all = stream.download(self.buffer.as_slice()).expect("a download");
        let (front, rest) = all.split_at(self.offset);
        let (elements, back) = rest.split_at(self.len);
        for (name, guard) in [("front", front), ("back", back)] {
            let changed = bytemuck::cast_slice::<T, u8>(guard).iter().position(|byte| *byte != PATTERN);
            assert_eq!(changed, None, "byte of the {name} guard was written");
        }
        elements.to_vec()
    }

    /// Asserts that the elements are still `values`: an input that a kernel must not change.
    ///
    /// # Panics
    /// If they are not.
    pub fn assert_unchanged(&self, stream: &Stream, values: &[T]) {
        let now = self.download(stream);
        let same = bytemuck::cast_slice::<T, u8>(&now) == bytemuck::cast_slice::<T, u8>(values);
        assert!(same, "an input was changed");
    }
}
