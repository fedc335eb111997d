//! y = x / sqrt(mean x² + ε) · weight, row by row.

use tilewright_ptx_ir::build::Builder;

use super::team::Members;
use super::tensor::Tensor;
use crate::{Dtype, Plan};

/// Each thread sums the squares of its elements, and the team those of the row; then each thread writes its elements, scaled and weighted.
pub(super) fn emit(k: &Builder, plan: &Plan, weight: Dtype) {
    let (x, weight) = (Tensor::param(k, "x", plan.x), Tensor::param(k, "weight", weight));
    let y = Tensor::param(k, "y", plan.x);
    let team = Members::of(k, plan);
    let epsilon = k.param::<f32>("epsilon");
    let row = team.row(x);

    let squares = team.sum(row.fold(-0.0, |sum, x| x.fma(x, sum)));
    let scale = k.constant(1.0f32).to_local() / (squares / team.count() + epsilon).sqrt();
    row.write(team.row_of(y), |step, x| {
        x.iter().zip(weight.load(step)).map(|(x, weight)| *x * scale * weight).collect()
    });
}
