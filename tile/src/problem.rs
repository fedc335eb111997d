//! Checked shapes of matrix products, the same for every kernel that makes one.

/// The shape of a product: x is [m, k], w is [n, k], y is [m, n], all row-major.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Rows of x and of y.
    pub m: usize,
    /// Rows of w, columns of y.
    pub n: usize,
    /// Columns of x and of w.
    pub k: usize,
}

/// Why a shape or a tensor was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// A dimension is zero.
    #[error("{dimension} is 0; every dimension must be at least 1")]
    ZeroDimension {
        /// m, n or k.
        dimension: &'static str,
    },
    /// A dimension is larger than the kernels can index.
    #[error("{dimension} = {value} is larger than {limit}")]
    TooLarge {
        /// m, n or k.
        dimension: &'static str,
        /// What came.
        value: usize,
        /// The largest that works.
        limit: usize,
    },
    /// A dimension is not a multiple of what the format packs together.
    #[error(
        "{dimension} = {value} is not a multiple of {multiple}, which the format of tensor `{tensor}` packs together"
    )]
    NotMultiple {
        /// m, n or k.
        dimension: &'static str,
        /// What came.
        value: usize,
        /// The multiple wanted.
        multiple: usize,
        /// The tensor whose format wants it.
        tensor: &'static str,
    },
    /// A tensor's bytes do not fit the address space.
    #[error("tensor `{tensor}` of {rows} x {columns} elements does not fit the address space")]
    Overflow {
        /// x, w, y, ...
        tensor: &'static str,
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
    },
    /// A tensor's length is not what its shape says.
    #[error("tensor `{tensor}` has {found} elements, its shape {rows} x {columns} wants {wanted}")]
    WrongLength {
        /// x, w, bias, scales, y, ...
        tensor: &'static str,
        /// Elements that came.
        found: usize,
        /// Elements wanted.
        wanted: usize,
        /// Rows of the shape.
        rows: usize,
        /// Columns of the shape.
        columns: usize,
    },
}

/// The largest m: indices are 32 bits wide with room for a tile past the end, addresses 64.
pub const MAX_M: usize = (1 << 31) - 256;
/// The largest n: blocks along n are counted by the grid's second dimension.
pub const MAX_N: usize = 65_535 * 64;
/// The largest k: a thread reaches the rows of its tile, up to 256 of two bytes an element, by offsets of 32 bits from the first.
pub const MAX_K: usize = (1 << 22) - 256;

/// A shape within the limits of the kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Checked {
    /// Rows of x and of y.
    pub m: u32,
    /// Rows of w, columns of y.
    pub n: u32,
    /// Columns of x and of w.
    pub k: u32,
}

impl Shape {
    /// The same shape in 32 bits.
    ///
    /// # Errors
    /// [`ShapeError::ZeroDimension`], [`ShapeError::TooLarge`], and [`ShapeError::Overflow`] if x, w or y, with up to 4 bytes an element, would not fit the
    /// address space.
    pub fn check(self) -> Result<Checked, ShapeError> {
        let checked = Checked {
            m: dimension("m", self.m, MAX_M)?,
            n: dimension("n", self.n, MAX_N)?,
            k: dimension("k", self.k, MAX_K)?,
        };
        for (tensor, rows, columns) in [("x", self.m, self.k), ("w", self.n, self.k), ("y", self.m, self.n)] {
            let bytes = rows.checked_mul(columns).and_then(|elements| elements.checked_mul(4));
            if bytes.is_none_or(|bytes| isize::try_from(bytes).is_err()) {
                return Err(ShapeError::Overflow { tensor, rows, columns });
            }
        }
        Ok(checked)
    }
}

/// `value` in 32 bits, if it is neither 0 nor above `limit`.
///
/// # Errors
/// [`ShapeError::ZeroDimension`], [`ShapeError::TooLarge`].
pub fn dimension(dimension: &'static str, value: usize, limit: usize) -> Result<u32, ShapeError> {
    if value == 0 {
        return Err(ShapeError::ZeroDimension { dimension });
    }
    u32::try_from(value).ok().filter(|_| value <= limit).ok_or(ShapeError::TooLarge { dimension, value, limit })
}

/// Checks that a tensor of `rows` x `columns` has `found` elements.
///
/// # Errors
/// [`ShapeError::WrongLength`], [`ShapeError::Overflow`].
pub fn check_length(tensor: &'static str, found: usize, rows: usize, columns: usize) -> Result<(), ShapeError> {
    let wanted = rows.checked_mul(columns).ok_or(ShapeError::Overflow { tensor, rows, columns })?;
    if found == wanted { Ok(()) } else { Err(ShapeError::WrongLength { tensor, found, wanted, rows, columns }) }
}
