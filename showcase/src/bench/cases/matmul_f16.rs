//! matmul-f16.

use anyhow::Result;
use half::f16;
use tilewright_ffi::DeviceSliceMut;
use tilewright_matmul_f16::{Dtype, Matmul, Shape, reference};
use tilewright_testkit::{Random, Values};

use super::{LAYERS, ROWS, SQUARES, Timed, copies, draw, gather};
use crate::bench::record::Limit;
use crate::bench::{Bench, Work};
use crate::operations::floats;

pub(super) fn run(bench: &mut Bench<'_>) -> Result<()> {
    for (n, k) in LAYERS {
        layer(bench, n, k, &ROWS)?;
    }
    let is_layer = |side: &usize| LAYERS.contains(&(*side, *side)) && ROWS.contains(side);
    SQUARES.into_iter().filter(|side| !is_layer(side)).try_for_each(|side| layer(bench, side, side, &[side]))
}

fn layer(bench: &mut Bench<'_>, n: usize, k: usize, rows: &[usize]) -> Result<()> {
    let stream = &bench.session.stream;
    let matmul = Matmul::new(&bench.session.context)?;
    let mut random = Random::new(1);
    let w = draw(n * k, |len| random.halves(Values::Uniform, len));
    let sets = bench.sets(2 * n * k);
    let device_w = copies(stream, &w, sets)?;
    for &m in rows {
        let x = draw(m * k, |len| random.halves(Values::Uniform, len));
        let device_x = stream.upload(&x)?;
        let work = Work {
            operation: "matmul-f16",
            variant: "f16".to_owned(),
            shape: format!("{m} x {n} x {k}"),
            bytes: 2 * (n * k + m * k + m * n),
            operations: 2 * m * n * k,
            units: Limit::F16,
            memory: Limit::Read,
        };
        let call = |set: usize, y: &mut DeviceSliceMut<'_, f16>| {
            Ok(matmul.run(stream, Shape { m, n, k }, device_x.as_slice(), device_w[set].as_slice(), None, y)?)
        };
        Timed::new(bench, m, n)?.run(bench, &work, sets, call, |sample| {
            let part = Shape { m: sample.rows.len(), n: sample.columns.len(), k };
            let (x, w) = (floats(&gather(&x, k, &sample.rows)), floats(&gather(&w, k, &sample.columns)));
            let expected = reference::matmul(part, &x, &w, &[]);
            Ok(expected.iter().map(|e| (e.value, reference::bound(e, k, Dtype::F16))).collect())
        })?;
    }
    Ok(())
}
