//! `discard`: a weak write of nothing in particular.
//!
//! # Source
//! PTX ISA 9.0, section 9.7.9.20 (`discard`).

use super::LANES;
use super::scene::Scene;
use super::target::{Target, report_fault, target};
use super::warp::Warp;
use super::watch::Touch;
use crate::decode::{Place, Strength, Window};
use crate::memory::Fault;
use crate::memory::shadow::Words;
use crate::report::Action;

/// Bytes of a line.
const LINE: u32 = 128;
/// Bytes that are looked at together.
const PART: u32 = 16;

pub(super) fn discard(warp: &mut Warp, scene: &mut Scene<'_>, window: Window, place: Place, lanes: u32, pc: u32) {
    let addresses = warp.addresses(place, lanes);
    for lane in (0..LANES).filter(|lane| lanes >> lane & 1 == 1) {
        let address = addresses[lane as usize];
        let actor = warp.actor(lane, pc);
        let place = match target(scene, window, address, LINE, LINE, actor.thread) {
            Ok(Target::Global(..)) if scene.context.view.is_constant(address) => Err(Fault::ReadOnly),
            // Device memory alone has lines.
            Ok(Target::Shared(_) | Target::Local(_)) => {
                Err(Fault::OutOfBounds { allocation_bytes: None, was_freed: false })
            }
            place => place,
        };
        match place {
            Ok(Target::Global(allocation, offset)) => {
                // What was discarded is not less defined for being discarded again.
                allocation.forget_line(offset);
                for part in (address..address + u64::from(LINE)).step_by(PART as usize) {
                    scene.watch_device(part, PART, actor, Touch::Write(Some(Words::default())), Strength::WEAK);
                }
            }
            Ok(_) => {}
            Err(fault) => {
                let here = (Action::Write(LINE), u32::from(actor.thread), pc);
                report_fault(scene, fault, window, address, LINE, here);
            }
        }
    }
}
