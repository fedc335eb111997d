//! qkv-int8 and qkv-int4.

use anyhow::{Result, bail};
use half::f16;
use tilewright_ptx_ir::Target;
use tilewright_qkv_fused::{
    Outputs, Plan, Problem, QkvFused, QkvShape, QkvWeights, Scales, Schedule, Weights, module, reference,
};
use tilewright_quant_pack::{Granularity, Group, Int4, Int8, ScaleRule, Shape as WeightShape};
use tilewright_testkit::{Random, Values};
use tilewright_tile::PackedOrder;
use tilewright_tile::oracle::Expected;

use super::{Described, floats};
use crate::device::{Cost, Session};
use crate::table::{Row, Worst};

const SHAPES: [QkvShape; 3] = [
    QkvShape { m: 1, n_q: 130, n_kv: 65, k: 72 },
    QkvShape { m: 16, n_q: 64, n_kv: 64, k: 128 },
    QkvShape { m: 65, n_q: 96, n_kv: 33, k: 200 },
];

pub(super) fn check_int4(session: &Session) -> Result<Vec<Row>> {
    let (group, mut random) = (Group::new(32)?, Random::new(5));
    SHAPES
        .into_iter()
        .map(|shape| {
            let quantized =
                quantize(shape, &mut random, |w, s| Ok(Int4::quantize(w, s, group, ScaleRule::LeastSquares)?))?;
            let weights = QkvWeights::load_int4(&session.stream, quantized.each_ref())?;
            let x = random.halves(Values::Outliers, shape.m * shape.k);
            let (results, cost) = project(session, shape, &x, &weights)?;
            let expected = reference::qkv_int4(shape, &floats(&x), quantized.each_ref());
            Ok(row("qkv-int4", shape, &results, &expected, group.count(shape.k), cost))
        })
        .collect()
}

pub(super) fn check_int8(session: &Session) -> Result<Vec<Row>> {
    let mut random = Random::new(6);
    SHAPES
        .into_iter()
        .map(|shape| {
            let quantized = quantize(shape, &mut random, |w, s| {
                Ok(Int8::quantize(w, s, Granularity::PerChannel, ScaleRule::Max)?)
            })?;
            let weights = QkvWeights::load_int8(&session.stream, quantized.each_ref())?;
            let x = random.halves(Values::Outliers, shape.m * shape.k);
            let (results, cost) = project(session, shape, &x, &weights)?;
            let expected = reference::qkv_int8(shape, &floats(&x), quantized.each_ref());
            Ok(row("qkv-int8", shape, &results, &expected, 1, cost))
        })
        .collect()
}

fn quantize<T>(shape: QkvShape, random: &mut Random, act: impl Fn(&[f32], WeightShape) -> Result<T>) -> Result<[T; 3]> {
    let [q, k, v] = shape.parts();
    let mut one = |n: usize| {
        let weights = random.floats(Values::Uniform, n * shape.k);
        act(&weights, WeightShape { n, k: shape.k })
    };
    Ok([one(q.n)?, one(k.n)?, one(v.n)?])
}

/// The three projections, one after the other.
fn project(session: &Session, shape: QkvShape, x: &[f16], weights: &QkvWeights) -> Result<(Vec<f16>, Cost)> {
    let (qkv, stream) = (QkvFused::new(&session.context)?, &session.stream);
    let x = stream.upload(x)?;
    let [mut q, mut k, mut v] = [
        stream.alloc::<f16>(shape.m * shape.n_q)?,
        stream.alloc::<f16>(shape.m * shape.n_kv)?,
        stream.alloc::<f16>(shape.m * shape.n_kv)?,
    ];
    let cost = session.measure(|| {
        let outputs = Outputs { q: &mut q.as_slice_mut(), k: &mut k.as_slice_mut(), v: &mut v.as_slice_mut() };
        qkv.run(stream, shape.m, x.as_slice(), weights, outputs)
    })?;
    let mut results = stream.download(q.as_slice())?;
    results.extend(stream.download(k.as_slice())?);
    results.extend(stream.download(v.as_slice())?);
    Ok((results, cost))
}

fn row(
    operation: &str,
    shape: QkvShape,
    results: &[f16],
    expected: &[Vec<Expected>; 3],
    groups: usize,
    cost: Cost,
) -> Row {
    let QkvShape { m, n_q, n_kv, k } = shape;
    let bounds = expected.iter().flatten().map(|e| (e.value, reference::bound(e, k, groups)));
    let shape = format!("{m} x ({n_q} + 2 · {n_kv}) x {k}");
    Row { operation: operation.to_owned(), shape, worst: Worst::of(results, bounds), cost }
}

pub(super) fn modules_int4(target: Target) -> Result<Vec<Described>> {
    modules(PackedOrder::Int4, target)
}

pub(super) fn modules_int8(target: Target) -> Result<Vec<Described>> {
    modules(PackedOrder::Int8, target)
}

fn modules(order: PackedOrder, target: Target) -> Result<Vec<Described>> {
    Plan::of(target)
        .iter()
        .filter(|plan| plan.format.order == order)
        .map(|plan| {
            let module = module(plan, target)?;
            Ok(Described { plan: format!("{plan:?}"), module, shared_bytes: plan.shared_bytes() })
        })
        .collect()
}

pub(super) fn planned_int4(target: Target, shape: &[usize]) -> Result<Described> {
    planned(|k| Ok(Weights::Int4(if k <= 128 { Group::WholeRow } else { Group::new(128)? })), target, shape)
}

pub(super) fn planned_int8(target: Target, shape: &[usize]) -> Result<Described> {
    planned(|_| Ok(Weights::Int8), target, shape)
}

fn planned(weights: impl Fn(usize) -> Result<Weights>, target: Target, shape: &[usize]) -> Result<Described> {
    let &[m, n_q, n_kv, k] = shape else { bail!("a shape of four numbers is wanted") };
    let plan = Plan::aligned(
        &Problem::new(QkvShape { m, n_q, n_kv, k }, weights(k)?)?,
        target,
        Schedule::default(),
        Scales::Each,
    );
    Ok(Described { plan: format!("{plan:?}"), module: module(&plan, target)?, shared_bytes: plan.shared_bytes() })
}
