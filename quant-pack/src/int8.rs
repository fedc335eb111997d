//! Symmetric int8 with one scale a tensor or one a row.

use crate::error::Error;
use crate::level::INT8;
use crate::scale::{ScaleRule, single};
use crate::shape::Shape;
use crate::weight::{self, Weight};

/// How many weights share an int8 scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Granularity {
    /// All of them.
    PerTensor,
    /// Each row of [N, K], which is one output channel.
    PerChannel,
}

/// A weight in symmetric int8: w ≈ scale · q.
///
/// # Shapes
/// | tensor | shape | type | layout |
/// |---|---|---|---|
/// | [`values`](Self::values) | [N, K] | i8 | row-major, K contiguous |
/// | [`scales`](Self::scales) | \[1\] or \[N\] | f32 | one a tensor or one a row |
///
/// N and K are any numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Int8 {
    shape: Shape,
    granularity: Granularity,
    values: Vec<i8>,
    scales: Vec<f32>,
}

impl Int8 {
    /// Quantizes row-major `weights` [N, K].
    ///
    /// # Numerics
    /// q = clamp(round(w / scale), -127, 127), ties to even, with the scale already rounded to f32; -128 does not occur. Weights up to 127.5
    /// scales are within scale / 2 of their product, with [`ScaleRule::Max`] all are. Zeros alone get scale 0. Deterministic.
    ///
    /// # Errors
    /// A zero dimension, a shape that overflows, a wrong length, or a weight that is not finite.
    ///
    /// # Source
    /// Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018, section 2.1, with a zero point of 0.
    ///
    /// # Example
    /// ```
    /// use tilewright_quant_pack::{Granularity, Int8, ScaleRule, Shape};
    ///
    /// let shape = Shape { n: 2, k: 2 };
    /// let quantized = Int8::quantize(&[127.0f32, -1.0, 0.5, 0.25], shape, Granularity::PerChannel, ScaleRule::Max)?;
    /// assert_eq!(quantized.values(), [127, -1, 127, 64]);
    /// assert_eq!(quantized.scales(), [1.0, 0.5 / 127.0]);
    /// # Ok::<(), tilewright_quant_pack::Error>(())
    /// ```
    pub fn quantize<W: Weight>(
        weights: &[W],
        shape: Shape,
        granularity: Granularity,
        rule: ScaleRule,
    ) -> Result<Self, Error> {
        weight::check(weights, shape)?;
        let mut values = Vec::with_capacity(weights.len());
        let mut scales = Vec::with_capacity(granularity.scales(shape));
        let shared = match granularity {
            Granularity::PerTensor => weights.len(),
            Granularity::PerChannel => shape.k,
        };
        for weights in weights.chunks(shared) {
            let scale = single::choose(weights, rule);
            scales.push(scale);
            values.extend(weights.iter().map(|weight| INT8.quantize(f64::from(weight.to_f32()), f64::from(scale))));
        }
        Ok(Self { shape, granularity, values, scales })
    }

    /// Takes tensors that are already in this storage. Every i8 is taken, -128 too.
    ///
    /// # Errors
    /// A shape that [`Int8::quantize`] refuses, a wrong length, or a scale that is not finite.
    pub fn from_parts(
        shape: Shape,
        granularity: Granularity,
        values: Vec<i8>,
        scales: Vec<f32>,
    ) -> Result<Self, Error> {
        let elements = shape.elements("values")?;
        shape.expect_length("values", values.len(), elements)?;
        shape.expect_length("scales", scales.len(), granularity.scales(shape))?;
        if let Some((row, &value)) = scales.iter().enumerate().find(|(_, scale)| !scale.is_finite()) {
            return Err(Error::ScaleNotFinite { group: 0, row, value });
        }
        Ok(Self { shape, granularity, values, scales })
    }

    /// The weights that the integers stand for, row-major [N, K]: scale · q, rounded once to f32.
    #[must_use]
    pub fn dequantize(&self) -> Vec<f32> {
        let rows = self.values.chunks_exact(self.shape.k).enumerate();
        rows.flat_map(|(row, values)| {
            let scale = self.scale(row);
            values.iter().map(move |&value| f32::from(value) * scale)
        })
        .collect()
    }

    /// Rows and columns.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// How many weights share a scale.
    #[must_use]
    pub const fn granularity(&self) -> Granularity {
        self.granularity
    }

    /// The integers, row-major [N, K].
    #[must_use]
    pub fn values(&self) -> &[i8] {
        &self.values
    }

    /// The scales: one of the tensor, or one a row.
    #[must_use]
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// The scale of a row inside the shape.
    pub(crate) fn scale(&self, row: usize) -> f32 {
        match self.granularity {
            Granularity::PerTensor => self.scales[0],
            Granularity::PerChannel => self.scales[row],
        }
    }
}

impl Granularity {
    /// Scales that a weight of `shape` has.
    #[must_use]
    pub const fn scales(self, shape: Shape) -> usize {
        match self {
            Self::PerTensor => 1,
            Self::PerChannel => shape.n,
        }
    }
}
