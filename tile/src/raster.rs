//! Which tile of the result a block makes.

use tilewright_ptx_ir::build::{Builder, Value};

use crate::geometry::Geometry;

/// Rows of a band.
const BAND_ROWS: u32 = 1024;
/// Elements of the smallest tiles that are made in bands. Smaller ones are for few rows.
const LARGE_TILE: u32 = 64 * 128;

/// The block's tile of the result, counted along its rows and along its columns, of a grid [tiles along m, tiles along n].
///
/// Blocks go through the result in bands of `BAND_ROWS` rows, down each column of tiles of a band: those at work at the same time then share rows of x and of w, which come
/// from device memory but once.
#[must_use]
pub fn tile<'k>(k: &'k Builder, geometry: &Geometry) -> [Value<'k, u32>; 2] {
    let (tiles_m, tiles_n) = (k.grid_dim().x(), k.grid_dim().y());
    let (row, column) = (k.block_idx().x(), k.block_idx().y());
    if geometry.block_m * geometry.block_n < LARGE_TILE {
        return [row, column];
    }
    let in_band = BAND_ROWS / geometry.block_m;
    let index = column * tiles_m + row;
    let band_tiles = tiles_n * in_band;
    let (band, index) = (index / band_tiles, index % band_tiles);
    let height = (tiles_m - band * in_band).min(in_band);
    [band * in_band + index % height, index / height]
}

/// First row and column of the block's [`tile`].
#[must_use]
pub fn origin<'k>(k: &'k Builder, geometry: &Geometry) -> [Value<'k, u32>; 2] {
    let [row, column] = tile(k, geometry);
    [row * geometry.block_m, column * geometry.block_n]
}
