//! The triangular matrix that error compensation reads.
//!
//! With U upper triangular and Uᵀ · U = H⁻¹, row j of U is, up to the factor U\[j, j\], row j of the inverse of H without the rows and columns before j.
//! No inverse is formed for it: with rows and columns reversed H is L · Lᵀ, so H itself is R · Rᵀ with R upper triangular, and U = R⁻¹.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{LltRegularization, cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::triangular_inverse::invert_lower_triangular;
use faer::{Mat, MatMut, MatRef, Par};

use super::Hessian;
use crate::error::Error;

/// U, row-major [K, K]; zero below the diagonal.
#[derive(Debug)]
pub(super) struct Factor {
    k: usize,
    rows: Vec<f64>,
}

impl Factor {
    /// A row.
    pub(super) fn row(&self, row: usize) -> &[f64] {
        &self.rows[row * self.k..][..self.k]
    }

    /// The whole.
    pub(super) fn matrix(&self) -> MatRef<'_, f64> {
        MatRef::from_row_major_slice(&self.rows, self.k, self.k)
    }
}

/// The factor of `hessian` with its columns in `order` and `damping` times the mean of its diagonal added to the diagonal.
pub(super) fn inverse(hessian: &Hessian, order: &[usize], damping: f64) -> Result<Factor, Error> {
    let k = order.len();
    #[expect(clippy::cast_precision_loss, reason = "columns are far below 2^53")]
    let mean = order.iter().map(|&column| hessian.diagonal(column)).sum::<f64>() / k as f64;
    // Nothing was ever put in: any diagonal leaves every column alone.
    let added = if mean > 0.0 { damping * mean } else { 1.0 };
    let mut lower = Mat::from_fn(k, k, |row, column| {
        let entry = if row < column { 0.0 } else { hessian.entry(order[k - 1 - row], order[k - 1 - column]) };
        if row == column { entry + added } else { entry }
    });
    let mut memory = MemBuffer::new(cholesky_in_place_scratch::<f64>(k, Par::Seq, Default::default()));
    let stack = MemStack::new(&mut memory);
    cholesky_in_place(lower.as_mut(), LltRegularization::default(), Par::Seq, stack, Default::default())
        .map_err(|_| Error::NotPositiveDefinite { damping })?;
    let mut rows = vec![0.0; k * k];
    let reversed = MatMut::from_row_major_slice_mut(&mut rows, k, k).reverse_rows_and_cols_mut();
    invert_lower_triangular(reversed, lower.as_ref(), Par::Seq);
    Ok(Factor { k, rows })
}
