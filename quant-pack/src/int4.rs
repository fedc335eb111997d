//! Symmetric int4 with a scale for each group, stored in GPTQ's order.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "nibbles go in and out of words"
)]

use half::f16;

use crate::error::Error;
use crate::group::Group;
use crate::level::INT4;
use crate::scale::ScaleRule;
use crate::scale::half_scale::Chooser;
use crate::shape::Shape;
use crate::weight::{self, Weight};

/// Nibbles of a word.
pub(crate) const NIBBLES: usize = 8;
/// What is added to an integer to store it.
pub(crate) const OFFSET: i8 = 8;

/// A weight in symmetric int4: w ≈ scale · q with q from -8 to 7 and one f16 scale for each group of K.
///
/// # Shapes
/// | tensor | shape | type | layout |
/// |---|---|---|---|
/// | [`qweight`](Self::qweight) | [K / 8, N] | i32 | nibble k % 8 (the lowest is 0) of word (k / 8, n) is q + 8 |
/// | [`scales`](Self::scales) | [ceil(K / G), N] | f16 | row-major, N contiguous |
///
/// N is any number, K any multiple of 8. The last group may be shorter than G.
///
/// # Source
/// AutoGPTQ 9f7d370, `qlinear_cuda_old.py`: this is its storage of 4-bit weights; all zero points are 8, so they are not kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Int4 {
    shape: Shape,
    group: Group,
    qweight: Vec<i32>,
    scales: Vec<f16>,
}

impl Int4 {
    /// Quantizes row-major `weights` [N, K].
    ///
    /// # Numerics
    /// q = clamp(round(w / scale), -8, 7), ties to even, with the scale already rounded to f16, so that [`Int4::dequantize`] is exact. Weights
    /// from -8.5 to 7.5 scales are within scale / 2 of their product; with [`ScaleRule::Max`] all are, and q = -8 does not occur. A group of
    /// zeros gets scale 0. Deterministic.
    ///
    /// # Errors
    /// A zero dimension, a shape that overflows, K not a multiple of 8, a group longer than K, a wrong length, a weight that is not
    /// finite, or one beyond 7 · 65504.
    ///
    /// # Source
    /// Round to nearest, the baseline of Frantar et al., "GPTQ", ICLR 2023, section 4; least squares as in Banner et al., "Post training 4-bit quantization",
    /// NeurIPS 2019, by search instead of a model of the weights.
    ///
    /// # Example
    /// ```
    /// use tilewright_quant_pack::{Group, Int4, ScaleRule, Shape};
    ///
    /// // One row of eight, whose largest magnitude is 7 scales.
    /// let weights = [3.5f32, -3.5, 1.0, 0.5, 0.0, -1.5, 2.0, 3.0];
    /// let quantized = Int4::quantize(&weights, Shape { n: 1, k: 8 }, Group::WholeRow, ScaleRule::Max)?;
    /// assert_eq!(quantized.unpack(), [7, -7, 2, 1, 0, -3, 4, 6]);
    /// assert_eq!(quantized.dequantize(), weights);
    /// # Ok::<(), tilewright_quant_pack::Error>(())
    /// ```
    pub fn quantize<W: Weight>(weights: &[W], shape: Shape, group: Group, rule: ScaleRule) -> Result<Self, Error> {
        check_shape("weights", shape, group)?;
        weight::check(weights, shape)?;
        let Shape { n, k } = shape;
        let size = group.size(k);
        let mut qweight = vec![0; n * k / NIBBLES];
        let mut scales = vec![f16::ZERO; n * group.count(k)];
        let mut chooser = Chooser::default();
        let mut exact = Vec::with_capacity(size);

        for (row, weights) in weights.chunks_exact(k).enumerate() {
            for (index, weights) in weights.chunks(size).enumerate() {
                exact.clear();
                exact.extend(weights.iter().map(|weight| f64::from(weight.to_f32())));
                let scale = chooser
                    .choose(&exact, rule)
                    .ok_or_else(|| scale_overflow(&exact, row, |place| index * size + place))?;
                scales[index * n + row] = scale;
                for (word, weights) in exact.chunks(NIBBLES).enumerate() {
                    let levels = weights.iter().map(|&weight| INT4.quantize(weight, f64::from(scale)));
                    qweight[(index * size / NIBBLES + word) * n + row] = word_of(levels);
                }
            }
        }
        Ok(Self { shape, group, qweight, scales })
    }

    /// Takes tensors that are already in this storage.
    ///
    /// # Errors
    /// A shape or group that [`Int4::quantize`] refuses, a wrong length, or a scale that is not finite.
    pub fn from_parts(shape: Shape, group: Group, qweight: Vec<i32>, scales: Vec<f16>) -> Result<Self, Error> {
        let elements = check_shape("qweight", shape, group)?;
        shape.expect_length("qweight", qweight.len(), elements / NIBBLES)?;
        check_scales(&scales, shape, group)?;
        Ok(Self { shape, group, qweight, scales })
    }

    /// Packs row-major integers [N, K]; the inverse of [`Int4::unpack`].
    ///
    /// # Errors
    /// Those of [`Int4::from_parts`], or an integer outside -8 to 7.
    pub fn pack(values: &[i8], shape: Shape, group: Group, scales: Vec<f16>) -> Result<Self, Error> {
        let elements = check_shape("values", shape, group)?;
        shape.expect_length("values", values.len(), elements)?;
        check_scales(&scales, shape, group)?;
        let Shape { n, k } = shape;
        if let Some((place, &value)) = values.iter().enumerate().find(|(_, value)| !(-8..8).contains(*value)) {
            return Err(Error::ValueOutOfRange { row: place / k, column: place % k, value });
        }
        let mut qweight = vec![0; elements / NIBBLES];
        for (row, values) in values.chunks_exact(k).enumerate() {
            for (word, values) in values.chunks_exact(NIBBLES).enumerate() {
                qweight[word * n + row] = word_of(values.iter().copied());
            }
        }
        Ok(Self { shape, group, qweight, scales })
    }

    /// The integers, row-major [N, K].
    #[must_use]
    pub fn unpack(&self) -> Vec<i8> {
        self.elements(|_, _, level| level)
    }

    /// The weights that the integers stand for, row-major [N, K]: scale · q, exact in f32.
    #[must_use]
    pub fn dequantize(&self) -> Vec<f32> {
        let size = self.group.size(self.shape.k);
        self.elements(|row, column, level| f32::from(level) * self.scales[column / size * self.shape.n + row].to_f32())
    }

    /// Rows and columns.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// How many weights share a scale.
    #[must_use]
    pub const fn group(&self) -> Group {
        self.group
    }

    /// The packed integers [K / 8, N].
    #[must_use]
    pub fn qweight(&self) -> &[i32] {
        &self.qweight
    }

    /// The scales [ceil(K / G), N].
    #[must_use]
    pub fn scales(&self) -> &[f16] {
        &self.scales
    }

    /// The nibble as stored, q + 8; the place must be inside the shape.
    pub(crate) fn stored(&self, row: usize, column: usize) -> u32 {
        nibble(self.qweight[column / NIBBLES * self.shape.n + row], column % NIBBLES).into()
    }

    /// Everything it is made of.
    pub(crate) fn into_parts(self) -> (Shape, Group, Vec<i32>, Vec<f16>) {
        (self.shape, self.group, self.qweight, self.scales)
    }

    fn elements<T>(&self, mut element: impl FnMut(usize, usize, i8) -> T) -> Vec<T> {
        let Shape { n, k } = self.shape;
        let mut elements = Vec::with_capacity(n * k);
        for row in 0..n {
            elements.extend((0..k).map(|column| element(row, column, self.stored(row, column) as i8 - OFFSET)));
        }
        elements
    }
}

fn check_shape(tensor: &'static str, shape: Shape, group: Group) -> Result<usize, Error> {
    let elements = check_words(tensor, shape)?;
    group.fit(shape.k)?;
    Ok(elements)
}

/// The elements of tensor `tensor`, whose rows must fill their words.
pub(crate) fn check_words(tensor: &'static str, shape: Shape) -> Result<usize, Error> {
    let elements = shape.elements(tensor)?;
    if !shape.k.is_multiple_of(NIBBLES) {
        return Err(Error::PartialWord { k: shape.k });
    }
    Ok(elements)
}

pub(crate) fn check_scales(scales: &[f16], shape: Shape, group: Group) -> Result<(), Error> {
    shape.expect_length("scales", scales.len(), shape.n * group.count(shape.k))?;
    match scales.iter().enumerate().find(|(_, scale)| !scale.is_finite()) {
        None => Ok(()),
        Some((place, scale)) => {
            Err(Error::ScaleNotFinite { group: place / shape.n, row: place % shape.n, value: scale.to_f32() })
        }
    }
}

/// A word of integers from -8 to 7, the first in the lowest nibble.
fn word_of(levels: impl Iterator<Item = i8>) -> i32 {
    word_of_nibbles(levels.map(|level| (level + OFFSET) as u8))
}

/// A word of integers from 0 to 15, the first in the lowest nibble.
pub(crate) fn word_of_nibbles(nibbles: impl Iterator<Item = u8>) -> i32 {
    nibbles.enumerate().fold(0, |word, (place, nibble)| word | u32::from(nibble) << (place * 4)) as i32
}

/// The nibble at `place` of `word`, 0 the lowest.
pub(crate) const fn nibble(word: i32, place: usize) -> u8 {
    (word as u32 >> (place * 4) & 0xf) as u8
}

/// `column_of` says where in the row the weights stand.
pub(crate) fn scale_overflow(weights: &[f64], row: usize, column_of: impl Fn(usize) -> usize) -> Error {
    let largest = weights.iter().enumerate().max_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs()));
    let (place, value) = largest.map_or((0, 0.0), |(place, &value)| (place, value as f32));
    Error::ScaleOverflow { row, column: column_of(place), value }
}
