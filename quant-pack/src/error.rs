//! What is refused, and why.

/// Why an input was refused. Rows count along N, columns along K.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A dimension is zero.
    #[error("{dimension} = 0 (tensor `{tensor}`); every dimension must be at least 1")]
    ZeroDimension {
        /// The tensor with that dimension.
        tensor: &'static str,
        /// `n` or `k`.
        dimension: &'static str,
    },
    /// The tensor does not fit the address space as f32.
    #[error("tensor `{tensor}` of n = {n} by k = {k} does not fit the address space")]
    Overflow {
        /// The tensor that is too large.
        tensor: &'static str,
        /// Its rows.
        n: usize,
        /// Its columns.
        k: usize,
    },
    /// A tensor's length is not what its shape says.
    #[error("tensor `{tensor}` has {found} elements, n = {n} by k = {k} wants {wanted}")]
    WrongLength {
        /// The tensor with that length.
        tensor: &'static str,
        /// Elements that came.
        found: usize,
        /// Elements that the shape wants.
        wanted: usize,
        /// Rows of the weight.
        n: usize,
        /// Columns of the weight.
        k: usize,
    },
    /// `k` does not fill whole 32-bit words of eight nibbles.
    #[error("k = {k} is not a multiple of 8, which a word of tensor `qweight` packs together")]
    PartialWord {
        /// The columns that came.
        k: usize,
    },
    /// The group size is zero or not a multiple of 32.
    #[error("group size {size} is not a multiple of 32 from 32 on; use `Group::WholeRow` for one group a row")]
    GroupSize {
        /// The size that came.
        size: usize,
    },
    /// The group is longer than a row.
    #[error("group size {size} is larger than k = {k}; use `Group::WholeRow` for one group a row")]
    GroupTooLarge {
        /// The size that came.
        size: usize,
        /// Columns of the weight.
        k: usize,
    },
    /// A weight is NaN or infinite.
    #[error("tensor `weights` has {value} at row {row}, column {column}; every weight must be finite")]
    NotFinite {
        /// Row (N) of the weight.
        row: usize,
        /// Column (K) of the weight.
        column: usize,
        /// NaN or an infinity.
        value: f32,
    },
    /// A weight is so large that its group's scale is infinite in f16.
    #[error(
        "tensor `weights` has {value} at row {row}, column {column}: its scale {value} / 7 is beyond the largest f16, 65504"
    )]
    ScaleOverflow {
        /// Row (N) of the weight.
        row: usize,
        /// Column (K) of the weight.
        column: usize,
        /// The weight.
        value: f32,
    },
    /// A scale that came ready is NaN or infinite.
    #[error("tensor `scales` has {value} at group {group}, row {row}; every scale must be finite")]
    ScaleNotFinite {
        /// Group along K, 0 for int8.
        group: usize,
        /// Row (N) of the weight.
        row: usize,
        /// NaN or an infinity.
        value: f32,
    },
    /// An integer does not fit four bits.
    #[error("tensor `values` has {value} at row {row}, column {column}; int4 holds -8 to 7")]
    ValueOutOfRange {
        /// Row (N) of the value.
        row: usize,
        /// Column (K) of the value.
        column: usize,
        /// The value.
        value: i8,
    },
    /// An order leaves a weight out.
    #[error("the order has no place for row {row}, column {column}; it must place each weight once")]
    WeightLeftOut {
        /// Row (N) of the first weight left out.
        row: usize,
        /// Column (K) of it.
        column: usize,
    },
    /// An order places a weight twice.
    #[error("the order places row {row}, column {column} again in word {word}; it must place each weight once")]
    WeightRepeated {
        /// Row (N) of the weight.
        row: usize,
        /// Column (K) of it.
        column: usize,
        /// The word that holds the second copy.
        word: usize,
    },
    /// An order leaves a scale out.
    #[error("the order has no place for the scale of group {group}, row {row}")]
    ScaleLeftOut {
        /// Group along K, 0 for int8.
        group: usize,
        /// Row (N) of the scale.
        row: usize,
    },
    /// The output of a repacking cannot be allocated.
    #[error("{elements} elements of repacked output do not fit the memory")]
    OutOfMemory {
        /// Elements asked for.
        elements: usize,
    },
}
