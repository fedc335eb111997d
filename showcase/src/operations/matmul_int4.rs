//! matmul-int4.

use anyhow::{Result, bail};
use half::f16;
use tilewright_matmul_int4::{Matmul, Plan, Problem, Shape, Weight, module, reference};
use tilewright_ptx_ir::Target;
use tilewright_quant_pack::{Group, Int4, ScaleRule, Shape as WeightShape};
use tilewright_testkit::{Random, Values};

use super::{Described, floats};
use crate::device::Session;
use crate::table::{Row, Worst};

/// Shapes beside, on and past the edges of tiles; groups whole, ragged, and the whole row (0).
const SHAPES: [(Shape, usize); 4] = [
    (Shape { m: 1, n: 65, k: 264 }, 128),
    (Shape { m: 16, n: 64, k: 128 }, 64),
    (Shape { m: 65, n: 127, k: 200 }, 32),
    (Shape { m: 17, n: 129, k: 72 }, 0),
];

pub(super) fn check(session: &Session) -> Result<Vec<Row>> {
    let (matmul, stream) = (Matmul::new(&session.context)?, &session.stream);
    let mut random = Random::new(2);
    SHAPES
        .into_iter()
        .map(|(shape, size)| {
            let Shape { m, n, k } = shape;
            let group = if size == 0 { Group::WholeRow } else { Group::new(size)? };
            let x = random.halves(Values::Outliers, m * k);
            let weights = random.floats(Values::Uniform, n * k);
            let quantized = Int4::quantize(&weights, WeightShape { n, k }, group, ScaleRule::Max)?;
            let (device_x, weight) = (stream.upload(&x)?, Weight::load(stream, &quantized)?);
            let mut y = stream.alloc::<f16>(m * n)?;
            let cost =
                session.measure(|| matmul.run(stream, m, device_x.as_slice(), &weight, &mut y.as_slice_mut()))?;
            let expected = reference::matmul(shape, &floats(&x), &quantized);
            let bounds = expected.iter().map(|e| (e.value, reference::bound(e, k, group.count(k))));
            let worst = Worst::of(&stream.download(y.as_slice())?, bounds);
            let shape = format!("{m} x {n} x {k}, group {}", group.size(k));
            Ok(Row { operation: "matmul-int4".to_owned(), shape, worst, cost })
        })
        .collect()
}

pub(super) fn modules(target: Target) -> Result<Vec<Described>> {
    Plan::of(target)
        .iter()
        .map(|plan| {
            let module = module(plan, target)?;
            Ok(Described { plan: format!("{plan:?}"), module, shared_bytes: plan.shared_bytes() })
        })
        .collect()
}

pub(super) fn planned(target: Target, shape: &[usize]) -> Result<Described> {
    let &[m, n, k] = shape else { bail!("a shape of three numbers is wanted") };
    let group = if k <= 128 { Group::WholeRow } else { Group::new(128)? };
    let plan = Plan::aligned(&Problem::new(Shape { m, n, k }, group)?, target);
    Ok(Described { plan: format!("{plan:?}"), module: module(&plan, target)?, shared_bytes: plan.shared_bytes() })
}
