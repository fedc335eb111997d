//! Atomics, lane by lane.

use super::LANES;
use super::access::count;
use super::scene::Scene;
use super::target::{Target, report_fault, target};
use super::warp::Warp;
use super::watch::Touch;
use crate::arith;
use crate::decode::Code;
use crate::memory::Fault;
use crate::memory::shared::{Actor, How};
use crate::report::{Action, Kind, Location};

/// An atomic, lane by lane.
pub(super) fn atomic(warp: &mut Warp, scene: &mut Scene<'_>, code: &Code, lanes: u32, pc: u32) {
    let Code::Atomic { window, strength, op, ty, dst, place, a, b } = code else { return };
    let bytes = ty.bytes();
    let addresses = warp.addresses(*place, lanes);
    let a = warp.registers.any(*a, lanes);
    let b = b.map_or([0; 32], |b| warp.registers.any(b, lanes));
    count(scene, *window, &addresses, lanes, bytes);
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
                let (old, _) = warp.local.load(lane, offset, bytes).unwrap_or((0, false));
                warp.local.store(lane, offset, bytes, new(old)).unwrap_or_default();
                old
            }
            Ok(Target::Global(allocation, offset)) => {
                scene.watch_device(address, bytes, actor, Touch::ReadModifyWrite, *strength);
                let new =
                    |old: u64| arith::atomic_in_global(*op, *ty, old, a[lane as usize], b[lane as usize]).unwrap_or(0);
                let (old, is_written) = allocation.modify_sized(offset, bytes, new);
                if !is_written {
                    let (allocation, offset) = crate::memory::name(address);
                    let location = Location::Global { allocation, offset };
                    scene.report(Kind::UninitialisedMemory, Some(location), vec![here]);
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
    if let Some(dst) = dst {
        warp.registers.set(*dst, &old_values, lanes);
    }
}

/// A read-modify-write of shared memory; the old value.
fn modify_shared(scene: &mut Scene<'_>, offset: u32, bytes: u32, actor: Actor, new: impl Fn(u64) -> u64) -> u64 {
    let part = bytes.min(4);
    let (mut old, mut found) = (0, None);
    for index in 0..bytes / part {
        let (word, trouble) = scene.shared.read(offset + index * part, part, &actor, How::Atomic);
        old |= u64::from(word) << (32 * index);
        found = found.or(trouble);
    }
    let value = new(old);
    for index in 0..bytes / part {
        #[expect(clippy::cast_possible_truncation, reason = "one word after the other")]
        let word = (value >> (32 * index)) as u32;
        found = found.or(scene.shared.write(offset + index * part, part, word, &actor, How::Atomic));
    }
    if let Some(trouble) = found {
        scene.report_shared(trouble, offset, Action::Atomic(bytes), actor);
    }
    old
}
