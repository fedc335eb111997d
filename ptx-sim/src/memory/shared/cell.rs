//! Who touched a word or a byte of shared memory last.

use super::{Actor, How, LANES};

/// What is wrong with an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
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

/// The last write and the last reads.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cell {
    write: Stamp,
    read: Stamp,
    write_thread: u16,
    read_thread: u16,
    /// Another thread that read in the same epoch (and turn, if all are of one warp), or [`NOBODY`]. If it is of another warp than
    /// `read_thread`, several warps read.
    second_reader: u16,
    kind: WriteKind,
    /// Which of the word's bytes were written in the block of the write.
    written: u8,
    /// If it was accessed by parts: 1 more than the place of their cells, which count instead of this one.
    pub(super) parts: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Stamp {
    epoch: u32,
    turn: u32,
    pc: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum WriteKind {
    #[default]
    Plain,
    Atomic,
    /// By an asynchronous copy that nobody has waited for.
    Pending,
}

/// The epoch that it is, and the one in which the block began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) epoch: u32,
    pub(super) first: u32,
}

const NOBODY: u16 = u16::MAX;
const ALL_BYTES: u8 = 0xF;

impl Cell {
    pub(super) const fn written_since(&self, first_epoch: u32) -> u8 {
        if self.write.epoch < first_epoch { 0 } else { self.written }
    }

    /// The cell that is the same but for who wrote and read.
    pub(super) fn moved(
        &self,
        writer: impl Fn(u16) -> u16,
        reader: impl Fn(u16) -> u16,
        second: impl Fn(u16) -> u16,
    ) -> Self {
        Self {
            write_thread: writer(self.write_thread),
            read_thread: reader(self.read_thread),
            second_reader: if self.second_reader == NOBODY { NOBODY } else { second(self.second_reader) },
            parts: 0,
            ..*self
        }
    }

    /// Whether it was written since the last barrier.
    #[inline]
    pub(super) const fn is_written_in(&self, now: Now) -> bool {
        self.write.epoch == now.epoch
    }

    /// Whether it was read since the last barrier.
    #[inline]
    pub(super) const fn was_read_in(&self, now: Now) -> bool {
        self.read.epoch == now.epoch
    }

    /// The same, first by a thread of this one's warp.
    #[inline]
    pub(super) const fn is_read_in(&self, now: Now, thread: u16) -> bool {
        self.was_read_in(now) && same_warp(self.read_thread, thread)
    }

    /// Whether a thread is the one that read first, and whether it is the second.
    #[inline]
    pub(super) const fn is_reader(&self, thread: u16) -> (bool, bool) {
        (self.read_thread == thread, self.second_reader == thread)
    }

    /// Whether the bytes are there and nothing that `actor`'s epoch has seen was written to them by others: they can be read.
    #[inline]
    const fn is_quiet(&self, now: Now, actor: &Actor, bytes: u8) -> bool {
        self.written & bytes == bytes
            && self.write.epoch >= now.first
            && (self.write.epoch != now.epoch || self.write_thread == actor.thread)
            && !matches!(self.kind, WriteKind::Pending)
            && self.parts == 0
    }

    /// Notes a read by one thread, if it is plain to see that nothing is wrong with it.
    #[inline]
    pub(super) const fn note_quiet_read(&mut self, now: Now, actor: &Actor, bytes: u8) -> bool {
        if !self.is_quiet(now, actor, bytes) {
            return false;
        }
        self.note_reader(now, actor);
        true
    }

    /// The same for the whole word and two lanes of a warp, of which `actor` is the first.
    #[inline]
    pub(super) const fn note_quiet_reads(&mut self, now: Now, actor: &Actor, second: u16) -> bool {
        if !self.is_quiet(now, actor, ALL_BYTES) || self.write.epoch == now.epoch {
            return false;
        }
        if self.read.epoch != now.epoch {
            self.read = Stamp { epoch: now.epoch, turn: actor.turn, pc: actor.pc };
            self.read_thread = actor.thread;
            self.second_reader = second;
            return true;
        }
        if !same_warp(self.read_thread, actor.thread) {
            self.second_reader = second;
        } else if !self.many_warps_read() {
            self.note_readers(now, actor, second);
        }
        true
    }

    /// Notes two readers of the only warp that reads.
    #[inline(never)]
    const fn note_readers(&mut self, now: Now, actor: &Actor, second: u16) {
        self.note_reader(now, actor);
        self.note_reader(now, &Actor { thread: second, ..*actor });
    }

    /// Which of the bytes nobody has written, and what is wrong with reading them otherwise.
    pub(super) fn note_read(&mut self, now: Now, bytes: u8, actor: &Actor, how: How) -> (u8, Option<Trouble>) {
        let unwritten = bytes & !self.written_since(now.first);
        let trouble = self.clash_with_write(now, actor, how == How::Atomic);
        self.note_reader(now, actor);
        (unwritten, trouble)
    }

    #[inline]
    const fn note_reader(&mut self, now: Now, actor: &Actor) {
        let reader = Stamp { epoch: now.epoch, turn: actor.turn, pc: actor.pc };
        if self.read.epoch != now.epoch {
            self.read = reader;
            self.read_thread = actor.thread;
            self.second_reader = NOBODY;
        } else if self.read_thread == actor.thread && self.read.turn == actor.turn {
            // Known already.
        } else if !same_warp(self.read_thread, actor.thread) {
            self.second_reader = actor.thread;
        } else if self.many_warps_read() {
            // Nothing more to know.
        } else if actor.turn > self.read.turn {
            // Whatever is ordered after this read is ordered after the warp's earlier ones.
            self.read = reader;
            self.read_thread = actor.thread;
            self.second_reader = NOBODY;
        } else if self.read_thread != actor.thread {
            self.second_reader = actor.thread;
        }
    }

    const fn many_warps_read(&self) -> bool {
        self.second_reader != NOBODY && !same_warp(self.read_thread, self.second_reader)
    }

    /// Notes a write, of the value that was there or of another one.
    pub(super) fn note_write(
        &mut self,
        now: Now,
        bytes: u8,
        actor: &Actor,
        kind: WriteKind,
        same_value: bool,
    ) -> Option<Trouble> {
        // Threads may write the same value to the same place by one instruction: it does not matter which of them does it.
        let together = self.write.epoch == now.epoch
            && self.write.pc == actor.pc
            && self.kind == WriteKind::Plain
            && kind == WriteKind::Plain;
        let clash =
            if together && same_value { None } else { self.clash_with_write(now, actor, kind == WriteKind::Atomic) };
        let trouble = clash.or_else(|| self.clash_with_reads(now, actor, kind == WriteKind::Atomic));
        self.stamp_write(now, bytes, actor, kind);
        trouble
    }

    /// Notes a write of the whole word, if it is plain to see that nothing is wrong with it.
    #[inline]
    pub(super) fn note_quiet_write(&mut self, now: Now, actor: &Actor, kind: WriteKind) -> bool {
        let is_quiet = (self.write.epoch != now.epoch || self.write_thread == actor.thread)
            && (self.read.epoch != now.epoch || (self.read_thread == actor.thread && self.second_reader == NOBODY))
            && !(self.kind == WriteKind::Pending && self.write.epoch >= now.first)
            && self.parts == 0;
        if is_quiet {
            self.stamp_write(now, ALL_BYTES, actor, kind);
        }
        is_quiet
    }

    #[inline]
    pub(super) fn stamp_write(&mut self, now: Now, bytes: u8, actor: &Actor, kind: WriteKind) {
        self.written = self.written_since(now.first) | bytes;
        self.write = Stamp { epoch: now.epoch, turn: actor.turn, pc: actor.pc };
        self.write_thread = actor.thread;
        self.kind = kind;
    }

    /// Makes the cell of a byte, all of whose neighbours have the same, that of their word.
    pub(super) const fn cover_word(&mut self) {
        self.written = ALL_BYTES;
        self.parts = 0;
    }

    fn clash_with_write(&self, now: Now, actor: &Actor, is_atomic: bool) -> Option<Trouble> {
        let earlier = Earlier { thread: self.write_thread, pc: self.write.pc, is_write: true };
        if self.kind == WriteKind::Pending && self.written_since(now.first) != 0 {
            return Some(Trouble::Pending { earlier });
        }
        let is_mutual = is_atomic && self.kind == WriteKind::Atomic;
        if self.write.epoch != now.epoch || self.write_thread == actor.thread || is_mutual {
            return None;
        }
        let ordered = same_warp(self.write_thread, actor.thread) && self.write.turn < actor.turn;
        if ordered { None } else { Some(Trouble::Race { earlier }) }
    }

    fn clash_with_reads(&self, now: Now, actor: &Actor, is_atomic: bool) -> Option<Trouble> {
        // Reads by atomics come with a write, which is looked at instead.
        let is_mutual = is_atomic && self.kind == WriteKind::Atomic && self.write.epoch == now.epoch;
        if self.read.epoch != now.epoch || is_mutual {
            return None;
        }
        let own_warp = same_warp(self.read_thread, actor.thread);
        let other = if self.many_warps_read() {
            if own_warp { self.second_reader } else { self.read_thread }
        } else if !own_warp {
            self.read_thread
        } else if self.read.turn < actor.turn {
            NOBODY
        } else if self.read_thread != actor.thread {
            self.read_thread
        } else {
            self.second_reader
        };
        let earlier = Earlier { thread: other, pc: self.read.pc, is_write: false };
        if other == NOBODY { None } else { Some(Trouble::Race { earlier }) }
    }
}

const fn same_warp(a: u16, b: u16) -> bool {
    a / LANES == b / LANES
}
