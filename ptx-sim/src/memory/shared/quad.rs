//! Who touched four words of shared memory that lie in one line of 16 bytes last.
//!
//! Kernels that were written with care copy, load and store whole lines: lanes of a warp touch all four words in one instruction, each word by one lane, one lane
//! after the other, or all by the same one. Then one cell says it for all four, as long as nobody does anything else.

use super::Actor;
use super::cell::{Cell, Now, WriteKind};

/// Which lanes touch the words of a line, seen from the one that touches the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Spread {
    /// One lane touches all.
    #[default]
    Same,
    /// Two words each.
    Pairs,
    /// One word each.
    Each,
}

impl Spread {
    /// How words lie that each lane touches so many of.
    pub(super) const fn of(each: usize) -> Self {
        match each {
            1 => Self::Each,
            2 => Self::Pairs,
            _ => Self::Same,
        }
    }

    /// The thread that touches a word; after the last lane of a warp comes its first.
    pub(super) const fn thread(self, first: u16, word: u16) -> u16 {
        let step = match self {
            Self::Same => 0,
            Self::Pairs => word / 2,
            Self::Each => word,
        };
        first & !31 | (first + step) & 31
    }
}

/// A line of four words.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quad {
    /// What the first word's cell is while the line is whole; [`Cell::parts`] says where those of the words are if it is not.
    cell: Cell,
    writers: Spread,
    readers: Spread,
    second_readers: Spread,
}

impl Quad {
    /// The place of the words' cells, and 1 more, if they have some.
    pub(super) const fn parts(&self) -> u32 {
        self.cell.parts
    }

    /// From now on the words have cells, at this place less 1; or none.
    pub(super) const fn set_parts(&mut self, parts: u32) {
        self.cell.parts = parts;
    }

    /// What the cells of the words are.
    pub(super) fn cells(&self) -> [Cell; 4] {
        std::array::from_fn(|word| {
            #[expect(clippy::cast_possible_truncation, reason = "one of four words")]
            let word = word as u16;
            self.cell.moved(
                |first| self.writers.thread(first, word),
                |first| self.readers.thread(first, word),
                |first| self.second_readers.thread(first, word),
            )
        })
    }

    /// Whether it can be said for all words at once who of `spread`, of which `actor` is the first, touched which of them before.
    #[inline(always)]
    fn is_comparable(&self, now: Now, actor: &Actor, spread: Spread) -> bool {
        (self.writers == spread || !self.cell.is_written_in(now))
            && (self.readers == spread || !self.cell.is_read_in(now, actor.thread))
    }

    /// Notes that all words are read, if it is plain to see that nothing is wrong with it. `None` if that cannot be said for all at once.
    #[inline(always)]
    pub(super) fn note_quiet_read(&mut self, now: Now, actor: &Actor, spread: Spread) -> Option<bool> {
        if !self.is_comparable(now, actor, spread) {
            return None;
        }
        if !self.cell.note_quiet_read(now, actor, 0xF) {
            return Some(false);
        }
        let (is_reader, is_second) = self.cell.is_reader(actor.thread);
        if is_reader {
            self.readers = spread;
        }
        if is_second {
            self.second_readers = spread;
        }
        Some(true)
    }

    /// The same for two lanes each, one after the other, of which `actor` and `second` are the first.
    #[inline(always)]
    pub(super) fn note_quiet_reads(&mut self, now: Now, actor: &Actor, second: u16) -> Option<bool> {
        if self.readers != Spread::Each && self.cell.is_read_in(now, actor.thread) {
            return None;
        }
        if !self.cell.note_quiet_reads(now, actor, second) {
            return Some(false);
        }
        let (is_reader, is_second) = self.cell.is_reader(actor.thread);
        if is_reader {
            self.readers = Spread::Each;
        }
        if is_second || self.cell.is_reader(second).1 {
            self.second_readers = Spread::Each;
        }
        Some(true)
    }

    /// Notes that all words are written, if it is plain to see that nothing is wrong with it. `None` if that cannot be said for all at once.
    #[inline(always)]
    pub(super) fn note_quiet_write(
        &mut self,
        now: Now,
        actor: &Actor,
        spread: Spread,
        kind: WriteKind,
    ) -> Option<bool> {
        if !self.is_comparable(now, actor, spread) {
            return None;
        }
        let is_quiet = self.cell.note_quiet_write(now, actor, kind);
        if is_quiet {
            self.writers = spread;
        }
        Some(is_quiet)
    }

    /// Notes that one lane has written all words.
    #[inline]
    pub(super) fn stamp_write(&mut self, now: Now, actor: &Actor, kind: WriteKind) {
        self.cell.stamp_write(now, 0xF, actor, kind);
        self.writers = Spread::Same;
    }

    /// Makes a line whole whose words were all written by `spread` just now and have not been read since the last barrier. The place of the cells that are
    /// needed no longer, and 1 more.
    pub(super) fn join(&mut self, first: Cell, spread: Spread) -> u32 {
        let place = self.cell.parts;
        *self = Self { cell: first, writers: spread, ..Self::default() };
        place
    }
}
