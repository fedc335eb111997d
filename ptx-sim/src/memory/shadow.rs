//! Who touched which byte of memory, for races that the epochs of one block's shared memory do not decide: device memory, and the shared memory of
//! kernels whose threads order their accesses by more than barriers.
//!
//! Each word has a cell; a word that was accessed by parts has one for each byte. Whether two accesses are ordered is asked of the caller.

#![expect(clippy::cast_possible_truncation, reason = "places in a page and in a word are small")]

mod cell;
mod history;
mod stamp;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use cell::{Page, Visit};
pub(crate) use stamp::{Clash, Nature, Stamp};

use super::View;
use crate::decode::WideLanes;

/// Which memory a word belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Room {
    /// Device memory: the place of the allocation among those of the launch.
    Device(usize),
    /// The shared memory of a block.
    Block(u32),
}

/// The words of the largest access; less than a word is its low part.
pub(crate) type Words = [u32; 8];

/// What an access does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deed<'v> {
    Read,
    /// Writes these words.
    Store(&'v Words),
    /// Writes something.
    Write,
}

/// Words of a page.
const PAGE: usize = 512;

/// The cells of a stretch of memory.
#[derive(Debug)]
struct Pages {
    words: usize,
    pages: Box<[Mutex<Page>]>,
}

/// Allocations whose cells are listed together, once one of them is accessed: a process may have made very many, of which a launch knows a few.
const STRETCH: usize = 64;
type Stretch = [OnceLock<Pages>; STRETCH];

/// The cells of one launch.
#[derive(Debug)]
pub(crate) struct Shadow<'v> {
    view: &'v View,
    /// By the allocation's place: which stretch of them, and where in it.
    device: Box<[OnceLock<Box<Stretch>>]>,
    blocks: Mutex<HashMap<u32, Arc<Pages>>>,
    shared_bytes: u32,
}

impl<'v> Shadow<'v> {
    /// Nothing was accessed yet of the allocations that a launch sees, nor of the blocks' shared memory.
    pub(crate) fn new(view: &'v View, shared_bytes: u32) -> Self {
        let device = (0..view.places().div_ceil(STRETCH)).map(|_| OnceLock::new()).collect();
        Self { view, device, blocks: Mutex::default(), shared_bytes }
    }

    /// Forgets the shared memory of a block that has ended.
    pub(crate) fn forget(&self, block: u32) {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).remove(&block);
    }

    /// Records an access of `bytes` aligned bytes at `offset`; what it clashes with first. `ordered` says whether an earlier access happened before this
    /// one.
    pub(crate) fn access(
        &self,
        room: Room,
        offset: u64,
        bytes: u32,
        stamp: &Stamp,
        deed: Deed<'_>,
        ordered: &impl Fn(&Stamp) -> bool,
    ) -> Option<Clash> {
        match room {
            Room::Device(index) => self.pages(index)?.access(&mut None, (offset, bytes), stamp, deed, ordered),
            Room::Block(block) => {
                let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
                let pages =
                    Arc::clone(blocks.entry(block).or_insert_with(|| Arc::new(Pages::new(self.shared_bytes.into()))));
                drop(blocks);
                pages.access(&mut None, (offset, bytes), stamp, deed, ordered)
            }
        }
    }

    /// Records accesses by `lanes` of a warp, the first of which is by `first`'s thread, to places of an allocation that do not overlap. What they clash
    /// with, in order.
    pub(crate) fn access_lanes(
        &self,
        index: usize,
        (offsets, bytes): (&WideLanes, u32),
        lanes: u32,
        first: &Stamp,
        values: Option<&[Words; 32]>,
        ordered: &impl Fn(&Stamp, &Stamp) -> bool,
    ) -> Vec<(u32, Clash)> {
        let mut clashes = Vec::new();
        let Some(pages) = self.pages(index) else { return clashes };
        let mut open = None;
        for lane in (0..32u32).filter(|lane| lanes >> lane & 1 == 1) {
            let stamp = Stamp { thread: first.thread + lane as u16, ..*first };
            let place = (offsets[lane as usize], bytes);
            let deed = values.map_or(Deed::Read, |values| Deed::Store(&values[lane as usize]));
            let found = pages.access(&mut open, place, &stamp, deed, &|earlier: &Stamp| ordered(earlier, &stamp));
            clashes.extend(found.map(|clash| (lane, clash)));
        }
        clashes
    }

    /// The same for all lanes of a warp, one after the other, each of which accesses so many words.
    #[inline]
    pub(crate) fn access_run(
        &self,
        index: usize,
        offset: u64,
        words_each: usize,
        first: &Stamp,
        values: Option<&[u32]>,
        ordered: &impl Fn(&Stamp, &Stamp) -> bool,
    ) -> Vec<(u32, Clash)> {
        let mut clashes = Vec::new();
        let Some(pages) = self.pages(index) else { return clashes };
        let (start, end) = ((offset / 4) as usize, (offset / 4) as usize + 32 * words_each);
        let mut word = start;
        while word < end {
            let (number, stop) = (word / PAGE, end.min((word / PAGE + 1) * PAGE));
            let Some(mut page) = pages.open(number) else { return clashes };
            // Most often there is nothing to say of any of them.
            word = page.access_run_quietly(word, (start, stop), words_each, first, values, ordered);
            while word < stop {
                let lane = ((word - start) / words_each) as u16;
                let stamp = Stamp { thread: first.thread + lane, ..*first };
                let value = values.and_then(|values| values.get(word - start));
                let stamp = value.map_or(stamp, |value| stamp.storing(*value));
                let visit = Visit { stamp: &stamp, writes: values.is_some() };
                let found = page.access_word(word % PAGE, visit, &|earlier: &Stamp| ordered(earlier, &stamp));
                // Of each lane the first.
                if let Some(clash) = found
                    && clashes.last().is_none_or(|(known, _)| *known != u32::from(lane))
                {
                    clashes.push((u32::from(lane), clash));
                }
                word += 1;
            }
        }
        clashes
    }

    fn pages(&self, place: usize) -> Option<&Pages> {
        let stretch = self.device.get(place / STRETCH)?;
        let pages = &stretch.get_or_init(|| Box::new([const { OnceLock::new() }; STRETCH]))[place % STRETCH];
        if let Some(pages) = pages.get() {
            return Some(pages);
        }
        let bytes = self.view.bytes(place)?;
        Some(pages.get_or_init(|| Pages::new(bytes)))
    }
}

/// A page that is locked, and its number.
type Open<'p> = Option<(usize, MutexGuard<'p, Page>)>;

impl Pages {
    fn new(bytes: u64) -> Self {
        let words = bytes.div_ceil(4) as usize;
        Self { words, pages: (0..words.div_ceil(PAGE)).map(|_| Mutex::default()).collect() }
    }

    fn open(&self, number: usize) -> Option<MutexGuard<'_, Page>> {
        let mut page = self.pages.get(number)?.lock().unwrap_or_else(PoisonError::into_inner);
        page.open((self.words - number * PAGE).min(PAGE));
        Some(page)
    }

    /// An access, with a page that may be open already and that is left open.
    #[inline]
    fn access<'p>(
        &'p self,
        open: &mut Open<'p>,
        (offset, bytes): (u64, u32),
        stamp: &Stamp,
        deed: Deed<'_>,
        ordered: &impl Fn(&Stamp) -> bool,
    ) -> Option<Clash> {
        let (first, last) = (offset / 4, (offset + u64::from(bytes.max(1)) - 1) / 4);
        let mut clash = None;
        for word in first..=last {
            let (number, at) = (word as usize / PAGE, word as usize % PAGE);
            if open.as_ref().is_none_or(|(known, _)| *known != number) {
                // One at a time: two threads that each held one and wanted the other's would wait for ever.
                *open = None;
                *open = Some((number, self.open(number)?));
            }
            let (_, page) = open.as_mut()?;
            let stamp = match deed {
                // Less than a word stands where it is in the word.
                Deed::Store(values) if bytes < 4 => stamp.storing(values[0] << (8 * (offset % 4))),
                Deed::Store(values) => stamp.storing(values[(word - first) as usize % values.len()]),
                Deed::Read | Deed::Write => *stamp,
            };
            let visit = Visit { stamp: &stamp, writes: !matches!(deed, Deed::Read) };
            let found = if bytes.is_multiple_of(4) {
                page.access_word(at, visit, ordered)
            } else {
                let from = offset.max(4 * word) - 4 * word;
                let to = (offset + u64::from(bytes)).min(4 * word + 4) - 4 * word;
                page.access(at, (from as usize, to as usize), visit, ordered)
            };
            if clash.is_none() {
                clash = found;
            }
        }
        clash
    }
}
