//! The attention of a trained block, quantized and not, through the kernels.
//!
//! RMSNorm of `hidden` → int4 weights (rounded, or by GPTQ), group 64 → fused q, k, v → RoPE → causal grouped attention; and the same with f16 weights through three products.

mod data;
mod oracle;
mod pipeline;
mod report;

use anyhow::Result;
use tilewright_quant_pack::ScaleRule;

pub(crate) use data::Layer;
pub(crate) use report::Report;

use crate::device::Session;
use crate::table::Row;

/// Tokens of the text, and what the block is made of.
pub(crate) const TOKENS: usize = 96;
pub(crate) const HIDDEN: usize = 576;
pub(crate) const HEADS_Q: usize = 9;
pub(crate) const HEADS_KV: usize = 3;
pub(crate) const HEAD_DIM: usize = 64;
pub(crate) const N_KV: usize = HEADS_KV * HEAD_DIM;
pub(crate) const EPSILON: f32 = 1e-5;
pub(crate) const THETA: f64 = 1e5;
/// Tokens that GPTQ is calibrated on; it has not seen the others.
pub(crate) const CALIBRATION: usize = 48;
/// Weights that share a scale.
pub(crate) const GROUP: usize = 64;

/// How the projections are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weights {
    /// f16 weights, three products.
    Half,
    /// int4 weights rounded to nearest with scales by this rule, one fused product.
    Int4(ScaleRule),
    /// int4 weights by GPTQ, calibrated on the first half of the text.
    Gptq,
}

impl Weights {
    pub(crate) const ALL: [Self; 4] =
        [Self::Half, Self::Int4(ScaleRule::Max), Self::Int4(ScaleRule::LeastSquares), Self::Gptq];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Half => "f16",
            Self::Int4(ScaleRule::LeastSquares) => "int4, least squares",
            Self::Int4(_) => "int4, largest / 7",
            Self::Gptq => "int4, GPTQ",
        }
    }

    /// The least cosine with the golden attention that is right for the layer.
    ///
    /// For weights rounded to nearest it is what an f32 model of the block measured, less a little. f16 weights are the trained ones, so only the kernels'
    /// rounding is between them and the golden values.
    pub(crate) const fn wanted(self, layer: u32) -> f64 {
        const SLACK: f64 = 0.002;
        match (self, layer) {
            (Self::Half, _) => 1.0 - SLACK,
            (Self::Int4(ScaleRule::LeastSquares), 0) => 0.9908 - SLACK,
            (Self::Int4(ScaleRule::LeastSquares), _) => 0.9525 - SLACK,
            (Self::Int4(_), 0) => 0.9881 - SLACK,
            (Self::Int4(_), _) => 0.9356 - SLACK,
            (Self::Gptq, _) => 0.98,
        }
    }
}

/// Runs the block with each kind of weights; the rows of its kernels against their oracles, and the report on the block as a whole.
pub(crate) fn run(session: &Session, layer: &Layer) -> Result<(Vec<Row>, Report)> {
    let mut rows = Vec::new();
    let mut report = Report::new(layer.number);
    for weights in Weights::ALL {
        let results = pipeline::run(session, layer, weights, &mut rows)?;
        report.add(layer, weights, &results);
    }
    Ok((rows, report))
}
