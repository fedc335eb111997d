//! Loads and stores of 32-bit words by whole warps, one lane's words after the other's: what kernels that were written with care do most.
//!
//! They do what [`together`](super::together) does, from register to memory without lists of addresses and values between.

use super::access::Site;
use super::scene::Scene;
use super::traffic;
use super::warp::Warp;
use super::{ALL, LANES};
use crate::decode::{Destination, Lanes, Narrow, Place, Source, Wide, Window};
use crate::report::Action;

/// The first address of such an access by all lanes to `bytes` bytes each.
#[inline]
fn start(warp: &mut Warp, place: Place, window: Window, bytes: u32) -> Option<u64> {
    let (base, is_run) = match (window, place.base) {
        (Window::Shared, Some(Source::Narrow(base @ Narrow::Register(_)))) => {
            warp.registers.read([base], ALL);
            let mut room = [0; 32];
            let lanes = warp.registers.view(base, &mut room);
            let steps = (0..LANES).zip(lanes).map(|(lane, at)| *at == lanes[0].wrapping_add(lane * bytes));
            (u64::from(lanes[0]), steps.fold(true, |all, is_next| all & is_next))
        }
        (Window::Global | Window::Shared, Some(Source::Wide(base @ Wide::Register(_)))) => {
            let lanes = warp.registers.wide_view(base, ALL)?;
            let step = u64::from(bytes);
            let steps = (0..32).zip(lanes).map(|(lane, at)| *at == lanes[0].wrapping_add(lane * step));
            (lanes[0], steps.fold(true, |all, is_next| all & is_next))
        }
        _ => return None,
    };
    // Addresses in 32 bits wrap around in 32 bits; none of a run inside memory does.
    let wrap = if matches!(place.base, Some(Source::Wide(_))) { u64::MAX } else { 0xFFFF_FFFF };
    let start = base.wrapping_add(place.offset) & wrap;
    (is_run && start.is_multiple_of(bytes.into())).then_some(start)
}

/// The place in shared memory of a run that lies inside.
#[inline]
fn shared_word(scene: &Scene<'_>, start: u64, bytes: u32) -> Option<usize> {
    let is_inside = start.checked_add(32 * u64::from(bytes))? <= u64::from(scene.shared.bytes());
    (is_inside && !scene.watches_shared()).then_some(usize::try_from(start / 4).ok()?)
}

/// Loads words. `false`, and nothing was done that matters, if this is not such an access.
#[inline]
pub(super) fn load(warp: &mut Warp, scene: &mut Scene<'_>, site: Site, dsts: &[Destination]) -> bool {
    let is_whole = |dst: &Destination| matches!(dst, Destination::Narrow(_, u32::MAX));
    if site.access.element_bytes != 4 || !dsts.iter().all(is_whole) {
        return false;
    }
    match dsts {
        [_] => load_each::<1>(warp, scene, site, dsts),
        [_, _] => load_each::<2>(warp, scene, site, dsts),
        [_, _, _, _] => load_each::<4>(warp, scene, site, dsts),
        _ => None,
    }
    .is_some()
}

#[inline]
fn load_each<const EACH: usize>(
    warp: &mut Warp,
    scene: &mut Scene<'_>,
    Site { window, access, place, pc }: Site,
    dsts: &[Destination],
) -> Option<()> {
    let bytes = bytes::<EACH>();
    let start = start(warp, place, window, bytes)?;
    let actor = warp.actor(0, pc);
    let mut room = [[0; EACH]; 32];
    let words: &[[u32; EACH]; 32] = if window == Window::Shared {
        let word = shared_word(scene, start, bytes)?;
        scene.shared.read_run(word, &actor)?
    } else {
        let (allocation, offset) = scene.context.view.locate(start, 32 * bytes, 1).ok()?;
        let is_watched = scene.watches_device(start);
        if (is_watched && scene.watches_shared()) || !allocation.load_words(offset, room.as_flattened_mut()) {
            return None;
        }
        if is_watched {
            scene.watch_run((start, bytes), actor, (Action::Read(bytes), access.is_constant), None);
        }
        &room
    };
    for (index, dst) in dsts.iter().enumerate() {
        if let Destination::Narrow(slot, _) = dst {
            let values = std::array::from_fn(|lane| words[lane][index % EACH]);
            warp.registers.set_narrow(*slot, &values, ALL);
        }
    }
    traffic::count_run(&mut scene.statistics, window, start, bytes);
    Some(())
}

/// Stores words. `false`, and nothing was done that matters, if this is not such an access.
#[inline]
pub(super) fn store(warp: &mut Warp, scene: &mut Scene<'_>, site: Site, srcs: &[Source]) -> bool {
    if site.access.element_bytes != 4 {
        return false;
    }
    match srcs {
        [Source::Narrow(a)] => store_each(warp, scene, site, [*a]),
        [Source::Narrow(a), Source::Narrow(b)] => store_each(warp, scene, site, [*a, *b]),
        [Source::Narrow(a), Source::Narrow(b), Source::Narrow(c), Source::Narrow(d)] => {
            store_each(warp, scene, site, [*a, *b, *c, *d])
        }
        _ => None,
    }
    .is_some()
}

#[inline]
fn store_each<const EACH: usize>(
    warp: &mut Warp,
    scene: &mut Scene<'_>,
    Site { window, place, pc, .. }: Site,
    srcs: [Narrow; EACH],
) -> Option<()> {
    let bytes = bytes::<EACH>();
    let start = start(warp, place, window, bytes)?;
    let actor = warp.actor(0, pc);
    warp.registers.read(srcs, ALL);
    let mut words = [[0; EACH]; 32];
    for (index, src) in srcs.into_iter().enumerate() {
        let mut room: Lanes = [0; 32];
        for (words, value) in words.iter_mut().zip(warp.registers.view(src, &mut room)) {
            words[index] = *value;
        }
    }
    if window == Window::Shared {
        let word = shared_word(scene, start, bytes)?;
        scene.shared.write_run(word, &actor, &words)?;
    } else {
        let (allocation, offset) = scene.context.view.locate(start, 32 * bytes, 1).ok()?;
        let is_watched = scene.watches_device(start);
        if (is_watched && scene.watches_shared()) || scene.context.view.is_constant(start) {
            return None;
        }
        if is_watched {
            scene.watch_run((start, bytes), actor, (Action::Write(bytes), false), Some(words.as_flattened()));
        }
        allocation.store_words(offset, words.as_flattened());
    }
    traffic::count_run(&mut scene.statistics, window, start, bytes);
    Some(())
}

#[expect(clippy::cast_possible_truncation, reason = "one, two or four words")]
const fn bytes<const EACH: usize>() -> u32 {
    4 * EACH as u32
}
