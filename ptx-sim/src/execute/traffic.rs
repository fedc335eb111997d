//! Sectors of device memory and passes through shared memory.
//!
//! # Source
//! CUDA C++ Best Practices Guide 13.0, sections "Coalesced access to global memory" (32-byte sectors) and "Shared memory and memory banks" (32 banks
//! of 4 bytes; accesses of 8 and 16 bytes are served for half and quarter warps).

#![expect(clippy::cast_possible_truncation, reason = "banks are small numbers")]

use crate::decode::{WideLanes, Window};
use crate::statistics::Statistics;

/// Whether all lanes access `bytes` bytes, aligned words, one after the other.
pub(super) fn is_run(addresses: &WideLanes, lanes: u32, bytes: u32) -> bool {
    let (start, step) = (addresses[0], u64::from(bytes));
    let all = (0..32u64).zip(addresses).fold(true, |all, (lane, at)| all & (*at == start.wrapping_add(lane * step)));
    all && lanes == u32::MAX && bytes.is_multiple_of(4) && start.is_multiple_of(step)
}

/// Counts such an access to shared memory, which has no conflicts, or to device memory.
pub(super) fn count_run(statistics: &mut Statistics, window: Window, start: u64, bytes: u32) {
    if window == Window::Shared {
        statistics.shared_passes += u64::from(bytes / 4);
        statistics.shared_passes_ideal += u64::from(bytes / 4);
    } else {
        statistics.global_sectors += (start + 31 * u64::from(bytes)) / 32 - start / 32 + 1;
        statistics.global_bytes += u64::from(bytes) * 32;
    }
}

/// Counts an access of `bytes` bytes by each of `lanes` to device memory.
pub(super) fn count_global(statistics: &mut Statistics, addresses: &WideLanes, lanes: u32, bytes: u32) {
    let mut sectors = addresses.map(|address| address / 32);
    if lanes != u32::MAX {
        // Lanes that do not take part ask for what another one asks for.
        let first = sectors[lanes.trailing_zeros() as usize % 32];
        let mut last = first;
        for (lane, sector) in sectors.iter_mut().enumerate() {
            if lanes >> lane & 1 == 0 {
                *sector = last;
            }
            last = *sector;
        }
    }
    // Most often lanes ask for one word after the other.
    if !sectors.iter().zip(&sectors[1..]).fold(true, |is_sorted, (a, b)| is_sorted & (a <= b)) {
        sectors.sort_unstable();
    }
    let distinct = sectors.iter().zip(&sectors[1..]).fold(1, |count, (a, b)| count + u64::from(a != b));
    statistics.global_sectors += if lanes == 0 { 0 } else { distinct };
    statistics.global_bytes += u64::from(bytes) * u64::from(lanes.count_ones());
}

/// Counts an access of `bytes` bytes by each of `lanes` to shared memory.
pub(super) fn count_shared(statistics: &mut Statistics, addresses: &WideLanes, lanes: u32, bytes: u32) {
    let phase_lanes = match bytes {
        16 => 8,
        8 => 16,
        _ => 32,
    };
    if lanes == u32::MAX && bytes >= 4 && is_free_of_conflicts_at_once(addresses, bytes) {
        let phases = u64::from(bytes / 4);
        statistics.shared_passes += phases;
        statistics.shared_passes_ideal += phases;
        return;
    }
    for first in (0..32).step_by(phase_lanes) {
        let mut phase = [0; 32];
        let mut count = 0;
        for lane in (first..first + phase_lanes).filter(|lane| lanes >> lane & 1 == 1) {
            phase[count] = addresses[lane];
            count += 1;
        }
        if count > 0 {
            count_phase(statistics, &phase[..count], bytes.div_ceil(4));
        }
    }
}

/// Whether in each phase of a whole warp every bank is asked for one word, as where lanes access one aligned element after the other in any order.
fn is_free_of_conflicts_at_once(addresses: &WideLanes, bytes: u32) -> bool {
    match bytes {
        4 => asks_for_all::<2, 32>(addresses),
        8 => asks_for_all::<3, 16>(addresses),
        _ => asks_for_all::<4, 8>(addresses),
    }
}

/// Whether the lanes of each phase ask for all the groups of banks that hold an element of 2^`SHIFT` bytes. Each phase has as many lanes as there are groups:
/// none is asked twice if none is left out.
fn asks_for_all<const SHIFT: u32, const GROUPS: usize>(addresses: &[u64]) -> bool {
    addresses.as_chunks::<GROUPS>().0.iter().all(|phase| {
        let asked = phase.iter().fold(0u32, |asked, at| asked | 1 << ((at >> SHIFT) as u32 % GROUPS as u32));
        asked == u32::MAX >> (32 - GROUPS)
    })
}

/// Counts one phase: `words` words at each address.
pub(super) fn count_phase(statistics: &mut Statistics, addresses: &[u64], words: u32) {
    if let (Some(rows), 4) = (addresses.first_chunk::<8>(), words)
        && addresses.len() == 8
        && asks_for_all::<4, 8>(rows)
    {
        statistics.shared_passes += 1;
        statistics.shared_passes_ideal += 1;
        return;
    }
    statistics.shared_passes += if is_free_of_conflicts(addresses, words) { 1 } else { passes(addresses, words) };
    statistics.shared_passes_ideal += 1;
}

fn all_words(addresses: &[u64], words: u32) -> impl Iterator<Item = u64> {
    addresses.iter().flat_map(move |address| (0..u64::from(words)).map(move |word| address / 4 + word))
}

/// Whether no bank is asked for two different words, as most often.
fn is_free_of_conflicts(addresses: &[u64], words: u32) -> bool {
    let mut banks = [u64::MAX; 32];
    all_words(addresses, words).all(|word| {
        let bank = &mut banks[(word % 32) as usize];
        let is_free = *bank == u64::MAX || *bank == word;
        *bank = word;
        is_free
    })
}

/// The most different words that a bank is asked for.
fn passes(addresses: &[u64], words: u32) -> u64 {
    let mut wanted: Vec<u64> = all_words(addresses, words).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut banks = [0u64; 32];
    for word in wanted {
        banks[(word % 32) as usize] += 1;
    }
    banks.into_iter().max().unwrap_or(0)
}
