//! The trained block's weights, its input, and what an f32 model makes of them.

use anyhow::{Context, Result, bail};
use half::f16;
use safetensors::{Dtype, SafeTensors};

use super::{HIDDEN, N_KV, TOKENS};

/// One layer.
pub(crate) struct Layer {
    pub(crate) number: u32,
    pub(crate) norm: Vec<f32>,
    pub(crate) hidden: Vec<f16>,
    /// w_q, w_k and w_v.
    pub(crate) weights: [Vec<f16>; 3],
    pub(crate) golden: Golden,
}

/// Results of an f32 run.
pub(crate) struct Golden {
    pub(crate) q: Vec<f32>,
    pub(crate) k: Vec<f32>,
    pub(crate) v: Vec<f32>,
    pub(crate) q_rope: Vec<f32>,
    pub(crate) k_rope: Vec<f32>,
    pub(crate) attention: Vec<f32>,
}

/// SmolLM2-135M-Instruct, layers 0 and 15; see data/NOTICE.md.
const FILES: [(u32, &[u8]); 2] = [
    (0, include_bytes!("../../data/smollm2-layer0.safetensors")),
    (15, include_bytes!("../../data/smollm2-layer15.safetensors")),
];

impl Layer {
    pub(crate) fn all() -> Result<Vec<Self>> {
        FILES
            .iter()
            .map(|(number, bytes)| Self::read(*number, bytes).with_context(|| format!("layer {number}")))
            .collect()
    }

    fn read(number: u32, bytes: &[u8]) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes)?;
        let halves = |name: &str, shape: [usize; 2]| -> Result<Vec<f16>> {
            let bytes = tensor(&file, name, Dtype::F16, &shape)?;
            Ok(bytes.as_chunks::<2>().0.iter().map(|bytes| f16::from_le_bytes(*bytes)).collect())
        };
        let floats = |name: &str, shape: &[usize]| -> Result<Vec<f32>> {
            let bytes = tensor(&file, name, Dtype::F32, shape)?;
            Ok(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
        };
        let (wide, narrow) = ([TOKENS, HIDDEN], [TOKENS, N_KV]);
        Ok(Self {
            number,
            norm: floats("attn_norm", &[HIDDEN])?,
            hidden: halves("hidden", wide)?,
            weights: [halves("w_q", [HIDDEN, HIDDEN])?, halves("w_k", [N_KV, HIDDEN])?, halves("w_v", [N_KV, HIDDEN])?],
            golden: Golden {
                q: floats("golden_q", &wide)?,
                k: floats("golden_k", &narrow)?,
                v: floats("golden_v", &narrow)?,
                q_rope: floats("golden_q_rope", &wide)?,
                k_rope: floats("golden_k_rope", &narrow)?,
                attention: floats("golden_attention", &wide)?,
            },
        })
    }
}

fn tensor<'f>(file: &SafeTensors<'f>, name: &str, dtype: Dtype, shape: &[usize]) -> Result<&'f [u8]> {
    let view = file.tensor(name).with_context(|| format!("tensor `{name}`"))?;
    if view.dtype() != dtype || view.shape() != shape {
        bail!("tensor `{name}` is {:?} {:?}, wanted {dtype:?} {shape:?}", view.dtype(), view.shape());
    }
    Ok(view.data())
}
