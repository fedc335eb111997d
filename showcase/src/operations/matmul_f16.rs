//! matmul-f16.

use anyhow::{Result, bail};
use half::f16;
use tilewright_matmul_f16::{Dtype, Matmul, Plan, Problem, Shape, module, reference};
use tilewright_ptx_ir::Target;
use tilewright_testkit::{Random, Values};

use super::{Described, floats};
use crate::device::Session;
use crate::table::{Row, Worst};

/// m, n and k beside, on and past the edges of tiles of 16, 64 and 128.
const SHAPES: [Shape; 4] = [
    Shape { m: 1, n: 65, k: 72 },
    Shape { m: 16, n: 64, k: 64 },
    Shape { m: 65, n: 127, k: 200 },
    Shape { m: 129, n: 192, k: 97 },
];

pub(super) fn check(session: &Session) -> Result<Vec<Row>> {
    let (matmul, stream) = (Matmul::new(&session.context)?, &session.stream);
    let mut random = Random::new(1);
    SHAPES
        .into_iter()
        .map(|shape| {
            let Shape { m, n, k } = shape;
            let (x, w) = (random.halves(Values::Outliers, m * k), random.halves(Values::Uniform, n * k));
            let bias = random.halves(Values::Uniform, n);
            let (device_x, device_w) = (stream.upload(&x)?, stream.upload(&w)?);
            let device_bias = stream.upload(&bias)?;
            let mut y = stream.alloc::<f16>(m * n)?;
            let cost = session.measure(|| {
                let bias = Some(device_bias.as_slice());
                matmul.run(stream, shape, device_x.as_slice(), device_w.as_slice(), bias, &mut y.as_slice_mut())
            })?;
            let expected = reference::matmul(shape, &floats(&x), &floats(&w), &floats(&bias));
            let bounds = expected.iter().map(|e| (e.value, reference::bound(e, k, Dtype::F16)));
            let worst = Worst::of(&stream.download(y.as_slice())?, bounds);
            Ok(Row { operation: "matmul-f16".to_owned(), shape: format!("{m} x {n} x {k}"), worst, cost })
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
    let plan = Plan::aligned(&Problem::new(Shape { m, n, k })?, target, Dtype::F16, false);
    Ok(Described { plan: format!("{plan:?}"), module: module(&plan, target)?, shared_bytes: plan.shared_bytes() })
}
