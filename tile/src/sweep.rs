//! A warp's accumulators and the sweep of `mma.sync` over them.

use tilewright_ptx_ir::build::{Accumulator, Builder, Source, Value, Word};
use tilewright_ptx_ir::ir::MmaShape;

use crate::geometry::Geometry;

/// The accumulators of a warp: `tiles_m` x `tiles_n` tiles of 16 x 8, row-major.
#[derive(Clone, Debug)]
pub struct Accumulators<'k, T> {
    tiles: Vec<Accumulator<'k, T>>,
    tiles_n: usize,
}

impl<'k, T: Word> Accumulators<'k, T> {
    /// Accumulators that all start as `initial`.
    #[must_use]
    pub fn new(k: &'k Builder, geometry: &Geometry, initial: impl Source<'k, T> + Copy) -> Self {
        let tiles = (0..geometry.tiles_m() * geometry.tiles_n()).map(|_| k.locals(initial)).collect();
        Self { tiles, tiles_n: geometry.tiles_n() as usize }
    }

    /// Tiles along the columns.
    #[must_use]
    pub fn columns(&self) -> u32 {
        u32::try_from(self.tiles_n).unwrap_or(u32::MAX)
    }

    /// Every tile with its row and column in tiles.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32, &Accumulator<'k, T>)> {
        let columns = self.columns();
        (0u32..).zip(&self.tiles).map(move |(index, tile)| (index / columns, index % columns, tile))
    }

    /// Sets every element to `value`.
    pub fn fill(&self, value: impl Source<'k, T> + Copy) {
        self.tiles.iter().flatten().for_each(|element| element.set(value));
    }

    /// One K step: `accumulators[i][j] += a(i) · b[j]`.
    pub fn multiply(
        &self,
        k: &'k Builder,
        shape: MmaShape,
        a: impl Fn(u32) -> [Value<'k, u32>; 4],
        b: &[[Value<'k, u32>; 2]],
    ) {
        for (row, tiles) in (0u32..).zip(self.tiles.chunks(self.tiles_n)) {
            let a = a(row);
            for (tile, b) in tiles.iter().zip(b) {
                k.mma(shape, tile, &a, b);
            }
        }
    }
}
