//! What is remembered of a word or a byte: the last write and one read, or where there is more to remember, its place in a page's histories.

use super::PAGE;
use super::history::History;
use super::stamp::{Clash, Stamp};

#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Cell {
    write: Stamp,
    read: Stamp,
    more: u32,
}

/// In [`Cell::more`]: the place, less one, of the word's bytes' cells rather than of its history.
const PARTS: u32 = 1 << 31;

/// What an access is to its cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit<'s> {
    pub(super) stamp: &'s Stamp,
    pub(super) writes: bool,
}

/// The cells of some words.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// None until the first access.
    cells: Vec<Cell>,
    parts: Vec<[Cell; 4]>,
    histories: Histories,
}

#[derive(Debug, Default)]
struct Histories {
    all: Vec<History>,
    /// Places that no cell has.
    free: Vec<u32>,
}

impl Page {
    /// The cells, one for each of so many words.
    pub(super) fn open(&mut self, words: usize) {
        if self.cells.is_empty() {
            self.cells.resize(words, Cell::NONE);
        }
    }

    /// Notes an access to a whole word; what it clashes with.
    #[inline]
    pub(super) fn access_word(
        &mut self,
        word: usize,
        visit: Visit<'_>,
        ordered: &impl Fn(&Stamp) -> bool,
    ) -> Option<Clash> {
        let cell = self.cells.get_mut(word)?;
        if cell.note_quietly(visit, ordered) { None } else { self.access(word, (0, 4), visit, ordered) }
    }

    /// Notes accesses to the words from `word` up to `stop` by lanes of which the first accesses `start` and each so many words, as long as there is no more to
    /// remember of any than one read. The first word of which there is.
    #[inline]
    pub(super) fn access_run_quietly(
        &mut self,
        word: usize,
        (start, stop): (usize, usize),
        words_each: usize,
        first: &Stamp,
        values: Option<&[u32]>,
        ordered: &impl Fn(&Stamp, &Stamp) -> bool,
    ) -> usize {
        let at = word % PAGE;
        let Some(cells) = self.cells.get_mut(at..at + (stop - word)) else { return word };
        let mut stamp = *first;
        stamp.thread += ((word - start) / words_each) as u16;
        let mut left = words_each - (word - start) % words_each;
        let mut next = word;
        let noted = cells.iter_mut().position(|cell| {
            if left == 0 {
                stamp.thread += 1;
                left = words_each;
            }
            left -= 1;
            let value = values.and_then(|values| values.get(next - start));
            next += 1;
            let stamp = value.map_or(stamp, |value| stamp.storing(*value));
            let visit = Visit { stamp: &stamp, writes: values.is_some() };
            !cell.note_quietly(visit, &|earlier: &Stamp| ordered(earlier, &stamp))
        });
        noted.map_or(stop, |index| word + index)
    }

    /// Notes an access to the bytes `from..to` of a word; what it clashes with first.
    #[inline(never)]
    pub(super) fn access(
        &mut self,
        word: usize,
        (from, to): (usize, usize),
        visit: Visit<'_>,
        ordered: &impl Fn(&Stamp) -> bool,
    ) -> Option<Clash> {
        let cell = self.cells.get_mut(word)?;
        if to - from == 4 && cell.more & PARTS == 0 {
            return cell.access(&mut self.histories, visit, ordered);
        }
        if cell.more & PARTS == 0 {
            let parts = std::array::from_fn(|byte| cell.twin(&mut self.histories, byte));
            self.histories.give_back(cell.more);
            cell.more = PARTS | place(self.parts.len());
            self.parts.push(parts);
        }
        let parts = self.parts.get_mut((cell.more & !PARTS) as usize - 1)?.get_mut(from..to)?;
        parts.iter_mut().zip(from..).fold(None, |clash, (part, byte)| {
            let stamp = visit.stamp.of_byte(byte);
            let found = part.access(&mut self.histories, Visit { stamp: &stamp, ..visit }, ordered);
            clash.or(found)
        })
    }
}

/// 1 more than an index.
fn place(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(PARTS - 1)
}

impl Histories {
    fn add(&mut self, history: History) -> u32 {
        if let Some(place) = self.free.pop()
            && let Some(slot) = self.all.get_mut(place as usize - 1)
        {
            *slot = history;
            return place;
        }
        self.all.push(history);
        place(self.all.len() - 1)
    }

    fn give_back(&mut self, place: u32) {
        if place != 0 {
            self.free.push(place);
        }
    }

    fn at(&mut self, place: u32) -> Option<&mut History> {
        self.all.get_mut((place as usize).checked_sub(1)?)
    }
}

impl Cell {
    const NONE: Self = Self { write: Stamp::NONE, read: Stamp::NONE, more: 0 };

    /// A cell for a byte of the word that remembers the same.
    fn twin(&self, histories: &mut Histories, byte: usize) -> Self {
        let history = histories.at(self.more).map(|history| history.of_byte(byte));
        let more = history.map_or(0, |history| histories.add(history));
        Self { write: self.write.of_byte(byte), more, ..*self }
    }

    fn access(
        &mut self,
        histories: &mut Histories,
        visit: Visit<'_>,
        ordered: &impl Fn(&Stamp) -> bool,
    ) -> Option<Clash> {
        if self.note_quietly(visit, ordered) { None } else { self.access_history(histories, visit, ordered) }
    }

    /// Notes an access that is ordered after the last write, and of which there is no more to remember than one read. Whether it is such.
    #[inline(always)]
    fn note_quietly(&mut self, visit: Visit<'_>, ordered: &impl Fn(&Stamp) -> bool) -> bool {
        let Visit { stamp, writes, .. } = visit;
        let precedes = |earlier: &Stamp| earlier.is_none() || ordered(earlier);
        if self.more != 0 || !(precedes(&self.write) || self.write.is_mutual(stamp)) {
            return false;
        }
        if writes {
            let is_quiet = precedes(&self.read) || self.read.is_mutual(stamp);
            if is_quiet {
                self.write = *stamp;
                self.read = Stamp::NONE;
            }
            return is_quiet;
        }
        let is_quiet = !stamp.nature.is_constant() && (self.read.is_by_thread_of(stamp) || precedes(&self.read));
        if is_quiet {
            self.read = *stamp;
        }
        is_quiet
    }

    /// An access of which one read is not enough to remember, or that clashes.
    #[cold]
    #[inline(never)]
    fn access_history(
        &mut self,
        histories: &mut Histories,
        visit: Visit<'_>,
        ordered: &impl Fn(&Stamp) -> bool,
    ) -> Option<Clash> {
        if self.more == 0 {
            self.more = histories.add(History::new(self.write.some(), self.read.some()));
        }
        let history = histories.at(self.more)?;
        if !visit.writes {
            return history.read(visit.stamp, ordered);
        }
        let clash = history.write(visit.stamp, ordered);
        if history.is_only_write() {
            histories.give_back(self.more);
            *self = Self { write: *visit.stamp, ..Self::NONE };
        }
        clash
    }
}
