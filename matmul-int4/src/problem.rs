//! Checked shapes.

use tilewright_quant_pack::Group;
use tilewright_tile::problem::{Checked, Shape};
use tilewright_tile::{Grouping, ShapeError, WeightFormat};

use crate::error::Error;

/// A shape and a group size that the kernels can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    pub(crate) shape: Shape,
    pub(crate) checked: Checked,
    pub(crate) group: Group,
    pub(crate) grouping: Grouping,
    pub(crate) has_zeros: bool,
    pub(crate) is_gathered: bool,
}

impl Problem {
    /// Checks `shape` and `group`: any m and n, any k that is a multiple of 8; groups of any multiple of 32, or the whole row. The last
    /// group may be shorter.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::Group`].
    pub fn new(shape: Shape, group: Group) -> Result<Self, Error> {
        let checked = shape.check()?;
        if !shape.k.is_multiple_of(8) {
            return Err(
                ShapeError::NotMultiple { dimension: "k", value: shape.k, multiple: 8, tensor: "qweight" }.into()
            );
        }
        let size = group.size(shape.k);
        // One group over everything is one scale a column, whatever its size.
        let grouping =
            u32::try_from(size.next_multiple_of(if size >= shape.k { 64 } else { 1 })).ok().and_then(Grouping::new);
        let grouping = grouping.ok_or(Error::Group { size })?;
        Ok(Self { shape, checked, group, grouping, has_zeros: false, is_gathered: false })
    }

    /// The same with weights that have a zero point for each group, and with columns of x gathered in another order, or not.
    #[must_use]
    pub const fn with(self, has_zeros: bool, is_gathered: bool) -> Self {
        Self { has_zeros, is_gathered, ..self }
    }

    pub(crate) const fn format(&self) -> WeightFormat {
        if self.has_zeros { WeightFormat::int4_with_zeros(self.grouping) } else { WeightFormat::int4(self.grouping) }
    }

    /// The shape as given.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }
}
