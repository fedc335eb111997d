//! Races on device memory, and on shared memory where barriers of all threads are not all that orders it.

use std::sync::{Arc, Mutex, PoisonError};

use super::order::{Knowledge, Moment, Order};
use super::scene::Scene;
use crate::decode::{Reach, Strength, WideLanes};
use crate::memory::shadow::{Clash, Deed, Nature, Room, Stamp, Words};
use crate::memory::shared::Actor;
use crate::report::{Action, Kind, Location};

/// What an access does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Touch {
    Read {
        is_constant: bool,
    },
    /// The words that it stores, if they are known.
    Write(Option<Words>),
    ReadModifyWrite,
}

impl Scene<'_> {
    /// Whether accesses to shared memory are looked at here rather than by the epochs of [`Shared`](crate::memory::shared::Shared).
    pub(super) const fn watches_shared(&self) -> bool {
        self.context.order.is_some()
    }

    /// A thread at this moment.
    pub(super) const fn moment(&self, actor: Actor) -> Moment {
        Moment { block: self.number, thread: actor.thread, epoch: self.shared.epoch(), turn: actor.turn }
    }

    /// Looks at an access of `action`'s bytes to device memory.
    pub(super) fn watch_device(&mut self, address: u64, bytes: u32, actor: Actor, touch: Touch, strength: Strength) {
        if self.watches_device(address) {
            let (allocation, offset) = crate::memory::name(address);
            let room = Room::Device(self.context.view.place(address).0);
            self.watch((room, offset), bytes, actor, touch, strength, Location::Global { allocation, offset });
        }
    }

    /// Whether accesses to the device memory at `address` are looked at.
    pub(super) fn watches_device(&self, address: u64) -> bool {
        self.context.options.check.finds_races() && self.context.view.is_watched(address)
    }

    /// Looks at ordinary accesses by `lanes` of a warp, whose first lane is `actor`, to places of an allocation that do not overlap.
    pub(super) fn watch_lanes(
        &mut self,
        (addresses, bytes): (&WideLanes, u32),
        lanes: u32,
        actor: Actor,
        (action, is_constant): (Action, bool),
        values: Option<&[Words; 32]>,
    ) {
        let index = self.context.view.place(addresses[lanes.trailing_zeros() as usize % 32]).0;
        let stamp = self.ordinary(actor, is_constant);
        let offsets = addresses.map(|address| crate::memory::name(address).1);
        let clashes =
            self.context.shadow.access_lanes(index, (&offsets, bytes), lanes, &stamp, values, &is_ordered_here);
        for (lane, clash) in clashes {
            self.report_clash_of_lane(clash, (addresses[lane as usize % 32], bytes), action, (actor, lane));
        }
    }

    /// The same for all lanes of a warp that access `bytes` bytes each, words, one lane's after the other's from `start` on.
    pub(super) fn watch_run(
        &mut self,
        (start, bytes): (u64, u32),
        actor: Actor,
        (action, is_constant): (Action, bool),
        values: Option<&[u32]>,
    ) {
        let (index, offset) = self.context.view.place(start);
        let stamp = self.ordinary(actor, is_constant);
        let each = bytes as usize / 4;
        for (lane, clash) in self.context.shadow.access_run(index, offset, each, &stamp, values, &is_ordered_here) {
            let address = start + u64::from(lane * bytes);
            self.report_clash_of_lane(clash, (address, bytes), action, (actor, lane));
        }
    }

    /// An ordinary access to device memory, now.
    const fn ordinary(&self, actor: Actor, is_constant: bool) -> Stamp {
        Stamp {
            block: self.number,
            epoch: self.shared.epoch(),
            turn: actor.turn,
            clock: 0,
            value: 0,
            pc: actor.pc,
            thread: actor.thread,
            nature: Nature::new().with_constant(is_constant),
        }
    }

    fn report_clash_of_lane(
        &mut self,
        clash: Clash,
        (address, bytes): (u64, u32),
        action: Action,
        (first, lane): (Actor, u32),
    ) {
        let (allocation, offset) = crate::memory::name(address);
        let actor = Actor { thread: first.thread + u16::try_from(lane).unwrap_or(0), ..first };
        self.report_clash(clash, bytes, Location::Global { allocation, offset }, action, actor);
    }

    /// Looks at an access to the block's shared memory.
    pub(super) fn watch_shared(&mut self, offset: u32, bytes: u32, actor: Actor, touch: Touch, strength: Strength) {
        let place = (Room::Block(self.number), u64::from(offset));
        self.watch(place, bytes, actor, touch, strength, Location::Shared { offset });
    }

    fn watch(
        &mut self,
        (room, address): (Room, u64),
        bytes: u32,
        actor: Actor,
        touch: Touch,
        strength: Strength,
        location: Location,
    ) {
        let context = self.context;
        let now = self.moment(actor);
        let mut order = context.order.as_ref().map(lock);
        let stamp = Stamp {
            block: now.block,
            epoch: now.epoch,
            turn: now.turn,
            clock: order.as_ref().map_or(0, |order| order.clock(now)),
            value: 0,
            pc: actor.pc,
            thread: now.thread,
            nature: Nature::new()
                .with_reach(strength.reach)
                .with_volatile(strength.is_volatile && matches!(room, Room::Block(_)))
                .with_constant(matches!(touch, Touch::Read { is_constant: true }))
                .with_atomic(matches!(touch, Touch::ReadModifyWrite)),
        };
        let deed = match &touch {
            Touch::Read { .. } => Deed::Read,
            Touch::Write(Some(words)) => Deed::Store(words),
            Touch::Write(None) | Touch::ReadModifyWrite => Deed::Write,
        };
        let ordered = |earlier: &Stamp| {
            is_ordered_here(earlier, &stamp) || order.as_ref().is_some_and(|order| order.knows(now, earlier))
        };
        let clash = context.shadow.access(room, address, bytes, &stamp, deed, &ordered);
        if let Some(order) = &mut order {
            let place = (room, address);
            match touch {
                Touch::Read { .. } => order.read(now, place, strength),
                Touch::Write(_) => order.write(now, place, strength, false),
                Touch::ReadModifyWrite => {
                    order.read(now, place, strength);
                    order.write(now, place, strength, true);
                }
            }
        }
        drop(order);
        if let Some(clash) = clash {
            let action = match touch {
                Touch::Read { .. } => Action::Read(bytes),
                Touch::Write(_) => Action::Write(bytes),
                Touch::ReadModifyWrite => Action::Atomic(bytes),
            };
            self.report_clash(clash, bytes, location, action, actor);
        }
    }

    fn report_clash(&mut self, clash: Clash, bytes: u32, location: Location, action: Action, actor: Actor) {
        let Clash { earlier, is_write, is_promise } = clash;
        let before = match (earlier.nature.is_atomic(), is_write) {
            (true, _) => Action::Atomic(bytes),
            (_, true) => Action::Write(bytes),
            _ => Action::Read(bytes),
        };
        let kind = if is_promise { Kind::ReadOnly } else { Kind::Race };
        let block = self.context.block_index(earlier.block);
        self.report_of(
            kind,
            Some(location),
            [
                (block, (before, u32::from(earlier.thread), earlier.pc)),
                (self.block, (action, u32::from(actor.thread), actor.pc)),
            ],
        );
    }

    /// A fence by one thread.
    pub(super) fn fence(&mut self, actor: Actor, reach: Reach) {
        if let Some(order) = &self.context.order {
            lock(order).fence(self.moment(actor), reach);
        }
    }

    /// All threads of the block have met.
    pub(super) fn meet_all(&mut self) {
        if let Some(order) = &self.context.order {
            lock(order).meet_all(self.number, self.context.threads());
        }
    }

    /// Some threads have met: what `arriving` did happens before what `waiting` do next.
    pub(super) fn meet(&mut self, arriving: &[Moment], waiting: &[Moment]) {
        if let Some(order) = &self.context.order {
            lock(order).meet(arriving, waiting);
        }
    }

    /// Adds to `all` what a thread has done and knows; not what is among `known` already.
    pub(super) fn release(&self, actor: Actor, all: &mut Knowledge, known: &mut Vec<Arc<Knowledge>>) {
        if let Some(order) = &self.context.order {
            lock(order).release(self.moment(actor), all, known);
        }
    }

    /// A thread knows from here on what others have released.
    pub(super) fn acquire(&self, actor: Actor, knowledge: &Arc<Knowledge>) {
        if let Some(order) = &self.context.order {
            lock(order).acquire(self.moment(actor), knowledge);
        }
    }

    /// The block has ended.
    pub(super) fn forget(&mut self) {
        if let Some(order) = &self.context.order {
            self.context.shadow.forget(self.number);
            lock(order).forget(self.number);
        }
    }
}

/// Whether an access was ordered before another by the barriers of their block and the synchronizations of their warp.
const fn is_ordered_here(earlier: &Stamp, now: &Stamp) -> bool {
    earlier.block == now.block
        && (earlier.thread == now.thread
            || earlier.epoch < now.epoch
            || (earlier.thread / 32 == now.thread / 32 && earlier.turn < now.turn))
}

fn lock(order: &Mutex<Order>) -> std::sync::MutexGuard<'_, Order> {
    order.lock().unwrap_or_else(PoisonError::into_inner)
}
