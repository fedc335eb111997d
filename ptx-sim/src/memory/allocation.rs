//! One allocation: words that several threads may access, and a bit for each byte that was written.

#![expect(
    clippy::cast_possible_truncation,
    reason = "offsets were checked against a size that fits memory; values are cut to their width"
)]

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::byte_mask;
use crate::POISON;

/// Bytes in words. Accesses of up to 4 aligned bytes are atomic, so that blocks on different threads never see half of one.
#[derive(Debug)]
pub(crate) struct Allocation {
    bytes: u64,
    words: Vec<AtomicU32>,
    /// One bit a byte: whether it was written.
    written: Vec<AtomicU32>,
}

impl Allocation {
    /// `None` if the host has not so much memory.
    pub(crate) fn new(bytes: u64) -> Option<Self> {
        let zeros = |count: u64| {
            let count = usize::try_from(count).ok()?;
            let mut words = Vec::new();
            words.try_reserve_exact(count).ok()?;
            words.resize_with(count, AtomicU32::default);
            Some(words)
        };
        Some(Self { bytes, words: zeros(bytes.div_ceil(4))?, written: zeros(bytes.div_ceil(32))? })
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The word that holds byte `offset`, as far as it was written; the rest is poison. With it a mask of its written bytes.
    pub(crate) fn word(&self, offset: u64) -> (u32, u32) {
        let index = (offset / 4) as usize;
        let word = self.words[index].load(Relaxed);
        let written = self.written[index / 8].load(Relaxed) >> (index % 8 * 4) & 0xF;
        if written == 0xF {
            return (word, written);
        }
        let mask = byte_mask(written);
        (word & mask | u32::from_le_bytes([POISON; 4]) & !mask, written)
    }

    /// The value of `bytes` (1, 2, 4 or 8) aligned bytes, and which of them nobody has written.
    pub(crate) fn load(&self, offset: u64, bytes: u32) -> (u64, u8) {
        let (word, written) = self.word(offset);
        let lane = (offset % 4) as u32;
        let unwritten = !written as u8 & 0xF;
        match bytes {
            8 => {
                let (high, high_written) = self.word(offset + 4);
                (u64::from(word) | u64::from(high) << 32, unwritten | (!high_written as u8) << 4)
            }
            4 => (u64::from(word), unwritten),
            2 => (u64::from(word >> (8 * lane) & 0xFFFF), unwritten >> lane & 3),
            _ => (u64::from(word >> (8 * lane) & 0xFF), unwritten >> lane & 1),
        }
    }

    /// The words from an aligned offset on. `false`, and they mean nothing, if one of their bytes was not written.
    #[inline]
    pub(crate) fn load_words(&self, offset: u64, to: &mut [u32]) -> bool {
        let first = (offset / 4) as usize;
        let Some(words) = self.words.get(first..first + to.len()) else { return false };
        for (to, word) in to.iter_mut().zip(words) {
            *to = word.load(Relaxed);
        }
        self.flags(first, to.len()).all(|(flags, bits)| flags.load(Relaxed) & bits == bits)
    }

    /// The same for a line of four words.
    #[inline]
    pub(crate) fn load_line(&self, offset: u64, to: &mut [u32; 4]) -> bool {
        let line = (offset / 16) as usize;
        let (Some(words), Some(flags)) = (self.words.as_chunks().0.get(line), self.written.get(line / 2)) else {
            return false;
        };
        let words: &[AtomicU32; 4] = words;
        *to = words.each_ref().map(|word| word.load(Relaxed));
        let bits = 0xFFFF << (line % 2 * 16);
        flags.load(Relaxed) & bits == bits
    }

    /// Stores words from an aligned offset on. `false`, and nothing is changed, if they are not inside.
    #[inline]
    pub(crate) fn store_words(&self, offset: u64, from: &[u32]) -> bool {
        let first = (offset / 4) as usize;
        let Some(words) = self.words.get(first..first + from.len()) else { return false };
        for (word, value) in words.iter().zip(from) {
            word.store(*value, Relaxed);
        }
        for (flags, bits) in self.flags(first, from.len()) {
            if flags.load(Relaxed) & bits != bits {
                flags.fetch_or(bits, Relaxed);
            }
        }
        true
    }

    /// Which bits of `written` belong to so many words.
    fn flags(&self, first: usize, count: usize) -> impl Iterator<Item = (&AtomicU32, u32)> {
        let end = first + count;
        let all = self.written.get(first / 8..end.div_ceil(8)).unwrap_or(&[]);
        (first / 8..).zip(all).map(move |(index, flags)| {
            let (from, to) = (first.max(8 * index) % 8, end.min(8 * index + 8) - 8 * index);
            (flags, u32::MAX >> (32 - 4 * (to - from)) << (4 * from))
        })
    }

    /// Stores the low `bytes` (1, 2, 4 or 8) bytes of `value` at an aligned offset.
    pub(crate) fn store(&self, offset: u64, bytes: u32, value: u64) {
        let index = (offset / 4) as usize;
        let lane = (offset % 4) as u32;
        match bytes {
            8 => {
                self.store(offset, 4, value & 0xFFFF_FFFF);
                self.store(offset + 4, 4, value >> 32);
            }
            4 => {
                self.words[index].store(value as u32, Relaxed);
                self.mark(index, 0xF);
            }
            _ => {
                let written = if bytes == 2 { 3 << lane } else { 1 << lane };
                let mask = byte_mask(written);
                let value = (value as u32) << (8 * lane) & mask;
                // Neighbouring bytes may be another block's.
                self.update(index, |word| word & !mask | value);
                self.mark(index, written);
            }
        }
    }

    /// Replaces the word at `index` by what `new` makes of it; the old one.
    fn update(&self, index: usize, new: impl Fn(u32) -> u32) -> u32 {
        let word = &self.words[index];
        let mut old = word.load(Relaxed);
        while let Err(current) = word.compare_exchange_weak(old, new(old), Relaxed, Relaxed) {
            old = current;
        }
        old
    }

    /// Read-modify-write of the 4 bytes at an aligned offset; the old value and whether it had been written.
    pub(crate) fn modify(&self, offset: u64, new: impl Fn(u32) -> u32) -> (u32, bool) {
        let index = (offset / 4) as usize;
        let written = self.written[index / 8].load(Relaxed) >> (index % 8 * 4) & 0xF == 0xF;
        let old = self.update(index, new);
        self.mark(index, 0xF);
        (old, written)
    }

    /// Read-modify-write of `bytes` (1, 2, 4 or 8) bytes at an aligned offset; the old value and whether it had been written. One step for other threads of
    /// the host only where 4 bytes are concerned.
    pub(crate) fn modify_sized(&self, offset: u64, bytes: u32, new: impl Fn(u64) -> u64) -> (u64, bool) {
        if bytes == 4 {
            let (old, is_written) = self.modify(offset, |old| new(u64::from(old)) as u32);
            return (u64::from(old), is_written);
        }
        let (old, unwritten) = self.load(offset, bytes);
        self.store(offset, bytes, new(old));
        (old, unwritten == 0)
    }

    fn mark(&self, index: usize, bytes: u32) {
        let bits = bytes << (index % 8 * 4);
        let written = &self.written[index / 8];
        if written.load(Relaxed) & bits != bits {
            written.fetch_or(bits, Relaxed);
        }
    }

    /// Nobody has written the 128 bytes at an aligned offset any more.
    pub(crate) fn forget_line(&self, offset: u64) {
        let first = (offset / 32) as usize;
        for flags in self.written.iter().skip(first).take(4) {
            flags.store(0, Relaxed);
        }
    }

    pub(crate) fn copy_out(&self, offset: u64, to: &mut [u8]) {
        let (mut at, mut rest) = (offset, to);
        while !rest.is_empty() {
            let (word, _) = self.word(at);
            let lane = (at % 4) as usize;
            let count = (4 - lane).min(rest.len());
            let (head, tail) = rest.split_at_mut(count);
            head.copy_from_slice(&word.to_le_bytes()[lane..lane + count]);
            at += count as u64;
            rest = tail;
        }
    }

    pub(crate) fn copy_in(&self, offset: u64, from: &[u8]) {
        let (mut at, mut rest) = (offset, from);
        while !rest.is_empty() {
            match rest.split_first_chunk::<4>() {
                Some((word, tail)) if at.is_multiple_of(4) => {
                    self.store(at, 4, u64::from(u32::from_le_bytes(*word)));
                    at += 4;
                    rest = tail;
                }
                _ => {
                    self.store(at, 1, u64::from(rest[0]));
                    at += 1;
                    rest = &rest[1..];
                }
            }
        }
    }

    pub(crate) fn fill(&self, offset: u64, byte: u8, count: u64) {
        let end = offset + count;
        let mut at = offset;
        let word = u64::from(u32::from_le_bytes([byte; 4]));
        while at < end {
            let bytes = if at.is_multiple_of(4) && end - at >= 4 { 4 } else { 1 };
            self.store(at, bytes, word);
            at += u64::from(bytes);
        }
    }

    pub(crate) fn copy_from(&self, offset: u64, source: &Self, source_offset: u64, bytes: u64) {
        let copied: Vec<(u64, u8)> = (0..bytes).map(|byte| source.load(source_offset + byte, 1)).collect();
        for (at, (value, unwritten)) in (offset..).zip(copied) {
            if unwritten == 0 {
                self.store(at, 1, value);
            } else {
                let (index, lane) = ((at / 4) as usize, at % 4);
                self.written[index / 8].fetch_and(!(1 << (index % 8 * 4 + lane as usize)), Relaxed);
            }
        }
    }
}
