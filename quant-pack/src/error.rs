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
    /// A stored integer does not fit four bits.
    #[error("tensor `values` has {value} at row {row}, column {column}; a nibble holds 0 to 15")]
    NibbleOutOfRange {
        /// Row (N) of the value.
        row: usize,
        /// Column (K) of the value.
        column: usize,
        /// The value.
        value: u8,
    },
    /// A zero point does not fit where it is stored.
    #[error("the zero point of group {group}, row {row} is {value}; int4 holds 0 to 15")]
    ZeroPointOutOfRange {
        /// Group along K.
        group: usize,
        /// Row (N) of the weight.
        row: usize,
        /// The zero point.
        value: u32,
    },
    /// A column is said to be in a group that does not exist.
    #[error("tensor `g_idx` has group {group} at column {column}; there are {groups} groups")]
    NoSuchGroup {
        /// Column (K).
        column: usize,
        /// The group it is said to be in.
        group: i64,
        /// Groups there are.
        groups: usize,
    },
    /// A group has not as many columns as the others.
    #[error(
        "group {group} of tensor `g_idx` has {found} columns, wanted {wanted} as of group 0 (the last group has the rest)"
    )]
    UnevenGroup {
        /// The group.
        group: usize,
        /// Columns it has.
        found: usize,
        /// Columns it should have.
        wanted: usize,
    },
    /// An input of the layer is NaN or infinite.
    #[error("tensor `inputs` has {value} at row {row}, column {column}; every input must be finite")]
    InputNotFinite {
        /// Row (token).
        row: usize,
        /// Column (K).
        column: usize,
        /// NaN or an infinity.
        value: f32,
    },
    /// The calibration is of a layer with other inputs.
    #[error("the calibration is of k = {found} columns, the weight has k = {wanted}")]
    HessianOfOther {
        /// Columns of the calibration.
        found: usize,
        /// Columns of the weight.
        wanted: usize,
    },
    /// The layers have not the same number of columns, or not as many as the factors.
    #[error("a layer has k = {found}, wanted {wanted} as of the inputs' columns")]
    ColumnsOfOther {
        /// Columns of the layer.
        found: usize,
        /// Columns of the inputs or of the factors.
        wanted: usize,
    },
    /// The exponent is not from 0 to 1.
    #[error("exponent {value}; it must be from 0 to 1")]
    Exponent {
        /// The exponent that came.
        value: f64,
    },
    /// The damping is no positive number.
    #[error("damping {value}; it must be a number above 0, such as 0.01")]
    Damping {
        /// The damping that came.
        value: f64,
    },
    /// The Hessian has no Cholesky factor.
    #[error("the Hessian is not positive definite with damping {damping:?}; more damping may help")]
    NotPositiveDefinite {
        /// The damping.
        damping: f64,
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
