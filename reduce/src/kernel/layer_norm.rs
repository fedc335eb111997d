//! y = (x - mean x) / sqrt(var x + ε) · weight + bias, row by row.

use tilewright_ptx_ir::build::Builder;

use super::team::Members;
use super::tensor::Tensor;
use crate::{Dtype, Plan};

/// Each thread sums its elements, and the team those of the row; then the same with the squares of the distances from the mean; then each thread writes its
/// elements, shifted, scaled, weighted and with the bias added.
///
/// The variance is a pass of its own: mean x² - (mean x)² would cancel where the mean is large.
pub(super) fn emit(k: &Builder, plan: &Plan, weight: Dtype, with_bias: bool) {
    let (x, weight_dtype) = (Tensor::param(k, "x", plan.x), weight);
    let weight = Tensor::param(k, "weight", weight_dtype);
    let bias = with_bias.then(|| Tensor::param(k, "bias", weight_dtype));
    let y = Tensor::param(k, "y", plan.x);
    let team = Members::of(k, plan);
    let epsilon = k.param::<f32>("epsilon");
    let row = team.row(x);

    let mean = team.sum(row.fold(-0.0, |sum, x| sum + x)) / team.count();
    let squares = team.sum(row.fold(-0.0, |sum, x| {
        let distance = x - mean;
        distance.fma(distance, sum)
    }));
    let scale = k.constant(1.0f32).to_local() / (squares / team.count() + epsilon).sqrt();
    row.write(team.row_of(y), |step, x| {
        let weighted = x.iter().zip(weight.load(step)).map(|(x, weight)| ((*x - mean) * scale, weight));
        match bias {
            Some(bias) => weighted.zip(bias.load(step)).map(|((x, weight), bias)| x.fma(weight, bias)).collect(),
            None => weighted.map(|(x, weight)| x * weight).collect(),
        }
    });
}
