//! AutoGPTQ's layout of a layer, v1 and v2.
//!
//! | tensor | shape | type | layout |
//! |---|---|---|---|
//! | `qweight` | [K / 8, N] | i32 | nibble k % 8 of word (k / 8, n) is q |
//! | `qzeros` | [groups, N / 8] | i32 | nibble n % 8 of word (group, n / 8) is z − 1 (v1) or z (v2) |
//! | `scales` | [groups, N] | f16 | |
//! | `g_idx` | \[K\] | i32 | the group of each column; optional |
//!
//! w = scale · (q − z). N is a multiple of 8. Symmetric weights have z = 8, so `qzeros` is 0x77777777 or 0x88888888 throughout.
//!
//! # Source
//! AutoGPTQ 9f7d370, `nn_modules/qlinear/qlinear_cuda_old.py` (v1); `checkpoint_format: "gptq_v2"` as of AutoGPTQ PR 640 (v2).

use half::f16;

use super::zeros::{self, Claim, Verdict, ZeroConvention};
use super::{FormatError, Grid, columns_of_words, expect_whole_words, group_of};
use crate::affine::Int4Affine;
use crate::error::Error;
use crate::group::Group;
use crate::grouping::Grouping;
use crate::int4::{NIBBLES, nibble, word_of_nibbles};
use crate::shape::Shape;

/// The tensors of a layer.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "the format has these tensors and no others")]
pub struct Tensors {
    /// q, [K / 8, N].
    pub qweight: Grid<i32>,
    /// Zero points, [groups, N / 8].
    pub qzeros: Grid<i32>,
    /// [groups, N].
    pub scales: Grid<f16>,
    /// The group of each column, \[K\].
    pub g_idx: Option<Vec<i32>>,
}

/// The weight that `tensors` hold, and how its zero points were read. `group` is the group size if it is known; without it and without `g_idx` it follows
/// from the numbers of columns and groups, where they leave one choice.
///
/// # Errors
/// Shapes that do not fit together, groups that cannot be or are not certain, zero points whose meaning the data does not tell or contradicts, zero points
/// of v1 that are stored as 15, and what [`Int4Affine::from_parts`] refuses.
///
/// # Example
/// Symmetric weights whose label is wrong:
/// ```
/// use half::f16;
/// use tilewright_quant_pack::formats::gptq::{self, Tensors};
/// use tilewright_quant_pack::formats::zeros::{Claim, ZeroConvention};
/// use tilewright_quant_pack::formats::Grid;
///
/// let tensors = Tensors {
///     qweight: Grid::new("qweight", 1, 8, vec![0x7654_3210; 8])?,
///     qzeros: Grid::new("qzeros", 1, 1, vec![0x8888_8888_u32.cast_signed()])?,
///     scales: Grid::new("scales", 1, 8, vec![f16::ONE; 8])?,
///     g_idx: None,
/// };
/// let (weight, verdict) = gptq::import(tensors, Claim::Label(ZeroConvention::LessOne), None)?;
/// assert_eq!(weight.dequantize()[..8], [-8.0, -7.0, -6.0, -5.0, -4.0, -3.0, -2.0, -1.0]);
/// assert_eq!(verdict.convention, ZeroConvention::AsIs);
/// assert_eq!(verdict.false_label, Some(ZeroConvention::LessOne));
/// # Ok::<(), tilewright_quant_pack::formats::FormatError>(())
/// ```
pub fn import(tensors: Tensors, claim: Claim, group: Option<Group>) -> Result<(Int4Affine, Verdict), FormatError> {
    let Tensors { qweight, qzeros, scales, g_idx } = tensors;
    let n = qweight.columns();
    let k = columns_of_words("qweight", qweight.rows(), n)?;
    for (dimension, value) in [("n", n), ("k", k)] {
        if value == 0 {
            return Err(Error::ZeroDimension { tensor: "qweight", dimension }.into());
        }
    }
    expect_whole_words("qzeros", n)?;
    scales.expect("scales", scales.rows(), n, "groups, N of `qweight`")?;
    qzeros.expect("qzeros", scales.rows(), n / NIBBLES, "groups of `scales`, N / 8 of `qweight`")?;
    let grouping = grouping(k, scales.rows(), g_idx, group)?;
    let group_of: Vec<usize> = grouping.index().collect();
    let verdict = zeros::decide(claim, zeros::detect(&qweight, &qzeros, &group_of))?;

    let mut zeros = Vec::with_capacity(scales.values().len());
    for place in 0..scales.values().len() {
        let (group, row) = (place / n, place % n);
        let word = qzeros.at(group, row / NIBBLES);
        let stored = nibble(word, row % NIBBLES);
        zeros.push(match verdict.convention {
            ZeroConvention::AsIs => stored,
            ZeroConvention::LessOne if stored == 15 => {
                return Err(FormatError::ZeroPointClobbered { group, row, word });
            }
            ZeroConvention::LessOne => stored + 1,
        });
    }
    let weight =
        Int4Affine::from_parts(Shape { n, k }, grouping, qweight.into_values(), scales.into_values(), Some(zeros))?;
    Ok((weight, verdict))
}

/// The tensors that hold `weight`; `g_idx` always, as AutoGPTQ writes it.
///
/// # Errors
/// N that is not a multiple of 8; for v1 a zero point of 0.
pub fn export(weight: &Int4Affine, convention: ZeroConvention) -> Result<Tensors, FormatError> {
    let Shape { n, k } = weight.shape();
    expect_whole_words("qzeros", n)?;
    let groups = weight.grouping().count();
    if convention == ZeroConvention::LessOne {
        let zero = (0..groups * n).find(|place| weight.zero(place / n, place % n) == 0);
        if let Some(place) = zero {
            return Err(FormatError::ZeroPointNotStorable { group: place / n, row: place % n });
        }
    }
    let less = u8::from(convention == ZeroConvention::LessOne);
    let qzeros = Grid::from_fn(groups, n / NIBBLES, |group, word| {
        word_of_nibbles((0..NIBBLES).map(|place| weight.zero(group, word * NIBBLES + place) - less))
    });
    Ok(Tensors {
        qweight: Grid::of(k / NIBBLES, n, weight.qweight()),
        qzeros,
        scales: Grid::of(groups, n, weight.scales()),
        g_idx: Some(index_of(weight.grouping())),
    })
}

/// The grouping that `g_idx` or, without it, the number of groups says.
pub(super) fn grouping(
    k: usize,
    groups: usize,
    g_idx: Option<Vec<i32>>,
    group: Option<Group>,
) -> Result<Grouping, FormatError> {
    let Some(g_idx) = g_idx else { return Ok(Grouping::in_order(k, group_of(k, groups, group)?)?) };
    if g_idx.len() != k {
        let why = "K of the packed weight";
        return Err(FormatError::Shape { tensor: "g_idx", found: vec![g_idx.len()], wanted: vec![k], why });
    }
    let mut index = Vec::with_capacity(k);
    for (place, &value) in g_idx.iter().enumerate() {
        let negative = || FormatError::Negative { tensor: "g_idx", place, value: value.into() };
        index.push(u32::try_from(value).map_err(|_| negative())?);
    }
    let grouping = Grouping::from_index(&index, groups)?;
    match group {
        Some(said) if said.count(k) != groups => {
            Err(FormatError::GroupCount { k, count: groups, wanted: said.count(k) })
        }
        _ => Ok(grouping),
    }
}

/// `g_idx` of a grouping.
pub(super) fn index_of(grouping: &Grouping) -> Vec<i32> {
    // There are fewer groups than columns, and columns are counted in 32 bits.
    grouping.index().map(|group| i32::try_from(group).unwrap_or(i32::MAX)).collect()
}
