//! Sectors of device memory and passes through shared memory.
//!
//! # Source
//! CUDA C++ Best Practices Guide 13.0, sections "Coalesced access to global memory" (32-byte sectors) and "Shared memory and memory banks" (32 banks
//! of 4 bytes; accesses of 8 and 16 bytes are served for half and quarter warps).

use crate::decode::WideLanes;
use crate::statistics::Statistics;

/// Counts an access of `bytes` bytes by each of `lanes` to device memory.
pub(super) fn count_global(statistics: &mut Statistics, addresses: &WideLanes, lanes: u32, bytes: u32) {
    let mut sectors = [u64::MAX; 32];
    for (lane, sector) in sectors.iter_mut().enumerate() {
        if lanes >> lane & 1 == 1 {
            *sector = addresses[lane] / 32;
        }
    }
    // Most often lanes ask for one word after the other.
    if !sectors.is_sorted() {
        sectors.sort_unstable();
    }
    let distinct = (0..32).filter(|&at| sectors[at] != u64::MAX && (at == 0 || sectors[at] != sectors[at - 1])).count();
    statistics.global_sectors += distinct as u64;
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
    let groups = 128 / bytes;
    let phases = addresses.chunks_exact(groups as usize);
    // Each phase has as many lanes as there are groups of banks: no group is left out if none is taken twice.
    let asked = phases
        .map(|phase| phase.iter().fold(0u32, |asked, at| asked | 1 << (at / u64::from(bytes) % u64::from(groups))));
    asked.fold(true, |all, asked| all & (asked == u32::MAX >> (32 - groups)))
}

/// Counts one phase: `words` words at each address.
pub(super) fn count_phase(statistics: &mut Statistics, addresses: &[u64], words: u32) {
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
