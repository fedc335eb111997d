//! Which group each column belongs to, and the permutation that lays groups side by side.

use crate::error::Error;
use crate::group::Group;

/// Which group each column of a weight belongs to.
///
/// Usually groups lie side by side: column k belongs to group k / G. Quantizers that take columns by importance (act-order) scatter them, and keep
/// an index. An index that says nothing new is noticed and not kept, so two equal groupings are equal values.
///
/// # Example
/// ```
/// use tilewright_quant_pack::{Group, Grouping};
///
/// let even: Vec<u32> = (0..64).map(|column| column % 2).collect(); // even columns in group 0, odd ones in group 1
/// let grouping = Grouping::from_index(&even, 2)?;
/// assert_eq!(grouping.group(), Group::new(32)?);
/// assert_eq!(grouping.permutation().unwrap().columns()[..3], [0, 2, 4]);
///
/// let in_order: Vec<u32> = (0..64).map(|column| column / 32).collect();
/// assert_eq!(Grouping::from_index(&in_order, 2)?, Grouping::in_order(64, Group::new(32)?)?);
/// # Ok::<(), tilewright_quant_pack::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    group: Group,
    k: usize,
    /// The group of each column, if that is not k / G.
    index: Option<Vec<u32>>,
}

/// An order of the columns of a weight, and so of the activations that meet it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permutation {
    columns: Vec<u32>,
}

impl Grouping {
    /// Groups side by side in rows of `k`.
    ///
    /// # Errors
    /// `k` of zero, or a group longer than a row.
    pub const fn in_order(k: usize, group: Group) -> Result<Self, Error> {
        if k == 0 {
            return Err(Error::ZeroDimension { tensor: "weights", dimension: "k" });
        }
        match group.fit(k) {
            Ok(()) => Ok(Self { group, k, index: None }),
            Err(error) => Err(error),
        }
    }

    /// Groups side by side that were found to fit.
    pub(crate) const fn of_checked(k: usize, group: Group) -> Self {
        Self { group, k, index: None }
    }

    /// The grouping of a `g_idx`: the group of each column, of `groups` groups. Every group has as many columns as group 0, and the last may
    /// have fewer.
    ///
    /// # Errors
    /// No column, a group that does not exist, groups of other sizes, or a size that [`Group::new`] refuses.
    pub fn from_index(index: &[u32], groups: usize) -> Result<Self, Error> {
        let k = index.len();
        if k == 0 {
            return Err(Error::ZeroDimension { tensor: "g_idx", dimension: "k" });
        }
        let mut sizes = vec![0_usize; groups];
        for (column, &group) in index.iter().enumerate() {
            let size = sizes.get_mut(group as usize);
            *size.ok_or(Error::NoSuchGroup { column, group: i64::from(group), groups })? += 1;
        }
        let group = if groups == 1 { Group::WholeRow } else { Group::new(sizes.first().copied().unwrap_or(0))? };
        let size = group.size(k);
        for (number, &found) in sizes.iter().enumerate() {
            let wanted = size.min(k.saturating_sub(number * size));
            if found != wanted {
                return Err(Error::UnevenGroup { group: number, found, wanted });
            }
        }
        let is_in_order = index.iter().enumerate().all(|(column, &group)| group as usize == column / size);
        Ok(Self { group, k, index: (!is_in_order).then(|| index.to_vec()) })
    }

    /// The size of a group.
    #[must_use]
    pub const fn group(&self) -> Group {
        self.group
    }

    /// Columns of the weight.
    #[must_use]
    pub const fn k(&self) -> usize {
        self.k
    }

    /// Groups of a row.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.group.count(self.k)
    }

    /// Whether groups lie side by side.
    #[must_use]
    pub const fn is_in_order(&self) -> bool {
        self.index.is_none()
    }

    /// The group of a column.
    #[must_use]
    pub fn of(&self, column: usize) -> usize {
        match self.index.as_ref().and_then(|index| index.get(column)) {
            Some(&group) => group as usize,
            None => column / self.group.size(self.k),
        }
    }

    /// The group of each column: `g_idx` of GPTQ, one a column.
    pub fn index(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        (0..self.k).map(|column| self.of(column))
    }

    /// The permutation that lays groups side by side and keeps the columns of a group in order; none where they already lie so.
    #[must_use]
    pub fn permutation(&self) -> Option<Permutation> {
        let index = self.index.as_ref()?;
        #[expect(clippy::cast_possible_truncation, reason = "a file's columns are counted in 32 bits")]
        let mut columns: Vec<u32> = (0..self.k as u32).collect();
        columns.sort_by_key(|&column| index.get(column as usize).copied());
        Some(Permutation { columns })
    }
}

impl Permutation {
    /// Column j of the result is column `columns()[j]` of what is permuted.
    #[must_use]
    pub fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// Permutes the columns of row-major `values`, [any, K]; a last row that is too short is left out.
    #[must_use]
    pub fn apply<T: Copy>(&self, values: &[T]) -> Vec<T> {
        let rows = values.chunks_exact(self.columns.len());
        rows.flat_map(|row| self.columns.iter().map(|&column| row[column as usize])).collect()
    }

    /// Undoes [`Permutation::apply`].
    #[must_use]
    pub fn inverse(&self) -> Self {
        let mut columns = vec![0; self.columns.len()];
        for (place, &column) in (0..).zip(&self.columns) {
            columns[column as usize] = place;
        }
        Self { columns }
    }
}
