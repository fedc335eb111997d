//! GPTQ: integers chosen one column after the other, each error made good by the columns that are still free.
//!
//! A layer's product is w · x. How much an error in w hurts is told by the inputs alone, by H = Σ x · xᵀ ([`Hessian`]). Columns are rounded in some
//! order; what rounding a column adds to the product is taken out again, as well as H allows, by changing the columns not yet rounded.
//! For that the inverse of H is needed with the rounded columns removed, and all of these are rows of one triangular matrix.
//!
//! Feature `gptq`.

mod factor;
mod hessian;
mod rounding;

use std::num::NonZeroUsize;

use crate::affine::Int4Affine;
use crate::error::Error;
use crate::group::Group;
use crate::grouping::Grouping;
use crate::int4::check_words;
use crate::scale::ScaleRule;
use crate::shape::Shape;
use crate::weight::{self, Weight};

pub use hessian::Hessian;

/// Whether zero points are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Symmetry {
    /// All zero points are 8, the integers -8 to 7.
    #[default]
    Symmetric,
    /// A zero point for each group, from 1 to 15 (the first of GPTQ's formats cannot store 0).
    Asymmetric,
}

/// In which order columns are rounded, and which of them share a scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Order {
    /// As they stand. Scales are chosen when a group's first column is reached, from weights that already make earlier errors good.
    #[default]
    Natural,
    /// Those with the largest inputs first (act-order). Groups are made of columns that are rounded one after the other, so the result has a
    /// [`Grouping`] of its own, which kernels pay for.
    Activation,
    /// Those with the largest inputs first, in groups that lie side by side, with scales chosen from the original weights (static groups).
    ActivationStatic,
}

/// How a layer is quantized.
///
/// # Example
/// ```
/// use tilewright_quant_pack::gptq::{Options, Order};
/// use tilewright_quant_pack::Group;
///
/// let options = Options { order: Order::ActivationStatic, ..Options::of(Group::new(128)?) };
/// assert_eq!(options.damping, 0.01);
/// # Ok::<(), tilewright_quant_pack::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// How many weights of a row share a scale.
    pub group: Group,
    /// Whether zero points are chosen.
    pub symmetry: Symmetry,
    /// How scales are chosen.
    pub rule: ScaleRule,
    /// Which columns come first.
    pub order: Order,
    /// What is added to each diagonal element of H, as a share of their mean: more of it trusts the calibration less.
    pub damping: f64,
    /// Threads that share the rows. The result does not depend on it.
    pub threads: NonZeroUsize,
}

impl Options {
    /// Symmetric, least-squares scales, natural order, damping 0.01, one thread.
    #[must_use]
    pub const fn of(group: Group) -> Self {
        Self {
            group,
            symmetry: Symmetry::Symmetric,
            rule: ScaleRule::LeastSquares,
            order: Order::Natural,
            damping: 0.01,
            threads: NonZeroUsize::MIN,
        }
    }
}

/// Quantizes row-major `weights` [N, K] for inputs like those that `hessian` has seen.
///
/// # Numerics
/// In f64. A column whose inputs were all zero is rounded to nearest. With no inputs at all every column is.
/// Deterministic: the same input gives the same bits, whatever the number of threads; between processors with other vector instructions sums may
/// round differently, and then an integer may differ where two are as good.
///
/// Memory: 24 · K² bytes, the Hessian's 8 · K² included, and N · K for the integers. Time: K³ / 2 + N · K² / 2 multiplications, and the choice of scales.
///
/// # Errors
/// What [`Int4::quantize`](crate::Int4::quantize) refuses; a Hessian of another K; a damping that is not a positive number; a Hessian that is
/// not positive definite even so.
///
/// # Source
/// Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers", ICLR 2023, section 3; act-order and static groups after AutoGPTQ
/// 9f7d370, `quantization/gptq.py` (`desc_act`, `static_groups`).
///
/// # Example
/// ```
/// use tilewright_quant_pack::gptq::{self, Hessian, Options};
/// use tilewright_quant_pack::{Group, Shape};
///
/// let shape = Shape { n: 2, k: 32 };
/// let weights: Vec<f32> = (0..64_u8).map(|i| (f32::from(i) * 0.7).sin()).collect();
/// let inputs: Vec<f32> = (0..320_u16).map(|i| (f32::from(i) * f32::from(i) * 0.3).cos()).collect();
/// let mut hessian = Hessian::new(32)?;
/// hessian.add(&inputs)?;
///
/// let packed = gptq::quantize(&weights, shape, &hessian, &Options::of(Group::WholeRow))?;
/// let rounded = tilewright_quant_pack::Int4::quantize(&weights, shape, Group::WholeRow, Default::default())?;
/// assert!(hessian.error(&weights, &packed.dequantize(), shape)? < hessian.error(&weights, &rounded.dequantize(), shape)?);
/// # Ok::<(), tilewright_quant_pack::Error>(())
/// ```
pub fn quantize<W: Weight>(
    weights: &[W],
    shape: Shape,
    hessian: &Hessian,
    options: &Options,
) -> Result<Int4Affine, Error> {
    check_words("weights", shape)?;
    weight::check(weights, shape)?;
    let natural = Grouping::in_order(shape.k, options.group)?;
    if hessian.k() != shape.k {
        return Err(Error::HessianOfOther { found: hessian.k(), wanted: shape.k });
    }
    if !(options.damping > 0.0 && options.damping.is_finite()) {
        return Err(Error::Damping { value: options.damping });
    }
    let order = columns_in_order(hessian, options.order);
    let factor = factor::inverse(hessian, &order, options.damping)?;
    let plan = rounding::Plan { shape, order: &order, factor: &factor, options };
    let rounded = rounding::round(&plan, weights)?;
    let grouping = match options.order {
        Order::Natural | Order::ActivationStatic => natural,
        Order::Activation => {
            let size = options.group.size(shape.k);
            let mut index = vec![0; shape.k];
            for (place, &column) in order.iter().enumerate() {
                #[expect(clippy::cast_possible_truncation, reason = "a file's columns are counted in 32 bits")]
                let group = (place / size) as u32;
                index[column] = group;
            }
            Grouping::from_index(&index, natural.count())?
        }
    };
    Int4Affine::pack(&rounded.values, shape, grouping, rounded.scales, rounded.zeros)
}

/// The columns in the order in which they are rounded.
fn columns_in_order(hessian: &Hessian, order: Order) -> Vec<usize> {
    let mut columns: Vec<usize> = (0..hessian.k()).collect();
    if order != Order::Natural {
        // Stable, so columns with the same inputs stay as they stand.
        columns.sort_by(|&a, &b| hessian.diagonal(b).total_cmp(&hessian.diagonal(a)));
    }
    columns
}
