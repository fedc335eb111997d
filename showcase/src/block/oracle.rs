//! The whole block in f64 with nothing rounded on the way: what exact kernels would make of the same weights.

use tilewright_attention::rope::{Angles, Tables};

use super::{EPSILON, HEAD_DIM, HEADS_KV, HEADS_Q, HIDDEN, Layer, N_KV, THETA, TOKENS};

/// Results in f64.
pub(super) struct Exact {
    pub(super) q: Vec<f64>,
    pub(super) k: Vec<f64>,
    pub(super) v: Vec<f64>,
    pub(super) q_rope: Vec<f64>,
    pub(super) k_rope: Vec<f64>,
    pub(super) attention: Vec<f64>,
}

/// The block with these weights of q, k and v.
pub(super) fn exact(layer: &Layer, weights: &[Vec<f32>; 3]) -> Exact {
    let normalized = normalize(layer);
    let [q, k, v] = weights.each_ref().map(|weight| product(&normalized, weight));
    let (q_rope, k_rope) = (turn(&q, HEADS_Q), turn(&k, HEADS_KV));
    let attention = attend(&q_rope, &k_rope, &v);
    Exact { q, k, v, q_rope, k_rope, attention }
}

fn normalize(layer: &Layer) -> Vec<f64> {
    let hidden: Vec<f64> = layer.hidden.iter().map(|x| x.to_f64()).collect();
    let rows = hidden.chunks(HIDDEN);
    rows.flat_map(|row| {
        #[expect(clippy::cast_precision_loss, reason = "576")]
        let mean = row.iter().map(|x| x * x).sum::<f64>() / HIDDEN as f64;
        let scale = 1.0 / (mean + f64::from(EPSILON)).sqrt();
        row.iter().zip(&layer.norm).map(move |(x, weight)| x * scale * f64::from(*weight))
    })
    .collect()
}

fn product(x: &[f64], weight: &[f32]) -> Vec<f64> {
    x.chunks(HIDDEN)
        .flat_map(|row| {
            weight.chunks(HIDDEN).map(move |column| row.iter().zip(column).map(|(x, w)| x * f64::from(*w)).sum())
        })
        .collect()
}

/// Calls `each(head's row, cosines, sines)` for the rows of every head of [tokens, heads · 64], in order.
pub(super) fn rotate<T, E>(
    x: &[T],
    tables: &Tables,
    heads: usize,
    each: impl Fn(&[T], &[f32], &[f32]) -> Vec<E>,
) -> Vec<E> {
    let half = HEAD_DIM / 2;
    let rows = x.chunks(heads * HEAD_DIM).zip(tables.cos.chunks(half).zip(tables.sin.chunks(half)));
    rows.flat_map(|(row, (cos, sin))| row.chunks(HEAD_DIM).flat_map(|head| each(head, cos, sin)).collect::<Vec<_>>())
        .collect()
}

fn turn(x: &[f64], heads: usize) -> Vec<f64> {
    let tables = Tables::new(Angles { theta: THETA, first_position: 0, len: TOKENS, dim: HEAD_DIM });
    rotate(x, &tables, heads, |row, cos, sin| {
        row.as_chunks::<2>()
            .0
            .iter()
            .zip(cos.iter().zip(sin))
            .flat_map(|([a, b], (c, s))| {
                let (c, s) = (f64::from(*c), f64::from(*s));
                [a * c - b * s, b * c + a * s]
            })
            .collect()
    })
}

fn attend(q: &[f64], k: &[f64], v: &[f64]) -> Vec<f64> {
    let mut result = vec![0.0; TOKENS * HIDDEN];
    for token in 0..TOKENS {
        for head in 0..HEADS_Q {
            let key_head = head / (HEADS_Q / HEADS_KV);
            let query = &q[token * HIDDEN + head * HEAD_DIM..][..HEAD_DIM];
            let row = |tensor: &'static str, index: usize| {
                let tensor = if tensor == "k" { k } else { v };
                &tensor[index * N_KV + key_head * HEAD_DIM..][..HEAD_DIM]
            };
            let scores: Vec<f64> =
                (0..=token).map(|key| query.iter().zip(row("k", key)).map(|(a, b)| a * b).sum::<f64>() / 8.0).collect();
            let peak = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = scores.iter().map(|score| (score - peak).exp()).sum();
            let output = &mut result[token * HIDDEN + head * HEAD_DIM..][..HEAD_DIM];
            for (key, score) in scores.iter().enumerate() {
                let share = (score - peak).exp() / sum;
                output.iter_mut().zip(row("v", key)).for_each(|(output, v)| *output += share * v);
            }
        }
    }
    result
}
