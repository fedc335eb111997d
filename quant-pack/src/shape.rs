//! The shape of a weight.

use crate::error::Error;

/// The shape of a weight [N, K], row-major with K contiguous, as torch's `Linear` keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Rows: the outputs of the layer.
    pub n: usize,
    /// Columns: the inputs of the layer.
    pub k: usize,
}

impl Shape {
    /// Elements of tensor `tensor`, if every dimension is at least 1 and the tensor fits the address space as f32.
    pub(crate) fn elements(self, tensor: &'static str) -> Result<usize, Error> {
        let Self { n, k } = self;
        for (dimension, value) in [("n", n), ("k", k)] {
            if value == 0 {
                return Err(Error::ZeroDimension { tensor, dimension });
            }
        }
        let elements = n.checked_mul(k).filter(|&elements| elements <= isize::MAX.unsigned_abs() / size_of::<f32>());
        elements.ok_or(Error::Overflow { tensor, n, k })
    }

    /// Refuses a tensor whose length is not `wanted`.
    pub(crate) fn expect_length(self, tensor: &'static str, found: usize, wanted: usize) -> Result<(), Error> {
        if found == wanted {
            return Ok(());
        }
        Err(Error::WrongLength { tensor, found, wanted, n: self.n, k: self.k })
    }
}
