//! Atomics, lane by lane.

use super::LANES;
use super::access::count;
use super::scene::Scene;
use super::target::{Target, report_fault, target};
use super::warp::Warp;
use super::watch::Touch;
use crate::arith;
use crate::decode::{Code, Destination, WideLanes};
use crate::memory::Fault;
use crate::memory::shared::{Actor, How};
use crate::report::{Action, Kind, Location};

/// An atomic, lane by lane.
pub(super) fn atomic(warp: &mut Warp, scene: &mut Scene<'_>, code: &Code, lanes: u32, pc: u32) {
    let Code::Atomic { window, ty, place, .. } = code else { return };
    let addresses = warp.addresses(*place, lanes);
    count(scene, *window, &addresses, lanes, ty.bytes());
    if let Some((dst, old)) = element(warp, scene, code, lanes, pc) {
        warp.registers.set(dst, &old, lanes);
    }
}

/// Atomics of the elements of a vector, one after the other: no two of them are one step.
pub(super) fn atomics(warp: &mut Warp, scene: &mut Scene<'_>, code: &Code, lanes: u32, pc: u32) {
    let Code::AtomicVector { parts, window, place, bytes } = code else { return };
    let addresses = warp.addresses(*place, lanes);
    count(scene, *window, &addresses, lanes, *bytes);
    for lane in (0..LANES).filter(|lane| lanes >> lane & 1 == 1) {
        let (address, actor) = (addresses[lane as usize], warp.actor(lane, pc));
        let fault = match target(scene, *window, address, *bytes, *bytes, actor.thread) {
            Ok(Target::Global(..)) => continue,
            // There are such atomics on device memory alone.
            Ok(_) => Fault::OutOfBounds { allocation_bytes: None, was_freed: false },
            Err(fault) => fault,
        };
        let here = (Action::Atomic(*bytes), u32::from(actor.thread), pc);
        return report_fault(scene, fault, *window, address, *bytes, here);
    }
    let results: Vec<_> = parts.iter().filter_map(|part| element(warp, scene, part, lanes, pc)).collect();
    for (dst, old) in results {
        warp.registers.set(dst, &old, lanes);
    }
}

/// Where the old values go, if anywhere, and them.
fn element(
    warp: &mut Warp,
    scene: &mut Scene<'_>,
    code: &Code,
    lanes: u32,
    pc: u32,
) -> Option<(Destination, WideLanes)> {
    let Code::Atomic { window, strength, op, ty, dst, place, a, b } = code else { return None };
    let bytes = ty.bytes();
    let addresses = warp.addresses(*place, lanes);
    let a = warp.registers.any(*a, lanes);
    let b = b.map_or([0; 32], |b| warp.registers.any(b, lanes));
    let mut old_values = [0; 32];
    for lane in (0..LANES).filter(|lane| lanes >> lane & 1 == 1) {
        let address = addresses[lane as usize];
        let actor = warp.actor(lane, pc);
        let here = (Action::Atomic(bytes), u32::from(actor.thread), pc);
        // That it is modelled was seen at loading.
        let new = |old: u64| arith::atomic(*op, *ty, old, a[lane as usize], b[lane as usize]).unwrap_or(0);
        let place = target(scene, *window, address, bytes, bytes, actor.thread);
        let is_constant = matches!(place, Ok(Target::Global(..))) && scene.context.view.is_constant(address);
        let old = match if is_constant { Err(Fault::ReadOnly) } else { place } {
            Ok(Target::Local(offset)) => {
                // Nobody else sees it: an atomic is a load and a store.
                let (old, unwritten) = warp.local.load(lane, offset, bytes).unwrap_or((0, u8::MAX));
                warp.local.store(lane, offset, bytes, new(old)).unwrap_or_default();
                if unwritten != 0 {
                    let location = Location::Local { offset: u32::try_from(offset).unwrap_or(u32::MAX) };
                    scene.report(Kind::UninitialisedMemory, Some(location), vec![here]);
                }
                old
            }
            Ok(Target::Global(allocation, offset)) => {
                scene.watch_device(address, bytes, actor, Touch::ReadModifyWrite, *strength);
                let new =
                    |old: u64| arith::atomic_in_global(*op, *ty, old, a[lane as usize], b[lane as usize]).unwrap_or(0);
                let (old, is_written) = allocation.modify_sized(offset, bytes, new);
                if !is_written {
                    scene.report(Kind::UninitialisedMemory, Some(Location::of_device(address)), vec![here]);
                }
                old
            }
            Ok(Target::Shared(offset)) => {
                if scene.watches_shared() {
                    scene.watch_shared(offset, bytes, actor, Touch::ReadModifyWrite, *strength);
                }
                modify_shared(scene, offset, bytes, actor, new)
            }
            Err(fault) => {
                report_fault(scene, fault, *window, address, bytes, here);
                0
            }
        };
        old_values[lane as usize] = old;
    }
    dst.map(|dst| (dst, old_values))
}

/// A read-modify-write of shared memory; the old value.
fn modify_shared(scene: &mut Scene<'_>, offset: u32, bytes: u32, actor: Actor, new: impl Fn(u64) -> u64) -> u64 {
    let part = bytes.min(4);
    let (mut old, mut unwritten, mut found) = (0, 0, None);
    for index in 0..bytes / part {
        let word = scene.shared.read(offset + index * part, part, &actor, How::Atomic);
        old |= u64::from(word.value) << (32 * index);
        unwritten |= word.unwritten;
        found = found.or(word.trouble);
    }
    let value = new(old);
    for index in 0..bytes / part {
        #[expect(clippy::cast_possible_truncation, reason = "one word after the other")]
        let word = (value >> (32 * index)) as u32;
        found = found.or(scene.shared.write(offset + index * part, part, word, &actor, How::Atomic));
    }
    if unwritten != 0 {
        let here = (Action::Atomic(bytes), u32::from(actor.thread), actor.pc);
        scene.report(Kind::UninitialisedMemory, Some(Location::Shared { offset }), vec![here]);
    } else if let Some(trouble) = found {
        scene.report_shared(trouble, offset, Action::Atomic(bytes), actor);
    }
    old
}
