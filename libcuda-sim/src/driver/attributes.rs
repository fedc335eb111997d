//! What a simulated device says about itself.

use tilewright_ptx_sim::Profile;

use crate::code::{Code, Result};

/// The value of a `CUdevice_attribute`.
///
/// # Source
/// CUDA Driver API 13.0, "Data types used by CUDA driver": `CUdevice_attribute`.
pub(crate) fn attribute(profile: Profile, attribute: u32) -> Result<i32> {
    let limits = profile.limits();
    let (major, minor) = profile.compute_capability();
    let value = match attribute {
        // Threads in a block, along each axis, and blocks in a grid.
        1 => limits.threads_per_block,
        2 | 3 => 1024,
        4 => 64,
        5 => 0x7FFF_FFFF,
        6 | 7 => 65_535,
        8 => limits.shared_bytes_per_block,
        // Constant memory, warp size, pitch.
        9 => 65_536,
        10 => 32,
        11 => 0x7FFF_FFFF,
        12 | 82 => limits.registers_per_multiprocessor,
        // Clock in kHz, texture alignment.
        13 => 1_000_000,
        14 => 512,
        // Copies that overlap kernels.
        15 => 0,
        16 => limits.multiprocessors,
        // No watchdog, not integrated, can map host memory, default compute mode.
        17 | 18 => 0,
        19 => 1,
        20 => 0,
        31 => 1,
        32..=35 => 0,
        36 => 1_000_000,
        // A memory bus of the width of such a chip.
        37 => 5120,
        38 => limits.l2_bytes,
        39 => limits.threads_per_multiprocessor,
        40 => 0,
        41 => 1,
        75 => major,
        76 => minor,
        78 => 1,
        79 | 80 => 1,
        81 => limits.shared_bytes_per_multiprocessor,
        // No managed memory, one device a board.
        83..=85 => 0,
        // Cooperative launches need blocks that wait for each other.
        95 => 0,
        97 => limits.shared_bytes_per_block_opt_in,
        106 => limits.blocks_per_multiprocessor,
        111 => limits.shared_bytes_reserved_per_block,
        // No memory pools, clusters, tensor maps.
        115 | 120 | 127 => 0,
        _ => return Err(Code::INVALID_VALUE),
    };
    i32::try_from(value).map_err(|_| Code::UNKNOWN)
}

/// The device's name.
pub(crate) fn name(profile: Profile) -> String {
    format!("Tilewright simulator ({})", profile.name())
}
