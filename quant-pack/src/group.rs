//! How many weights of a row share a scale.

use crate::error::Error;

/// How many weights of a row share a scale, counted along K. The last group of a row may be shorter.
///
/// # Example
/// ```
/// use tilewright_quant_pack::Group;
///
/// let group = Group::new(128)?;
/// assert_eq!(group.count(576), 5); // four whole groups and one of 64
/// assert_eq!(Group::WholeRow.size(576), 576);
/// assert!(Group::new(48).is_err());
/// # Ok::<(), tilewright_quant_pack::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Group {
    /// This many weights.
    Of(GroupSize),
    /// All weights of the row.
    WholeRow,
}

/// A group size: a multiple of 32, at least 32. Made by [`Group::new`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupSize(usize);

impl Group {
    /// A group of `size` weights.
    ///
    /// # Errors
    /// [`Error::GroupSize`] unless `size` is a multiple of 32 and at least 32.
    pub const fn new(size: usize) -> Result<Self, Error> {
        if size == 0 || !size.is_multiple_of(32) {
            return Err(Error::GroupSize { size });
        }
        Ok(Self::Of(GroupSize(size)))
    }

    /// Weights of a whole group in a row of `k`.
    #[must_use]
    pub const fn size(self, k: usize) -> usize {
        match self {
            Self::Of(GroupSize(size)) => size,
            Self::WholeRow => k,
        }
    }

    /// Groups of a row of `k`, the last, shorter one included.
    #[must_use]
    pub const fn count(self, k: usize) -> usize {
        if k == 0 { 0 } else { k.div_ceil(self.size(k)) }
    }

    /// Refuses a group that is longer than a row of `k`.
    pub(crate) const fn fit(self, k: usize) -> Result<(), Error> {
        let size = self.size(k);
        if size > k { Err(Error::GroupTooLarge { size, k }) } else { Ok(()) }
    }
}

impl GroupSize {
    /// The size as a number.
    #[must_use]
    pub const fn value(self) -> usize {
        self.0
    }
}
