//! What happened before what, in kernels whose threads order their accesses by more than barriers of all threads.
//!
//! A thread knows of what happened before its next access: everything that its block did before the last barrier of all threads, what its warp did before
//! the last synchronization of its lanes, and what it acquired from others. A release (a fence followed by a strong write, or a write that releases) leaves
//! the thread's knowledge at the place written; an acquire (a strong read followed by a fence, or a read that acquires) takes it from there. Both count only
//! if their scopes include the other thread. What threads had fenced for the device before they met at a barrier, any of them leaves behind afterwards. Read-modify-writes pass on what was there; other writes replace it.
//!
//! # Source
//! PTX ISA 9.0, section 8.8 (release and acquire patterns, causality order), simplified: all strong writes to a place are taken to be observed in the order in
//! which they were executed here.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::decode::{Reach, Strength};
use crate::memory::shadow::{Room, Stamp};

/// What is known to have happened, for each block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Knowledge {
    blocks: BTreeMap<u32, Known>,
}

/// What is known of one block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    /// Everything before this epoch.
    epoch: u32,
    /// What each warp did before a turn.
    turns: BTreeMap<u16, u32>,
    /// What each thread did up to a release.
    clocks: BTreeMap<u16, u32>,
}

impl Knowledge {
    fn knows(&self, stamp: &Stamp) -> bool {
        self.blocks.get(&stamp.block).is_some_and(|known| {
            stamp.epoch < known.epoch
                || known.clocks.get(&stamp.thread).is_some_and(|clock| stamp.clock <= *clock)
                || known.turns.get(&(stamp.thread / 32)).is_some_and(|turn| stamp.turn < *turn)
        })
    }

    /// Whether it has all that `other` has.
    fn covers(&self, other: &Self) -> bool {
        let has = |own: &BTreeMap<u16, u32>, other: &BTreeMap<u16, u32>| {
            other.len() <= own.len() && other.iter().all(|(key, value)| own.get(key).is_some_and(|own| own >= value))
        };
        other.blocks.iter().all(|(block, other)| {
            self.blocks.get(block).is_some_and(|own| {
                own.epoch >= other.epoch && has(&own.turns, &other.turns) && has(&own.clocks, &other.clocks)
            })
        })
    }

    fn join(&mut self, other: &Self) {
        for (block, more) in &other.blocks {
            let known = self.blocks.entry(*block).or_default();
            known.epoch = known.epoch.max(more.epoch);
            for (from, to) in [(&more.turns, &mut known.turns), (&more.clocks, &mut known.clocks)] {
                for (key, value) in from {
                    let slot = to.entry(*key).or_default();
                    *slot = (*slot).max(*value);
                }
            }
        }
    }
}

/// `a` and `b` together.
fn joined(a: &Arc<Knowledge>, b: &Arc<Knowledge>) -> Arc<Knowledge> {
    if Arc::ptr_eq(a, b) || b.blocks.is_empty() {
        return Arc::clone(a);
    }
    if a.blocks.is_empty() || b.covers(a) {
        return Arc::clone(b);
    }
    let mut all = (**a).clone();
    all.join(b);
    Arc::new(all)
}

/// What a thread has beyond what its block has in common.
#[derive(Clone, Debug, Default)]
struct Thread {
    clock: u32,
    acquired: Arc<Knowledge>,
    /// What a strong write leaves behind, since the last fence.
    fenced: Option<(Reach, Arc<Knowledge>)>,
    /// What strong reads have found since the last fence; whether it is the own block's.
    found: Vec<(bool, Arc<Knowledge>)>,
}

/// What strong writes left at a place.
#[derive(Clone, Debug, Default)]
struct Place {
    for_all: Arc<Knowledge>,
    for_block: HashMap<u32, Arc<Knowledge>>,
}

/// The threads of the blocks that run, and the places they synchronize by.
#[derive(Debug, Default)]
pub(crate) struct Order {
    threads: HashMap<(u32, u16), Thread>,
    common: HashMap<u32, Arc<Knowledge>>,
    /// What the threads of a block had fenced for the device when they last met.
    fenced: HashMap<u32, Arc<Knowledge>>,
    places: HashMap<(Room, u64), Place>,
}

/// A thread at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) block: u32,
    pub(crate) thread: u16,
    pub(crate) epoch: u32,
    pub(crate) turn: u32,
}

impl Order {
    pub(crate) fn clock(&self, now: Moment) -> u32 {
        self.threads.get(&(now.block, now.thread)).map_or(0, |thread| thread.clock)
    }

    /// Whether `earlier` happened before `now` by what was acquired.
    pub(crate) fn knows(&self, now: Moment, earlier: &Stamp) -> bool {
        let acquired = self.threads.get(&(now.block, now.thread)).is_some_and(|thread| thread.acquired.knows(earlier));
        acquired || self.common.get(&now.block).is_some_and(|common| common.knows(earlier))
    }

    /// All that `now` knows, itself included.
    fn snapshot(&mut self, now: Moment) -> Arc<Knowledge> {
        let common = self.common.entry(now.block).or_default();
        let thread = self.threads.entry((now.block, now.thread)).or_default();
        let mut all = (*joined(common, &thread.acquired)).clone();
        let known = all.blocks.entry(now.block).or_default();
        known.epoch = known.epoch.max(now.epoch);
        known.turns.insert(now.thread / 32, now.turn);
        known.clocks.insert(now.thread, thread.clock);
        thread.clock += 1;
        Arc::new(all)
    }

    /// Adds to `all` what `now` knows, itself included; not what is among `known` already.
    pub(super) fn release(&mut self, now: Moment, all: &mut Knowledge, known: &mut Vec<Arc<Knowledge>>) {
        let common = Arc::clone(self.common.entry(now.block).or_default());
        let thread = self.threads.entry((now.block, now.thread)).or_default();
        for more in [&common, &thread.acquired] {
            if !known.iter().any(|known| Arc::ptr_eq(known, more)) {
                all.join(more);
                known.push(Arc::clone(more));
            }
        }
        let block = all.blocks.entry(now.block).or_default();
        block.epoch = block.epoch.max(now.epoch);
        let turn = block.turns.entry(now.thread / 32).or_default();
        *turn = (*turn).max(now.turn);
        block.clocks.insert(now.thread, thread.clock);
        thread.clock += 1;
    }

    /// `now` knows all this from here on.
    pub(super) fn acquire(&mut self, now: Moment, knowledge: &Arc<Knowledge>) {
        let thread = self.threads.entry((now.block, now.thread)).or_default();
        thread.acquired = joined(&thread.acquired, knowledge);
    }

    pub(crate) fn fence(&mut self, now: Moment, reach: Reach) {
        let thread = self.threads.entry((now.block, now.thread)).or_default();
        for (is_own, knowledge) in std::mem::take(&mut thread.found) {
            if is_own || reach == Reach::Device {
                self.acquire(now, &knowledge);
            }
        }
        let snapshot = self.snapshot(now);
        let thread = self.threads.entry((now.block, now.thread)).or_default();
        thread.fenced = Some((reach, snapshot));
    }

    /// A strong read of a place.
    pub(crate) fn read(&mut self, now: Moment, place: (Room, u64), strength: Strength) {
        let (Some(reach), Some(found)) = (strength.reach, self.places.get(&place)) else { return };
        let own = found.for_block.get(&now.block).cloned();
        let all = (reach == Reach::Device).then(|| Arc::clone(&found.for_all));
        for (is_own, knowledge) in own.map(|own| (true, own)).into_iter().chain(all.map(|all| (false, all))) {
            if knowledge.blocks.is_empty() {
                continue;
            }
            if strength.acquires {
                self.acquire(now, &knowledge);
            } else {
                let found = &mut self.threads.entry((now.block, now.thread)).or_default().found;
                if !found.iter().any(|(_, known)| Arc::ptr_eq(known, &knowledge)) {
                    found.push((is_own, knowledge));
                }
            }
        }
    }

    /// A strong write to a place; `passes_on` for a read-modify-write.
    pub(crate) fn write(&mut self, now: Moment, place: (Room, u64), strength: Strength, passes_on: bool) {
        let Some(reach) = strength.reach else {
            // An ordinary write ends what the place stood for.
            self.places.remove(&place);
            return;
        };
        let left = if strength.releases {
            Some((reach, self.snapshot(now)))
        } else {
            let own = self.threads.get(&(now.block, now.thread)).and_then(|thread| thread.fenced.clone());
            let together = self.fenced.get(&now.block);
            let fenced = match (own, together) {
                (Some((Reach::Device, own)), Some(together)) => Some((Reach::Device, joined(&own, together))),
                (Some(own), None) => Some(own),
                (_, Some(together)) => Some((Reach::Device, Arc::clone(together))),
                (None, None) => None,
            };
            fenced.map(|(fence, knowledge)| (fence.min(reach), knowledge))
        };
        let slot = self.places.entry(place).or_default();
        if !passes_on {
            *slot = Place::default();
        }
        if let Some((reach, knowledge)) = left {
            let own = slot.for_block.entry(now.block).or_default();
            *own = joined(own, &knowledge);
            if reach == Reach::Device {
                slot.for_all = joined(&slot.for_all, &knowledge);
            }
        }
    }

    /// A barrier of all threads of a block: what one had acquired, all have.
    pub(crate) fn meet_all(&mut self, block: u32, threads: u32) {
        let mut common = self.common.get(&block).cloned().unwrap_or_default();
        let mut fenced = self.fenced.get(&block).cloned();
        for thread in 0..threads {
            let thread = u16::try_from(thread).unwrap_or(u16::MAX);
            if let Some(thread) = self.threads.get_mut(&(block, thread)) {
                common = joined(&common, &std::mem::take(&mut thread.acquired));
                if let Some((Reach::Device, knowledge)) = &thread.fenced {
                    fenced = Some(fenced.map_or_else(|| Arc::clone(knowledge), |fenced| joined(&fenced, knowledge)));
                    thread.fenced = None;
                }
            }
        }
        self.common.insert(block, common);
        if let Some(fenced) = fenced {
            self.fenced.insert(block, fenced);
        }
    }

    /// Some threads synchronize: everything that `arriving` did happens before what `waiting` do next.
    pub(crate) fn meet(&mut self, arriving: &[Moment], waiting: &[Moment]) {
        let mut all = Knowledge::default();
        for now in arriving {
            all.join(&self.snapshot(*now));
        }
        let all = Arc::new(all);
        for now in waiting {
            self.acquire(*now, &all);
        }
    }

    /// Forgets the threads of a block that has ended.
    pub(crate) fn forget(&mut self, block: u32) {
        self.threads.retain(|(owner, _), _| *owner != block);
        self.common.remove(&block);
        self.fenced.remove(&block);
        self.places.retain(|(room, _), _| *room != Room::Block(block));
    }
}
