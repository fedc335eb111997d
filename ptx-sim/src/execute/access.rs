//! Loads, stores, atomics and `ldmatrix`.

use super::scene::Scene;
use super::traffic;
use super::warp::Warp;
use super::watch::Touch;
use super::{ALL, LANES};
use crate::arith;
use crate::decode::{
    Access, Code, Destination, LOCAL_WINDOW, Place, SHARED_WINDOW, Source, Strength, THREAD_SHIFT, WideLanes, Window,
};
use crate::memory::shared::{Actor, How};
use crate::memory::{Allocation, Fault};
use crate::report::{Action, Kind, Location};

/// Memory that an access may be made to.
pub(super) enum Target<'l> {
    Global(&'l Allocation, u64),
    Shared(u32),
    /// The own memory of the thread that accesses.
    Local(u64),
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

/// Checks an access of `bytes` bytes.
pub(super) fn target<'l>(
    scene: &Scene<'l>,
    window: Window,
    address: u64,
    bytes: u32,
    align: u32,
    thread: u16,
) -> Result<Target<'l>, Fault> {
    let offset = match window {
        Window::Global => None,
        Window::Shared => Some(address),
        Window::Local => return local(scene, address, bytes, align),
        Window::Generic if (LOCAL_WINDOW..SHARED_WINDOW).contains(&address) => {
            let address = address - LOCAL_WINDOW;
            if address >> THREAD_SHIFT != u64::from(thread) {
                // Another thread's memory cannot be reached.
                return Err(Fault::OutOfBounds { allocation_bytes: None, was_freed: false });
            }
            return local(scene, address & 0xFFFF_FFFF, bytes, align);
        }
        Window::Generic => address.checked_sub(SHARED_WINDOW),
    };
    let Some(offset) = offset else {
        let context = scene.context;
        return context
            .view
            .locate(address, bytes, align)
            .map(|(allocation, offset)| Target::Global(allocation, offset));
    };
    let limit = scene.shared.bytes();
    match u32::try_from(offset) {
        Ok(offset) if offset.checked_add(bytes).is_some_and(|end| end <= limit) => {
            if offset.is_multiple_of(align) {
                Ok(Target::Shared(offset))
            } else {
                Err(Fault::Misaligned)
            }
        }
        _ => Err(Fault::OutOfBounds { allocation_bytes: Some(u64::from(limit)), was_freed: false }),
    }
}

fn local<'l>(scene: &Scene<'l>, offset: u64, bytes: u32, align: u32) -> Result<Target<'l>, Fault> {
    let limit = u64::from(scene.context.kernel.local_bytes);
    if offset.checked_add(u64::from(bytes)).is_none_or(|end| end > limit) {
        return Err(Fault::OutOfBounds { allocation_bytes: Some(limit), was_freed: false });
    }
    if offset.is_multiple_of(u64::from(align)) { Ok(Target::Local(offset)) } else { Err(Fault::Misaligned) }
}

/// Records why an access cannot be made; the block stops.
pub(super) fn report_fault(
    scene: &mut Scene<'_>,
    fault: Fault,
    window: Window,
    address: u64,
    align: u32,
    here: (Action, u32, u32),
) {
    let shared = match window {
        Window::Shared => Some(address),
        Window::Generic => address.checked_sub(SHARED_WINDOW),
        Window::Global | Window::Local => None,
    };
    let own = match window {
        Window::Local => Some(address),
        Window::Generic if shared.is_none() => address.checked_sub(LOCAL_WINDOW),
        _ => None,
    };
    let location = match (shared, fault) {
        _ if own.is_some() => {
            Location::Local { offset: u32::try_from(own.unwrap_or(0) & 0xFFFF_FFFF).unwrap_or(u32::MAX) }
        }
        (Some(offset), _) => Location::Shared { offset: u32::try_from(offset).unwrap_or(u32::MAX) },
        (None, Fault::OutOfBounds { allocation_bytes: None, was_freed: false }) => {
            Location::Global { allocation: 0, offset: address }
        }
        _ => {
            let (allocation, offset) = crate::memory::name(address);
            Location::Global { allocation, offset }
        }
    };
    let kind = match fault {
        Fault::Misaligned => Kind::Misaligned { align },
        Fault::ReadOnly => Kind::ReadOnly,
        Fault::OutOfBounds { allocation_bytes, was_freed } => {
            Kind::OutOfBounds { limit_bytes: allocation_bytes, was_freed }
        }
    };
    scene.report_and_stop(kind, Some(location), here);
}

fn count(scene: &mut Scene<'_>, window: Window, addresses: &WideLanes, lanes: u32, bytes: u32) {
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

#[expect(clippy::too_many_arguments, reason = "the fields of the instruction and where it stands")]
pub(super) fn load(
    warp: &mut Warp,
    scene: &mut Scene<'_>,
    window: Window,
    access: Access,
    dsts: &[Destination],
    place: Place,
    lanes: u32,
    pc: u32,
) {
    let addresses = warp.addresses(place, lanes);
    let element = access.element_bytes;
    let bytes = element * u32::try_from(dsts.len()).unwrap_or(1);
    count(scene, window, &addresses, lanes, bytes);
    let mut values = [[0; 32]; 4];
    for lane in (0..LANES).filter(|lane| lanes >> lane & 1 == 1) {
        let address = addresses[lane as usize];
        let actor = warp.actor(lane, pc);
        let here = (Action::Read(bytes), u32::from(actor.thread), pc);
        match target(scene, window, address, bytes, bytes, actor.thread) {
            Ok(Target::Local(offset)) => {
                let mut is_written = true;
                for (index, values) in (0u32..).zip(values.iter_mut().take(dsts.len())) {
                    let found = warp.local.load(lane, offset + u64::from(index * element), element);
                    let (value, written) = found.unwrap_or((0, false));
                    is_written &= written;
                    values[lane as usize] = access.extend(value);
                }
                if !is_written {
                    let location = Location::Local { offset: u32::try_from(offset).unwrap_or(u32::MAX) };
                    scene.report(Kind::UninitialisedMemory, Some(location), vec![here]);
                }
            }
            Ok(Target::Global(allocation, offset)) => {
                let mut is_written = true;
                for (index, values) in (0u32..).zip(values.iter_mut().take(dsts.len())) {
                    let (value, written) = allocation.load(offset + u64::from(index * element), element);
                    is_written &= written;
                    values[lane as usize] = access.extend(value);
                }
                if !is_written {
                    let (allocation, offset) = crate::memory::name(address);
                    let location = Location::Global { allocation, offset };
                    scene.report(Kind::UninitialisedMemory, Some(location), vec![here]);
                }
                let touch = Touch::Read { is_constant: access.is_constant };
                scene.watch_device(address, bytes, actor, touch, access.strength);
            }
            Ok(Target::Shared(offset)) => {
                if scene.watches_shared() {
                    let touch = Touch::Read { is_constant: false };
                    scene.watch_shared(offset, bytes, actor, touch, access.strength);
                }
                for (index, values) in (0u32..).zip(values.iter_mut().take(dsts.len())) {
                    let value = read_shared(scene, offset + index * element, element, actor);
                    values[lane as usize] = access.extend(value);
                }
            }
            Err(fault) => report_fault(scene, fault, window, address, bytes, here),
        }
    }
    for (dst, values) in dsts.iter().zip(&values) {
        warp.registers.set(*dst, values, lanes);
    }
}

fn read_shared(scene: &mut Scene<'_>, offset: u32, bytes: u32, actor: Actor) -> u64 {
    let mut value = 0;
    // Words of 8-byte elements are looked at one by one.
    let part = bytes.min(4);
    for index in 0..bytes / part {
        let at = offset + index * part;
        let (word, trouble) = scene.shared.read(at, part, actor, How::Plain);
        if let Some(trouble) = trouble {
            scene.report_shared(trouble, at, Action::Read(bytes), actor);
        }
        value |= u64::from(word) << (32 * index);
    }
    value
}

#[expect(clippy::too_many_arguments, reason = "the fields of the instruction and where it stands")]
pub(super) fn store(
    warp: &mut Warp,
    scene: &mut Scene<'_>,
    window: Window,
    access: Access,
    srcs: &[Source],
    place: Place,
    lanes: u32,
    pc: u32,
) {
    let addresses = warp.addresses(place, lanes);
    let element = access.element_bytes;
    let bytes = element * u32::try_from(srcs.len()).unwrap_or(1);
    count(scene, window, &addresses, lanes, bytes);
    let mut values = [[0; 32]; 4];
    for (values, src) in values.iter_mut().zip(srcs) {
        *values = warp.registers.any(*src, lanes);
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
                let is_same = (0u32..).zip(values.iter().take(srcs.len())).all(|(index, values)| {
                    let (old, is_written) = allocation.load(offset + u64::from(index * element), element);
                    is_written && old == cut(values[lane as usize], element)
                });
                scene.watch_device(address, bytes, actor, Touch::Write { is_same }, access.strength);
                for (index, values) in parts {
                    allocation.store(offset + u64::from(index * element), element, values[lane as usize]);
                }
            }
            Ok(Target::Shared(offset)) => {
                if scene.watches_shared() {
                    let is_same = (0u32..).zip(values.iter().take(srcs.len())).all(|(index, values)| {
                        let at = offset + index * element;
                        peek_shared(scene, at, element) == Some(cut(values[lane as usize], element))
                    });
                    scene.watch_shared(offset, bytes, actor, Touch::Write { is_same }, access.strength);
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

/// The low `bytes` bytes.
const fn cut(value: u64, bytes: u32) -> u64 {
    if bytes >= 8 { value } else { value & ((1 << (8 * bytes)) - 1) }
}

/// What is in shared memory, if it was written.
fn peek_shared(scene: &mut Scene<'_>, offset: u32, bytes: u32) -> Option<u64> {
    let part = bytes.min(4);
    let mut value = 0;
    for index in 0..bytes / part {
        let (word, is_written) = scene.shared.peek(offset + index * part, part);
        if !is_written {
            return None;
        }
        value |= u64::from(word) << (32 * index);
    }
    Some(value)
}

fn write_shared(scene: &mut Scene<'_>, offset: u32, bytes: u32, value: u64, actor: Actor) {
    let part = bytes.min(4);
    for index in 0..bytes / part {
        let at = offset + index * part;
        #[expect(clippy::cast_possible_truncation, reason = "one word after the other")]
        let word = (value >> (32 * index)) as u32;
        if let Some(trouble) = scene.shared.write(at, part, word, actor, How::Plain) {
            scene.report_shared(trouble, at, Action::Write(bytes), actor);
        }
    }
}

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
        let (word, trouble) = scene.shared.read(offset + index * part, part, actor, How::Atomic);
        old |= u64::from(word) << (32 * index);
        found = found.or(trouble);
    }
    let value = new(old);
    for index in 0..bytes / part {
        #[expect(clippy::cast_possible_truncation, reason = "one word after the other")]
        let word = (value >> (32 * index)) as u32;
        found = found.or(scene.shared.write(offset + index * part, part, word, actor, How::Atomic));
    }
    if let Some(trouble) = found {
        scene.report_shared(trouble, offset, Action::Atomic(bytes), actor);
    }
    old
}

/// `ldmatrix` for a whole warp: lane 8i + r names row r of tile i; lane 4r + c receives columns 2c and 2c + 1 of that row, or of that column
/// where the tile is transposed.
///
/// # Source
/// PTX ISA 9.0, section 9.7.14.5.15 (`ldmatrix`).
pub(super) fn load_matrix(
    warp: &mut Warp,
    scene: &mut Scene<'_>,
    transpose: bool,
    dsts: &[u32],
    place: Place,
    pc: u32,
) {
    let addresses = warp.addresses(place, ALL);
    for (tile, dst) in dsts.iter().enumerate() {
        let rows = &addresses[8 * tile..8 * tile + 8];
        traffic::count_phase(&mut scene.statistics, rows, 4);
        let mut words = [[0u32; 4]; 8];
        for (row, (address, words)) in rows.iter().zip(words.iter_mut()).enumerate() {
            let supplier = u32::try_from(8 * tile + row).unwrap_or(0);
            let Ok(Target::Shared(offset)) = target(scene, Window::Shared, *address, 16, 16, 0) else {
                let fault = target(scene, Window::Shared, *address, 16, 16, 0).err().unwrap_or(Fault::Misaligned);
                let here = (Action::Read(16), warp.first_thread(1 << supplier), pc);
                report_fault(scene, fault, Window::Shared, *address, 16, here);
                return;
            };
            for (column, word) in (0u32..).zip(words.iter_mut()) {
                let at = offset + 4 * column;
                // Read for lanes of the whole row or column: that of the row's first word and the next stand for them.
                let row = u32::try_from(row).unwrap_or(0);
                for reader in [4 * row + column, (4 * row + column + 1) % LANES] {
                    let actor = warp.actor(reader, pc);
                    if scene.watches_shared() {
                        let touch = Touch::Read { is_constant: false };
                        scene.watch_shared(at, 4, actor, touch, Strength::WEAK);
                    }
                    let (value, trouble) = scene.shared.read(at, 4, actor, How::Plain);
                    *word = value;
                    if let Some(trouble) = trouble {
                        scene.report_shared(trouble, at, Action::Read(4), actor);
                    }
                }
            }
        }
        let half = |row: usize, column: usize| words[row][column / 2] >> (16 * (column % 2)) & 0xFFFF;
        let values = std::array::from_fn(|lane| {
            let (row, column) = (lane / 4, lane % 4);
            if transpose { half(2 * column, row) | half(2 * column + 1, row) << 16 } else { words[row][column] }
        });
        warp.registers.set_narrow(*dst, &values, ALL);
    }
}
