//! An attention block of SmolLM2-135M-Instruct in f64, as plain as can be: RMSNorm, q, k and v, RoPE over pairs (2i, 2i + 1), causal attention of 9 heads over 3.

use std::fs;
use std::path::PathBuf;

use half::f16;
use safetensors::SafeTensors;
use tilewright_quant_pack::Shape;

pub(crate) const TOKENS: usize = 96;
pub(crate) const HIDDEN: usize = 576;
/// Tokens that calibration sees.
pub(crate) const SEEN: usize = 48;
const HEAD: usize = 64;
const HEADS: usize = 9;
const HEADS_KV: usize = 3;

pub(crate) struct Block {
    /// Weights of q, k and v.
    pub(crate) weights: [Vec<f16>; 3],
    /// Inputs of q, k and v as the kernels get them: normalized, [96, 576] in f16.
    pub(crate) inputs: Vec<f16>,
    golden: Vec<f32>,
}

pub(crate) const SHAPES: [Shape; 3] =
    [Shape { n: HIDDEN, k: HIDDEN }, Shape { n: HEADS_KV * HEAD, k: HIDDEN }, Shape { n: HEADS_KV * HEAD, k: HIDDEN }];

impl Block {
    pub(crate) fn read(layer: u32) -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("data/smollm2-layer{layer}.safetensors"));
        let bytes = fs::read(path).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let halves = |name: &str| -> Vec<f16> {
            file.tensor(name).unwrap().data().chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]])).collect()
        };
        let floats = |name: &str| -> Vec<f32> {
            let data = file.tensor(name).unwrap().data();
            data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
        };
        let norm = floats("attn_norm");
        let inputs = halves("hidden").chunks(HIDDEN).flat_map(|row| normalized(row, &norm)).collect();
        Self { weights: ["w_q", "w_k", "w_v"].map(halves), inputs, golden: floats("golden_attention") }
    }

    /// The inputs that calibration sees.
    pub(crate) fn seen(&self) -> &[f16] {
        &self.inputs[..SEEN * HIDDEN]
    }

    /// q, k and v for these inputs and weights.
    pub(crate) fn project(&self, inputs: &[f32], weights: &[Vec<f32>; 3]) -> [Vec<f64>; 3] {
        weights.each_ref().map(|weight| {
            let rows = inputs.chunks(HIDDEN);
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            rows.flat_map(|row| weight.chunks(HIDDEN).map(move |column| dot(row, column))).collect()
        })
    }

    /// Cosines of the attention with the trained model's: over all tokens, and over those that calibration has not seen.
    pub(crate) fn cosines(&self, [q, k, v]: [Vec<f64>; 3]) -> [f64; 2] {
        let found = attend(&turned(&q, HEADS), &turned(&k, HEADS_KV), &v);
        [0, SEEN * HIDDEN].map(|start| {
            let golden: Vec<f64> = self.golden[start..].iter().map(|value| f64::from(*value)).collect();
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let found = &found[start..];
            dot(found, &golden) / (dot(found, found) * dot(&golden, &golden)).sqrt()
        })
    }
}

fn normalized(row: &[f16], norm: &[f32]) -> Vec<f16> {
    let mean = row.iter().map(|x| x.to_f64().powi(2)).sum::<f64>() / HIDDEN as f64;
    row.iter().zip(norm).map(|(x, w)| f16::from_f64(x.to_f64() / (mean + 1e-5).sqrt() * f64::from(*w))).collect()
}

fn turned(x: &[f64], heads: usize) -> Vec<f64> {
    let mut turned = x.to_vec();
    for (token, row) in turned.chunks_mut(heads * HEAD).enumerate() {
        for head in row.chunks_mut(HEAD) {
            for (pair, values) in head.chunks_mut(2).enumerate() {
                let angle = token as f64 * 1e5_f64.powf(-2.0 * pair as f64 / HEAD as f64);
                let (sin, cos) = angle.sin_cos();
                (values[0], values[1]) = (values[0] * cos - values[1] * sin, values[1] * cos + values[0] * sin);
            }
        }
    }
    turned
}

fn attend(q: &[f64], k: &[f64], v: &[f64]) -> Vec<f64> {
    let mut result = vec![0.0; TOKENS * HIDDEN];
    for token in 0..TOKENS {
        for head in 0..HEADS {
            let at = |values: &[f64], row: usize| {
                values[row * HEADS_KV * HEAD + head / (HEADS / HEADS_KV) * HEAD..][..HEAD].to_vec()
            };
            let query = &q[token * HIDDEN + head * HEAD..][..HEAD];
            let score = |key| query.iter().zip(at(k, key)).map(|(a, b)| a * b).sum::<f64>() / 8.0;
            let scores: Vec<f64> = (0..=token).map(score).collect();
            let peak = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let shares: Vec<f64> = scores.iter().map(|score| (score - peak).exp()).collect();
            let sum: f64 = shares.iter().sum();
            let output = &mut result[token * HIDDEN + head * HEAD..][..HEAD];
            for (key, share) in shares.iter().enumerate() {
                output.iter_mut().zip(at(v, key)).for_each(|(output, v)| *output += share / sum * v);
            }
        }
    }
    result
}
