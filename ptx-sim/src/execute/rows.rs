//! `stmatrix`, `movmatrix` and products of matrices in forms of their own.

use super::ALL;
use super::access::write_shared;
use super::scene::Scene;
use super::target::{Target, report_fault, target};
use super::traffic;
use super::warp::Warp;
use super::watch::Touch;
use crate::decode::{Code, Lanes, Place, Strength, WideLanes, Window};
use crate::report::Action;
use crate::tensor_core::execute_form;

/// For a whole warp, the way back of `ldmatrix`: lane 8i + r names row r of tile i; lane 4r + c stores columns 2c and 2c + 1 of that row, or of that column
/// where the tile is transposed.
///
/// # Source
/// PTX ISA 9.0, section 9.7.14.5.16 (`stmatrix`).
pub(super) fn store_matrix(
    warp: &mut Warp,
    scene: &mut Scene<'_>,
    transpose: bool,
    srcs: &[u32],
    place: Place,
    pc: u32,
) {
    let addresses = warp.addresses(place, ALL);
    warp.registers.read_slots(srcs, ALL);
    for (tile, (src, rows)) in srcs.iter().zip(addresses.as_chunks::<8>().0).enumerate() {
        traffic::count_phase(&mut scene.statistics, rows, 4);
        let [values] = warp.registers.views::<1>(&[*src]).map(|lanes| *lanes);
        for (row, address) in rows.iter().enumerate() {
            let supplier = warp.actor(u32::try_from(8 * tile + row).unwrap_or(0), pc);
            let offset = match target(scene, Window::Shared, *address, 16, 16, supplier.thread) {
                Ok(Target::Shared(offset)) => offset,
                Ok(_) => continue,
                Err(fault) => {
                    let here = (Action::Write(16), u32::from(supplier.thread), pc);
                    report_fault(scene, fault, Window::Shared, *address, 16, here);
                    return;
                }
            };
            // An element after the other, or two where they lie in one lane.
            let (parts, bytes) = if transpose { (8u32, 2u32) } else { (4, 4) };
            for part in 0..parts {
                let (lane, value) = if transpose { element(&values, part, row) } else { pair(&values, row, part) };
                let (at, actor) = (offset + bytes * part, warp.actor(lane, pc));
                if scene.watches_shared() {
                    scene.watch_shared(at, bytes, actor, Touch::Write(None), Strength::WEAK);
                }
                write_shared(scene, at, bytes, value.into(), actor);
            }
        }
    }
}

/// The lane that holds two elements of a row, and them.
fn pair(values: &Lanes, row: usize, column: u32) -> (u32, u32) {
    let lane = 4 * row + column as usize;
    (u32::try_from(lane).unwrap_or(0), values.get(lane).copied().unwrap_or(0))
}

/// The lane that holds an element, and it.
fn element(values: &Lanes, row: u32, column: usize) -> (u32, u32) {
    let (lane, word) = pair(values, row as usize, u32::try_from(column / 2).unwrap_or(0));
    (lane, word >> (16 * (column % 2)) & 0xFFFF)
}

/// Rows become columns.
pub(super) fn move_matrix(warp: &mut Warp, dst: u32, src: u32) {
    warp.registers.read_slots(&[src], ALL);
    let [values] = warp.registers.views::<1>(&[src]).map(|lanes| *lanes);
    let moved: Lanes = std::array::from_fn(|lane| {
        let (row, column) = (lane / 4, u32::try_from(2 * (lane % 4)).unwrap_or(0));
        element(&values, column, row).1 | element(&values, column + 1, row).1 << 16
    });
    warp.registers.set_narrow(dst, &moved, ALL);
}

/// `mma` by a whole warp, in a form that is not fast.
pub(super) fn multiply_form(warp: &mut Warp, code: &Code) {
    let Code::MmaForm { form, satfinite, dsts, a, b, c } = code else { return };
    let [a, b, c] = [a, b, c]
        .map(|sources| sources.iter().map(|source| warp.registers.any(*source, ALL)).collect::<Vec<WideLanes>>());
    for (dst, values) in dsts.iter().zip(execute_form(*form, *satfinite, &a, &b, &c)) {
        warp.registers.set(*dst, &values, ALL);
    }
}
