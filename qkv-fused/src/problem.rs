//! Checked shapes.

use tilewright_quant_pack::Group;
use tilewright_tile::problem::{Checked, Shape};
use tilewright_tile::{Grouping, ShapeError, WeightFormat};

use crate::error::Error;

/// The shape of a fused projection: x is [m, k]; w_q is [n_q, k], w_k and w_v are [n_kv, k]; q is [m, n_q], k and v are [m, n_kv].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QkvShape {
    /// Rows of x, q, k and v.
    pub m: usize,
    /// Columns of q.
    pub n_q: usize,
    /// Columns of k and of v.
    pub n_kv: usize,
    /// Columns of x and of the weights.
    pub k: usize,
}

impl QkvShape {
    /// The shapes of the three products.
    #[must_use]
    pub const fn parts(&self) -> [Shape; 3] {
        let (m, k) = (self.m, self.k);
        [Shape { m, n: self.n_q, k }, Shape { m, n: self.n_kv, k }, Shape { m, n: self.n_kv, k }]
    }
}

/// How the weights are quantized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Weights {
    /// int8 with one scale a tensor or one a column.
    Int8,
    /// int4 with a scale for each group of k.
    Int4(Group),
    /// int4 with a scale and a zero point for each group of k.
    Int4WithZeros(Group),
}

/// A shape that the kernels can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    pub(crate) shape: QkvShape,
    pub(crate) q: Checked,
    pub(crate) kv: Checked,
    pub(crate) format: WeightFormat,
    pub(crate) is_gathered: bool,
}

impl Problem {
    /// Checks `shape`: any m, n_q and n_kv, any k for int8 and multiples of 8 for int4.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::Group`].
    pub fn new(shape: QkvShape, weights: Weights) -> Result<Self, Error> {
        let [q, kv, _] = shape.parts().map(Shape::check);
        let (q, kv) = (named(q, "n_q")?, named(kv, "n_kv")?);
        let total = shape.n_q + 2 * shape.n_kv;
        if total > tilewright_tile::problem::MAX_N / 2 {
            return Err(ShapeError::TooLarge {
                dimension: "n_q + 2 n_kv",
                value: total,
                limit: tilewright_tile::problem::MAX_N / 2,
            }
            .into());
        }
        let format = match weights {
            Weights::Int8 => WeightFormat::INT8,
            Weights::Int4(group) => WeightFormat::int4(grouping(shape.k, group)?),
            Weights::Int4WithZeros(group) => WeightFormat::int4_with_zeros(grouping(shape.k, group)?),
        };
        Ok(Self { shape, q, kv, format, is_gathered: false })
    }

    /// The same with columns of x gathered in another order, or not.
    #[must_use]
    pub const fn gathered(self, is_gathered: bool) -> Self {
        Self { is_gathered, ..self }
    }

    /// The shape as given.
    #[must_use]
    pub const fn shape(&self) -> QkvShape {
        self.shape
    }
}

fn grouping(k: usize, group: Group) -> Result<Grouping, Error> {
    if !k.is_multiple_of(8) {
        return Err(ShapeError::NotMultiple { dimension: "k", value: k, multiple: 8, tensor: "qweight" }.into());
    }
    let size = group.size(k);
    // One group over everything is one scale a column, whatever its size.
    let rounded = if size >= k { size.next_multiple_of(64) } else { size };
    u32::try_from(rounded).ok().and_then(Grouping::new).ok_or(Error::Group { size })
}

/// Calls the dimension n by the name it has here.
fn named(checked: Result<Checked, ShapeError>, name: &'static str) -> Result<Checked, ShapeError> {
    checked.map_err(|error| match error {
        ShapeError::ZeroDimension { dimension: "n" } => ShapeError::ZeroDimension { dimension: name },
        ShapeError::TooLarge { dimension: "n", value, limit } => ShapeError::TooLarge { dimension: name, value, limit },
        other => other,
    })
}
