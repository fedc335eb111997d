//! Attention and rotation on the CPU in f64, and how far the kernels may be from them.

use tilewright_tile::oracle::{BF16_UNIT, F16_UNIT, F32_UNIT, gamma};

use crate::dtype::Dtype;
use crate::problem::{Layout, Mask, Problem, Shape};
use crate::rope::Pairs;

/// A result and how far a kernel may be from it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "two numbers")]
pub struct Expected {
    /// The result in f64.
    pub value: f64,
    /// How far a kernel's may be.
    pub bound: f64,
}

/// Largest relative error of `ex2.approx.ftz.f32`: 2 units in the last place of 24 bits.
///
/// # Source
/// PTX ISA 9.0, section 9.7.3.23 (`ex2`).
const EXP2_ERROR: f64 = 1.0 / (1u64 << 22) as f64;

/// What a weight may lose to `ex2`, and what came before to a new maximum, where they are flushed to zero: the smallest normal f32 each.
const FLUSHED: f64 = 2.0 * f32::MIN_POSITIVE as f64;

impl Dtype {
    const fn unit(self) -> f64 {
        match self {
            Self::F16 => F16_UNIT,
            Self::Bf16 => BF16_UNIT,
        }
    }

    /// Half the distance between the smallest numbers: what rounding to the type may lose where values are tiny.
    fn half_place(self) -> f64 {
        match self {
            Self::F16 => 2f64.powi(-25),
            Self::Bf16 => 2f64.powi(-134),
        }
    }
}

/// o = softmax(scale · q · kᵀ + mask) · v; results as [batch, heads_q, len_q, dim] without gaps, whatever the layout of o.
///
/// # Bound
/// A score is off by twice the roundings of its dot product (tensor cores truncate), a weight by that, by the roundings of the score's scaling and its distance from
/// the maximum, and by `ex2`; the running maximum adds one `ex2` and one product a tile. Weights are rounded to 16 bits for the product with v, whose sum
/// is again one of tensor cores; the sum of the weights is f32. Then a division, a product and the rounding of the result.
#[must_use]
pub fn attention(problem: &Problem, dtype: Dtype, [q, k, v]: [&[f32]; 3]) -> Vec<Expected> {
    let Shape { batch, heads_q, heads_kv, len_q, .. } = problem.shape;
    let mut results = Vec::new();
    for sequence in 0..batch {
        for head in 0..heads_q {
            let key_head = head / (heads_q / heads_kv);
            for row in 0..len_q {
                let query = row_of(q, problem.layouts.q, [sequence, head, row], problem.shape.dim);
                results.extend(attend(problem, dtype, query, (k, v), [sequence, key_head, row]));
            }
        }
    }
    results
}

fn row_of(tensor: &[f32], layout: Layout, [sequence, head, row]: [usize; 3], dim: usize) -> &[f32] {
    let start = sequence * layout.batch_stride + head * layout.head_stride + row * layout.row_stride;
    &tensor[start..start + dim]
}

/// One query: [sequence, key head, row].
fn attend(
    problem: &Problem,
    dtype: Dtype,
    query: &[f32],
    (k, v): (&[f32], &[f32]),
    [sequence, head, row]: [usize; 3],
) -> Vec<Expected> {
    let Shape { len_q, len_kv, dim, .. } = problem.shape;
    let visible = match problem.mask {
        Mask::None => len_kv,
        Mask::Causal => (row + 1 + len_kv).saturating_sub(len_q),
    };
    if visible == 0 {
        return vec![Expected { value: 0.0, bound: 0.0 }; dim];
    }
    let scale = f64::from(problem.scale);
    let key = |index| row_of(k, problem.layouts.k, [sequence, head, index], dim);
    let value = |index| row_of(v, problem.layouts.v, [sequence, head, index], dim);

    // Scores, and how far they may be off before the softmax.
    let scores: Vec<(f64, f64)> = (0..visible)
        .map(|index| {
            let (dot, magnitude) = query.iter().zip(key(index)).fold((0.0, 0.0), |(dot, magnitude), (a, b)| {
                let term = f64::from(*a) * f64::from(*b);
                (dot + term, magnitude + term.abs())
            });
            (dot * scale, 2.0 * gamma(dim) * magnitude * scale.abs())
        })
        .collect();
    let peak = scores.iter().map(|(score, _)| *score).fold(f64::NEG_INFINITY, f64::max);
    let lowest = scores.iter().map(|(score, _)| *score).fold(f64::INFINITY, f64::min);
    let terms: Vec<f64> = scores.iter().map(|(score, _)| (score - peak).exp()).collect();
    let sum: f64 = terms.iter().sum();

    // Counted as tiles of 16 keys; the kernels take 64.
    let tiles = visible.div_ceil(16);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let rescaling = tiles as f64 * (EXP2_ERROR + F32_UNIT) + 2.0 * F32_UNIT * (peak - lowest);
    let own = |index: usize| {
        let (score, error) = scores[index];
        error + F32_UNIT * (3.0 * score.abs() + (score - peak).abs()) + EXP2_ERROR
    };
    let common: f64 = terms.iter().enumerate().map(|(index, term)| own(index) * term / sum).sum::<f64>()
        + rescaling
        + gamma(visible + tiles + 4);
    let unit = dtype.unit();
    (0..dim)
        .map(|column| {
            let (mut result, mut bound, mut magnitude, mut total) = (0.0, 0.0, 0.0, 0.0);
            for (index, term) in terms.iter().enumerate() {
                let element = f64::from(value(index)[column]);
                let share = term / sum * element;
                result += share;
                bound += share.abs() * own(index);
                magnitude += share.abs();
                total += element.abs();
            }
            let sums = 2.0 * gamma(visible + tiles) + rescaling + unit;
            bound += magnitude * sums + result.abs() * common + (dtype.half_place() + FLUSHED) * total / sum;
            bound *= 1.02;
            Expected { value: result, bound: bound + unit * (result.abs() + bound) + dtype.half_place() }
        })
        .collect()
}

/// The rotation of rows [len, dim] with cosines and sines [len, dim / 2]: two products, one sum, one rounding to the type.
#[must_use]
pub fn rope(rows: &[f32], (cos, sin): (&[f32], &[f32]), dim: usize, pairs: Pairs, dtype: Dtype) -> Vec<Expected> {
    let half = dim / 2;
    let mut results = Vec::with_capacity(rows.len());
    for (row, (cos, sin)) in rows.chunks(dim).zip(cos.chunks(half).zip(sin.chunks(half))) {
        let mut turned = vec![Expected { value: 0.0, bound: 0.0 }; dim];
        for pair in 0..half {
            let (first, second) = match pairs {
                Pairs::Interleaved => (2 * pair, 2 * pair + 1),
                Pairs::Halves => (pair, pair + half),
            };
            let (a, b) = (f64::from(row[first]), f64::from(row[second]));
            let (c, s) = (f64::from(cos[pair]), f64::from(sin[pair]));
            turned[first] = rounded(a * c, -b * s, dtype);
            turned[second] = rounded(b * c, a * s, dtype);
        }
        results.extend(turned);
    }
    results
}

/// The sum of two products.
fn rounded(left: f64, right: f64, dtype: Dtype) -> Expected {
    let value = left + right;
    let error = gamma(2) * (left.abs() + right.abs());
    Expected { value, bound: error + dtype.unit() * (value.abs() + error) + dtype.half_place() }
}
