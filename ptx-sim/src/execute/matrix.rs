//! `ldmatrix` and `mma`.

use wide::i16x8;

use super::scene::Scene;
use super::target::{Target, report_fault, target};
use super::traffic;
use super::warp::Warp;
use super::watch::Touch;
use super::{ALL, LANES};
use crate::decode::{Code, Place, Strength, Window};
use crate::memory::Fault;
use crate::memory::shared::How;
use crate::profile::Profile;
use crate::registers::Registers;
use crate::report::Action;
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
        let found = found.or_else(|| load_rows(warp, scene, (tile, rows, is_plain), pc));
        let Some(words) = found else { return };
        let values = if transpose { bytemuck::cast(i16x8::transpose(bytemuck::cast(words))) } else { words };
        warp.registers.set_narrow(*dst, &bytemuck::cast(values), ALL);
    }
}

/// The words of the rows of a tile, looked at row by row. `None` if one cannot be read, which was reported.
#[inline(never)]
fn load_rows(
    warp: &Warp,
    scene: &mut Scene<'_>,
    (tile, rows, is_plain): (usize, &[u64; 8], bool),
    pc: u32,
) -> Option<[[u32; 4]; 8]> {
    let first = warp.actor(0, pc);
    let mut words = [[0u32; 4]; 8];
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
            Ok(found) => *words = found,
            Err(fault) => {
                let here = (Action::Read(16), warp.first_thread(1 << supplier), pc);
                report_fault(scene, fault, Window::Shared, *address, 16, here);
                return None;
            }
        }
    }
    Some(words)
}

/// The words of a row, looked at one by one.
fn load_row(warp: &Warp, scene: &mut Scene<'_>, address: u64, first_lane: u32, pc: u32) -> Result<[u32; 4], Fault> {
    let Target::Shared(offset) = target(scene, Window::Shared, address, 16, 16, 0)? else {
        return Err(Fault::Misaligned);
    };
    let mut words = [0; 4];
    for (column, word) in (0u32..).zip(words.iter_mut()) {
        let at = offset + 4 * column;
        // Read for lanes of the whole row or column: that of the row's first word and the next stand for them.
        let lane = first_lane + column;
        for reader in [lane, (lane + 1) % LANES] {
            let actor = warp.actor(reader, pc);
            if scene.watches_shared() {
                let touch = Touch::Read { is_constant: false };
                scene.watch_shared(at, 4, actor, touch, Strength::WEAK);
            }
            let (value, trouble) = scene.shared.read(at, 4, &actor, How::Plain);
            *word = value;
            if let Some(trouble) = trouble {
                scene.report_shared(trouble, at, Action::Read(4), actor);
            }
        }
    }
    Ok(words)
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
