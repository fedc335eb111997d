//! attention, with its rotary embedding.

use anyhow::{Result, bail};
use half::f16;
use tilewright_attention::rope::{Angles, Pairs, Rope, RopePlan, RopeProblem, RopeShape, Tables};
use tilewright_attention::{Attention, Dtype, Layout, Mask, Plan, Problem, Shape, module, reference, rope};
use tilewright_ptx_ir::Target;
use tilewright_testkit::{Random, Values};

use super::{Described, floats};
use crate::device::Session;
use crate::table::{Row, Worst};

/// Lengths beside, on and past the edges of tiles of 16 queries and 64 keys; heads shared or not; more queries than keys; one query.
const SHAPES: [(Shape, Mask); 5] = [
    (Shape { batch: 1, heads_q: 4, heads_kv: 2, len_q: 1, len_kv: 129, dim: 64 }, Mask::None),
    (Shape { batch: 2, heads_q: 3, heads_kv: 1, len_q: 65, len_kv: 65, dim: 64 }, Mask::Causal),
    (Shape { batch: 1, heads_q: 1, heads_kv: 1, len_q: 33, len_kv: 64, dim: 128 }, Mask::Causal),
    (Shape { batch: 1, heads_q: 2, heads_kv: 2, len_q: 70, len_kv: 20, dim: 80 }, Mask::Causal),
    (Shape { batch: 1, heads_q: 1, heads_kv: 1, len_q: 17, len_kv: 31, dim: 256 }, Mask::None),
];

pub(super) fn check(session: &Session) -> Result<Vec<Row>> {
    let (attention, stream) = (Attention::new(&session.context)?, &session.stream);
    let mut random = Random::new(7);
    let mut rows = vec![check_rope(session)?];
    for (shape, mask) in SHAPES {
        let Shape { batch, heads_q, heads_kv, len_q, len_kv, dim } = shape;
        let q = random.halves(Values::Outliers, batch * heads_q * len_q * dim);
        let [k, v] = [0, 1].map(|_| random.halves(Values::Uniform, batch * heads_kv * len_kv * dim));
        let problem = Problem::new(shape, mask)?;
        let (device_q, device_k, device_v) = (stream.upload(&q)?, stream.upload(&k)?, stream.upload(&v)?);
        let inputs = [device_q.as_slice(), device_k.as_slice(), device_v.as_slice()];
        let mut o = stream.alloc::<f16>(q.len())?;
        let cost = session.measure(|| attention.run(stream, &problem, inputs, &mut o.as_slice_mut()))?;
        let expected = reference::attention(&problem, Dtype::F16, [&floats(&q), &floats(&k), &floats(&v)]);
        let bounds = expected.iter().map(|e| (e.value, e.bound));
        let worst = Worst::of(&stream.download(o.as_slice())?, bounds);
        let mask = if mask == Mask::Causal { ", causal" } else { "" };
        let shape = format!("{batch} x {heads_q}:{heads_kv} x {len_q}:{len_kv} x {dim}{mask}");
        rows.push(Row { operation: "attention".to_owned(), shape, worst, cost });
    }
    Ok(rows)
}

fn check_rope(session: &Session) -> Result<Row> {
    let (rope, stream) = (Rope::new(&session.context)?, &session.stream);
    let (heads, len, dim) = (3, 33, 64);
    let x = Random::new(8).halves(Values::Outliers, heads * len * dim);
    let tables = Tables::new(Angles { theta: 1e5, first_position: 0, len, dim });
    let layout = Layout::heads_first(heads, len, dim);
    let problem = RopeProblem::new(RopeShape { batch: 1, heads, len, dim }, Pairs::Interleaved, layout, layout)?;
    let (device_x, cos, sin) = (stream.upload(&x)?, stream.upload(&tables.cos)?, stream.upload(&tables.sin)?);
    let mut y = stream.alloc::<f16>(x.len())?;
    let turns = [cos.as_slice(), sin.as_slice()];
    let cost = session.measure(|| rope.run(stream, &problem, device_x.as_slice(), turns, &mut y.as_slice_mut()))?;
    let expected: Vec<_> = floats(&x)
        .chunks(len * dim)
        .flat_map(|head| reference::rope(head, (&tables.cos, &tables.sin), dim, Pairs::Interleaved, Dtype::F16))
        .map(|e| (e.value, e.bound))
        .collect();
    let worst = Worst::of(&stream.download(y.as_slice())?, expected);
    Ok(Row { operation: "attention (rope)".to_owned(), shape: format!("{heads} x {len} x {dim}"), worst, cost })
}

pub(super) fn modules(target: Target) -> Result<Vec<Described>> {
    let attention = Plan::all().into_iter().map(|plan| {
        let module = module(&plan, target)?;
        Ok(Described { plan: format!("{plan:?}"), module, shared_bytes: plan.shared_bytes() })
    });
    let rope = RopePlan::all().into_iter().map(|plan| {
        let module = rope::module(&plan, target)?;
        Ok(Described { plan: format!("{plan:?}"), module, shared_bytes: 0 })
    });
    attention.chain(rope).collect()
}

pub(super) fn planned(target: Target, shape: &[usize]) -> Result<Described> {
    let &[batch, heads_q, heads_kv, len_q, len_kv, dim] = shape else { bail!("a shape of six numbers is wanted") };
    let problem = Problem::new(Shape { batch, heads_q, heads_kv, len_q, len_kv, dim }, Mask::Causal)?;
    let plan = Plan::aligned(&problem, Dtype::F16);
    Ok(Described { plan: format!("{plan:?}"), module: module(&plan, target)?, shared_bytes: plan.shared_bytes() })
}
