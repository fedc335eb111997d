//! qkv-int4 and qkv-int8; q is checked, all three are timed.

use anyhow::Result;
use half::f16;
use tilewright_qkv_fused::{Outputs, QkvFused, QkvWeights};
use tilewright_testkit::{Random, Values};

use super::matmul_int4::RandomInt4;
use super::matmul_int8::{expected_int8, random_int8};
use super::{Timed, gather};
use crate::bench::record::Limit;
use crate::bench::{Bench, Work};
use crate::operations::floats;

const K: usize = 4096;
/// n_q and n_kv: as many heads of keys as of queries, and a quarter.
const COLUMNS: [(usize, usize); 2] = [(4096, 4096), (4096, 1024)];
const ROWS: [usize; 6] = [1, 16, 64, 512, 2048, 4096];

/// What is timed, apart from the weights' type.
struct Case<'a> {
    operation: &'static str,
    variant: &'static str,
    columns: (usize, usize),
    weight_bytes: usize,
    weights: &'a [QkvWeights],
}

pub(super) fn run_int4(bench: &mut Bench<'_>) -> Result<()> {
    for columns in COLUMNS {
        let mut random = Random::new(6);
        let [q, k, v] = [columns.0, columns.1, columns.1].map(|n| RandomInt4::new(&mut random, n, K));
        let (q, k, v) = (q?, k?, v?);
        let weight_bytes = q.bytes() + k.bytes() + v.bytes();
        let weights = (0..bench.sets(weight_bytes))
            .map(|_| Ok(QkvWeights::load_int4(&bench.session.stream, [&q.packed, &k.packed, &v.packed])?))
            .collect::<Result<Vec<_>>>()?;
        let case = Case { operation: "qkv-int4", variant: "group 128", columns, weight_bytes, weights: &weights };
        case.run(bench, |x, m, rows| q.expected(x, m, rows))?;
    }
    Ok(())
}

pub(super) fn run_int8(bench: &mut Bench<'_>) -> Result<()> {
    for columns in COLUMNS {
        let mut random = Random::new(7);
        let [q, k, v] = [columns.0, columns.1, columns.1].map(|n| random_int8(&mut random, n, K));
        let (q, k, v) = (q?, k?, v?);
        let weight_bytes = (columns.0 + 2 * columns.1) * (K + 4);
        let weights = (0..bench.sets(weight_bytes))
            .map(|_| Ok(QkvWeights::load_int8(&bench.session.stream, [&q, &k, &v])?))
            .collect::<Result<Vec<_>>>()?;
        let case = Case { operation: "qkv-int8", variant: "a scale a row", columns, weight_bytes, weights: &weights };
        case.run(bench, |x, m, rows| Ok(expected_int8(x, m, &q, rows)))?;
    }
    Ok(())
}

impl Case<'_> {
    /// `expected` is for rows of x and some rows of q's weight.
    fn run(
        &self,
        bench: &mut Bench<'_>,
        expected: impl Fn(&[f32], usize, &[usize]) -> Result<Vec<(f64, f64)>>,
    ) -> Result<()> {
        let (stream, qkv) = (&bench.session.stream, QkvFused::new(&bench.session.context)?);
        let (n_q, n_kv) = self.columns;
        let n = n_q + 2 * n_kv;
        let mut random = Random::new(8);
        for m in ROWS {
            let x = random.halves(Values::Uniform, m * K);
            let device_x = stream.upload(&x)?;
            let (mut k, mut v) = (stream.alloc::<f16>(m * n_kv)?, stream.alloc::<f16>(m * n_kv)?);
            let work = Work {
                operation: self.operation,
                variant: self.variant.to_owned(),
                shape: format!("{m} x ({n_q} + 2 · {n_kv}) x {K}"),
                bytes: self.weight_bytes + 2 * (m * K + m * n),
                operations: 2 * m * n * K,
                units: Limit::F16,
                memory: Limit::Read,
            };
            let call = |set: usize, q: &mut tilewright_ffi::DeviceSliceMut<'_, f16>| {
                // As short a borrow as those of k and v.
                let mut q = q.slice(0..m * n_q)?;
                let outputs = Outputs { q: &mut q, k: &mut k.as_slice_mut(), v: &mut v.as_slice_mut() };
                Ok(qkv.run(stream, m, device_x.as_slice(), &self.weights[set], outputs)?)
            };
            Timed::new(bench, m, n_q)?.run(bench, &work, self.weights.len(), call, |sample| {
                expected(&floats(&gather(&x, K, &sample.rows)), sample.rows.len(), &sample.columns)
            })?;
        }
        Ok(())
    }
}
