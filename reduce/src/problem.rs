//! Checked shapes: a bad one ends here.

use crate::Error;

/// The shape of a row-major matrix whose rows are reduced or normalized one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// How many rows.
    pub rows: usize,
    /// Elements of a row.
    pub columns: usize,
}

/// A shape that the kernels can index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    rows: u32,
    columns: u32,
}

impl Shape {
    /// The most rows: one block a row, counted by the grid's first dimension.
    pub const MAX_ROWS: usize = (1 << 31) - 1;
    /// The most columns: indices within a row are 32 bits wide, with room for a step past the end.
    pub const MAX_COLUMNS: usize = 1 << 30;

    /// The shape, if the kernels can index it.
    ///
    /// # Errors
    /// [`Error::ZeroDimension`], [`Error::TooLarge`], and [`Error::Overflow`] if rows times columns of 4 bytes are more than the address space.
    pub fn check(self) -> Result<Problem, Error> {
        let Self { rows, columns } = self;
        let problem = Problem {
            rows: dimension("rows", rows, Self::MAX_ROWS)?,
            columns: dimension("columns", columns, Self::MAX_COLUMNS)?,
        };
        match rows.checked_mul(columns).and_then(|elements| elements.checked_mul(4)) {
            Some(bytes) if isize::try_from(bytes).is_ok() => Ok(problem),
            _ => Err(Error::Overflow { rows, columns }),
        }
    }
}

fn dimension(dimension: &'static str, value: usize, limit: usize) -> Result<u32, Error> {
    if value == 0 {
        return Err(Error::ZeroDimension { dimension });
    }
    u32::try_from(value).ok().filter(|_| value <= limit).ok_or(Error::TooLarge { dimension, value, limit })
}

impl Problem {
    /// How many rows, at least 1.
    #[must_use]
    pub const fn rows(&self) -> u32 {
        self.rows
    }

    /// Elements of a row, at least 1.
    #[must_use]
    pub const fn columns(&self) -> u32 {
        self.columns
    }

    /// Elements of the matrix; `check` saw that they can be counted.
    #[must_use]
    pub const fn elements(&self) -> usize {
        self.rows as usize * self.columns as usize
    }
}

/// Checks that `tensor` has as many elements as its shape says.
pub(crate) fn check_length(tensor: &'static str, found: usize, wanted: usize) -> Result<(), Error> {
    if found == wanted { Ok(()) } else { Err(Error::WrongLength { tensor, found, wanted }) }
}

/// Checks what is added to a mean square or a variance before its root is taken.
pub(crate) fn check_epsilon(value: f32) -> Result<(), Error> {
    if value.is_finite() && value >= 0.0 { Ok(()) } else { Err(Error::Epsilon { value }) }
}
