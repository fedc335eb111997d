//! What is refused in a checkpoint, and why.

use super::Format;
use crate::error::Error;

/// Why a checkpoint, or a layer of it, was refused. Rows count along N, columns along K.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// A tensor that the format needs is not there.
    #[error("there is no tensor `{tensor}`, which {format} needs")]
    Missing {
        /// The tensor.
        tensor: &'static str,
        /// The format.
        format: Format,
    },
    /// A layer has a tensor that the format does not.
    #[error("tensor `{tensor}` is unknown to {format}, which has {known}")]
    Unknown {
        /// The tensor.
        tensor: String,
        /// The format.
        format: Format,
        /// The tensors of the format.
        known: &'static str,
    },
    /// A tensor has another type.
    #[error("tensor `{tensor}` is {found}, wanted {wanted}")]
    Type {
        /// The tensor.
        tensor: String,
        /// Its type.
        found: String,
        /// The type it should have.
        wanted: &'static str,
    },
    /// A tensor has another shape.
    #[error("tensor `{tensor}` has shape {found:?}, wanted {wanted:?} ({why})")]
    Shape {
        /// The tensor.
        tensor: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// The shape it should have.
        wanted: Vec<usize>,
        /// Where the numbers come from.
        why: &'static str,
    },
    /// Shapes are those of no format, or of more than one.
    #[error(
        "tensors `qweight` {words:?} and `scales` {scales:?} are not of the format that is said, or of none or several: gptq has [K / 8, N] and [groups, N], awq \
         [K, N / 8] and [groups, N], awq gemv [N, K / 8] and [N, groups]"
    )]
    NoFormat {
        /// The shape of `qweight`.
        words: [usize; 2],
        /// The shape of `scales`.
        scales: [usize; 2],
    },
    /// A tensor has another number of dimensions.
    #[error("tensor `{tensor}` has shape {found:?}, wanted {wanted} dimensions")]
    Dimensions {
        /// The tensor.
        tensor: String,
        /// Its shape.
        found: Vec<usize>,
        /// Dimensions it should have.
        wanted: usize,
    },
    /// A tensor's values are not as many as its shape says.
    #[error("tensor `{tensor}` has {found} values, its shape {rows} by {columns} wants {wanted}")]
    Values {
        /// The tensor.
        tensor: &'static str,
        /// Values there are.
        found: usize,
        /// Values the shape wants.
        wanted: usize,
        /// Rows of the tensor.
        rows: usize,
        /// Columns of the tensor.
        columns: usize,
    },
    /// A format packs eight rows to a word.
    #[error("n = {n} is not a multiple of 8, which a word of tensor `{tensor}` packs together")]
    PartialWordOfRows {
        /// The tensor.
        tensor: &'static str,
        /// Rows of the weight.
        n: usize,
    },
    /// A format has no shorter last group.
    #[error("{format} cannot hold k = {k} in groups of {size}: it has no shorter last group")]
    RaggedGroup {
        /// The format.
        format: Format,
        /// Columns of the weight.
        k: usize,
        /// The group size.
        size: usize,
    },
    /// Rows do not divide into the groups that are there.
    #[error("k = {k} does not divide into the {count} groups that are there; {format} has no shorter last group")]
    PartialGroups {
        /// The format.
        format: Format,
        /// Columns of the weight.
        k: usize,
        /// Groups there are.
        count: usize,
    },
    /// A format has groups of certain sizes.
    #[error("{format} has groups of 32, 64 or 128 and more, not of {size}")]
    GroupOfOtherSize {
        /// The format.
        format: Format,
        /// The group size.
        size: usize,
    },
    /// A format has its groups side by side.
    #[error("{format} cannot hold columns in groups by `g_idx`; only groups that lie side by side")]
    ScatteredGroups {
        /// The format.
        format: Format,
    },
    /// The group size that was said does not give the groups that are there.
    #[error("{count} groups are there, the group size that was said gives {wanted} for k = {k}")]
    GroupCount {
        /// Columns of the weight.
        k: usize,
        /// Groups there are.
        count: usize,
        /// Groups the size gives.
        wanted: usize,
    },
    /// More than one group size, or none, gives the groups that are there.
    #[error("k = {k} in {count} groups: sizes that give it are {sizes:?}; say which, by `g_idx` or the configuration")]
    GroupAmbiguous {
        /// Columns of the weight.
        k: usize,
        /// Groups there are.
        count: usize,
        /// Sizes that are possible.
        sizes: Vec<usize>,
    },
    /// The first of GPTQ's formats has no zero point 0.
    #[error("the zero point of group {group}, row {row} is 0; gptq stores it less one and cannot hold it, gptq_v2 can")]
    ZeroPointNotStorable {
        /// Group along K.
        group: usize,
        /// Row of the weight.
        row: usize,
    },
    /// A stored zero point has more than one meaning.
    #[error(
        "tensor `qzeros` has 15 at group {group}, row {row}: in gptq some readers take it for 0 and some for 16, and what wrote it may have \
         overwritten the rest of its word, {word:#010x}"
    )]
    ZeroPointClobbered {
        /// Group along K.
        group: usize,
        /// Row of the weight.
        row: usize,
        /// The word.
        word: i32,
    },
    /// Nobody says how zero points are stored, and the data does not either.
    #[error(
        "whether zero points are stored less one (gptq) or not (gptq_v2) is not told by the data: q − stored is {offset:.2} ± {spread:.2} on average, 1 would \
         be gptq and 0 gptq_v2; say which"
    )]
    ZerosAmbiguous {
        /// Mean of q less the stored zero point.
        offset: f64,
        /// Four standard errors of it.
        spread: f64,
    },
    /// The label says one way to store zero points, the data another.
    #[error(
        "the file says {label}, its data says the other: q − stored is {offset:.2} ± {spread:.2} on average, 1 would be gptq and 0 gptq_v2; say which"
    )]
    ZerosContradicted {
        /// What the file says.
        label: Format,
        /// Mean of q less the stored zero point.
        offset: f64,
        /// Four standard errors of it.
        spread: f64,
    },
    /// The configuration says that weights are symmetric, the data has another zero point.
    #[error(
        "the zero point of group {group}, row {row} is {zero}; the configuration says that weights are symmetric, so 8 was wanted"
    )]
    NotSymmetric {
        /// Group along K.
        group: usize,
        /// Row of the weight.
        row: usize,
        /// The zero point.
        zero: u8,
    },
    /// A scale is no f16.
    #[error("tensor `{tensor}` has {value} at group {group}, row {row}, which is no f16")]
    ScaleNotHalf {
        /// The tensor.
        tensor: &'static str,
        /// Group along K.
        group: usize,
        /// Row of the weight.
        row: usize,
        /// The scale.
        value: f32,
    },
    /// An index is negative.
    #[error("tensor `{tensor}` has {value} at {place}, wanted 0 or more")]
    Negative {
        /// The tensor.
        tensor: &'static str,
        /// Which element.
        place: usize,
        /// The value.
        value: i64,
    },
    /// A configuration has a field or a value that is not known here.
    #[error("configuration field `{field}` is {value}, wanted {wanted}")]
    Field {
        /// The field.
        field: String,
        /// Its value, as JSON.
        value: String,
        /// What is known.
        wanted: String,
    },
    /// A file or a tensor has another length than it says.
    #[error("{what} has {found} bytes, wanted {wanted}")]
    Truncated {
        /// The file or tensor.
        what: String,
        /// Bytes there are.
        found: u64,
        /// Bytes there should be.
        wanted: u64,
    },
    /// A file is of another kind, or damaged at its beginning.
    #[error("not a {kind} file: {why}")]
    NotA {
        /// The kind that was expected.
        kind: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Rows are no whole blocks.
    #[error("k = {k} is not a multiple of {block}, the block of {kind}")]
    PartialBlock {
        /// The type of the blocks.
        kind: super::gguf::Kind,
        /// Columns of the weight.
        k: usize,
        /// Weights of a block.
        block: usize,
    },
    /// A tensor has a type that is not read here.
    #[error("tensors of {found} are not read here; wanted {wanted}")]
    Kind {
        /// Its type.
        found: super::gguf::Kind,
        /// Types that are read.
        wanted: &'static str,
    },
    /// Groups are not what the blocks hold.
    #[error("{kind} has groups of {block}, not of {size}")]
    GroupIsNoBlock {
        /// The type of the blocks.
        kind: super::gguf::Kind,
        /// The group size.
        size: usize,
        /// Weights of a block.
        block: usize,
    },
    /// Blocks hold columns that stand side by side.
    #[error("{kind} cannot hold columns in groups by `g_idx`; only groups that lie side by side")]
    ScatteredBlocks {
        /// The type of the blocks.
        kind: super::gguf::Kind,
    },
    /// A block's minimum is no multiple of its scale.
    #[error(
        "block {block} of row {row} is {scale} · q + {minimum}: {minimum} is not −{scale} times a zero point from 0 to 15"
    )]
    NoZeroPoint {
        /// Row of the weight.
        row: usize,
        /// Block along K.
        block: usize,
        /// The block's scale.
        scale: f32,
        /// The block's minimum.
        minimum: f32,
    },
    /// The blocks of a row have not one scale.
    #[error(
        "block {block} of row {row} has scale {found}, the row's first has {wanted}; int8 weights have one scale a row"
    )]
    NoRowScale {
        /// Row of the weight.
        row: usize,
        /// Block along K.
        block: usize,
        /// The block's scale.
        found: f32,
        /// The scale of the row's first block.
        wanted: f32,
    },
    /// What any weight may be refused for.
    #[error(transparent)]
    Weight(#[from] Error),
    /// Something is wrong with one layer.
    #[error("layer `{layer}`: {source}")]
    Layer {
        /// The layer's name in the file.
        layer: String,
        /// What is wrong.
        source: Box<FormatError>,
    },
}

impl FormatError {
    /// The same, of a layer.
    #[must_use]
    pub fn of_layer(self, layer: &str) -> Self {
        Self::Layer { layer: layer.to_owned(), source: Box::new(self) }
    }
}
