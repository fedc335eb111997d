//! y[r] = the sum, the largest or the smallest of row r, in f32.

use tilewright_ptx_ir::build::Builder;

use super::team::Members;
use super::tensor::Tensor;
use crate::{Dtype, Operation, Plan};

/// Each thread reduces its elements, the team the threads' results, and the team's first thread writes the row's.
///
/// A NaN reaches the result of all three.
pub(super) fn emit(k: &Builder, plan: &Plan) {
    let (x, y) = (Tensor::param(k, "x", plan.x), Tensor::param(k, "y", Dtype::F32));
    let team = Members::of(k, plan);
    let row = team.row(x);

    let result = match plan.operation {
        Operation::Max => team.max(row.fold(f32::NEG_INFINITY, |peak, x| peak.maximum(x))),
        Operation::Min => team.min(row.fold(f32::INFINITY, |least, x| least.minimum(x))),
        _ => team.sum(row.fold(-0.0, |sum, x| sum + x)),
    };
    team.store_result(y, result);
}
