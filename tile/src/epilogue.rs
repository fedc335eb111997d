//! From accumulators to device memory.

use tilewright_ptx_ir::build::{Builder, Pointer, Value, Word};

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

/// Calls `each(row, column, [left, right])` for every pair of neighbours that the thread holds; the warp's tile starts at (`row`, `column`).
///
/// Lane l holds columns 2 (l % 4) and the next of rows l / 4 and l / 4 + 8 of each 16 x 8 tile. Pairs past the edges come too.
pub fn for_each_pair<'k, T: Word>(
    accumulators: &Accumulators<'k, T>,
    warp: &Warp<'k>,
    row: Value<'k, u32>,
    column: Value<'k, u32>,
    mut each: impl FnMut(Value<'k, u32>, Value<'k, u32>, [Value<'k, T>; 2]),
) {
    let (row, column) = (row + warp.lane / 4, column + warp.lane % 4 * 2);
    for (tile_row, tile_column, tile) in accumulators.iter() {
        let column = column + tile_column * 8;
        each(row + tile_row * 16, column, [tile[0].now(), tile[1].now()]);
        each(row + (tile_row * 16 + 8), column, [tile[2].now(), tile[3].now()]);
    }
}

impl<'k> Target<'k> {
    /// Whether the result has the element at (`row`, `column`).
    #[must_use]
    pub fn has(&self, row: Value<'k, u32>, column: Value<'k, u32>) -> Value<'k, bool> {
        row.lt(self.rows) & column.lt(self.columns)
    }

    /// Writes two packed 16-bit neighbours where the result has them. With `paired` (rows of an even number of columns from a 4-byte boundary on) it is one store.
    pub fn store_halves(
        &self,
        k: &'k Builder,
        row: Value<'k, u32>,
        column: Value<'k, u32>,
        pair: Value<'k, u32>,
        paired: bool,
    ) {
        let place = self.place(row, column, 2);
        k.if_(self.has(row, column), || {
            if paired {
                place.cast::<u32>().at(0).store(pair);
            } else {
                let [left, right] = pair.unpack();
                place.cast::<u16>().at(0).store(left);
                place.cast::<u16>().at(1).store_if((column + 1).lt(self.columns), right);
            }
        });
    }

    /// Writes two 32-bit neighbours where the result has them.
    pub fn store_words(&self, k: &'k Builder, row: Value<'k, u32>, column: Value<'k, u32>, pair: [Value<'k, u32>; 2]) {
        let place = self.place(row, column, 4).cast::<u32>();
        k.if_(self.has(row, column), || {
            place.at(0).store(pair[0]);
            place.at(1).store_if((column + 1).lt(self.columns), pair[1]);
        });
    }

    fn place(&self, row: Value<'k, u32>, column: Value<'k, u32>, element_bytes: u32) -> Pointer<'k, u8> {
        let row = self.base.address().offset_by(row, self.columns * element_bytes);
        Pointer::from_address(row.offset_by(column, element_bytes))
    }
}
