//! compressed-tensors' layout of a layer, `pack-quantized` with four bits.
//!
//! | tensor | shape | type | layout |
//! |---|---|---|---|
//! | `weight_packed` | [N, ceil(K / 8)] | i32 | nibble k % 8 of word (n, k / 8) is q, which is the signed integer + 8 |
//! | `weight_scale` | [N, K / G] | f16 here; bf16 or f32 in some files | |
//! | `weight_zero_point` | [ceil(N / 8), K / G] | i32 | nibble n % 8 of word (n / 8, group) is z, also signed + 8; none if symmetric |
//! | `weight_g_idx` | \[K\] | i32 | the group of each column; only with act-order, and all −1 says the same as none |
//! | `weight_shape` | \[2\] | i64 | N, K |
//!
//! w = scale · (q − z) with z = 8 where there are no zero points. Groups fill the rows.
//!
//! # Source
//! compressed-tensors 52792be0, `compressors/pack_quantized/base.py` and `helpers.py` (`pack_to_int32`).

use half::f16;

use super::awq::{IN_ORDER, whole_groups};
use super::gptq::{grouping, index_of};
use super::{Format, FormatError, Grid, expect_whole_groups};
use crate::affine::Int4Affine;
use crate::grouping::Grouping;
use crate::int4::{NIBBLES, check_words, nibble, word_of_nibbles};
use crate::shape::Shape;

/// The tensors of a layer.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "the format has these tensors and no others")]
pub struct Tensors {
    /// q, [N, ceil(K / 8)].
    pub weight_packed: Grid<i32>,
    /// [N, K / G].
    pub weight_scale: Grid<f16>,
    /// Zero points, [ceil(N / 8), K / G]; none if all are 8.
    pub weight_zero_point: Option<Grid<i32>>,
    /// The group of each column, \[K\].
    pub weight_g_idx: Option<Vec<i32>>,
    /// N and K.
    pub weight_shape: Shape,
}

/// Tensors that are written even where they say nothing new, as in a file whose other layers need them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the format has these optional tensors and no others")]
pub struct Always {
    /// `weight_zero_point` where all zero points are 8.
    pub zero_points: bool,
    /// `weight_g_idx` where groups lie side by side.
    pub g_idx: bool,
}

/// The weight that `tensors` hold.
///
/// # Errors
/// Shapes that do not fit together, K that is not a multiple of 8, rows that are no whole groups, and what [`Int4Affine::pack`] refuses.
///
/// # Example
/// ```
/// use half::f16;
/// use tilewright_quant_pack::formats::compressed::{self, Tensors};
/// use tilewright_quant_pack::formats::Grid;
/// use tilewright_quant_pack::Shape;
///
/// let tensors = Tensors {
///     weight_packed: Grid::new("weight_packed", 1, 1, vec![0x7654_3210])?,
///     weight_scale: Grid::new("weight_scale", 1, 1, vec![f16::ONE])?,
///     weight_zero_point: None,
///     weight_g_idx: None,
///     weight_shape: Shape { n: 1, k: 8 },
/// };
/// let weight = compressed::import(tensors.clone())?;
/// assert_eq!(weight.dequantize(), [-8.0, -7.0, -6.0, -5.0, -4.0, -3.0, -2.0, -1.0]);
/// assert_eq!(compressed::export(&weight, Default::default())?, tensors);
/// # Ok::<(), tilewright_quant_pack::formats::FormatError>(())
/// ```
pub fn import(tensors: Tensors) -> Result<Int4Affine, FormatError> {
    let Tensors { weight_packed, weight_scale, weight_zero_point, weight_g_idx, weight_shape } = tensors;
    let Shape { n, k } = weight_shape;
    check_words("weight_packed", weight_shape)?;
    weight_packed.expect("weight_packed", n, k / NIBBLES, "N, K / 8 of `weight_shape`")?;
    let groups = weight_scale.columns();
    weight_scale.expect("weight_scale", n, groups, "N of `weight_shape`, groups")?;
    if let Some(zeros) = &weight_zero_point {
        let why = "N / 8 of `weight_shape`, groups of `weight_scale`";
        zeros.expect("weight_zero_point", n.div_ceil(NIBBLES), groups, why)?;
    }
    let group = whole_groups(Format::CompressedTensors, k, groups)?;
    let index = weight_g_idx.filter(|index| index.iter().any(|group| *group != -1));
    let grouping = match index {
        None => Grouping::in_order(k, group)?,
        index => grouping(k, groups, index, None)?,
    };
    let values = Grid::from_fn(n, k, |row, column| weight_packed.unpack(row, column, IN_ORDER));
    let zeros = weight_zero_point.map(|words| {
        Grid::from_fn(groups, n, |group, row| nibble(words.at(row / NIBBLES, group), row % NIBBLES)).into_values()
    });
    Ok(Int4Affine::pack(values.values(), weight_shape, grouping, weight_scale.transposed().into_values(), zeros)?)
}

/// The tensors that hold `weight`: zero points and `g_idx` if it needs them, or `always` asks.
///
/// # Errors
/// Groups that do not fill the rows.
pub fn export(weight: &Int4Affine, always: Always) -> Result<Tensors, FormatError> {
    let shape = weight.shape();
    let Shape { n, k } = shape;
    let grouping = weight.grouping();
    expect_whole_groups(Format::CompressedTensors, k, grouping.group())?;
    let groups = grouping.count();
    let zeros = || {
        Grid::from_fn(n.div_ceil(NIBBLES), groups, |word, group| {
            let rows = word * NIBBLES..(word + 1) * NIBBLES;
            word_of_nibbles(rows.map(|row| if row < n { weight.zero(group, row) } else { 0 }))
        })
    };
    Ok(Tensors {
        weight_packed: Grid::pack(n, k, IN_ORDER, |row, column| weight.stored(row, column)),
        weight_scale: Grid::of(groups, n, weight.scales()).transposed(),
        weight_zero_point: (always.zero_points || weight.zeros().is_some()).then(zeros),
        weight_g_idx: (always.g_idx || !grouping.is_in_order()).then(|| index_of(grouping)),
        weight_shape: shape,
    })
}
