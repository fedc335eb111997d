//! Loads, stores, atomics and `ldmatrix`.

use super::scene::Scene;
use super::traffic;
use super::warp::Warp;
use super::{ALL, LANES};
use crate::arith;
use crate::decode::{Access, Code, Destination, Place, SHARED_WINDOW, Source, WideLanes, Window};
use crate::memory::shared::{Actor, How};
use crate::memory::{Allocation, Fault};
use crate::report::{Action, Kind, Location};

/// Memory that an access may be made to.
pub(super) enum Target<'l> {
    Global(&'l Allocation, u64),
    Shared(u32),
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
) -> Result<Target<'l>, Fault> {
    let offset = match window {
        Window::Global => None,
        Window::Shared => Some(address),
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
        Window::Global => None,
    };
    let location = match (shared, fault) {
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
        Window::Generic => {
            let is_shared = |lane: &u32| addresses[*lane as usize] >= SHARED_WINDOW;
            let shared = (0..LANES).filter(is_shared).fold(0, |mask, lane| mask | 1 << lane) & lanes;
            traffic::count_shared(&mut scene.statistics, addresses, shared, bytes);
            traffic::count_global(&mut scene.statistics, addresses, lanes & !shared, bytes);
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
        match target(scene, window, address, bytes, bytes) {
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
            }
            Ok(Target::Shared(offset)) => {
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
        match target(scene, window, address, bytes, bytes) {
            Ok(Target::Global(allocation, offset)) => {
                for (index, values) in parts {
                    allocation.store(offset + u64::from(index * element), element, values[lane as usize]);
                }
            }
            Ok(Target::Shared(offset)) => {
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

/// An atomic of 4 bytes, lane by lane.
pub(super) fn atomic(warp: &mut Warp, scene: &mut Scene<'_>, code: &Code, lanes: u32, pc: u32) {
    let Code::Atomic { window, op, ty, dst, place, a, b } = code else { return };
    let addresses = warp.addresses(*place, lanes);
    let a = warp.registers.any(*a, lanes);
    let b = b.map_or([0; 32], |b| warp.registers.any(b, lanes));
    count(scene, *window, &addresses, lanes, 4);
    let mut old_values = [0; 32];
    for lane in (0..LANES).filter(|lane| lanes >> lane & 1 == 1) {
        let address = addresses[lane as usize];
        let actor = warp.actor(lane, pc);
        let here = (Action::Atomic(4), u32::from(actor.thread), pc);
        #[expect(clippy::cast_possible_truncation, reason = "32-bit types; that they are modelled was seen at loading")]
        let new =
            |old: u32| arith::atomic(*op, *ty, u64::from(old), a[lane as usize], b[lane as usize]).unwrap_or(0) as u32;
        let old = match target(scene, *window, address, 4, 4) {
            Ok(Target::Global(allocation, offset)) => {
                let (old, is_written) = allocation.modify(offset, new);
                if !is_written {
                    let (allocation, offset) = crate::memory::name(address);
                    let location = Location::Global { allocation, offset };
                    scene.report(Kind::UninitialisedMemory, Some(location), vec![here]);
                }
                old
            }
            Ok(Target::Shared(offset)) => {
                let (old, trouble) = scene.shared.read(offset, 4, actor, How::Atomic);
                let trouble = trouble.or(scene.shared.write(offset, 4, new(old), actor, How::Atomic));
                if let Some(trouble) = trouble {
                    scene.report_shared(trouble, offset, Action::Atomic(4), actor);
                }
                old
            }
            Err(fault) => {
                report_fault(scene, fault, *window, address, 4, here);
                0
            }
        };
        old_values[lane as usize] = u64::from(old);
    }
    if let Some(dst) = dst {
        warp.registers.set(*dst, &old_values, lanes);
    }
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
            let Ok(Target::Shared(offset)) = target(scene, Window::Shared, *address, 16, 16) else {
                let fault = target(scene, Window::Shared, *address, 16, 16).err().unwrap_or(Fault::Misaligned);
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
