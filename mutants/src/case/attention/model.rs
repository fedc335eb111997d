//! The kernel's arithmetic, one query after the other: what `tilewright-attention` documents, with the roundings of a tensor core, one rounding for every other operation,
//! and sums in the order of the keys.

use bytemuck::cast_slice;
use tilewright_attention::{Dtype, Element, Layout, Mask, Problem};
use tilewright_ptx_sim::tensor_core::{Model, Operand, multiply_accumulate};

use crate::case::data::Number;
use crate::case::reduce::exp2;

/// Keys of a tile, after which sums are brought down to the largest score so far.
const TILE: usize = 64;
/// Products that an `mma.sync` adds up.
const STEP: usize = 16;

/// The last `heads` heads of o as [batch, heads, queries, columns].
pub(super) fn attention<T: Number + Element>(
    problem: &Problem,
    mask: Mask,
    heads: usize,
    [q, k, v]: [&[T]; 3],
) -> Option<Vec<T>> {
    let (shape, layouts) = (problem.shape(), problem.layouts());
    let scale = problem.scale() * std::f32::consts::LOG2_E;
    let mut o = Vec::new();
    for batch in 0..shape.batch {
        for head in 0..shape.heads_q {
            if batch * shape.heads_q + head + heads < shape.batch * shape.heads_q {
                continue;
            }
            let key_head = head / (shape.heads_q / shape.heads_kv);
            let row = |tensor: &[T], layout: Layout, head: usize, row: usize| {
                let start = batch * layout.batch_stride + head * layout.head_stride + row * layout.row_stride;
                tensor.get(start..start + shape.dim).map(<[T]>::to_vec)
            };
            let keys = (0..shape.len_kv).map(|at| row(k, layouts.k, key_head, at)).collect::<Option<Vec<_>>>()?;
            let values = (0..shape.len_kv).map(|at| row(v, layouts.v, key_head, at)).collect::<Option<Vec<_>>>()?;
            let columns: Vec<Vec<T>> = (0..shape.dim)
                .map(|column| values.iter().filter_map(|value| value.get(column).copied()).collect())
                .collect();
            for at in 0..shape.len_q {
                let seen = if mask == Mask::Causal {
                    (at + 1 + shape.len_kv).saturating_sub(shape.len_q)
                } else {
                    shape.len_kv
                };
                let mut query = row(q, layouts.q, head, at)?;
                // The sign of the scale is brought to the queries.
                let (sign, scale) =
                    if scale == 0.0 { (0.0, 1.0) } else { (1f64.copysign(f64::from(scale)), scale.abs()) };
                query.iter_mut().for_each(|q| *q = T::new(q.value() * sign));
                o.extend(result(&query, keys.get(..seen)?, &columns, scale));
            }
        }
    }
    Some(o)
}

/// The result of one query for the keys that it sees.
fn result<T: Number + Element>(query: &[T], keys: &[Vec<T>], columns: &[Vec<T>], scale: f32) -> Vec<T> {
    let weights = Weights::new(query, keys, scale);
    columns.iter().map(|column| T::new(f64::from(weights.mean(column)))).collect()
}

/// What one query makes of the keys that it sees.
#[derive(Debug)]
pub(super) struct Weights<T> {
    /// What the sums so far are multiplied with before a tile, and the tile's weights.
    tiles: Vec<(f32, Vec<T>)>,
    inverse: f32,
}

impl<T: Number + Element> Weights<T> {
    pub(super) fn new(query: &[T], keys: &[Vec<T>], scale: f32) -> Self {
        let (mut peak, mut sums, mut tiles) = (f32::NEG_INFINITY, [0f32; 4], Vec::new());
        for keys in keys.chunks(TILE) {
            let scores: Vec<f32> = keys.iter().map(|key| product(query, key, 0.0)).collect();
            let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max) * scale;
            let next = peak.max(largest);
            // A query that has seen nothing but -inf subtracts nothing.
            let base = if next == f32::NEG_INFINITY { 0.0 } else { next };
            let shrink = exp2(peak - base);
            peak = next;
            sums.iter_mut().for_each(|sum| *sum *= shrink);
            let weights: Vec<f32> = scores.iter().map(|score| exp2(score.mul_add(scale, -base))).collect();
            for (key, weight) in weights.iter().enumerate() {
                if let Some(sum) = sums.get_mut(key % 8 / 2) {
                    *sum += weight;
                }
            }
            tiles.push((shrink, weights.iter().map(|weight| T::new(f64::from(*weight))).collect()));
        }
        let [a, b, c, d] = sums;
        let sum = (a + b) + (c + d);
        Self { tiles, inverse: if sum == 0.0 { 0.0 } else { 1.0 / sum } }
    }

    /// The mean of a column's values, before it is rounded to 16 bits.
    pub(super) fn mean(&self, column: &[T]) -> f32 {
        let mut output = 0f32;
        for ((shrink, weights), values) in self.tiles.iter().zip(column.chunks(TILE)) {
            output = product(weights, values, output * shrink);
        }
        output * self.inverse
    }
}

/// Σ a·b as the tensor cores of compute capability 9.0 add it to `onto`.
pub(super) fn product<T: Number + Element>(a: &[T], b: &[T], onto: f32) -> f32 {
    let operand = if T::DTYPE == Dtype::F16 { Operand::F16 } else { Operand::Bf16 };
    let steps = a.chunks(STEP).zip(b.chunks(STEP));
    let sum = steps.fold(onto.to_bits(), |sum, (a, b)| {
        let count = a.len().min(b.len());
        let (a, b) = (a.get(..count).unwrap_or_default(), b.get(..count).unwrap_or_default());
        multiply_accumulate(Model::HOPPER, operand, cast_slice(a), cast_slice(b), sum)
    });
    f32::from_bits(sum)
}
