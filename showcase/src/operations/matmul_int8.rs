//! matmul-int8 and matmul-w8a16.

use anyhow::{Result, bail};
use half::f16;
use tilewright_matmul_int8::{
    Matmul, Operands, Operation, Output, Plan, Problem, Scales, ScalesOf, Shape, Weight, module, reference,
};
use tilewright_ptx_ir::Target;
use tilewright_quant_pack::{Granularity, Int8, ScaleRule, Shape as WeightShape};
use tilewright_testkit::{Random, Values};

use super::{Described, floats};
use crate::device::Session;
use crate::table::{Row, Worst};

/// m, n and k beside, on and past the edges of tiles.
const SHAPES: [Shape; 3] =
    [Shape { m: 1, n: 65, k: 144 }, Shape { m: 16, n: 64, k: 128 }, Shape { m: 65, n: 127, k: 201 }];

pub(super) fn check_w8a8(session: &Session) -> Result<Vec<Row>> {
    let (matmul, stream) = (Matmul::new(&session.context)?, &session.stream);
    let mut random = Random::new(3);
    let mut rows = Vec::new();
    for shape in SHAPES {
        let Shape { m, n, k } = shape;
        let (x, w) = (random.bytes(m * k), random.bytes(n * k));
        let (device_x, device_w) = (stream.upload(&x)?, stream.upload(&w)?);
        let operands = Operands { x: device_x.as_slice(), w: device_w.as_slice() };
        let mut y = stream.alloc::<i32>(m * n)?;
        let cost = session.measure(|| matmul.w8a8_sums(stream, shape, operands, &mut y.as_slice_mut()))?;
        #[expect(clippy::cast_precision_loss, reason = "sums are below 2^53")]
        let sums = reference::sums(shape, &x, &w).into_iter().map(|sum| (sum as f64, 0.0));
        let worst = Worst::of(&stream.download(y.as_slice())?, sums);
        rows.push(Row { operation: "matmul-int8".to_owned(), shape: format!("{m} x {n} x {k}, i32"), worst, cost });

        let (x_scale, w_scale) = (random.floats(Values::Uniform, m), random.floats(Values::Tiny, n));
        let (device_x_scale, device_w_scale) = (stream.upload(&x_scale)?, stream.upload(&w_scale)?);
        let scales = ScalesOf { x: device_x_scale.as_slice(), w: device_w_scale.as_slice() };
        let mut y = stream.alloc::<f16>(m * n)?;
        let cost = session.measure(|| matmul.w8a8(stream, shape, operands, scales, &mut y.as_slice_mut()))?;
        let expected = reference::w8a8(shape, &x, &w, &x_scale, &w_scale);
        let bounds = expected.iter().map(|e| (e.value, reference::w8a8_bound(e, Output::F16)));
        let worst = Worst::of(&stream.download(y.as_slice())?, bounds);
        rows.push(Row { operation: "matmul-int8".to_owned(), shape: format!("{m} x {n} x {k}, f16"), worst, cost });
    }
    Ok(rows)
}

pub(super) fn check_w8a16(session: &Session) -> Result<Vec<Row>> {
    let (matmul, stream) = (Matmul::new(&session.context)?, &session.stream);
    let mut random = Random::new(4);
    SHAPES
        .into_iter()
        .map(|shape| {
            let Shape { m, n, k } = shape;
            let x = random.halves(Values::Outliers, m * k);
            let weights = random.floats(Values::Uniform, n * k);
            let quantized = Int8::quantize(&weights, WeightShape { n, k }, Granularity::PerChannel, ScaleRule::Max)?;
            let (device_x, weight) = (stream.upload(&x)?, Weight::load(stream, &quantized)?);
            let mut y = stream.alloc::<f16>(m * n)?;
            let cost =
                session.measure(|| matmul.w8a16(stream, m, device_x.as_slice(), &weight, &mut y.as_slice_mut()))?;
            let expected = reference::w8a16(shape, &floats(&x), quantized.values(), quantized.scales());
            let bounds = expected.iter().map(|e| (e.value, reference::w8a16_bound(e, k)));
            let worst = Worst::of(&stream.download(y.as_slice())?, bounds);
            Ok(Row { operation: "matmul-w8a16".to_owned(), shape: format!("{m} x {n} x {k}"), worst, cost })
        })
        .collect()
}

pub(super) fn modules_w8a8(target: Target) -> Result<Vec<Described>> {
    modules(Operation::W8A8, target)
}

pub(super) fn modules_w8a16(target: Target) -> Result<Vec<Described>> {
    modules(Operation::W8A16, target)
}

fn modules(operation: Operation, target: Target) -> Result<Vec<Described>> {
    Plan::of(target)
        .iter()
        .filter(|plan| plan.operation == operation)
        .map(|plan| {
            let module = module(plan, target)?;
            Ok(Described { plan: format!("{plan:?}"), module, shared_bytes: plan.shared_bytes() })
        })
        .collect()
}

pub(super) fn planned_w8a8(target: Target, shape: &[usize]) -> Result<Described> {
    planned(Operation::W8A8, target, shape)
}

pub(super) fn planned_w8a16(target: Target, shape: &[usize]) -> Result<Described> {
    planned(Operation::W8A16, target, shape)
}

fn planned(operation: Operation, target: Target, shape: &[usize]) -> Result<Described> {
    let &[m, n, k] = shape else { bail!("a shape of three numbers is wanted") };
    let x_scales = if operation == Operation::W8A8 { Scales::Each } else { Scales::One };
    let plan = Plan::aligned(&Problem::new(operation, Shape { m, n, k })?, target, x_scales, Scales::Each, Output::F16);
    Ok(Described { plan: format!("{plan:?}"), module: module(&plan, target)?, shared_bytes: plan.shared_bytes() })
}
