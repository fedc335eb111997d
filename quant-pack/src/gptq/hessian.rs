//! What calibration leaves: the second moments of a layer's inputs.

use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Mat, MatRef, Par};

use crate::balance::check_inputs;
use crate::error::Error;
use crate::shape::Shape;
use crate::weight::Weight;

/// Inputs that are added at once.
const BATCH: usize = 256;

/// H = Σ x · xᵀ over the inputs x of a layer, [K, K] in f64.
///
/// # Numerics
/// Products of f32 are exact in f64; sums are rounded in f64, in one order that depends on how inputs are divided over calls of
/// [`Hessian::add`] and on nothing else of the same machine.
///
/// # Example
/// ```
/// use tilewright_quant_pack::gptq::Hessian;
///
/// let mut hessian = Hessian::new(2)?;
/// hessian.add(&[1.0f32, 2.0, 3.0, 4.0])?; // two inputs
/// assert_eq!((hessian.diagonal(0), hessian.diagonal(1)), (10.0, 20.0));
/// assert_eq!(hessian.inputs(), 2);
/// # Ok::<(), tilewright_quant_pack::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Hessian {
    inputs: usize,
    /// The lower triangle; the rest is zero.
    lower: Mat<f64>,
}

impl Hessian {
    /// That of no inputs, for a layer of `k` columns.
    ///
    /// # Errors
    /// `k` of zero, or a matrix that does not fit the address space.
    pub fn new(k: usize) -> Result<Self, Error> {
        // As f64 it is twice as large as the f32 that the check is made for.
        Shape { n: k, k: k.saturating_mul(2) }.elements("hessian")?;
        Ok(Self { inputs: 0, lower: Mat::zeros(k, k) })
    }

    /// Adds row-major `inputs`, [any, K].
    ///
    /// # Errors
    /// A length that is not whole rows, or an input that is not finite.
    pub fn add<X: Weight>(&mut self, inputs: &[X]) -> Result<(), Error> {
        let k = self.k();
        check_inputs(inputs, k)?;
        for batch in inputs.chunks(BATCH * k) {
            let exact: Vec<f64> = batch.iter().map(|input| f64::from(input.to_f32())).collect();
            let rows = MatRef::from_row_major_slice(&exact, exact.len() / k, k);
            triangular::matmul(
                self.lower.as_mut(),
                BlockStructure::TriangularLower,
                Accum::Add,
                rows.transpose(),
                BlockStructure::Rectangular,
                rows,
                BlockStructure::Rectangular,
                1.0,
                Par::Seq,
            );
            self.inputs += exact.len() / k;
        }
        Ok(())
    }

    /// Columns of the layer.
    #[must_use]
    pub fn k(&self) -> usize {
        self.lower.nrows()
    }

    /// Inputs seen.
    #[must_use]
    pub const fn inputs(&self) -> usize {
        self.inputs
    }

    /// The sum of squares of a column's inputs; 0 for a column that is not there.
    #[must_use]
    pub fn diagonal(&self, column: usize) -> f64 {
        if column < self.k() { self.lower[(column, column)] } else { 0.0 }
    }

    /// The sum of squared differences between the products of two row-major weights [N, K] with all inputs: Σ (a − b) · H · (a − b)ᵀ over rows.
    /// It is what GPTQ makes small.
    ///
    /// # Errors
    /// A shape of another K, or a wrong length.
    pub fn error<W: Weight, V: Weight>(&self, a: &[W], b: &[V], shape: Shape) -> Result<f64, Error> {
        let k = self.k();
        if shape.k != k {
            return Err(Error::HessianOfOther { found: k, wanted: shape.k });
        }
        let wanted = shape.elements("weights")?;
        for found in [a.len(), b.len()] {
            shape.expect_length("weights", found, wanted)?;
        }
        let mut sum = 0.0;
        let rows = a.chunks_exact(k).zip(b.chunks_exact(k));
        for (a, b) in rows {
            let difference: Vec<f64> =
                a.iter().zip(b).map(|(a, b)| f64::from(a.to_f32()) - f64::from(b.to_f32())).collect();
            for (column, entries) in self.lower.col_iter().enumerate() {
                let below = entries.iter().zip(&difference).skip(column + 1);
                let products: f64 = below.map(|(entry, difference)| entry * difference).sum();
                sum += difference[column] * (2.0 * products + self.lower[(column, column)] * difference[column]);
            }
        }
        Ok(sum)
    }

    /// An entry of the lower or the upper triangle.
    pub(super) fn entry(&self, row: usize, column: usize) -> f64 {
        self.lower[(row.max(column), row.min(column))]
    }
}
