//! The placement of tile rows in shared memory that keeps `ldmatrix` and 16-byte stores free of bank conflicts.
//!
//! A row is 128 bytes: eight chunks of 16. Eight rows' chunks of one column would share four banks, so chunk c of row r lies where chunk
//! `c ^ (r % 8)` would: any eight rows then have any one chunk in eight different places.

use tilewright_ptx_ir::build::Value;

/// Bytes of a row.
pub const ROW_BYTES: u32 = 128;
/// Bytes of a chunk, the unit that is moved.
pub const CHUNK_BYTES: u32 = 16;
/// Chunks of a row.
pub const CHUNKS: u32 = ROW_BYTES / CHUNK_BYTES;

/// Byte offset of `chunk` of `row` in the tile.
#[must_use]
pub const fn offset(row: u32, chunk: u32) -> u32 {
    row * ROW_BYTES + (chunk ^ (row % CHUNKS)) * CHUNK_BYTES
}

/// [`offset`] in a kernel.
#[must_use]
pub fn offset_value<'k>(row: Value<'k, u32>, chunk: Value<'k, u32>) -> Value<'k, u32> {
    let swizzled = chunk ^ (row & (CHUNKS - 1));
    swizzled * CHUNK_BYTES + row * ROW_BYTES
}
