//! y = x / sqrt(mean x² + ε) · weight, row by row; as it is, or quantized.

use tilewright_ptx_ir::build::{Builder, Value};

use super::codes::Codes;
use super::quantize;
use super::row::Row;
use super::step::Step;
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
    let norm = norm(k, &team, &row, weight, epsilon);
    row.write(team.row_of(y), norm);
}

/// The same up to the writing: instead each thread keeps what it would have written, and the row is quantized from there.
pub(super) fn emit_quantized(k: &Builder, plan: &Plan, weight: Dtype) {
    let (x, weight) = (Tensor::param(k, "x", plan.x), Tensor::param(k, "weight", weight));
    let (codes, scales) = (Codes::param(k, "codes"), Tensor::param(k, "scales", Dtype::F32));
    let team = Members::of(k, plan);
    let epsilon = k.param::<f32>("epsilon");
    let row = team.row(x);
    let norm = norm(k, &team, &row, weight, epsilon);
    quantize::write(k, &team, &row.map(norm), codes, scales);
}

/// What a step of the row becomes.
fn norm<'k>(
    k: &'k Builder,
    team: &Members<'k>,
    row: &Row<'k>,
    weight: Tensor<'k>,
    epsilon: Value<'k, f32>,
) -> impl Fn(&Step<'k>, &[Value<'k, f32>]) -> Vec<Value<'k, f32>> + 'k {
    let squares = team.sum(row.fold(-0.0, |sum, x| x.fma(x, sum)));
    let scale = k.constant(1.0f32).to_local() / (squares / team.count() + epsilon).sqrt();
    move |step, x| x.iter().zip(weight.load(step)).map(|(x, weight)| *x * scale * weight).collect()
}
