//! Accesses to whole lines of four words, and to many of them at once, where it is plain to see that nothing is wrong.

use super::cell::{Cell, Now, WriteKind};
use super::quad::{Quad, Spread};
use super::{Actor, LANES, Shared};

impl Shared {
    /// Reads words for each lane of a warp, one lane's after the other's, if it is plain to see that nothing is wrong with that. Noting a read again changes
    /// nothing: some may have been noted if not.
    #[inline]
    pub(crate) fn read_run<const EACH: usize>(&mut self, word: usize, first: &Actor) -> Option<&[[u32; EACH]; 32]> {
        if self.is_watched && !self.note_run::<EACH, false>(word, first) {
            return None;
        }
        self.words.get(word..)?.as_chunks().0.first_chunk()
    }

    /// The same for writes.
    #[inline]
    pub(crate) fn write_run<const EACH: usize>(
        &mut self,
        word: usize,
        first: &Actor,
        from: &[[u32; EACH]; 32],
    ) -> Option<()> {
        if self.is_watched && !self.note_run::<EACH, true>(word, first) {
            return None;
        }
        *self.words.get_mut(word..)?.as_chunks_mut().0.first_chunk_mut::<32>()? = *from;
        Some(())
    }

    /// Reads a line, each word for two lanes of a warp, if it is plain to see that nothing is wrong with that: the first for lanes `lane` and the next, and so on.
    /// Noting a read again changes nothing.
    #[inline]
    pub(crate) fn read_row_quietly(&mut self, offset: u32, first: &Actor, lane: u16) -> Option<[u32; 4]> {
        let line = (offset / 16) as usize;
        if self.is_watched && !self.note_row(line, first, lane) {
            return None;
        }
        self.words.as_chunks().0.get(line).copied()
    }

    /// The same for eight lines, for four lanes each, if none of them is kept by words.
    #[inline]
    pub(crate) fn read_rows_quietly(&mut self, offsets: &[u64; 8], first: &Actor) -> Option<[[u32; 4]; 8]> {
        if self.is_watched {
            let now = self.now();
            let mut actor = *first;
            for (offset, row) in offsets.iter().zip(0..) {
                actor.thread = first.thread + 4 * row;
                let second = first.thread + (4 * row + 1) % LANES;
                let quad = self.quads.get_mut((offset / 16) as usize)?;
                if quad.parts() != 0 || quad.note_quiet_reads(now, &actor, second) != Some(true) {
                    return None;
                }
            }
        }
        let lines = self.words.as_chunks().0;
        let mut rows = [[0; 4]; 8];
        for (row, offset) in rows.iter_mut().zip(offsets) {
            *row = *lines.get((offset / 16) as usize)?;
        }
        Some(rows)
    }

    #[inline]
    fn note_row(&mut self, line: usize, first: &Actor, lane: u16) -> bool {
        let now = self.now();
        let actor = Actor { thread: first.thread + lane, ..*first };
        let second = first.thread + (lane + 1) % LANES;
        let Some(quad) = self.quads.get_mut(line) else { return false };
        if quad.parts() == 0
            && let Some(is_quiet) = quad.note_quiet_reads(now, &actor, second)
        {
            return is_quiet;
        }
        self.note_row_words(line, actor, second)
    }

    /// The same, word by word.
    fn note_row_words(&mut self, line: usize, actor: Actor, second: u16) -> bool {
        let now = self.now();
        self.cells(line).is_some_and(|cells| {
            cells.iter_mut().zip(0..).fold(true, |all, (cell, word)| {
                let actor = Actor { thread: Spread::Each.thread(actor.thread, word), ..actor };
                all & cell.note_quiet_reads(now, &actor, Spread::Each.thread(second, word))
            })
        })
    }

    /// Notes accesses by each lane of a warp to so many words, one lane's after the other's.
    #[inline]
    fn note_run<const EACH: usize, const WRITES: bool>(&mut self, word: usize, first: &Actor) -> bool {
        let mut actor = *first;
        if !word.is_multiple_of(4) {
            let now = self.now();
            return (0..32 * EACH).all(|index| {
                actor.thread = first.thread + (index / EACH) as u16;
                self.cell(word + index).is_some_and(|cell| note_word::<WRITES>(cell, now, &actor))
            });
        }
        (0..8 * EACH).all(|line| {
            actor.thread = first.thread + (4 * line / EACH) as u16;
            self.note_line::<WRITES>(word / 4 + line, &actor, Spread::of(EACH))
        })
    }

    /// Notes that a line is accessed, its words by lanes of which `actor` is the first.
    #[inline]
    fn note_line<const WRITES: bool>(&mut self, line: usize, actor: &Actor, spread: Spread) -> bool {
        let now = self.now();
        let Some(quad) = self.quads.get_mut(line) else { return false };
        if quad.parts() == 0
            && let Some(is_quiet) = note_quad::<WRITES>(quad, now, actor, spread)
        {
            return is_quiet;
        }
        self.note_words::<WRITES>(line, actor, spread)
    }

    /// The same, word by word.
    fn note_words<const WRITES: bool>(&mut self, line: usize, actor: &Actor, spread: Spread) -> bool {
        let now = self.now();
        let Some(cells) = self.cells(line) else { return false };
        let is_quiet = cells.iter_mut().zip(0..).all(|(cell, word)| {
            note_word::<WRITES>(cell, now, &Actor { thread: spread.thread(actor.thread, word), ..*actor })
        });
        if WRITES && is_quiet {
            self.join_line(line, spread);
        }
        is_quiet
    }

    /// After a write by `spread` to all words of a line they need cells no longer, unless they differ in who has read them or have cells of their bytes.
    pub(super) fn join_line(&mut self, line: usize, spread: Spread) {
        let now = self.now();
        let Some(quad) = self.quads.get_mut(line).filter(|quad| quad.parts() != 0) else { return };
        let Some(cells) = self.parts.get(quad.parts() as usize - 1) else { return };
        if cells.iter().all(|cell| !cell.was_read_in(now) && cell.parts == 0) {
            let place = quad.join(cells[0], spread);
            self.free_parts.push(place - 1);
        }
    }
}

#[inline]
fn note_quad<const WRITES: bool>(quad: &mut Quad, now: Now, actor: &Actor, spread: Spread) -> Option<bool> {
    if WRITES {
        quad.note_quiet_write(now, actor, spread, WriteKind::Plain)
    } else {
        quad.note_quiet_read(now, actor, spread)
    }
}

#[inline]
fn note_word<const WRITES: bool>(cell: &mut Cell, now: Now, actor: &Actor) -> bool {
    if WRITES { cell.note_quiet_write(now, actor, WriteKind::Plain) } else { cell.note_quiet_read(now, actor, 0xF) }
}
