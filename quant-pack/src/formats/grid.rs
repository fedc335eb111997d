//! Matrices as files hold them, and words of eight nibbles.

use super::FormatError;
use crate::int4::{NIBBLES, nibble, word_of_nibbles};

/// A matrix as a file holds it: row-major, of words, scales or whatever the tensor has.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid<T> {
    rows: usize,
    columns: usize,
    values: Vec<T>,
}

impl<T: Copy> Grid<T> {
    /// The matrix of tensor `tensor`.
    ///
    /// # Errors
    /// [`FormatError::Values`] if there are not `rows` · `columns` values.
    pub fn new(tensor: &'static str, rows: usize, columns: usize, values: Vec<T>) -> Result<Self, FormatError> {
        let wanted = rows.saturating_mul(columns);
        if values.len() != wanted {
            return Err(FormatError::Values { tensor, found: values.len(), wanted, rows, columns });
        }
        Ok(Self { rows, columns, values })
    }

    /// `value(row, column)` everywhere.
    pub(super) fn from_fn(rows: usize, columns: usize, mut value: impl FnMut(usize, usize) -> T) -> Self {
        let mut values = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            values.extend((0..columns).map(|column| value(row, column)));
        }
        Self { rows, columns, values }
    }

    /// The values of a weight's scales or words, which have the length of their shape.
    pub(super) fn of(rows: usize, columns: usize, values: &[T]) -> Self {
        Self { rows, columns, values: values.to_vec() }
    }

    /// Rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Columns.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// All values, row-major.
    #[must_use]
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// The values alone.
    #[must_use]
    pub fn into_values(self) -> Vec<T> {
        self.values
    }

    /// A value inside the shape.
    pub(super) fn at(&self, row: usize, column: usize) -> T {
        self.values[row * self.columns + column]
    }

    /// Refuses another shape.
    pub(super) fn expect(
        &self,
        tensor: &'static str,
        rows: usize,
        columns: usize,
        why: &'static str,
    ) -> Result<(), FormatError> {
        if (self.rows, self.columns) == (rows, columns) {
            return Ok(());
        }
        Err(FormatError::Shape { tensor, found: vec![self.rows, self.columns], wanted: vec![rows, columns], why })
    }

    /// Columns become rows.
    pub(super) fn transposed(&self) -> Self {
        Self::from_fn(self.columns, self.rows, |row, column| self.at(column, row))
    }
}

impl Grid<i32> {
    /// Words along the columns: nibble i of word w holds the value at column 8 · w + `order[i]`. Columns past the edge are zero.
    pub(super) fn pack(
        rows: usize,
        columns: usize,
        order: [usize; NIBBLES],
        value: impl Fn(usize, usize) -> u8,
    ) -> Self {
        Self::from_fn(rows, columns.div_ceil(NIBBLES), |row, word| {
            let places = order.map(|place| word * NIBBLES + place);
            word_of_nibbles(places.into_iter().map(|column| if column < columns { value(row, column) } else { 0 }))
        })
    }

    /// The value that [`Grid::pack`] put at a place; `inverse` undoes its order.
    pub(super) fn unpack(&self, row: usize, column: usize, inverse: [usize; NIBBLES]) -> u8 {
        nibble(self.at(row, column / NIBBLES), inverse[column % NIBBLES])
    }
}
