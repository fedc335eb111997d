//! Int4 with zero points and groups in any order: what checkpoints hold.

use half::f16;

use crate::error::Error;
use crate::group::Group;
use crate::grouping::{Grouping, Permutation};
use crate::int4::{Int4, NIBBLES, check_scales, check_words, nibble, scale_overflow, word_of_nibbles};
use crate::level::Levels;
use crate::scale::ScaleRule;
use crate::scale::half_scale::Chooser;
use crate::shape::Shape;
use crate::weight::{self, Weight};

/// The zero point of symmetric int4: halfway, rounded up.
pub const MIDDLE: u8 = 8;

/// A weight in int4 as checkpoints hold it: w ≈ scale · (q − zero) with q and zero from 0 to 15, a scale and a zero point for each group of K,
/// and columns in groups by any [`Grouping`].
///
/// [`Int4`] is the part of it that is symmetric and in order; [`Int4Affine::to_symmetric`] finds out.
///
/// # Shapes
/// | tensor | shape | type | layout |
/// |---|---|---|---|
/// | [`qweight`](Self::qweight) | [K / 8, N] | i32 | nibble k % 8 (the lowest is 0) of word (k / 8, n) is q; columns in their own order, whatever their groups |
/// | [`scales`](Self::scales) | [groups, N] | f16 | row-major, N contiguous |
/// | [`zeros`](Self::zeros) | [groups, N] | u8 | row-major, N contiguous; none if all are 8 |
///
/// # Source
/// AutoGPTQ 9f7d370, `qlinear_cuda_old.py`, with the zero points themselves instead of its two ways to store them.
///
/// # Example
/// ```
/// use half::f16;
/// use tilewright_quant_pack::{Group, Grouping, Int4Affine, Shape};
///
/// let grouping = Grouping::in_order(8, Group::WholeRow)?;
/// let shape = Shape { n: 1, k: 8 };
/// let weight = Int4Affine::pack(&[0, 1, 2, 3, 4, 5, 6, 15], shape, grouping, vec![f16::from_f32(0.5)], Some(vec![3]))?;
/// assert_eq!(weight.dequantize(), [-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 6.0]);
/// assert_eq!(weight.to_symmetric(), None);
/// # Ok::<(), tilewright_quant_pack::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Int4Affine {
    shape: Shape,
    grouping: Grouping,
    qweight: Vec<i32>,
    scales: Vec<f16>,
    /// None if all are [`MIDDLE`].
    zeros: Option<Vec<u8>>,
}

impl Int4Affine {
    /// Quantizes row-major `weights` [N, K] to nearest, with a zero point for each group.
    ///
    /// # Numerics
    /// q = clamp(round(w / scale) + zero, 0, 15), ties to even, with the scale already rounded to f16. Zero points are from 1 to 15, so that every
    /// format can hold them. [`ScaleRule::Max`] takes (largest − smallest) / 15 and leaves every weight within scale / 2 of its product;
    /// [`ScaleRule::LeastSquares`] the best of all f16 scales for each of the five zero points about that one, and is never worse.
    /// A group of zeros gets scale 0. Deterministic.
    ///
    /// # Errors
    /// Those of [`Int4::quantize`].
    ///
    /// # Example
    /// ```
    /// use tilewright_quant_pack::{Group, Int4Affine, ScaleRule, Shape};
    ///
    /// let weights = [-1.0f32, 0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 14.0];
    /// let quantized = Int4Affine::quantize(&weights, Shape { n: 1, k: 8 }, Group::WholeRow, ScaleRule::Max)?;
    /// assert_eq!(quantized.zeros(), Some(&[1][..]));
    /// assert_eq!(quantized.dequantize(), weights);
    /// # Ok::<(), tilewright_quant_pack::Error>(())
    /// ```
    pub fn quantize<W: Weight>(weights: &[W], shape: Shape, group: Group, rule: ScaleRule) -> Result<Self, Error> {
        check_words("weights", shape)?;
        let grouping = Grouping::in_order(shape.k, group)?;
        weight::check(weights, shape)?;
        let Shape { n, k } = shape;
        let size = group.size(k);
        let mut values = Vec::with_capacity(n * k);
        let (mut scales, mut zeros) = (vec![f16::ZERO; n * grouping.count()], vec![MIDDLE; n * grouping.count()]);
        let mut chooser = Chooser::default();
        let mut exact = Vec::with_capacity(size);
        for (row, weights) in weights.chunks_exact(k).enumerate() {
            for (index, weights) in weights.chunks(size).enumerate() {
                exact.clear();
                exact.extend(weights.iter().map(|weight| f64::from(weight.to_f32())));
                let chosen = chooser.choose_affine(&exact, rule);
                let (scale, zero) = chosen.ok_or_else(|| scale_overflow(&exact, row, |place| index * size + place))?;
                (scales[index * n + row], zeros[index * n + row]) = (scale, zero);
                let levels = Levels::around(zero);
                values.extend(exact.iter().map(|&weight| levels.stored(weight, f64::from(scale))));
            }
        }
        Self::pack(&values, shape, grouping, scales, Some(zeros))
    }

    /// Takes tensors that are already in this storage. Without `zeros` all zero points are 8; so they are if all of `zeros` are.
    ///
    /// # Errors
    /// A shape that [`Int4::quantize`] refuses, a grouping of other rows, a wrong length, a scale that is not finite, or a zero point above 15.
    pub fn from_parts(
        shape: Shape,
        grouping: Grouping,
        qweight: Vec<i32>,
        scales: Vec<f16>,
        zeros: Option<Vec<u8>>,
    ) -> Result<Self, Error> {
        let elements = check_words("qweight", shape)?;
        shape.expect_length("qweight", qweight.len(), elements / NIBBLES)?;
        if grouping.k() != shape.k {
            return Err(Error::WrongLength {
                tensor: "g_idx",
                found: grouping.k(),
                wanted: shape.k,
                n: shape.n,
                k: shape.k,
            });
        }
        check_scales(&scales, shape, grouping.group())?;
        if let Some(zeros) = &zeros {
            shape.expect_length("qzeros", zeros.len(), scales.len())?;
            if let Some((place, &value)) = zeros.iter().enumerate().find(|(_, zero)| **zero > 15) {
                return Err(Error::ZeroPointOutOfRange {
                    group: place / shape.n,
                    row: place % shape.n,
                    value: value.into(),
                });
            }
        }
        let zeros = zeros.filter(|zeros| zeros.iter().any(|zero| *zero != MIDDLE));
        Ok(Self { shape, grouping, qweight, scales, zeros })
    }

    /// Packs row-major q [N, K], each from 0 to 15; the inverse of [`Int4Affine::unpack`].
    ///
    /// # Errors
    /// Those of [`Int4Affine::from_parts`], or a q above 15.
    pub fn pack(
        values: &[u8],
        shape: Shape,
        grouping: Grouping,
        scales: Vec<f16>,
        zeros: Option<Vec<u8>>,
    ) -> Result<Self, Error> {
        let elements = check_words("values", shape)?;
        shape.expect_length("values", values.len(), elements)?;
        let Shape { n, k } = shape;
        if let Some((place, &value)) = values.iter().enumerate().find(|(_, value)| **value > 15) {
            return Err(Error::NibbleOutOfRange { row: place / k, column: place % k, value });
        }
        let mut qweight = vec![0; elements / NIBBLES];
        for (row, values) in values.chunks_exact(k).enumerate() {
            for (word, values) in values.chunks_exact(NIBBLES).enumerate() {
                qweight[word * n + row] = word_of_nibbles(values.iter().copied());
            }
        }
        Self::from_parts(shape, grouping, qweight, scales, zeros)
    }

    /// Each q as stored, row-major [N, K].
    #[must_use]
    pub fn unpack(&self) -> Vec<u8> {
        self.elements(|_, _, stored| stored)
    }

    /// The weights that the integers stand for, row-major [N, K]: scale · (q − zero), exact in f32 (5 + 11 bits).
    #[must_use]
    pub fn dequantize(&self) -> Vec<f32> {
        let n = self.shape.n;
        let groups: Vec<usize> = self.grouping.index().collect();
        self.elements(|row, column, stored| {
            let place = groups[column] * n + row;
            let zero = self.zeros.as_ref().map_or(MIDDLE, |zeros| zeros[place]);
            (f32::from(stored) - f32::from(zero)) * self.scales[place].to_f32()
        })
    }

    /// The same weight as [`Int4`], if its zero points are all 8 and its groups lie side by side.
    #[must_use]
    pub fn to_symmetric(&self) -> Option<Int4> {
        if self.zeros.is_some() || !self.grouping.is_in_order() {
            return None;
        }
        Int4::from_parts(self.shape, self.grouping.group(), self.qweight.clone(), self.scales.clone()).ok()
    }

    /// The weight with its groups side by side, and the permutation of the activations' columns that makes its product the same; none where
    /// groups already lie so. A kernel that reads groups side by side needs it once, on load.
    ///
    /// # Errors
    /// None that this weight can cause.
    pub fn sorted(self) -> Result<(Self, Option<Permutation>), Error> {
        let Some(permutation) = self.grouping.permutation() else { return Ok((self, None)) };
        let grouping = Grouping::in_order(self.shape.k, self.grouping.group())?;
        let values = permutation.apply(&self.unpack());
        let sorted = Self::pack(&values, self.shape, grouping, self.scales, self.zeros)?;
        Ok((sorted, Some(permutation)))
    }

    /// Rows and columns.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// Which group each column belongs to.
    #[must_use]
    pub const fn grouping(&self) -> &Grouping {
        &self.grouping
    }

    /// The packed integers [K / 8, N].
    #[must_use]
    pub fn qweight(&self) -> &[i32] {
        &self.qweight
    }

    /// The scales [groups, N].
    #[must_use]
    pub fn scales(&self) -> &[f16] {
        &self.scales
    }

    /// The zero points [groups, N]; none if all are 8.
    #[must_use]
    pub fn zeros(&self) -> Option<&[u8]> {
        self.zeros.as_deref()
    }

    /// The zero point of a group and a row inside the weight.
    #[must_use]
    pub fn zero(&self, group: usize, row: usize) -> u8 {
        let zeros = self.zeros.as_ref();
        zeros.and_then(|zeros| zeros.get(group * self.shape.n + row)).copied().unwrap_or(MIDDLE)
    }

    /// The q of a place inside the shape.
    pub(crate) fn stored(&self, row: usize, column: usize) -> u8 {
        nibble(self.qweight[column / NIBBLES * self.shape.n + row], column % NIBBLES)
    }

    fn elements<T>(&self, mut element: impl FnMut(usize, usize, u8) -> T) -> Vec<T> {
        let Shape { n, k } = self.shape;
        let mut elements = Vec::with_capacity(n * k);
        for row in 0..n {
            elements.extend((0..k).map(|column| element(row, column, self.stored(row, column))));
        }
        elements
    }
}

impl From<Int4> for Int4Affine {
    fn from(weight: Int4) -> Self {
        let (shape, group, qweight, scales) = weight.into_parts();
        Self { shape, grouping: Grouping::of_checked(shape.k, group), qweight, scales, zeros: None }
    }
}
