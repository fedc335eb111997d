//! The shared memory of one block, and who touched which of its bytes.
//!
//! # How races are found
//! Time in a block is counted in epochs: a barrier of all threads ends one. Inside a warp it is counted in turns: `bar.warp.sync` of all its
//! lanes ends one. Two accesses are ordered if one thread made both, if they lie in different epochs, or if one warp made both in
//! different turns. Two that are not, one of them a write, both not atomic, are a race. Nothing else orders shared memory: lanes of a
//! warp do not run in lockstep, and a shuffle exchanges registers only.
//!
//! For each line of four words the last write and the last reads are kept; lines that are accessed by parts keep them for each word, and words for each byte,
//! until the whole line or word is written again. The bytes of an asynchronous copy are pending from its start until its thread has waited for it; then they count as written by
//! that thread at that moment.

#![expect(
    clippy::cast_possible_truncation,
    reason = "offsets in shared memory fit 32 bits; values are cut to their width"
)]

mod cell;
mod line;
mod quad;

use cell::{Cell, Now, WriteKind};
pub(crate) use cell::{Earlier, Trouble};
use quad::{Quad, Spread};

use super::byte_mask;
use crate::POISON;

const POISONED: u32 = u32::from_le_bytes([POISON; 4]);
const LANES: u16 = 32;

/// Shared memory with its history. Used for one block after the other: the epochs go on, so that the history has not to be cleared.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// What nobody has written is poison. Whole lines, of which the last may be longer than the memory.
    words: Vec<u32>,
    /// One for each line of four words; not used if nothing is looked for.
    quads: Vec<Quad>,
    /// The cells of the words of lines, and of the bytes of words, that were accessed by parts; [`Quad::parts`] and [`Cell::parts`] say where.
    parts: Vec<[Cell; 4]>,
    /// Places in `parts` that nothing has.
    free_parts: Vec<u32>,
    bytes: u32,
    /// Whether accesses are recorded.
    is_watched: bool,
    /// The epoch in which the current block began. What is older is another block's.
    first_epoch: u32,
    epoch: u32,
}

/// Who accesses, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Actor {
    pub(crate) thread: u16,
    /// The turn of its warp.
    pub(crate) turn: u32,
    pub(crate) pc: u32,
}

/// How memory is accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Plain,
    Atomic,
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) value: u32,
    /// Its bytes that nobody has written.
    pub(crate) unwritten: u8,
    pub(crate) trouble: Option<Trouble>,
}

impl Shared {
    /// Begins a block with so much memory, all of it uninitialised.
    pub(crate) fn start_block(&mut self, bytes: u32, is_watched: bool) {
        if self.epoch > u32::MAX / 2 {
            *self = Self::default();
        }
        let quads = bytes.div_ceil(16) as usize;
        self.words.clear();
        self.words.resize(4 * quads, POISONED);
        if is_watched && self.quads.len() < quads {
            self.quads.resize(quads, Quad::default());
        }
        if !self.parts.is_empty() {
            for quad in &mut self.quads {
                quad.set_parts(0);
            }
            self.parts.clear();
            self.free_parts.clear();
        }
        self.bytes = bytes;
        self.is_watched = is_watched;
        self.epoch += 1;
        self.first_epoch = self.epoch;
    }

    pub(crate) const fn bytes(&self) -> u32 {
        self.bytes
    }

    /// Barriers of all threads that this block has passed.
    pub(crate) const fn epoch(&self) -> u32 {
        self.epoch - self.first_epoch
    }

    const fn now(&self) -> Now {
        Now { epoch: self.epoch, first: self.first_epoch }
    }

    /// A barrier of all threads.
    pub(crate) fn end_epoch(&mut self) {
        self.epoch += 1;
    }

    /// Reads 1, 2 or 4 aligned bytes inside the memory.
    pub(crate) fn read(&mut self, offset: u32, bytes: u32, actor: &Actor, how: How) -> Reading {
        let (word, lane) = (offset / 4, offset % 4);
        let mask = byte_bits(bytes) << lane;
        let now = self.now();
        let (mut unwritten, mut trouble) = (0, None);
        if self.is_watched {
            self.for_cells(word, mask, |cell, bytes| {
                if how == How::Atomic || !cell.note_quiet_read(now, actor, bytes) {
                    let (more, found) = cell.note_read(now, bytes, actor, how);
                    unwritten |= more;
                    trouble = trouble.or(found);
                }
            });
        }
        let value = self.words[word as usize] >> (8 * lane) & value_mask(bytes);
        Reading { value, unwritten: unwritten >> lane, trouble }
    }

    /// Reads a word, if it is plain to see that nothing is wrong with that.
    #[inline]
    pub(crate) fn read_quietly(&mut self, word: usize, actor: &Actor) -> Option<u32> {
        let now = self.now();
        let is_quiet = !self.is_watched || self.cell(word)?.note_quiet_read(now, actor, 0xF);
        if is_quiet { self.words.get(word).copied() } else { None }
    }

    /// Writes 1, 2 or 4 aligned bytes inside the memory.
    pub(crate) fn write(&mut self, offset: u32, bytes: u32, value: u32, actor: &Actor, how: How) -> Option<Trouble> {
        let (word, lane) = (offset / 4, offset % 4);
        let mask = byte_bits(bytes) << lane;
        let now = self.now();
        let bits = byte_mask(mask.into());
        let old = self.words[word as usize];
        let new = old & !bits | value << (8 * lane) & bits;
        self.words[word as usize] = new;
        let kind = if how == How::Atomic { WriteKind::Atomic } else { WriteKind::Plain };
        let mut trouble = None;
        if self.is_watched {
            self.for_cells(word, mask, |cell, bytes| {
                let same = (old ^ new) & byte_mask(bytes.into()) == 0;
                trouble = trouble.or(cell.note_write(now, bytes, actor, kind, same));
            });
            self.join_parts(word, mask);
        }
        trouble
    }

    /// Writes a word, if it is plain to see that nothing is wrong with that. Whether it did.
    #[inline]
    pub(crate) fn write_quietly(&mut self, word: usize, value: u32, actor: &Actor) -> bool {
        let now = self.now();
        let is_watched = self.is_watched;
        let is_quiet =
            !is_watched || self.cell(word).is_some_and(|cell| cell.note_quiet_write(now, actor, WriteKind::Plain));
        match self.words.get_mut(word) {
            Some(slot) if is_quiet => {
                *slot = value;
                true
            }
            _ => false,
        }
    }

    /// An asynchronous copy of a multiple of 4 bytes begins to write here.
    pub(crate) fn begin_copy(&mut self, offset: u32, bytes: u32, actor: &Actor) -> Option<Trouble> {
        let now = self.now();
        let (first, end) = (offset / 4, (offset + bytes) / 4);
        self.words[first as usize..end as usize].fill(POISONED);
        if !self.is_watched {
            return None;
        }
        let mut trouble = None;
        for word in first..end {
            let cell = self.cell(word as usize);
            if cell.is_some_and(|cell| cell.note_quiet_write(now, actor, WriteKind::Pending)) {
                continue;
            }
            self.for_cells(word, 0xF, |cell, bytes| {
                trouble = trouble.or(cell.note_write(now, bytes, actor, WriteKind::Pending, false));
            });
            self.join_parts(word, 0xF);
        }
        if bytes == 16 && offset.is_multiple_of(16) {
            self.join_line((offset / 16) as usize, Spread::Same);
        }
        trouble
    }

    /// The same for an aligned line, if it is plain to see that nothing is wrong with that. Whether it did.
    #[inline]
    pub(crate) fn begin_line_quietly(&mut self, offset: u32, actor: &Actor) -> bool {
        let now = self.now();
        let line = (offset / 16) as usize;
        let is_quiet = !self.is_watched
            || self.quads.get_mut(line).is_some_and(|quad| {
                quad.parts() == 0 && quad.note_quiet_write(now, actor, Spread::Same, WriteKind::Pending) == Some(true)
            });
        match self.words.as_chunks_mut().0.get_mut(line) {
            Some(words) if is_quiet => {
                *words = [POISONED; 4];
                true
            }
            _ => false,
        }
    }

    /// The thread of a copy has waited for it: its words arrive.
    pub(crate) fn finish_copy(&mut self, offset: u32, values: &[u32], actor: &Actor) {
        let now = self.now();
        let first = offset / 4;
        self.words[first as usize..][..values.len()].copy_from_slice(values);
        if self.is_watched {
            for word in (first..).take(values.len()) {
                self.for_cells(word, 0xF, |cell, bytes| cell.stamp_write(now, bytes, actor, WriteKind::Plain));
            }
        }
    }

    /// The same for an aligned line.
    #[inline]
    pub(crate) fn finish_line(&mut self, offset: u32, values: &[u32; 4], actor: &Actor) {
        let now = self.now();
        let line = (offset / 16) as usize;
        match (self.words.as_chunks_mut().0.get_mut(line), self.quads.get_mut(line)) {
            (Some(words), _) if !self.is_watched => *words = *values,
            (Some(words), Some(quad)) if quad.parts() == 0 => {
                *words = *values;
                quad.stamp_write(now, actor, WriteKind::Plain);
            }
            _ => self.finish_copy(offset, values, actor),
        }
    }

    /// The cells of the words of a line, which has them from now on.
    #[inline]
    fn cells(&mut self, line: usize) -> Option<&mut [Cell; 4]> {
        let quad = self.quads.get_mut(line)?;
        if quad.parts() == 0 {
            let place = place_parts(&mut self.parts, &mut self.free_parts, quad.cells());
            quad.set_parts(place);
        }
        self.parts.get_mut(quad.parts() as usize - 1)
    }

    /// The cell of a word.
    #[inline]
    fn cell(&mut self, word: usize) -> Option<&mut Cell> {
        self.cells(word / 4)?.get_mut(word % 4)
    }

    /// The cells of the bytes `mask` of a word, each with the bytes it stands for.
    #[inline]
    fn for_cells(&mut self, word: u32, mask: u8, mut visit: impl FnMut(&mut Cell, u8)) {
        let Some(whole) = self.cell(word as usize) else { return };
        let mut place = whole.parts;
        if place == 0 {
            if mask == 0xF {
                visit(whole, mask);
                return;
            }
            let parts = [*whole; 4];
            place = place_parts(&mut self.parts, &mut self.free_parts, parts);
            if let Some(whole) = self.cell(word as usize) {
                whole.parts = place;
            }
        }
        for (byte, cell) in self.parts[place as usize - 1].iter_mut().enumerate() {
            let bit = 1 << byte;
            if mask & bit != 0 {
                visit(cell, bit);
            }
        }
    }

    /// After a write to all bytes of a word its bytes need cells no longer, unless they differ in who has read them.
    fn join_parts(&mut self, word: u32, mask: u8) {
        let now = self.now();
        let Some(place) = self.cell(word as usize).map(|cell| cell.parts).filter(|place| *place != 0 && mask == 0xF)
        else {
            return;
        };
        let parts = self.parts[place as usize - 1];
        if parts.iter().all(|cell| !cell.was_read_in(now))
            && let Some(whole) = self.cell(word as usize)
        {
            *whole = parts[0];
            whole.cover_word();
            self.free_parts.push(place - 1);
        }
    }
}

/// Keeps cells; their place, and 1 more.
fn place_parts(parts: &mut Vec<[Cell; 4]>, free: &mut Vec<u32>, cells: [Cell; 4]) -> u32 {
    let place = free.pop().unwrap_or(parts.len() as u32);
    match parts.get_mut(place as usize) {
        Some(slot) => *slot = cells,
        None => parts.push(cells),
    }
    place + 1
}

const fn byte_bits(bytes: u32) -> u8 {
    ((1u32 << bytes) - 1) as u8
}

const fn value_mask(bytes: u32) -> u32 {
    if bytes == 4 { u32::MAX } else { (1 << (8 * bytes)) - 1 }
}

#[cfg(test)]
mod tests;
