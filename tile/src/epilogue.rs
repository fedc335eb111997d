//! From accumulators to device memory.

use tilewright_ptx_ir::build::{Builder, Element, Number, Place, Pointer, Source, Value, Word};

use crate::geometry::Warp;
use crate::sweep::Accumulators;

/// A row-major result in device memory, with 16-bit or 32-bit elements.
#[derive(Clone, Copy, Debug)]
pub struct Target<'k> {
    /// Its first byte.
    pub base: Pointer<'k, u8>,
    /// Rows.
    pub rows: Value<'k, u32>,
    /// Columns.
    pub columns: Value<'k, u32>,
}

/// Where a pair of neighbours of the result lies.
#[derive(Clone, Copy, Debug)]
pub struct Spot<'k> {
    /// Its row.
    pub row: Value<'k, u32>,
    /// The column of the left one is this and `offset`: addresses that differ by a constant need one register.
    pub first_column: Value<'k, u32>,
    /// Columns from `first_column` on.
    pub offset: u32,
}

impl<'k> Spot<'k> {
    /// Whether the left (`side` 0) or the right one (1) lies in a result of `columns` columns.
    #[must_use]
    pub fn is_in(&self, columns: Value<'k, u32>, side: u32) -> Value<'k, bool> {
        (self.first_column + (self.offset + side)).lt(columns)
    }

    /// The left (`side` 0) or the right one's (1) of a row of `columns` values that nothing writes, `otherwise` past the last.
    #[must_use]
    pub fn value_of_column<T>(
        &self,
        values: Pointer<'k, T>,
        columns: Value<'k, u32>,
        side: u32,
        otherwise: T,
    ) -> Value<'k, T>
    where
        T: Element + Number + Source<'k, T>,
    {
        let place = values.at(self.first_column).plus((self.offset + side).cast_signed());
        place.read_only().load_or(self.is_in(columns, side), otherwise)
    }
}

/// Calls `each(spot, [left, right])` for every pair of neighbours that the thread holds; the warp's tile starts at (`row`, `column`).
///
/// Lane l holds columns 2 (l % 4) and the next of rows l / 4 and l / 4 + 8 of each 16 x 8 tile. Pairs past the edges come too.
pub fn for_each_pair<'k, T: Word>(
    accumulators: &Accumulators<'k, T>,
    warp: &Warp<'k>,
    row: Value<'k, u32>,
    column: Value<'k, u32>,
    mut each: impl FnMut(Spot<'k>, [Value<'k, T>; 2]),
) {
    let (row, first_column) = (row + warp.lane / 4, column + warp.lane % 4 * 2);
    for (tile_row, tile_column, tile) in accumulators.iter() {
        let offset = tile_column * 8;
        each(Spot { row: row + tile_row * 16, first_column, offset }, [tile[0].now(), tile[1].now()]);
        each(Spot { row: row + (tile_row * 16 + 8), first_column, offset }, [tile[2].now(), tile[3].now()]);
    }
}

impl<'k> Target<'k> {
    /// Whether the result has the left one at `spot`.
    #[must_use]
    pub fn has(&self, spot: &Spot<'k>) -> Value<'k, bool> {
        spot.row.lt(self.rows) & spot.is_in(self.columns, 0)
    }

    /// Writes two packed 16-bit neighbours where the result has them. With `paired` (rows of an even number of columns from a 4-byte boundary on) it is one store.
    pub fn store_halves(&self, k: &'k Builder, spot: Spot<'k>, pair: Value<'k, u32>, paired: bool) {
        let place = self.place(&spot, 2);
        k.if_(self.has(&spot), || {
            if paired {
                place.cast::<u32>().store(pair);
            } else {
                let [left, right] = pair.unpack();
                place.cast::<u16>().store(left);
                place.cast::<u16>().plus(1).store_if(spot.is_in(self.columns, 1), right);
            }
        });
    }

    /// Writes two 32-bit neighbours where the result has them. With `paired` (rows of an even number of columns from an 8-byte boundary on) it is one store.
    pub fn store_words(&self, k: &'k Builder, spot: Spot<'k>, pair: [Value<'k, u32>; 2], paired: bool) {
        let place = self.place(&spot, 4).cast::<u32>();
        k.if_(self.has(&spot), || {
            if paired {
                place.store_vector(pair);
            } else {
                place.store(pair[0]);
                place.plus(1).store_if(spot.is_in(self.columns, 1), pair[1]);
            }
        });
    }

    fn place(&self, spot: &Spot<'k>, element_bytes: u32) -> Place<'k, u8> {
        let row = self.base.address().offset_by(spot.row, self.columns * element_bytes);
        let first = Pointer::<u8>::from_address(row.offset_by(spot.first_column, element_bytes));
        first.at(0).plus((spot.offset * element_bytes).cast_signed())
    }
}
