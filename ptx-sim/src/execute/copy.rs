//! Asynchronous copies from device memory to shared memory.
//!
//! A copy may happen at any time between its start and the wait that covers it. Here the destination is poisoned at the start and gets its
//! bytes at the wait; the source is read at the start or at the wait, by the launch's seed.
//!
//! # Source
//! PTX ISA 9.0, section 9.7.9.25.3 (`cp.async`, `cp.async.commit_group`, `cp.async.wait_group`).

use std::collections::VecDeque;

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
pub(crate) struct Copies {
    /// In the order in which they began.
    pending: VecDeque<Pending>,
    /// The group that each lane's next copies belong to.
    open_group: [u32; 32],
    /// Whether that is not the same for all of them.
    is_uneven: bool,
}

#[derive(Debug)]
struct Pending {
    lane: u8,
    group: u32,
    pc: u32,
    to: u32,
    words: u32,
    from: From,
}

/// Where the words of a copy come from.
#[derive(Debug)]
enum From {
    /// They were read at the start.
    Data([u32; 4]),
    /// So many bytes are read at the wait from an address; the rest is zeros.
    Late(u64, u32),
}

impl Copies {
    pub(crate) fn reset(&mut self) {
        self.pending.clear();
        self.open_group = [0; 32];
        self.is_uneven = false;
    }

    pub(crate) fn commit(&mut self, lanes: u32) {
        self.is_uneven |= lanes != ALL;
        for (lane, group) in self.open_group.iter_mut().enumerate() {
            *group += lanes >> lane & 1;
        }
    }
}

pub(super) fn start(warp: &mut Warp, scene: &mut Scene<'_>, code: &Code, lanes: u32, pc: u32) {
    let Code::Copy { bytes, to, from, source_bytes } = code else { return };
    let bytes = *bytes;
    let (to, from) = (warp.addresses(*to, lanes), warp.addresses(*from, lanes));
    let source_bytes = source_bytes.map_or([bytes; 32], |count| warp.registers.narrow(count, lanes));
    // What is not read is not asked for.
    let readers = (0..LANES)
        .filter(|lane| lanes >> lane & 1 == 1 && source_bytes[*lane as usize] > 0)
        .fold(0, |mask, lane| mask | 1 << lane);
    traffic::count_global(&mut scene.statistics, &from, readers, bytes);
    traffic::count_shared(&mut scene.statistics, &to, lanes, bytes);
    let source = plain_source(scene, (&to, &from), &source_bytes, lanes, bytes);
    let is_late = scene.context.options.seed % 2 == 1;
    let first = warp.actor(0, pc);
    for lane in (0..LANES).filter(|lane| lanes >> lane & 1 == 1) {
        let (to, address, count) = (to[lane as usize], from[lane as usize], source_bytes[lane as usize].min(bytes));
        let mut data = [0; 4];
        #[expect(clippy::cast_possible_truncation, reason = "a lane's number; shared memory is small")]
        let (lane_number, destination) = (lane as u8, to as u32);
        let actor = Actor { thread: first.thread + u16::from(lane_number), ..first };
        let is_plain = source.is_some_and(|(allocation, shift)| {
            data.get_mut(..bytes as usize / 4).is_some_and(|words| allocation.load_words(address - shift, words))
        });
        if is_plain {
            if let Some(trouble) = scene.shared.begin_copy(destination, bytes, &actor) {
                scene.report_shared(trouble, destination, Action::Copy(bytes), actor);
            }
        } else {
            match begin(scene, to, (address, count), bytes, actor) {
                Some(found) => data = found,
                None => continue,
            }
        }
        let group = warp.copies.open_group[lane as usize];
        let from = if is_late { From::Late(address, count) } else { From::Data(data) };
        let copy = Pending { lane: lane_number, group, pc, to: destination, words: bytes / 4, from };
        warp.copies.pending.push_back(copy);
    }
}

/// The allocation that all lanes copy whole words from, and what an address is more than the offset in it, if nobody has to be told of it, and if all lanes
/// copy to where they can.
fn plain_source<'l>(
    scene: &Scene<'l>,
    (to, from): (&WideLanes, &WideLanes),
    source_bytes: &Lanes,
    lanes: u32,
    bytes: u32,
) -> Option<(&'l Allocation, u64)> {
    let (limit, step) = (u64::from(scene.shared.bytes()), u64::from(bytes));
    let (mut least, mut greatest, mut is_plain) = (u64::MAX, 0, !scene.watches_shared());
    for lane in (0..LANES as usize).filter(|lane| lanes >> lane & 1 == 1) {
        let (to, from) = (to[lane], from[lane]);
        least = least.min(from);
        greatest = greatest.max(from);
        is_plain &= source_bytes[lane] >= bytes && to.saturating_add(step) <= limit;
        is_plain &= to.is_multiple_of(step) && from.is_multiple_of(step);
    }
    if !is_plain || scene.watches_device(least) {
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
        scene.watch_shared(destination, bytes, actor, Touch::Write { is_same: false }, Strength::WEAK);
    }
    if let Some(trouble) = scene.shared.begin_copy(destination, bytes, &actor) {
        scene.report_shared(trouble, destination, Action::Copy(bytes), actor);
    }
    Some(data)
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
    let is_done = |copies: &Copies, copy: &Pending| {
        let open = copies.open_group[usize::from(copy.lane) % 32];
        let is_covered = pending.is_none_or(|pending| copy.group.saturating_add(pending) < open);
        lanes >> copy.lane & 1 == 1 && is_covered
    };
    while let Some(copy) = copies.pending.front().filter(|copy| is_done(&copies, copy)) {
        finish(warp, scene, copy);
        copies.pending.pop_front();
    }
    // Where lanes are not all in one group, copies that began later may end earlier.
    if copies.is_uneven || lanes != ALL {
        let rest = std::mem::take(&mut copies.pending);
        for copy in rest {
            if is_done(&copies, &copy) {
                finish(warp, scene, &copy);
            } else {
                copies.pending.push_back(copy);
            }
        }
    }
    warp.copies = copies;
}

/// The words of a copy arrive.
fn finish(warp: &Warp, scene: &mut Scene<'_>, copy: &Pending) {
    let data = match copy.from {
        // It was inside an allocation when the copy began, and allocations last as long as the launch.
        From::Late(address, count) => read(scene, address, count, 4 * copy.words).map_or([0; 4], |(data, _)| data),
        From::Data(data) => data,
    };
    let actor = warp.actor(u32::from(copy.lane), copy.pc);
    if scene.watches_shared() {
        scene.watch_shared(copy.to, 4 * copy.words, actor, Touch::Write { is_same: false }, Strength::WEAK);
    }
    scene.shared.finish_copy(copy.to, data.get(..copy.words as usize).unwrap_or(&data), &actor);
}
