//! `ldmatrix` and `mma`.

use wide::i16x8;

use super::scene::Scene;
use super::target::{Target, report_fault, target};
use super::traffic;
use super::warp::Warp;
use super::watch::Touch;
use super::{ALL, LANES};
use crate::decode::{Code, Destination, Lanes, Place, Strength, Window};
use crate::memory::shared::How;
use crate::memory::{Fault, byte_mask};
use crate::profile::Profile;
use crate::registers::{Cause, Origin, Registers};
use crate::report::{Action, Location};
use crate::tensor_core;

/// For a whole warp: lane 8i + r names row r of tile i; lane 4r + c receives columns 2c and 2c + 1 of that row, or of that column
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
    for (tile, (dst, rows)) in dsts.iter().zip(addresses.as_chunks::<8>().0).enumerate() {
        traffic::count_phase(&mut scene.statistics, rows, 4);
        let limit = u64::from(scene.shared.bytes());
        let is_inside = |at: &u64| at.is_multiple_of(16) & (at.saturating_add(16) <= limit);
        let is_plain = rows.iter().fold(!scene.watches_shared(), |all, at| all & is_inside(at));
        let first = warp.actor(0, pc);
        let found = if is_plain { scene.shared.read_rows_quietly(rows, &first) } else { None };
        let Some(words) = found else {
            if load_tile(warp, scene, (tile, rows, is_plain), (*dst, transpose), pc).is_none() {
                return;
            }
            continue;
        };
        let values = if transpose { bytemuck::cast(i16x8::transpose(bytemuck::cast(words))) } else { words };
        warp.registers.set_narrow(*dst, &bytemuck::cast(values), ALL);
    }
}

/// Words of eight rows, or the bits of them that nobody has written.
type Rows = [[u32; 4]; 8];

/// Loads a tile that is looked at row by row. `None` if a row cannot be read, which was reported.
#[inline(never)]
fn load_tile(
    warp: &mut Warp,
    scene: &mut Scene<'_>,
    (tile, rows, is_plain): (usize, &[u64; 8], bool),
    (dst, transpose): (u32, bool),
    pc: u32,
) -> Option<()> {
    let mut unwritten = None;
    let words = load_rows(warp, scene, (tile, rows, is_plain), &mut unwritten, pc)?;
    let order = |rows| if transpose { bytemuck::cast(i16x8::transpose(bytemuck::cast(rows))) } else { rows };
    warp.registers.set_narrow(dst, &bytemuck::cast(order(words)), ALL);
    if let Some(unwritten) = unwritten.filter(|_| scene.context.options.check.finds_uninitialised()) {
        unwrite(warp, dst, &bytemuck::cast(order(*unwritten)), (rows, transpose), pc);
    }
    Some(())
}

/// Takes back that lanes have written some bits of what they got.
#[cold]
fn unwrite(warp: &mut Warp, dst: u32, unwritten: &Lanes, (rows, transpose): (&[u64; 8], bool), pc: u32) {
    for (lane, bits) in unwritten.iter().enumerate().filter(|(_, bits)| **bits != 0) {
        let (row, column, bytes) = match (transpose, *bits & 0xFFFF != 0) {
            (false, _) => (lane / 4, 4 * (lane % 4), 4),
            (true, is_low) => (2 * (lane % 4) + usize::from(!is_low), 2 * (lane / 4), 2),
        };
        #[expect(clippy::cast_possible_truncation, reason = "shared memory is small")]
        let offset = rows.get(row).copied().unwrap_or(0) as u32 + column as u32;
        let cause = Cause::Memory(Location::Shared { offset }, bytes);
        let origin = Origin { cause, thread: warp.first_thread(1 << lane), pc };
        warp.registers.unwrite(Destination::Narrow(dst, u32::MAX), lane, u64::from(*bits), origin);
    }
}

/// The words of the rows of a tile, looked at row by row; the bits of them that nobody has written, if there are such, go to `unwritten`. `None` if one
/// cannot be read, which was reported.
fn load_rows(
    warp: &Warp,
    scene: &mut Scene<'_>,
    (tile, rows, is_plain): (usize, &[u64; 8], bool),
    unwritten: &mut Option<Box<Rows>>,
    pc: u32,
) -> Option<Rows> {
    let first = warp.actor(0, pc);
    let mut words = Rows::default();
    for (row, (address, words)) in rows.iter().zip(words.iter_mut()).enumerate() {
        #[expect(clippy::cast_possible_truncation, reason = "one of eight rows")]
        let first_lane = 4 * row as u16;
        #[expect(clippy::cast_possible_truncation, reason = "shared memory is small")]
        if is_plain && let Some(found) = scene.shared.read_row_quietly(*address as u32, &first, first_lane) {
            *words = found;
            continue;
        }
        let supplier = u32::try_from(8 * tile + row).unwrap_or(0);
        match load_row(warp, scene, *address, u32::from(first_lane), pc) {
            Ok((found, gaps)) => {
                *words = found;
                if gaps != [0; 4] {
                    unwritten.get_or_insert_default()[row] = gaps;
                }
            }
            Err(fault) => {
                let here = (Action::Read(16), warp.first_thread(1 << supplier), pc);
                report_fault(scene, fault, Window::Shared, *address, 16, here);
                return None;
            }
        }
    }
    Some(words)
}

/// The words of a row, looked at one by one, and their bits that nobody has written.
fn load_row(
    warp: &Warp,
    scene: &mut Scene<'_>,
    address: u64,
    first_lane: u32,
    pc: u32,
) -> Result<([u32; 4], [u32; 4]), Fault> {
    let Target::Shared(offset) = target(scene, Window::Shared, address, 16, 16, 0)? else {
        return Err(Fault::Misaligned);
    };
    let (mut words, mut unwritten) = ([0; 4], [0; 4]);
    for ((column, word), gaps) in (0u32..).zip(words.iter_mut()).zip(&mut unwritten) {
        let at = offset + 4 * column;
        // Read for lanes of the whole row or column: that of the row's first word and the next stand for them.
        let lane = first_lane + column;
        for reader in [lane, (lane + 1) % LANES] {
            let actor = warp.actor(reader, pc);
            if scene.watches_shared() {
                let touch = Touch::Read { is_constant: false };
                scene.watch_shared(at, 4, actor, touch, Strength::WEAK);
            }
            let found = scene.shared.read(at, 4, &actor, How::Plain);
            *word = found.value;
            *gaps = byte_mask(found.unwritten.into());
            if let Some(trouble) = found.trouble {
                scene.report_shared(trouble, at, Action::Read(4), actor);
            }
        }
    }
    Ok((words, unwritten))
}

/// `mma` by a whole warp.
pub(super) fn multiply(registers: &mut Registers, profile: Profile, code: &Code) {
    let Code::Mma { shape, satfinite, dsts, a, b, c } = code else { return };
    for slots in [a, b, c] {
        registers.read_slots(slots, ALL);
    }
    let mut sums = tensor_core::Sums::default();
    let is_done = {
        // Each by itself: an array that is moved after it was filled is waited for.
        let a_views = registers.views::<4>(a);
        let b_views = registers.views::<4>(b);
        let c_views = registers.views::<4>(c);
        let operands = (&a_views[..a.len().min(4)], &b_views[..b.len().min(4)]);
        tensor_core::execute_fast(*shape, profile, operands, &c_views, &mut sums)
    };
    if is_done {
        for (dst, values) in dsts.iter().zip(sums.registers()) {
            registers.set_narrow(*dst, values, ALL);
        }
        return;
    }
    let rows = |slots: &[u32]| registers.views::<4>(slots).map(|lanes| *lanes);
    let (a_rows, b_rows, c_rows) = (rows(a), rows(b), rows(c));
    let mut d = [[0; 32]; 4];
    let sums = &mut d[..dsts.len().min(4)];
    tensor_core::execute(*shape, profile, *satfinite, &a_rows[..a.len()], &b_rows[..b.len()], &c_rows[..c.len()], sums);
    for (dst, values) in dsts.iter().zip(&d) {
        registers.set_narrow(*dst, values, ALL);
    }
}
