//! A warp's accumulators and the sweep of `mma.sync` over them.

use tilewright_ptx_ir::build::{Accumulator, Builder, Local, Source, Value, Word};
use tilewright_ptx_ir::ir::MmaShape;

use crate::geometry::Geometry;

/// The accumulators of a warp: `tiles_m` x `tiles_n` tiles of 16 x 8, row-major.
#[derive(Clone, Debug)]
pub struct Accumulators<'k, T> {
    tiles: Vec<Accumulator<'k, T>>,
    tiles_n: usize,
}

/// What a warp multiplies in one K step: the registers of a for each 16 rows, those of b for each 8 columns.
#[derive(Clone, Debug)]
pub struct Fragments<'k> {
    /// Of each 16 rows.
    pub a: Vec<[Value<'k, u32>; 4]>,
    /// Of each 8 columns.
    pub b: Vec<[Value<'k, u32>; 2]>,
}

/// [`Fragments`] that outlive a trip of a loop.
#[derive(Clone, Debug)]
pub struct KeptFragments<'k> {
    a: Vec<[Local<'k, u32>; 4]>,
    b: Vec<[Local<'k, u32>; 2]>,
}

impl<'k> Fragments<'k> {
    /// Registers that keep them.
    #[must_use]
    pub fn keep(&self) -> KeptFragments<'k> {
        KeptFragments {
            a: self.a.iter().map(|a| a.map(Value::to_local)).collect(),
            b: self.b.iter().map(|b| b.map(Value::to_local)).collect(),
        }
    }
}

impl<'k> KeptFragments<'k> {
    /// What is kept now.
    #[must_use]
    pub fn now(&self) -> Fragments<'k> {
        Fragments {
            a: self.a.iter().map(|a| a.map(Local::now)).collect(),
            b: self.b.iter().map(|b| b.map(Local::now)).collect(),
        }
    }

    /// Keeps `fragments` instead.
    pub fn set(&self, fragments: &Fragments<'k>) {
        let a = self.a.iter().flatten().zip(fragments.a.iter().flatten());
        let b = self.b.iter().flatten().zip(fragments.b.iter().flatten());
        a.chain(b).for_each(|(kept, value)| kept.set(*value));
    }
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

    /// The tile in row `row` and column `column` of tiles.
    ///
    /// # Panics
    /// Outside.
    #[must_use]
    pub fn tile(&self, row: u32, column: u32) -> &Accumulator<'k, T> {
        &self.tiles[row as usize * self.tiles_n + column as usize]
    }

    /// Sets every element to `value`.
    pub fn fill(&self, value: impl Source<'k, T> + Copy) {
        self.tiles.iter().flatten().for_each(|element| element.set(value));
    }

    /// As [`multiply`](Self::multiply), column by column: registers of b that are made from others live for one column.
    pub fn multiply_columns(
        &self,
        k: &'k Builder,
        shape: MmaShape,
        a: &[[Value<'k, u32>; 4]],
        b: impl Fn(u32) -> [Value<'k, u32>; 2],
    ) {
        for column in 0..self.columns() {
            let b = b(column);
            for (tile, a) in self.tiles.iter().skip(column as usize).step_by(self.tiles_n).zip(a) {
                k.mma(shape, tile, a, &b);
            }
        }
    }

    /// Row `row` of tiles of [`multiply`](Self::multiply), from `zero` instead of what the accumulators hold; `before(column)` takes that before it is overwritten.
    pub fn restart_row(
        &self,
        k: &'k Builder,
        shape: MmaShape,
        row: u32,
        (a, b): (&[Value<'k, u32>; 4], &[[Value<'k, u32>; 2]]),
        zero: Local<'k, T>,
        before: impl Fn(u32),
    ) {
        for (column, b) in (0u32..).zip(b) {
            before(column);
            k.mma_onto(shape, self.tile(row, column), a, b, &[zero.now(); 4]);
        }
    }

    /// Row `row` of tiles of [`multiply`](Self::multiply).
    pub fn multiply_row(
        &self,
        k: &'k Builder,
        shape: MmaShape,
        row: u32,
        (a, b): (&[Value<'k, u32>; 4], &[[Value<'k, u32>; 2]]),
    ) {
        for (column, b) in (0u32..).zip(b) {
            k.mma(shape, self.tile(row, column), a, b);
        }
    }

    /// One K step: `accumulators[i][j] += a(i) · b[j]`.
    pub fn multiply(
        &self,
        k: &'k Builder,
        shape: MmaShape,
        a: impl Fn(u32) -> [Value<'k, u32>; 4],
        b: &[[Value<'k, u32>; 2]],
    ) {
        let rows = u32::try_from(self.tiles.len() / self.tiles_n).unwrap_or(u32::MAX);
        (0..rows).for_each(|row| self.multiply_row(k, shape, row, (&a(row), b)));
    }
}
