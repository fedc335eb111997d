//! The shared memory of one block, and who touched which of its bytes.
//!
//! # How races are found
//! Time in a block is counted in epochs: a barrier of all threads ends one. Inside a warp it is counted in turns: `bar.warp.sync` of all its
//! lanes ends one. Two accesses are ordered if one thread made both, if they lie in different epochs, or if one warp made both in
//! different turns. Two that are not, one of them a write, both not atomic, are a race. Nothing else orders shared memory: lanes of a
//! warp do not run in lockstep, and a shuffle exchanges registers only.
//!
//! For each 4-byte word the last write and the last reads are kept; words that are accessed by parts keep them for each byte. The bytes of an
//! asynchronous copy are pending from its start until its thread has waited for it; then they count as written by that thread at that moment.

#![expect(
    clippy::cast_possible_truncation,
    reason = "offsets in shared memory fit 32 bits; values are cut to their width"
)]

use std::collections::HashMap;

use super::byte_mask;
use crate::POISON;

/// Shared memory with its history. Used for one block after the other: the epochs go on, so that nothing has to be cleared.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    words: Vec<u32>,
    cells: Vec<Cell>,
    /// The cells of words that were accessed by parts, one a byte.
    split: HashMap<u32, [Cell; 4]>,
    bytes: u32,
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
    /// Which warp instruction it is, counted in the warp.
    pub(crate) instance: u32,
    pub(crate) pc: u32,
}

/// What is wrong with an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Uninitialised,
    Race { earlier: Earlier },
    Pending { earlier: Earlier },
}

/// The access that the current one clashes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Earlier {
    pub(crate) thread: u16,
    pub(crate) pc: u32,
    pub(crate) is_write: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    write: Stamp,
    write_instance: u32,
    kind: WriteKind,
    /// Which of the word's bytes were written in this block.
    written: u8,
    read: Stamp,
    /// Another thread that read in the same epoch (and turn, if all are of one warp), or [`NOBODY`].
    second_reader: u16,
    /// Whether threads of several warps read.
    many_warps: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Stamp {
    epoch: u32,
    turn: u32,
    pc: u32,
    thread: u16,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum WriteKind {
    #[default]
    Plain,
    Atomic,
    /// By an asynchronous copy that nobody has waited for.
    Pending,
}

/// How memory is accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Plain,
    Atomic,
}

const NOBODY: u16 = u16::MAX;
const LANES: u16 = 32;

impl Shared {
    /// Begins a block with so much memory, all of it uninitialised.
    pub(crate) fn start_block(&mut self, bytes: u32) {
        if self.epoch > u32::MAX / 2 {
            *self = Self::default();
        }
        let words = bytes.div_ceil(4) as usize;
        if self.words.len() < words {
            self.words.resize(words, 0);
            self.cells.resize(words, Cell::default());
        }
        self.split.clear();
        self.bytes = bytes;
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

    /// Reads as [`read`](Self::read), without looking for races. Whether all bytes were written.
    pub(crate) fn peek(&mut self, offset: u32, bytes: u32) -> (u32, bool) {
        let (word, lane) = (offset / 4, offset % 4);
        let mask = byte_bits(bytes) << lane;
        let first = self.first_epoch;
        let mut written = 0;
        self.for_cells(word, mask, |cell, bytes| written |= cell.written_since(first) & bytes);
        let keep = byte_mask(written.into());
        let value = self.words[word as usize] & keep | u32::from_le_bytes([POISON; 4]) & !keep;
        (value >> (8 * lane) & value_mask(bytes), written & mask == mask)
    }

    /// A barrier of all threads.
    pub(crate) fn end_epoch(&mut self) {
        self.epoch += 1;
    }

    /// Reads 1, 2 or 4 aligned bytes inside the memory.
    pub(crate) fn read(&mut self, offset: u32, bytes: u32, actor: Actor, how: How) -> (u32, Option<Trouble>) {
        let (word, lane) = (offset / 4, offset % 4);
        let mask = byte_bits(bytes) << lane;
        let (epoch, first) = (self.epoch, self.first_epoch);
        let mut trouble = None;
        let mut written = 0;
        self.for_cells(word, mask, |cell, bytes| {
            trouble = trouble.or(cell.note_read(epoch, first, bytes, actor, how));
            written |= cell.written_since(first) & bytes;
        });
        let keep = byte_mask(written.into());
        let value = self.words[word as usize] & keep | u32::from_le_bytes([POISON; 4]) & !keep;
        (value >> (8 * lane) & value_mask(bytes), trouble)
    }

    /// Writes 1, 2 or 4 aligned bytes inside the memory.
    pub(crate) fn write(&mut self, offset: u32, bytes: u32, value: u32, actor: Actor, how: How) -> Option<Trouble> {
        let (word, lane) = (offset / 4, offset % 4);
        let mask = byte_bits(bytes) << lane;
        let (epoch, first) = (self.epoch, self.first_epoch);
        let bits = byte_mask(mask.into());
        let old = self.words[word as usize];
        let new = old & !bits | value << (8 * lane) & bits;
        self.words[word as usize] = new;
        let kind = if how == How::Atomic { WriteKind::Atomic } else { WriteKind::Plain };
        let mut trouble = None;
        self.for_cells(word, mask, |cell, bytes| {
            let same = (old ^ new) & byte_mask(bytes.into()) == 0;
            trouble = trouble.or(cell.note_write(epoch, first, bytes, actor, kind, same));
        });
        trouble
    }

    /// An asynchronous copy of a multiple of 4 bytes begins to write here.
    pub(crate) fn begin_copy(&mut self, offset: u32, bytes: u32, actor: Actor) -> Option<Trouble> {
        let (epoch, first) = (self.epoch, self.first_epoch);
        let mut trouble = None;
        for word in offset / 4..(offset + bytes) / 4 {
            self.words[word as usize] = u32::from_le_bytes([POISON; 4]);
            self.for_cells(word, 0xF, |cell, bytes| {
                trouble = trouble.or(cell.note_write(epoch, first, bytes, actor, WriteKind::Pending, false));
            });
        }
        trouble
    }

    /// The thread of a copy has waited for it: one of its words arrives.
    pub(crate) fn finish_copy(&mut self, offset: u32, value: u32, actor: Actor) {
        let (epoch, first) = (self.epoch, self.first_epoch);
        self.words[(offset / 4) as usize] = value;
        self.for_cells(offset / 4, 0xF, |cell, bytes| {
            cell.stamp_write(epoch, first, bytes, actor, WriteKind::Plain);
        });
    }

    /// The cells of the bytes `mask` of a word, each with the bytes it stands for.
    fn for_cells(&mut self, word: u32, mask: u8, mut visit: impl FnMut(&mut Cell, u8)) {
        let whole = &mut self.cells[word as usize];
        if self.split.is_empty() && mask == 0xF {
            visit(whole, mask);
            return;
        }
        if mask == 0xF && !self.split.contains_key(&word) {
            visit(whole, mask);
            return;
        }
        let parts = self.split.entry(word).or_insert([*whole; 4]);
        for (byte, cell) in parts.iter_mut().enumerate() {
            let bit = 1 << byte;
            if mask & bit != 0 {
                visit(cell, bit);
            }
        }
    }
}

impl Cell {
    const fn written_since(&self, first_epoch: u32) -> u8 {
        if self.write.epoch < first_epoch { 0 } else { self.written }
    }

    fn note_read(&mut self, epoch: u32, first: u32, bytes: u8, actor: Actor, how: How) -> Option<Trouble> {
        let trouble = if self.written_since(first) & bytes != bytes {
            Some(Trouble::Uninitialised)
        } else {
            self.clash_with_write(epoch, first, actor, how == How::Atomic)
        };
        let reader = Stamp { epoch, turn: actor.turn, pc: actor.pc, thread: actor.thread };
        if self.read.epoch != epoch {
            self.read = reader;
            self.second_reader = NOBODY;
            self.many_warps = false;
        } else if !same_warp(self.read.thread, actor.thread) {
            self.second_reader = actor.thread;
            self.many_warps = true;
        } else if !self.many_warps && actor.turn > self.read.turn {
            // Whatever is ordered after this read is ordered after the warp's earlier ones.
            self.read = reader;
            self.second_reader = NOBODY;
        } else if self.read.thread != actor.thread && !self.many_warps {
            self.second_reader = actor.thread;
        }
        trouble
    }

    fn note_write(
        &mut self,
        epoch: u32,
        first: u32,
        bytes: u8,
        actor: Actor,
        kind: WriteKind,
        same_value: bool,
    ) -> Option<Trouble> {
        // Lanes of one instruction may write the same value to the same place; one of them does it.
        let together = self.write.epoch == epoch
            && self.write_instance == actor.instance
            && same_warp(self.write.thread, actor.thread)
            && self.write.pc == actor.pc
            && self.kind == WriteKind::Plain
            && kind == WriteKind::Plain;
        let clash = if together && same_value {
            None
        } else {
            self.clash_with_write(epoch, first, actor, kind == WriteKind::Atomic)
        };
        let trouble = clash.or_else(|| self.clash_with_reads(epoch, actor, kind == WriteKind::Atomic));
        self.stamp_write(epoch, first, bytes, actor, kind);
        trouble
    }

    fn stamp_write(&mut self, epoch: u32, first: u32, bytes: u8, actor: Actor, kind: WriteKind) {
        self.written = self.written_since(first) | bytes;
        self.write = Stamp { epoch, turn: actor.turn, pc: actor.pc, thread: actor.thread };
        self.write_instance = actor.instance;
        self.kind = kind;
    }

    fn clash_with_write(&self, epoch: u32, first: u32, actor: Actor, is_atomic: bool) -> Option<Trouble> {
        let write = &self.write;
        let earlier = Earlier { thread: write.thread, pc: write.pc, is_write: true };
        if self.kind == WriteKind::Pending && self.written_since(first) != 0 {
            return Some(Trouble::Pending { earlier });
        }
        if write.epoch != epoch || write.thread == actor.thread || (is_atomic && self.kind == WriteKind::Atomic) {
            return None;
        }
        let ordered = same_warp(write.thread, actor.thread) && write.turn < actor.turn;
        if ordered { None } else { Some(Trouble::Race { earlier }) }
    }

    fn clash_with_reads(&self, epoch: u32, actor: Actor, is_atomic: bool) -> Option<Trouble> {
        let read = &self.read;
        // Reads by atomics come with a write, which is looked at instead.
        if read.epoch != epoch || (is_atomic && self.kind == WriteKind::Atomic && self.write.epoch == epoch) {
            return None;
        }
        let other = if self.many_warps {
            if same_warp(read.thread, actor.thread) { self.second_reader } else { read.thread }
        } else if !same_warp(read.thread, actor.thread) {
            read.thread
        } else if read.turn < actor.turn {
            NOBODY
        } else if read.thread != actor.thread {
            read.thread
        } else {
            self.second_reader
        };
        let earlier = Earlier { thread: other, pc: read.pc, is_write: false };
        if other == NOBODY { None } else { Some(Trouble::Race { earlier }) }
    }
}

const fn same_warp(a: u16, b: u16) -> bool {
    a / LANES == b / LANES
}

const fn byte_bits(bytes: u32) -> u8 {
    ((1u32 << bytes) - 1) as u8
}

const fn value_mask(bytes: u32) -> u32 {
    if bytes == 4 { u32::MAX } else { (1 << (8 * bytes)) - 1 }
}
