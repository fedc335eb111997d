//! AWQ's layouts of a layer: GEMM, whose words are interleaved along N, and GEMV, whose words run along K.
//!
//! | tensor | GEMM | GEMV | type |
//! |---|---|---|---|
//! | `qweight` | [K, N / 8] | [N, K / 8] | i32 |
//! | `qzeros` | [K / G, N / 8] | [N, W] | i32 |
//! | `scales` | [K / G, N] | [N, 8 · W] | f16 |
//!
//! w = scale · (q − z). GEMM: nibble i of a word is column `[0, 2, 4, 6, 1, 3, 5, 7][i]` of its eight, in `qweight` and in `qzeros`. GEMV: nibbles in their order;
//! W = K / G / 8, rounded up, and for groups of 64 and 32 up to a multiple of 2 and 4; scales and zero points past K / G are zero. Some writers
//! leave the padding away, which is read too. Groups lie side by side and fill the rows.
//!
//! # Source
//! AutoAWQ 88e4c76, `awq/utils/packing_utils.py`, `awq/modules/linear/gemm.py`, `gemv.py` (`calculate_zeros_width`).

use half::f16;

use super::{Format, FormatError, Grid, columns_of_words, expect_whole_groups, expect_whole_words};
use crate::affine::Int4Affine;
use crate::error::Error;
use crate::group::Group;
use crate::grouping::Grouping;
use crate::int4::NIBBLES;
use crate::shape::Shape;

/// Which of its eight columns nibble i of a word of GEMM holds.
const INTERLEAVED: [usize; NIBBLES] = [0, 2, 4, 6, 1, 3, 5, 7];
/// Which nibble holds column i of the eight.
const INTERLEAVED_INVERSE: [usize; NIBBLES] = [0, 4, 1, 5, 2, 6, 3, 7];
/// Nibbles in their order.
pub(super) const IN_ORDER: [usize; NIBBLES] = [0, 1, 2, 3, 4, 5, 6, 7];

/// The tensors of a layer, in either layout.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "the format has these tensors and no others")]
pub struct Tensors {
    /// q.
    pub qweight: Grid<i32>,
    /// Zero points.
    pub qzeros: Grid<i32>,
    /// Scales.
    pub scales: Grid<f16>,
}

/// The weight that tensors of the GEMM layout hold.
///
/// # Errors
/// Shapes that do not fit together, rows that are no whole groups, and what [`Int4Affine::pack`] refuses.
///
/// # Example
/// ```
/// use half::f16;
/// use tilewright_quant_pack::formats::awq::{self, Tensors};
/// use tilewright_quant_pack::formats::Grid;
///
/// // Eight columns of K, each a word of eight rows that hold 0 to 7; zero points of 8.
/// let tensors = Tensors {
///     qweight: Grid::new("qweight", 8, 1, vec![0x7531_6420; 8])?,
///     qzeros: Grid::new("qzeros", 1, 1, vec![0x8888_8888_u32.cast_signed()])?,
///     scales: Grid::new("scales", 1, 8, vec![f16::ONE; 8])?,
/// };
/// let weight = awq::import_gemm(&tensors)?;
/// assert_eq!(weight.dequantize()[8..16], [-7.0; 8]); // row 1
/// assert_eq!(awq::export_gemm(&weight)?, tensors);
/// # Ok::<(), tilewright_quant_pack::formats::FormatError>(())
/// ```
pub fn import_gemm(tensors: &Tensors) -> Result<Int4Affine, FormatError> {
    let Tensors { qweight, qzeros, scales } = tensors;
    let (k, n) = (qweight.rows(), columns_of_words("qweight", qweight.columns(), qweight.rows())?);
    let shape = checked(n, k)?;
    let groups = scales.rows();
    scales.expect("scales", groups, n, "groups, N of `qweight`")?;
    qzeros.expect("qzeros", groups, n / NIBBLES, "groups of `scales`, N / 8 of `qweight`")?;
    let grouping = Grouping::in_order(k, whole_groups(Format::AwqGemm, k, groups)?)?;
    let unpack = |grid: &Grid<i32>, row, column| grid.unpack(row, column, INTERLEAVED_INVERSE);
    let values = Grid::from_fn(n, k, |row, column| unpack(qweight, column, row));
    let zeros = Grid::from_fn(groups, n, |group, row| unpack(qzeros, group, row));
    Ok(Int4Affine::pack(values.values(), shape, grouping, scales.values().to_vec(), Some(zeros.into_values()))?)
}

/// The tensors of the GEMM layout that hold `weight`.
///
/// # Errors
/// N that is not a multiple of 8, groups that do not fill the rows or do not lie side by side.
pub fn export_gemm(weight: &Int4Affine) -> Result<Tensors, FormatError> {
    let Shape { n, k } = weight.shape();
    let groups = expect_in_order(Format::AwqGemm, weight)?;
    expect_whole_words("qweight", n)?;
    Ok(Tensors {
        qweight: Grid::pack(k, n, INTERLEAVED, |column, row| weight.stored(row, column)),
        qzeros: Grid::pack(groups, n, INTERLEAVED, |group, row| weight.zero(group, row)),
        scales: Grid::of(groups, n, weight.scales()),
    })
}

/// The weight that tensors of the GEMV layout hold. `group` is the group size if it is known; otherwise it must follow from the shapes and from the
/// scales that are padding.
///
/// # Errors
/// As [`import_gemm`], and [`FormatError::GroupAmbiguous`].
pub fn import_gemv(tensors: &Tensors, group: Option<Group>) -> Result<Int4Affine, FormatError> {
    let Tensors { qweight, qzeros, scales } = tensors;
    let (n, k) = (qweight.rows(), columns_of_words("qweight", qweight.columns(), qweight.rows())?);
    let shape = checked(n, k)?;
    scales.expect("scales", n, scales.columns(), "N of `qweight`, groups")?;
    qzeros.expect("qzeros", n, qzeros.columns(), "N of `qweight`, groups / 8")?;
    let group = match group {
        Some(group) => {
            expect_whole_groups(Format::AwqGemv, k, group)?;
            if !holds(tensors, k, group) {
                let (why, width) =
                    ("N of `qweight`, groups with their padding", padded_width(k, group.size(k)) * NIBBLES);
                let (found, wanted) = (vec![n, scales.columns()], vec![n, width]);
                return Err(FormatError::Shape { tensor: "scales", found, wanted, why });
            }
            group
        }
        None => gemv_group(tensors, k)?,
    };
    let groups = group.count(k);
    let values = Grid::from_fn(n, k, |row, column| qweight.unpack(row, column, IN_ORDER));
    let zeros = Grid::from_fn(groups, n, |group, row| qzeros.unpack(row, group, IN_ORDER));
    let scales = Grid::from_fn(groups, n, |group, row| scales.at(row, group));
    let grouping = Grouping::in_order(k, group)?;
    Ok(Int4Affine::pack(values.values(), shape, grouping, scales.into_values(), Some(zeros.into_values()))?)
}

/// The tensors of the GEMV layout that hold `weight`, padded as AutoAWQ pads them.
///
/// # Errors
/// As [`export_gemm`]; groups of 96, which AutoAWQ does not have.
pub fn export_gemv(weight: &Int4Affine) -> Result<Tensors, FormatError> {
    let Shape { n, k } = weight.shape();
    let groups = expect_in_order(Format::AwqGemv, weight)?;
    expect_whole_words("qweight", n)?;
    let width = width(k, weight.grouping().group())? * NIBBLES;
    let scales = weight.scales();
    Ok(Tensors {
        qweight: Grid::pack(n, k, IN_ORDER, |row, column| weight.stored(row, column)),
        qzeros: Grid::pack(n, width, IN_ORDER, |row, group| if group < groups { weight.zero(group, row) } else { 0 }),
        scales: Grid::from_fn(n, width, |row, group| if group < groups { scales[group * n + row] } else { f16::ZERO }),
    })
}

fn checked(n: usize, k: usize) -> Result<Shape, FormatError> {
    let shape = Shape { n, k };
    shape.elements("qweight")?;
    Ok(shape)
}

/// The group of `count` groups that fill a row.
pub(super) fn whole_groups(format: Format, k: usize, count: usize) -> Result<Group, FormatError> {
    match k.checked_div(count) {
        Some(size) if k.is_multiple_of(count) && count > 1 => Ok(Group::new(size)?),
        Some(_) if count == 1 => Ok(Group::WholeRow),
        None => Err(Error::ZeroDimension { tensor: "scales", dimension: "groups" }.into()),
        Some(_) => Err(FormatError::PartialGroups { format, k, count }),
    }
}

/// Refuses groups that do not lie side by side or do not fill the rows; the number of groups.
pub(super) fn expect_in_order(format: Format, weight: &Int4Affine) -> Result<usize, FormatError> {
    if !weight.grouping().is_in_order() {
        return Err(FormatError::ScatteredGroups { format });
    }
    expect_whole_groups(format, weight.shape().k, weight.grouping().group())?;
    Ok(weight.grouping().count())
}

/// Words of a row of zero points of GEMV, if there are such groups.
pub(super) const fn width(k: usize, group: Group) -> Result<usize, FormatError> {
    let size = group.size(k);
    if size < 128 && size != 32 && size != 64 && size != k {
        return Err(FormatError::GroupOfOtherSize { format: Format::AwqGemv, size });
    }
    Ok(padded_width(k, size))
}

/// The same for any group.
const fn padded_width(k: usize, size: usize) -> usize {
    let multiple = match size {
        0..64 => 4,
        64..128 => 2,
        _ => 1,
    };
    (k / size).div_ceil(NIBBLES).next_multiple_of(multiple)
}

/// Whether the shapes are those of `group`, with padding or without, and the padding of the scales is zero.
fn holds(tensors: &Tensors, k: usize, group: Group) -> bool {
    let (groups, width) = (group.count(k), padded_width(k, group.size(k)));
    let (scales, words) = (&tensors.scales, tensors.qzeros.columns());
    let is_padded = scales.columns() == width * NIBBLES && words == width;
    let is_bare = scales.columns() == groups && words == groups.div_ceil(NIBBLES);
    let padding = |row| (groups..scales.columns()).all(|group| scales.at(row, group) == f16::ZERO);
    (is_padded || is_bare) && (0..scales.rows()).all(padding)
}

/// The only group size that the shapes and the padding allow. Padding has scales of zero, a group in use has not.
fn gemv_group(tensors: &Tensors, k: usize) -> Result<Group, FormatError> {
    let count = tensors.scales.columns();
    let sizes = (1..).map(|size| size * 32).take_while(|size| *size < k).filter(|size| k.is_multiple_of(*size));
    let mut groups: Vec<Group> = sizes.map(Group::new).collect::<Result<_, _>>()?;
    groups.push(Group::WholeRow);
    groups.retain(|group| {
        let last = group.count(k) - 1;
        let is_used = |row| tensors.scales.at(row, last) != f16::ZERO;
        holds(tensors, k, *group) && (0..tensors.scales.rows()).any(is_used)
    });
    match groups[..] {
        [group] => Ok(group),
        _ => Err(FormatError::GroupAmbiguous { k, count, sizes: groups.iter().map(|group| group.size(k)).collect() }),
    }
}
