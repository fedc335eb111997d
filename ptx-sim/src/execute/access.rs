//! Loads and stores.

use super::row;
use super::scene::Scene;
use super::target::{Target, report_fault, target};
use super::together::{Elements, Extent};
use super::traffic;
use super::unwritten::Gaps;
use super::warp::Warp;
use super::watch::Touch;
use super::{ALL, LANES};
use crate::decode::{Access, Destination, LOCAL_WINDOW, Place, SHARED_WINDOW, Source, WideLanes, Window};
use crate::memory::Fault;
use crate::memory::shadow::Words;
use crate::memory::shared::{Actor, How};
use crate::report::{Action, Location};

/// A load or store: where it is and where its addresses come from.
#[derive(Clone, Copy)]
pub(super) struct Site {
    pub(super) window: Window,
    pub(super) access: Access,
    pub(super) place: Place,
    pub(super) pc: u32,
}

impl Warp {
    /// The address of each lane.
    pub(super) fn addresses(&mut self, place: Place, lanes: u32) -> WideLanes {
        match place.base {
            None => [place.offset; 32],
            Some(Source::Wide(base)) => self.registers.wide(base, lanes).map(|base| base.wrapping_add(place.offset)),
            // Addresses in 32 bits wrap around in 32 bits.
            Some(base) => self.registers.any(base, lanes).map(|base| base.wrapping_add(place.offset) & 0xFFFF_FFFF),
        }
    }
}

pub(super) fn count(scene: &mut Scene<'_>, window: Window, addresses: &WideLanes, lanes: u32, bytes: u32) {
    match window {
        Window::Shared => traffic::count_shared(&mut scene.statistics, addresses, lanes, bytes),
        Window::Global => traffic::count_global(&mut scene.statistics, addresses, lanes, bytes),
        Window::Local => {}
        Window::Generic => {
            let is_shared = |lane: &u32| addresses[*lane as usize] >= SHARED_WINDOW;
            let shared = (0..LANES).filter(is_shared).fold(0, |mask, lane| mask | 1 << lane) & lanes;
            traffic::count_shared(&mut scene.statistics, addresses, shared, bytes);
            let is_device = |lane: &u32| addresses[*lane as usize] < LOCAL_WINDOW;
            let device = (0..LANES).filter(is_device).fold(0, |mask, lane| mask | 1 << lane) & lanes;
            traffic::count_global(&mut scene.statistics, addresses, device, bytes);
        }
    }
}

pub(super) fn load(warp: &mut Warp, scene: &mut Scene<'_>, site: Site, dsts: &[Destination], lanes: u32) {
    if lanes == ALL && row::load(warp, scene, site, dsts) {
        return;
    }
    let Site { window, access, place, pc } = site;
    let addresses = warp.addresses(place, lanes);
    let element = access.element_bytes;
    let bytes = element * u32::try_from(dsts.len()).unwrap_or(1);
    let is_run = matches!(window, Window::Global | Window::Shared) && traffic::is_run(&addresses, lanes, bytes);
    if is_run {
        traffic::count_run(&mut scene.statistics, window, addresses[0], bytes);
    } else {
        count(scene, window, &addresses, lanes, bytes);
    }
    let mut values = [[0; 32]; 4];
    let extent =
        Extent { window, access, elements: dsts.len(), addresses: &addresses, lanes, is_run: is_run && element >= 4 };
    let mut gaps = Gaps::default();
    let rest = if extent.load(warp, scene, pc, (&mut values, &mut gaps)) { 0 } else { lanes };
    for lane in (0..LANES).filter(|lane| rest >> lane & 1 == 1) {
        let address = addresses[lane as usize];
        let actor = warp.actor(lane, pc);
        let here = (Action::Read(bytes), u32::from(actor.thread), pc);
        let parts = (0u32..).zip(values.iter_mut().take(dsts.len()));
        match target(scene, window, address, bytes, bytes, actor.thread) {
            Ok(Target::Local(offset)) => {
                for (index, values) in parts {
                    let at = offset + u64::from(index * element);
                    let (value, unwritten) = warp.local.load(lane, at, element).unwrap_or((0, u8::MAX));
                    values[lane as usize] = access.extend(value);
                    gaps.note(index, lane, unwritten, || Location::Local {
                        offset: u32::try_from(at).unwrap_or(u32::MAX),
                    });
                }
            }
            Ok(Target::Global(allocation, offset)) => {
                for (index, values) in parts {
                    let more = u64::from(index * element);
                    let (value, unwritten) = allocation.load(offset + more, element);
                    values[lane as usize] = access.extend(value);
                    gaps.note(index, lane, unwritten, || Location::of_device(address + more));
                }
                let touch = Touch::Read { is_constant: access.is_constant };
                scene.watch_device(address, bytes, actor, touch, access.strength);
            }
            Ok(Target::Shared(offset)) => {
                if scene.watches_shared() {
                    let touch = Touch::Read { is_constant: false };
                    scene.watch_shared(offset, bytes, actor, touch, access.strength);
                }
                for (index, values) in parts {
                    let at = offset + index * element;
                    let (value, unwritten) = read_shared(scene, at, element, actor);
                    values[lane as usize] = access.extend(value);
                    gaps.note(index, lane, unwritten, || Location::Shared { offset: at });
                }
            }
            Err(fault) => report_fault(scene, fault, window, address, bytes, here),
        }
    }
    for (dst, values) in dsts.iter().zip(&values) {
        warp.registers.set(*dst, values, lanes);
    }
    gaps.settle(warp, scene, dsts, (access, pc));
}

/// The bytes, and which of them nobody has written.
fn read_shared(scene: &mut Scene<'_>, offset: u32, bytes: u32, actor: Actor) -> (u64, u8) {
    let (mut value, mut unwritten) = (0, 0);
    // Words of 8-byte elements are looked at one by one.
    let part = bytes.min(4);
    for index in 0..bytes / part {
        let at = offset + index * part;
        let found = scene.shared.read(at, part, &actor, How::Plain);
        if let Some(trouble) = found.trouble {
            scene.report_shared(trouble, at, Action::Read(bytes), actor);
        }
        value |= u64::from(found.value) << (32 * index);
        unwritten |= found.unwritten << (4 * index);
    }
    (value, unwritten)
}

pub(super) fn store(warp: &mut Warp, scene: &mut Scene<'_>, site: Site, srcs: &[Source], lanes: u32) {
    if lanes == ALL && row::store(warp, scene, site, srcs) {
        return;
    }
    let Site { window, access, place, pc } = site;
    let addresses = warp.addresses(place, lanes);
    let element = access.element_bytes;
    let bytes = element * u32::try_from(srcs.len()).unwrap_or(1);
    let is_run = matches!(window, Window::Global | Window::Shared) && traffic::is_run(&addresses, lanes, bytes);
    if is_run {
        traffic::count_run(&mut scene.statistics, window, addresses[0], bytes);
    } else {
        count(scene, window, &addresses, lanes, bytes);
    }
    let mut values = [[0; 32]; 4];
    for (values, src) in values.iter_mut().zip(srcs) {
        *values = warp.registers.any(*src, lanes);
    }
    let extent =
        Extent { window, access, elements: srcs.len(), addresses: &addresses, lanes, is_run: is_run && element >= 4 };
    if extent.store(warp, scene, pc, &values) {
        return;
    }
    for lane in (0..LANES).filter(|lane| lanes >> lane & 1 == 1) {
        let address = addresses[lane as usize];
        let actor = warp.actor(lane, pc);
        let parts = (0u32..).zip(values.iter().take(srcs.len()));
        let place = target(scene, window, address, bytes, bytes, actor.thread);
        let is_constant = matches!(place, Ok(Target::Global(..))) && scene.context.view.is_constant(address);
        match if is_constant { Err(Fault::ReadOnly) } else { place } {
            Ok(Target::Local(offset)) => {
                for (index, values) in parts {
                    let stored =
                        warp.local.store(lane, offset + u64::from(index * element), element, values[lane as usize]);
                    // The bounds were checked.
                    stored.unwrap_or_default();
                }
            }
            Ok(Target::Global(allocation, offset)) => {
                let words = words_of(lane as usize, &values, srcs.len(), element);
                scene.watch_device(address, bytes, actor, Touch::Write(Some(words)), access.strength);
                for (index, values) in parts {
                    allocation.store(offset + u64::from(index * element), element, values[lane as usize]);
                }
            }
            Ok(Target::Shared(offset)) => {
                if scene.watches_shared() {
                    let words = words_of(lane as usize, &values, srcs.len(), element);
                    scene.watch_shared(offset, bytes, actor, Touch::Write(Some(words)), access.strength);
                }
                for (index, values) in parts {
                    write_shared(scene, offset + index * element, element, values[lane as usize], actor);
                }
            }
            Err(fault) => {
                let here = (Action::Write(bytes), u32::from(actor.thread), pc);
                report_fault(scene, fault, window, address, bytes, here);
            }
        }
    }
}

/// The elements of a lane as words; less than a word is the low part of one.
#[expect(clippy::cast_possible_truncation, reason = "one word after the other")]
pub(super) fn words_of(lane: usize, values: &Elements, count: usize, element: u32) -> Words {
    let mut words = Words::default();
    let bits = 8 * element as usize;
    for (index, values) in values.iter().enumerate().take(count) {
        let (word, shift) = (bits * index / 32, bits * index % 32);
        let value = values[lane];
        let value = if bits < 32 { value & ((1 << bits) - 1) } else { value };
        if let Some(to) = words.get_mut(word) {
            *to |= (value as u32) << shift;
        }
        if bits == 64
            && let Some(to) = words.get_mut(word + 1)
        {
            *to = (value >> 32) as u32;
        }
    }
    words
}

pub(super) fn write_shared(scene: &mut Scene<'_>, offset: u32, bytes: u32, value: u64, actor: Actor) {
    let part = bytes.min(4);
    for index in 0..bytes / part {
        let at = offset + index * part;
        #[expect(clippy::cast_possible_truncation, reason = "one word after the other")]
        let word = (value >> (32 * index)) as u32;
        if let Some(trouble) = scene.shared.write(at, part, word, &actor, How::Plain) {
            scene.report_shared(trouble, at, Action::Write(bytes), actor);
        }
    }
}
