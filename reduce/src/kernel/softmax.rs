//! y = softmax(x), row by row.

use std::f32::consts::LOG2_E;

use tilewright_ptx_ir::build::{Builder, Value};

use super::team::Members;
use super::tensor::Tensor;
use crate::Plan;

/// Each thread finds the largest of its elements, and the team the largest of the row; then the same with the sum of exp(x - largest); then each thread writes
/// exp(x - largest) / sum of its elements.
pub(super) fn emit(k: &Builder, plan: &Plan) {
    let (x, y) = (Tensor::param(k, "x", plan.x), Tensor::param(k, "y", plan.x));
    let team = Members::of(k, plan);
    let row = team.row(x);

    let peak = team.max(row.fold(f32::NEG_INFINITY, |peak, x| peak.maximum(x)));
    let sum = team.sum(row.fold(-0.0, |sum, x| sum + exp_below(x, peak)));
    let scale = k.constant(1.0f32).to_local() / sum;
    row.write(team.row_of(y), |_, x| x.iter().map(|x| exp_below(*x, peak) * scale).collect());
}

/// exp(x - peak).
///
/// The difference is taken first: `fma(x, log2 e, -peak · log2 e)` saves an instruction, which memory-bound kernels do not feel, and turns rows with
/// |peak| > 2.36e38 into NaN.
fn exp_below<'k>(x: Value<'k, f32>, peak: Value<'k, f32>) -> Value<'k, f32> {
    ((x - peak) * LOG2_E).exp2()
}
