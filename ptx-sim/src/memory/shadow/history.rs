//! The last write, the reads since then that no later read is ordered after, and promises.

use super::stamp::{Clash, Stamp};

/// Reads that are remembered.
const READERS: usize = 4;

#[derive(Clone, Debug, Default)]
pub(super) struct History {
    pub(super) write: Option<Stamp>,
    readers: [Option<Stamp>; READERS],
    /// A load that promised that nobody writes.
    promise: Option<Stamp>,
}

impl History {
    pub(super) fn new(write: Option<Stamp>, reader: Option<Stamp>) -> Self {
        Self { write, readers: [reader, None, None, None], promise: None }
    }

    /// Whether there is no more to remember than the last write.
    pub(super) fn is_only_write(&self) -> bool {
        self.promise.is_none() && self.readers.iter().all(Option::is_none)
    }

    /// The same for a byte of the word.
    pub(super) fn of_byte(&self, byte: usize) -> Self {
        Self { write: self.write.map(|write| write.of_byte(byte)), ..self.clone() }
    }

    pub(super) fn read(&mut self, stamp: &Stamp, ordered: &impl Fn(&Stamp) -> bool) -> Option<Clash> {
        let mut clash = None;
        if let Some(write) = self.write {
            let is_promise = stamp.nature.is_constant();
            if is_promise || (!ordered(&write) && !write.is_mutual(stamp)) {
                clash = Some(Clash { earlier: write, is_write: true, is_promise });
            }
        }
        if stamp.nature.is_constant() {
            self.promise.get_or_insert(*stamp);
        }
        // Whoever is ordered after this read is ordered after those that this one is ordered after.
        let mut free = None;
        for (index, reader) in self.readers.iter_mut().enumerate() {
            match reader {
                Some(known) if known.is_by_thread_of(stamp) || ordered(known) => {
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

    pub(super) fn write(&mut self, stamp: &Stamp, ordered: &impl Fn(&Stamp) -> bool) -> Option<Clash> {
        let mut clash = None;
        if let Some(promise) = self.promise {
            clash = Some(Clash { earlier: promise, is_write: false, is_promise: true });
        }
        if let Some(write) = &self.write
            && !write.is_same_write(stamp)
            && !ordered(write)
            && !write.is_mutual(stamp)
        {
            clash = clash.or(Some(Clash { earlier: *write, is_write: true, is_promise: false }));
        }
        for reader in self.readers.iter().flatten() {
            if !ordered(reader) && !reader.is_mutual(stamp) {
                clash = clash.or(Some(Clash { earlier: *reader, is_write: false, is_promise: false }));
            }
        }
        self.write = Some(*stamp);
        self.readers = [None; READERS];
        clash
    }
}
