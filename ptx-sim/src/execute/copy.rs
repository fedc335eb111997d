//! Asynchronous copies from device memory to shared memory.
//!
//! A copy may happen at any time between its start and the wait that covers it. Here the destination is poisoned at the start and gets its
//! bytes at the wait; the source is read at the start or at the wait, by the launch's seed.
//!
//! # Source
//! PTX ISA 9.0, section 9.7.9.25.3 (`cp.async`, `cp.async.commit_group`, `cp.async.wait_group`).

use std::collections::BTreeMap;

use super::scene::Scene;
use super::target::{Target, report_fault, target};
use super::traffic;
use super::warp::Warp;
use super::watch::Touch;
use super::{ALL, LANES};
use crate::decode::{Code, Lanes, Strength, WideLanes, Window};
use crate::memory::shared::Actor;
use crate::memory::{Allocation, Fault};
use crate::report::{Action, Kind, Location};

/// The copies of a warp that nobody has waited for.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "a batch is large, and moved from list to list")]
pub(crate) struct Copies {
    /// In the order in which they began.
    pending: Vec<Box<Batch>>,
    /// Room for more.
    spare: Vec<Box<Batch>>,
    /// The group that each lane's next copies belong to.
    open_group: Lanes,
    /// Whether that is not the same for all of them.
    is_uneven: bool,
}

/// The copies that one instruction began.
#[derive(Clone, Debug, Default)]
struct Batch {
    /// Those that are not finished.
    lanes: u32,
    pc: u32,
    bytes: u32,
    groups: Lanes,
    to: Lanes,
    from: From,
    /// What was read at the start.
    data: [[u32; 4]; 32],
}

/// What is read at the wait.
#[derive(Clone, Debug, Default)]
enum From {
    #[default]
    Nothing,
    /// So many bytes from each address; the rest is zeros.
    Late(Box<(WideLanes, Lanes)>),
}

/// Copies that barriers in shared memory wait for.
#[derive(Debug)]
pub(super) struct Tracked {
    warp: u32,
    /// The phases of barriers, and how many had ended before.
    phases: Vec<(u32, u32)>,
    batch: Box<Batch>,
}

impl Batch {
    /// Takes some of its lanes out of it; `None` if there are none.
    fn split(&mut self, lanes: u32) -> Option<Box<Self>> {
        let taken = self.lanes & lanes;
        self.lanes &= !lanes;
        (taken != 0).then(|| Box::new(Self { lanes: taken, ..self.clone() }))
    }
}

impl Copies {
    pub(crate) fn reset(&mut self) {
        self.spare.append(&mut self.pending);
        self.open_group = [0; 32];
        self.is_uneven = false;
    }

    pub(crate) fn commit(&mut self, lanes: u32) {
        self.is_uneven |= lanes != ALL;
        for (lane, group) in self.open_group.iter_mut().enumerate() {
            *group += lanes >> lane & 1;
        }
    }

    /// The lanes of a batch whose copies are finished when `lanes` wait for all groups but the last `pending`, or for all copies.
    fn done(&self, batch: &Batch, pending: Option<u32>, lanes: u32) -> u32 {
        let is_covered =
            |(group, open): (&u32, &u32)| pending.is_none_or(|pending| group.saturating_add(pending) < *open);
        let mut groups = batch.groups.iter().zip(&self.open_group);
        let covered = if self.is_uneven {
            (0..LANES).zip(groups).fold(0, |covered, (lane, group)| covered | u32::from(is_covered(group)) << lane)
        } else if groups.next().is_some_and(is_covered) {
            ALL
        } else {
            0
        };
        batch.lanes & lanes & covered
    }
}

/// Reports the first of the `lanes` whose copy is to read more than it writes, which is undefined.
fn report_excess(warp: &Warp, scene: &mut Scene<'_>, (lanes, counts): (u32, &Lanes), bytes: u32, pc: u32) {
    let Some(read) = counts.get(lanes.trailing_zeros() as usize) else { return };
    let copy = (Action::Copy(bytes), warp.first_thread(lanes), pc);
    scene.report(Kind::CopySize { read: *read, written: bytes }, None, vec![copy]);
}

pub(super) fn start(warp: &mut Warp, scene: &mut Scene<'_>, code: &Code, lanes: u32, pc: u32) {
    let Code::Copy { bytes, to, from, source_bytes, ignored } = code else { return };
    let bytes = *bytes;
    let (to, from) = (warp.addresses(*to, lanes), warp.addresses(*from, lanes));
    let mut counts = source_bytes.map_or([bytes; 32], |count| warp.registers.narrow(count, lanes));
    if let Some((pred, is_negated)) = ignored {
        let holds = warp.registers.pred(*pred, lanes);
        let is_ignored = |lane: usize| (holds >> lane & 1 == 1) != *is_negated;
        counts.iter_mut().enumerate().filter(|(lane, _)| is_ignored(*lane)).for_each(|(_, count)| *count = 0);
    }
    let those = |is_wanted: &dyn Fn(u32) -> bool| {
        (0..LANES).zip(counts).fold(0, |those, (lane, count)| those | u32::from(is_wanted(count)) << lane) & lanes
    };
    // What is not read is not asked for.
    let (none, full) = (those(&|count| count == 0), those(&|count| count >= bytes));
    report_excess(warp, scene, (those(&|count| count > bytes), &counts), bytes, pc);
    traffic::count_global(&mut scene.statistics, &from, lanes & !none, bytes);
    traffic::count_shared(&mut scene.statistics, &to, lanes, bytes);
    let mut batch = warp.copies.spare.pop().unwrap_or_default();
    batch.lanes = lanes;
    batch.pc = pc;
    batch.bytes = bytes;
    batch.groups = warp.copies.open_group;
    #[expect(clippy::cast_possible_truncation, reason = "shared memory is small")]
    let offsets = to.map(|to| to as u32);
    batch.to = offsets;
    let mut actor = warp.actor(0, pc);
    let first = actor.thread;
    // First everything is read, which has no effects.
    let mut loaded = 0;
    if is_plain_destination(scene, &to, lanes, bytes) {
        loaded = none;
        if let Some((allocation, shift)) = plain_source(scene, &from, full, bytes) {
            for (lane, data) in batch.data.iter_mut().enumerate().filter(|(lane, _)| full >> lane & 1 == 1) {
                loaded |= u32::from(load(allocation, from[lane] - shift, bytes, data)) << lane;
            }
        }
        for (_, data) in batch.data.iter_mut().enumerate().filter(|(lane, _)| none >> lane & 1 == 1) {
            *data = [0; 4];
        }
    }
    for lane in (0..32u16).filter(|lane| lanes >> lane & 1 == 1) {
        actor.thread = first + lane;
        let place = usize::from(lane);
        let offset = batch.to[place];
        if loaded >> lane & 1 == 1 {
            begin_writing(scene, offset, bytes, actor);
        } else {
            match begin(scene, to[place], (from[place], counts[place].min(bytes)), bytes, actor) {
                Some(found) => batch.data[place] = found,
                None => batch.lanes &= !(1 << lane),
            }
        }
    }
    let is_late = scene.context.options.seed % 2 == 1;
    batch.from =
        if is_late { From::Late(Box::new((from, counts.map(|count| count.min(bytes))))) } else { From::Nothing };
    warp.copies.pending.push(batch);
}

/// Loads the words of a copy. `false`, and they mean nothing, if one of their bytes was not written.
#[inline]
fn load(allocation: &Allocation, offset: u64, bytes: u32, to: &mut [u32; 4]) -> bool {
    match bytes {
        16 => allocation.load_line(offset, to),
        _ => to.get_mut(..bytes as usize / 4).is_some_and(|words| allocation.load_words(offset, words)),
    }
}

/// Whether all lanes copy to where they can, if nobody has to be told of it.
fn is_plain_destination(scene: &Scene<'_>, to: &WideLanes, lanes: u32, bytes: u32) -> bool {
    let (mut furthest, mut bits) = (0, 0);
    for (_, to) in to.iter().enumerate().filter(|(lane, _)| lanes >> lane & 1 == 1) {
        furthest = furthest.max(*to);
        bits |= to;
    }
    let step = u64::from(bytes);
    furthest.saturating_add(step) <= scene.shared.bytes().into() && bits & (step - 1) == 0 && !scene.watches_shared()
}

/// The allocation that lanes copy whole words from, and what an address is more than the offset in it, if nobody has to be told of it.
fn plain_source<'l>(scene: &Scene<'l>, from: &WideLanes, lanes: u32, bytes: u32) -> Option<(&'l Allocation, u64)> {
    let step = u64::from(bytes);
    let (mut least, mut greatest, mut bits) = (u64::MAX, 0, 0);
    for (_, from) in from.iter().enumerate().filter(|(lane, _)| lanes >> lane & 1 == 1) {
        least = least.min(*from);
        greatest = greatest.max(*from);
        bits |= from;
    }
    if bits & (step - 1) != 0 || scene.watches_device(least) {
        return None;
    }
    let length = u32::try_from(greatest.checked_sub(least)?.checked_add(step)?).ok()?;
    let (allocation, offset) = scene.context.view.locate(least, length, 1).ok()?;
    Some((allocation, least - offset))
}

/// Begins a copy of one lane, all of which is looked at. What it has read, or `None` if it cannot be made.
fn begin(scene: &mut Scene<'_>, to: u64, (address, count): (u64, u32), bytes: u32, actor: Actor) -> Option<[u32; 4]> {
    let here = (Action::Copy(bytes), u32::from(actor.thread), actor.pc);
    let destination = match target(scene, Window::Shared, to, bytes, bytes, actor.thread) {
        Ok(Target::Shared(offset)) => offset,
        Ok(Target::Global(..) | Target::Local(_)) => return None,
        Err(fault) => {
            report_fault(scene, fault, Window::Shared, to, bytes, here);
            return None;
        }
    };
    let (data, is_written) = match read(scene, address, count, bytes) {
        Ok(found) => found,
        Err(fault) => {
            report_fault(scene, fault, Window::Global, address, bytes, here);
            return None;
        }
    };
    if !is_written {
        let (allocation, offset) = crate::memory::name(address);
        let location = Location::Global { allocation, offset };
        scene.report(Kind::UninitialisedMemory, Some(location), vec![(Action::Copy(count), here.1, actor.pc)]);
    }
    if count > 0 {
        scene.watch_device(address, count, actor, Touch::Read { is_constant: false }, Strength::WEAK);
    }
    if scene.watches_shared() {
        scene.watch_shared(destination, bytes, actor, Touch::Write(None), Strength::WEAK);
    }
    begin_writing(scene, destination, bytes, actor);
    Some(data)
}

#[inline(always)]
fn begin_writing(scene: &mut Scene<'_>, to: u32, bytes: u32, actor: Actor) {
    let is_quiet = bytes == 16 && scene.shared.begin_line_quietly(to, &actor);
    if !is_quiet && let Some(trouble) = scene.shared.begin_copy(to, bytes, &actor) {
        scene.report_shared(trouble, to, Action::Copy(bytes), actor);
    }
}

/// The words of a copy: `count` bytes from device memory, then zeros; and whether all of them were written.
fn read(scene: &Scene<'_>, address: u64, count: u32, bytes: u32) -> Result<([u32; 4], bool), Fault> {
    let mut data = [0; 4];
    if count == 0 {
        return Ok((data, true));
    }
    let (allocation, offset) = scene.context.view.locate(address, count, bytes)?;
    let mut is_written = true;
    for (word, value) in (0u32..).zip(data.iter_mut().take(count.div_ceil(4) as usize)) {
        let (found, written) = allocation.word(offset + u64::from(4 * word));
        let left = (count - 4 * word).min(4);
        let wanted = (1 << left) - 1;
        is_written &= written & wanted == wanted;
        *value = if left == 4 { found } else { found & ((1 << (8 * left)) - 1) };
    }
    Ok((data, is_written))
}

/// Finishes the copies of each lane that its wait covers.
pub(super) fn wait(warp: &mut Warp, scene: &mut Scene<'_>, pending: Option<u32>, lanes: u32) {
    let mut copies = std::mem::take(&mut warp.copies);
    for mut batch in std::mem::take(&mut copies.pending) {
        let done = copies.done(&batch, pending, lanes);
        finish(warp, scene, &batch, done);
        batch.lanes &= !done;
        let rest = if batch.lanes == 0 { &mut copies.spare } else { &mut copies.pending };
        rest.push(batch);
    }
    for mut tracked in std::mem::take(&mut scene.mbarriers.tracked) {
        if tracked.warp == warp.index() {
            let done = copies.done(&tracked.batch, pending, lanes);
            put(scene, &tracked.batch, done, warp.actor(0, tracked.batch.pc));
            tracked.batch.lanes &= !done;
        }
        if tracked.batch.lanes != 0 {
            scene.mbarriers.tracked.push(tracked);
        }
    }
    warp.copies = copies;
}

/// The words of copies arrive.
fn finish(warp: &Warp, scene: &mut Scene<'_>, batch: &Batch, lanes: u32) {
    if scene.watches_shared() {
        for (lane, to) in (0..LANES).zip(batch.to).filter(|(lane, _)| lanes >> lane & 1 == 1) {
            scene.watch_shared(to, batch.bytes, warp.actor(lane, batch.pc), Touch::Write(None), Strength::WEAK);
        }
    }
    put(scene, batch, lanes, warp.actor(0, batch.pc));
}

/// The copies of each lane so far are done when a phase of a barrier has ended.
pub(super) fn track(warp: &mut Warp, scene: &mut Scene<'_>, phases: &[(u32, (u32, u32))]) {
    let mut groups: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    for (lane, phase) in phases {
        *groups.entry(*phase).or_default() |= 1 << lane;
    }
    let index = warp.index();
    for (phase, lanes) in groups {
        let tracked = &mut scene.mbarriers.tracked;
        let mut more = Vec::new();
        for known in tracked.iter_mut().filter(|known| known.warp == index) {
            if let Some(batch) = known.batch.split(lanes) {
                let phases = known.phases.iter().copied().chain([phase]).collect();
                more.push(Tracked { warp: index, phases, batch });
            }
        }
        for batch in &mut warp.copies.pending {
            if let Some(batch) = batch.split(lanes) {
                tracked.push(Tracked { warp: index, phases: vec![phase], batch });
            }
        }
        tracked.append(&mut more);
        tracked.retain(|tracked| tracked.batch.lanes != 0);
        warp.copies.pending.retain(|batch| batch.lanes != 0);
    }
}

/// Somebody has found that so many phases of the barrier at `offset` have ended: the words of the copies that they waited for arrive.
pub(super) fn land(scene: &mut Scene<'_>, offset: u32, ended: u32) {
    for tracked in std::mem::take(&mut scene.mbarriers.tracked) {
        if tracked.phases.iter().any(|(at, phase)| *at == offset && *phase < ended) {
            let thread = u16::try_from(tracked.warp * LANES).unwrap_or(0);
            put(scene, &tracked.batch, tracked.batch.lanes, Actor { thread, turn: 0, pc: tracked.batch.pc });
        } else {
            scene.mbarriers.tracked.push(tracked);
        }
    }
}

/// The words of copies arrive in memory; `actor` is the first lane's.
fn put(scene: &mut Scene<'_>, batch: &Batch, lanes: u32, mut actor: Actor) {
    let bytes = batch.bytes;
    let first = actor.thread;
    for (lane, to) in (0u16..).zip(batch.to).filter(|(lane, _)| lanes >> lane & 1 == 1) {
        let place = usize::from(lane);
        let data = match &batch.from {
            // It was inside an allocation when the copy began, and allocations last as long as the launch.
            From::Late(late) => read(scene, late.0[place], late.1[place], bytes).map_or([0; 4], |(data, _)| data),
            From::Nothing => batch.data[place],
        };
        actor.thread = first + lane;
        if bytes == 16 {
            scene.shared.finish_line(to, &data, &actor);
        } else {
            scene.shared.finish_copy(to, data.get(..bytes as usize / 4).unwrap_or(&data), &actor);
        }
    }
}
