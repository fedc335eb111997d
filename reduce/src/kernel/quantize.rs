//! codes = round(x / scale), scale = max |x| / 127, row by row.

use tilewright_ptx_ir::build::Builder;

use super::codes::Codes;
use super::row::Row;
use super::team::Members;
use super::tensor::Tensor;
use crate::{Dtype, Plan};

pub(super) fn emit(k: &Builder, plan: &Plan) {
    let x = Tensor::param(k, "x", plan.x);
    let (codes, scales) = (Codes::param(k, "codes"), Tensor::param(k, "scales", Dtype::F32));
    let team = Members::of(k, plan);
    write(k, &team, &team.row(x), codes, scales);
}

/// Each thread finds the largest magnitude of its elements, and the team that of the row, from which comes the scale; then each thread writes the codes of its
/// elements.
///
/// NaN reaches the scale, and no code: `cvt` makes 0 of it.
pub(super) fn write<'k>(k: &'k Builder, team: &Members<'k>, row: &Row<'k>, codes: Codes<'k>, scales: Tensor<'k>) {
    let largest = team.max(row.fold(0.0, |largest, x| largest.maximum(x.abs())));
    let quotient = largest / 127.0;
    // No scale is subnormal, so that none has lost bits and no quotient passes 127 by more than a rounding: nothing is left to clamp.
    let scale = quotient.lt(f32::MIN_POSITIVE).select(0.0, quotient);
    team.store_result(scales, scale);
    // By infinity everything is 0.
    let divisor = scale.eq(0.0).select(k.constant(f32::INFINITY), scale);
    let codes = team.codes_of(codes);
    row.for_each_step(|step, x| {
        let x: Vec<_> = x.iter().map(|x| (*x / divisor).nearest()).collect();
        codes.store(step, &x);
    });
}
