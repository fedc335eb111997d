//! Who touched which byte of memory, for races that the epochs of one block's shared memory do not decide: device memory, and the shared memory of
//! kernels whose threads order their accesses by more than barriers.
//!
//! Each word has a cell; a word that was accessed by parts has one for each byte. A cell keeps the last write and up to [`READERS`] reads that no later
//! read is ordered after. Whether two accesses are ordered is asked of the caller.

#![expect(clippy::cast_possible_truncation, reason = "places in a page and in a word are small")]

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, PoisonError};

use crate::decode::Reach;

/// An access: who, when, and how strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The block's number in the grid.
    pub(crate) block: u32,
    pub(crate) thread: u16,
    /// Among whom it is one step; `None` for an ordinary access.
    pub(crate) reach: Option<Reach>,
    /// A volatile access to shared memory.
    pub(crate) is_volatile: bool,
    /// A load that promises that nobody writes.
    pub(crate) is_constant: bool,
    /// A read-modify-write.
    pub(crate) is_atomic: bool,
    /// Barriers of all threads that the block had passed.
    pub(crate) epoch: u32,
    /// Synchronizations of all lanes that the warp had passed.
    pub(crate) turn: u32,
    /// Releases that the thread had made.
    pub(crate) clock: u32,
    /// Which instruction of the warp it is.
    pub(crate) instance: u32,
    pub(crate) pc: u32,
}

/// The access that one clashes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clash {
    pub(crate) earlier: Stamp,
    pub(crate) is_write: bool,
    /// The clash is with a load that promised that nobody writes, whatever orders the two.
    pub(crate) is_promise: bool,
}

/// Which memory a word belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Room {
    Device,
    /// The shared memory of a block.
    Block(u32),
}

/// Reads that a cell remembers.
const READERS: usize = 4;
/// Words of a page.
const PAGE: u64 = 64;
const SHARDS: usize = 64;

#[derive(Clone, Debug, Default)]
struct Cell {
    write: Option<Stamp>,
    readers: [Option<Stamp>; READERS],
    /// A load that promised that nobody writes.
    promise: Option<Stamp>,
}

#[derive(Clone, Debug)]
enum Word {
    Whole(Cell),
    Split(Box<[Cell; 4]>),
}

impl Default for Word {
    fn default() -> Self {
        Self::Whole(Cell::default())
    }
}

type Pages = HashMap<(Room, u64), Box<[Word]>, BuildHasherDefault<Mix>>;

/// Hashes the few words of a page's key. Nobody chooses keys to make them clash, so that a fast hash serves.
#[derive(Debug, Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x517C_C1B7_2722_0A95);
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64(value.cast_unsigned() as u64);
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

/// The cells of one launch.
#[derive(Debug)]
pub(crate) struct Shadow {
    shards: Vec<Mutex<Pages>>,
}

impl Shadow {
    pub(crate) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// Forgets the shared memory of a block that has ended.
    pub(crate) fn forget(&self, block: u32) {
        for shard in &self.shards {
            let mut pages = shard.lock().unwrap_or_else(PoisonError::into_inner);
            pages.retain(|(room, _), _| *room != Room::Block(block));
        }
    }

    /// Records an access of `bytes` aligned bytes at `address`; what it clashes with first. `ordered` says whether an earlier access happened before this
    /// one; `is_same` whether a write changes nothing.
    pub(crate) fn access(
        &self,
        room: Room,
        address: u64,
        bytes: u32,
        stamp: &Stamp,
        (writes, is_same): (bool, bool),
        ordered: &dyn Fn(&Stamp) -> bool,
    ) -> Option<Clash> {
        let (first, last) = (address / 4, (address + u64::from(bytes.max(1)) - 1) / 4);
        let mut clash = None;
        for word in first..=last {
            let page = word / PAGE;
            let shard = &self.shards[(page % SHARDS as u64) as usize];
            let mut pages = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let words = pages.entry((room, page)).or_insert_with(|| vec![Word::default(); PAGE as usize].into());
            let slot = &mut words[(word % PAGE) as usize];
            let from = address.max(4 * word) - 4 * word;
            let to = (address + u64::from(bytes)).min(4 * word + 4) - 4 * word;
            if (from, to) != (0, 4)
                && let Word::Whole(cell) = slot
            {
                *slot = Word::Split(Box::new(std::array::from_fn(|_| cell.clone())));
            }
            let cells = match slot {
                Word::Whole(cell) => std::slice::from_mut(cell),
                Word::Split(cells) => &mut cells[from as usize..to as usize],
            };
            for cell in cells {
                let found = if writes { cell.write(stamp, is_same, ordered) } else { cell.read(stamp, ordered) };
                clash = clash.or(found);
            }
        }
        clash
    }
}

impl Cell {
    fn read(&mut self, stamp: &Stamp, ordered: &dyn Fn(&Stamp) -> bool) -> Option<Clash> {
        let mut clash = None;
        if let Some(write) = self.write {
            let is_promise = stamp.is_constant;
            if is_promise || (!ordered(&write) && !is_mutual(&write, stamp)) {
                clash = Some(Clash { earlier: write, is_write: true, is_promise });
            }
        }
        if stamp.is_constant {
            self.promise.get_or_insert(*stamp);
        }
        // Whoever is ordered after this read is ordered after those that this one is ordered after.
        let mut free = None;
        for (index, reader) in self.readers.iter_mut().enumerate() {
            match reader {
                Some(known) if known.block == stamp.block && known.thread == stamp.thread || ordered(known) => {
                    *reader = None;
                    free.get_or_insert(index);
                }
                Some(_) => {}
                None => drop(free.get_or_insert(index)),
            }
        }
        match free {
            Some(index) => self.readers[index] = Some(*stamp),
            // Of many it keeps the first ones of different blocks and warps.
            None => {
                let place = |stamp: &Stamp| (stamp.block, stamp.thread / 32);
                let twin = self.readers.iter().enumerate().skip(1).find(|(index, reader)| {
                    let others = self.readers[..*index].iter().flatten();
                    reader.is_some_and(|reader| others.into_iter().any(|other| place(other) == place(&reader)))
                });
                if let Some((index, _)) = twin {
                    self.readers[index] = Some(*stamp);
                }
            }
        }
        clash
    }

    fn write(&mut self, stamp: &Stamp, is_same: bool, ordered: &dyn Fn(&Stamp) -> bool) -> Option<Clash> {
        let mut clash = None;
        if let Some(promise) = self.promise {
            clash = Some(Clash { earlier: promise, is_write: false, is_promise: true });
        }
        if let Some(write) = &self.write {
            // Lanes of one instruction may write the same value to the same place; one of them does it.
            let together = is_same
                && write.block == stamp.block
                && write.thread / 32 == stamp.thread / 32
                && write.instance == stamp.instance
                && write.pc == stamp.pc;
            if !together && !ordered(write) && !is_mutual(write, stamp) {
                clash = clash.or(Some(Clash { earlier: *write, is_write: true, is_promise: false }));
            }
        }
        for reader in self.readers.iter().flatten() {
            if !ordered(reader) && !is_mutual(reader, stamp) {
                clash = clash.or(Some(Clash { earlier: *reader, is_write: false, is_promise: false }));
            }
        }
        self.write = Some(*stamp);
        self.readers = [None; READERS];
        clash
    }
}

/// Whether both accesses are one step each among threads that include the other's.
///
/// Volatile accesses to shared memory are such steps by the word of PTX ISA 9.0, section 8, and lanes of a warp that exchange values by nothing else still depend on who
/// comes first: that is code which takes its warp to run in lockstep, and no lane of it is meant to see what another has not written yet.
fn is_mutual(a: &Stamp, b: &Stamp) -> bool {
    let same_block = a.block == b.block;
    let is_lockstep = a.is_volatile && b.is_volatile && same_block && a.thread / 32 == b.thread / 32;
    match (a.reach, b.reach) {
        (Some(a), Some(b)) => !is_lockstep && (same_block || (a == Reach::Device && b == Reach::Device)),
        _ => false,
    }
}
