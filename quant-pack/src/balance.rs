//! Moving magnitude between a layer's inputs and its weights, column by column, before either is quantized.
//!
//! A layer computes Σₖ x\[k\] · w\[n, k\]. With a factor s\[k\] for each column, x\[k\] / s\[k\] and w\[n, k\] · s\[k\] give the same product, but are rounded otherwise. The factors cost nothing when the layer
//! runs: what comes before it (a norm's weight, the rows of the previous layer) is divided by them once. All layers that read the same inputs share them.
//!
//! - [`search`] finds factors for weights of four bits, after AWQ: columns with large inputs get finer steps.
//! - [`Balance::smooth`] is SmoothQuant's migration for weights and activations of eight bits: columns with outliers in the inputs pass some of them to the weights.
//!
//! # Source
//! Lin et al., "AWQ: Activation-aware Weight Quantization", MLSys 2024, section 3.2; Xiao et al., "SmoothQuant", ICML 2023, section 4, equation 4.

use std::num::NonZeroUsize;

use crate::error::Error;
use crate::shape::Shape;
use crate::weight::{self, Weight};

/// A factor for each column, finite and above 0: weights are multiplied by it, inputs divided.
///
/// # Example
/// ```
/// use tilewright_quant_pack::Shape;
/// use tilewright_quant_pack::balance::Balance;
///
/// // The second input is a hundred times the first, and its weights are not smaller.
/// let (inputs, weights) = ([1.0_f32, 100.0], [1.0_f32, 1.0]);
/// let balance = Balance::smooth(&inputs, &[(&weights[..], Shape { n: 1, k: 2 })], 0.5)?;
/// assert_eq!(balance.factors(), [1.0, 10.0]);
/// assert_eq!(balance.off_inputs(&inputs)?, [1.0, 10.0]);
/// assert_eq!(balance.onto_weights(&weights, Shape { n: 1, k: 2 })?, [1.0, 10.0]);
/// # Ok::<(), tilewright_quant_pack::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Balance {
    factors: Vec<f32>,
}

/// What [`search`] found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Found {
    /// The factors.
    pub balance: Balance,
    /// How much they follow the inputs: the exponent of the mean magnitude, 0 for not at all.
    pub exponent: f64,
    /// The sum of squared errors of the products, over all inputs and layers.
    pub error: f64,
    /// The same without factors.
    pub plain_error: f64,
}

impl Balance {
    /// SmoothQuant's factors: max |x\[k\]|^e / max |w\[:, k\]|^(1 − e) with `exponent` e; the maxima over `inputs` [tokens, K] and over all `layers` that read them. A column without
    /// inputs or without weights keeps 1.
    ///
    /// # Errors
    /// No layer, layers of other K, an exponent outside 0 to 1, and lengths and values that are refused everywhere.
    pub fn smooth<X: Weight, W: Weight>(inputs: &[X], layers: &[(&[W], Shape)], exponent: f64) -> Result<Self, Error> {
        let k = check(inputs, layers)?;
        if !(0.0..=1.0).contains(&exponent) {
            return Err(Error::Exponent { value: exponent });
        }
        let (mut of_inputs, mut of_weights) = (vec![0.0_f64; k], vec![0.0_f64; k]);
        raise_to_largest(&mut of_inputs, inputs);
        layers.iter().for_each(|(weights, _)| raise_to_largest(&mut of_weights, weights));
        let factor =
            |(x, w): (&f64, &f64)| if *x == 0.0 || *w == 0.0 { 1.0 } else { x.powf(exponent) / w.powf(1.0 - exponent) };
        Ok(Self::of(of_inputs.iter().zip(&of_weights).map(factor)))
    }

    /// Factors that follow `magnitudes` of the inputs to the power of `exponent`, with the largest and the smallest equally far from 1. Columns of
    /// magnitude 0 keep 1.
    fn following(magnitudes: &[f64], exponent: f64) -> Self {
        let powers = magnitudes.iter().map(|magnitude| magnitude.powf(exponent));
        let used = || powers.clone().zip(magnitudes).filter(|(_, magnitude)| **magnitude > 0.0).map(|(power, _)| power);
        let middle = (used().fold(0.0, f64::max) * used().fold(f64::INFINITY, f64::min)).sqrt();
        Self::of(powers.zip(magnitudes).map(|(power, magnitude)| if *magnitude > 0.0 { power / middle } else { 1.0 }))
    }

    /// Factors as f32, kept where f32 has both them and their inverses.
    #[expect(clippy::cast_possible_truncation, reason = "within the range of f32")]
    fn of(factors: impl Iterator<Item = f64>) -> Self {
        Self { factors: factors.map(|factor| factor.clamp(1e-30, 1e30) as f32).collect() }
    }

    /// The factors, one a column.
    #[must_use]
    pub fn factors(&self) -> &[f32] {
        &self.factors
    }

    /// Row-major `weights` [N, K] times the factors, each rounded once to f32: what is to be quantized.
    ///
    /// # Errors
    /// A wrong length, a shape of another K, or a weight that is not finite.
    pub fn onto_weights<W: Weight>(&self, weights: &[W], shape: Shape) -> Result<Vec<f32>, Error> {
        self.expect(shape)?;
        weight::check(weights, shape)?;
        Ok(self.each(weights, |weight, factor| weight * factor))
    }

    /// Row-major `weights` [N, K] divided by the factors: what weights that were multiplied and quantized stand for.
    ///
    /// # Errors
    /// As [`Balance::onto_weights`].
    pub fn off_weights<W: Weight>(&self, weights: &[W], shape: Shape) -> Result<Vec<f32>, Error> {
        self.expect(shape)?;
        weight::check(weights, shape)?;
        Ok(self.each(weights, |weight, factor| weight / factor))
    }

    /// Row-major `inputs` [any, K] divided by the factors; also one row of a norm's weight.
    ///
    /// # Errors
    /// A length that is not whole rows, or an input that is not finite.
    pub fn off_inputs<X: Weight>(&self, inputs: &[X]) -> Result<Vec<f32>, Error> {
        check_inputs(inputs, self.factors.len())?;
        Ok(self.each(inputs, |input, factor| input / factor))
    }

    fn each<T: Weight>(&self, values: &[T], act: impl Fn(f32, f32) -> f32) -> Vec<f32> {
        let factors = self.factors.iter().cycle();
        values.iter().zip(factors).map(|(value, factor)| act(value.to_f32(), *factor)).collect()
    }

    const fn expect(&self, shape: Shape) -> Result<(), Error> {
        let wanted = self.factors.len();
        if shape.k == wanted { Ok(()) } else { Err(Error::ColumnsOfOther { found: shape.k, wanted }) }
    }
}

/// The best of `steps` + 1 exponents from 0 to 1 for factors that follow the inputs' mean magnitudes: the one whose products are nearest to the exact ones on `inputs` [tokens, K].
/// `quantize` quantizes weights and gives back what they then stand for. Never worse than no factors, on these inputs.
///
/// # Numerics
/// Products in f64. Deterministic. Time: `steps` + 1 times the quantization, and tokens · N · K multiplications each.
///
/// # Errors
/// No layer, layers of other K, and whatever `quantize` refuses.
///
/// # Example
/// ```
/// use std::num::NonZeroUsize;
/// use tilewright_quant_pack::{Group, Int4, ScaleRule, Shape, balance};
///
/// let shape = Shape { n: 4, k: 32 };
/// let weights: Vec<f32> = (0..128_u8).map(|i| (f32::from(i) * 0.7).sin()).collect();
/// let inputs: Vec<f32> = (0..320_u16).map(|i| if i % 32 == 5 { 30.0 } else { (f32::from(i) * 1.3).cos() }).collect();
/// let quantize = |weights: &[f32], shape| {
///     Ok(Int4::quantize(weights, shape, Group::WholeRow, ScaleRule::LeastSquares)?.dequantize())
/// };
/// let steps = NonZeroUsize::new(10).unwrap();
/// let found = balance::search(&inputs, &[(&weights[..], shape)], steps, quantize)?;
/// assert!(found.exponent > 0.0 && found.error < 0.7 * found.plain_error);
/// # Ok::<(), tilewright_quant_pack::Error>(())
/// ```
pub fn search<X: Weight, W: Weight>(
    inputs: &[X],
    layers: &[(&[W], Shape)],
    steps: NonZeroUsize,
    quantize: impl Fn(&[f32], Shape) -> Result<Vec<f32>, Error>,
) -> Result<Found, Error> {
    let k = check(inputs, layers)?;
    let mut magnitudes = vec![0.0; k];
    for row in inputs.chunks_exact(k) {
        magnitudes.iter_mut().zip(row).for_each(|(sum, input)| *sum += f64::from(input.to_f32().abs()));
    }
    let exact: Vec<f64> = inputs.iter().map(|input| f64::from(input.to_f32())).collect();
    let mut best: Option<Found> = None;
    for step in 0..=steps.get() {
        let exponent = step as f64 / steps.get() as f64;
        let balance = Balance::following(&magnitudes, exponent);
        let mut error = 0.0;
        for (weights, shape) in layers {
            let quantized = quantize(&balance.onto_weights(weights, *shape)?, *shape)?;
            let back = balance.off_weights(&quantized, *shape)?;
            error += product_error(&exact, weights, &back, k);
        }
        match &best {
            None => best = Some(Found { balance, exponent, error, plain_error: error }),
            Some(found) if error < found.error => {
                best = Some(Found { balance, exponent, error, plain_error: found.plain_error });
            }
            Some(_) => {}
        }
    }
    // Step 0 always is.
    best.ok_or(Error::ZeroDimension { tensor: "weights", dimension: "layers" })
}

/// Σ (x · (a − b)ᵀ)² over all inputs and rows.
fn product_error<W: Weight>(inputs: &[f64], a: &[W], b: &[f32], k: usize) -> f64 {
    let rows = a.chunks_exact(k).zip(b.chunks_exact(k));
    rows.map(|(a, b)| {
        let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| f64::from(a.to_f32()) - f64::from(*b)).collect();
        let products = inputs.chunks_exact(k).map(|row| dot(row, &difference));
        products.map(|product| product * product).sum::<f64>()
    })
    .sum()
}

/// In eight sums, which the processor can do side by side.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a, b) = (a.chunks(8), b.chunks(8));
    a.zip(b).for_each(|(a, b)| sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b));
    sums.iter().sum()
}

fn raise_to_largest<T: Weight>(largest: &mut [f64], values: &[T]) {
    for row in values.chunks_exact(largest.len()) {
        largest
            .iter_mut()
            .zip(row)
            .for_each(|(largest, value)| *largest = largest.max(f64::from(value.to_f32().abs())));
    }
}

/// K of layers that read the same inputs.
fn check<X: Weight, W: Weight>(inputs: &[X], layers: &[(&[W], Shape)]) -> Result<usize, Error> {
    let Some((_, Shape { k, .. })) = layers.first() else {
        return Err(Error::ZeroDimension { tensor: "weights", dimension: "layers" });
    };
    for (weights, shape) in layers {
        weight::check(weights, *shape)?;
        if shape.k != *k {
            return Err(Error::ColumnsOfOther { found: shape.k, wanted: *k });
        }
    }
    check_inputs(inputs, *k)?;
    Ok(*k)
}

/// Refuses inputs that are not whole rows of `k`, or not finite.
pub(crate) fn check_inputs<X: Weight>(inputs: &[X], k: usize) -> Result<(), Error> {
    if !inputs.len().is_multiple_of(k) {
        let wanted = inputs.len().next_multiple_of(k);
        return Err(Error::WrongLength { tensor: "inputs", found: inputs.len(), wanted, n: wanted / k, k });
    }
    if let Some(place) = inputs.iter().position(|input| !input.to_f32().is_finite()) {
        let value = inputs.get(place).map_or(f32::NAN, |input| input.to_f32());
        return Err(Error::InputNotFinite { row: place / k, column: place % k, value });
    }
    Ok(())
}
