//! Checked shapes.

use tilewright_tile::problem::{Checked, Shape};

use crate::error::Error;

/// A shape that the kernels can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    pub(crate) shape: Shape,
    pub(crate) checked: Checked,
}

impl Problem {
    /// Checks `shape`: any m, n and k from 1 up to the limits of [`tilewright_tile::problem`].
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn new(shape: Shape) -> Result<Self, Error> {
        Ok(Self { shape, checked: shape.check()? })
    }

    /// The shape as given.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }
}
