//! Asynchronous copies from device memory to shared memory.
//!
//! A copy may happen at any time between its start and the wait that covers it. Here the destination is poisoned at the start and gets its
//! bytes at the wait; the source is read at the start or at the wait, by the launch's seed.
//!
//! # Source
//! PTX ISA 9.0, section 9.7.9.25.3 (`cp.async`, `cp.async.commit_group`, `cp.async.wait_group`).

use super::LANES;
use super::scene::Scene;
use super::target::{Target, report_fault, target};
use super::traffic;
use super::warp::Warp;
use super::watch::Touch;
use crate::decode::{Code, Strength, Window};
use crate::memory::Fault;
use crate::report::{Action, Kind, Location};

/// The copies of a warp that nobody has waited for.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    pending: Vec<Pending>,
    /// The group that each lane's next copies belong to.
    open_group: [u32; 32],
}

#[derive(Debug)]
struct Pending {
    lane: u8,
    group: u32,
    pc: u32,
    to: u32,
    words: u32,
    /// The words if they were read at the start.
    data: [u32; 4],
    /// Where they come from if they are read at the wait, and how many bytes; the rest is zeros.
    late: Option<(u64, u32)>,
}

impl Copies {
    pub(crate) fn reset(&mut self) {
        self.pending.clear();
        self.open_group = [0; 32];
    }

    pub(crate) fn commit(&mut self, lanes: u32) {
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
    for lane in (0..LANES).filter(|lane| lanes >> lane & 1 == 1) {
        let actor = warp.actor(lane, pc);
        let (address, count) = (from[lane as usize], source_bytes[lane as usize].min(bytes));
        let here = (Action::Copy(bytes), u32::from(actor.thread), pc);
        let destination = match target(scene, Window::Shared, to[lane as usize], bytes, bytes, actor.thread) {
            Ok(Target::Shared(offset)) => offset,
            Ok(Target::Global(..) | Target::Local(_)) => continue,
            Err(fault) => {
                report_fault(scene, fault, Window::Shared, to[lane as usize], bytes, here);
                continue;
            }
        };
        let (data, is_written) = match read(scene, address, count, bytes) {
            Ok(found) => found,
            Err(fault) => {
                report_fault(scene, fault, Window::Global, address, bytes, here);
                continue;
            }
        };
        if !is_written {
            let (allocation, offset) = crate::memory::name(address);
            let location = Location::Global { allocation, offset };
            scene.report(Kind::UninitialisedMemory, Some(location), vec![(Action::Copy(count), here.1, pc)]);
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
        let late = (scene.context.options.seed % 2 == 1).then_some((address, count));
        #[expect(clippy::cast_possible_truncation, reason = "a lane's number")]
        let lane_number = lane as u8;
        let group = warp.copies.open_group[lane as usize];
        warp.copies.pending.push(Pending {
            lane: lane_number,
            group,
            pc,
            to: destination,
            words: bytes / 4,
            data,
            late,
        });
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
    copies.pending.retain(|copy| {
        let open = copies.open_group[usize::from(copy.lane) % 32];
        let is_covered = pending.is_none_or(|pending| copy.group.saturating_add(pending) < open);
        if lanes >> copy.lane & 1 == 0 || !is_covered {
            return true;
        }
        let data = match copy.late {
            // It was inside an allocation when the copy began, and allocations last as long as the launch.
            Some((address, count)) => read(scene, address, count, 4 * copy.words).map_or([0; 4], |(data, _)| data),
            None => copy.data,
        };
        let actor = warp.actor(u32::from(copy.lane), copy.pc);
        if scene.watches_shared() {
            scene.watch_shared(copy.to, 4 * copy.words, actor, Touch::Write { is_same: false }, Strength::WEAK);
        }
        scene.shared.finish_copy(copy.to, data.get(..copy.words as usize).unwrap_or(&data), &actor);
        false
    });
    warp.copies = copies;
}
