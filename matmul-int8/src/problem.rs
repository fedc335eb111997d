//! Checked shapes.

use tilewright_tile::problem::{Checked, Shape};

use crate::error::Error;

/// K from which on a sum of products of -128 by -128 passes i32: 131,072 · 2^14 = 2^31.
pub const W8A8_K_LIMIT: usize = 131_071;

/// What is multiplied, which decides what shapes are possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Operation {
    /// x in int8, w in int8, i32 sums.
    W8A8,
    /// x in f16, w in int8, f32 sums.
    W8A16,
}

/// A shape that the kernels can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    pub(crate) shape: Shape,
    pub(crate) checked: Checked,
    pub(crate) operation: Operation,
}

impl Problem {
    /// Checks `shape`: any m, n and k; with W8A8 k up to [`W8A8_K_LIMIT`], past which a sum could leave i32.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::SumOverflow`].
    pub fn new(operation: Operation, shape: Shape) -> Result<Self, Error> {
        let checked = shape.check()?;
        if operation == Operation::W8A8 && shape.k > W8A8_K_LIMIT {
            return Err(Error::SumOverflow { k: shape.k, limit: W8A8_K_LIMIT });
        }
        Ok(Self { shape, checked, operation })
    }

    /// The shape as given.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }
}
