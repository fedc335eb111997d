//! qkv-int4 and qkv-int8; q is checked, all three are timed.

use anyhow::Result;
use half::f16;
use tilewright_ffi::{DeviceSlice, DeviceSliceMut};
use tilewright_qkv_fused::{Outputs, QkvFused, QkvWeights, Schedule};
use tilewright_testkit::{Random, Values};
use {tilewright_matmul_int4 as int4, tilewright_matmul_int8 as int8};

use super::matmul_int4::RandomInt4;
use super::matmul_int8::{expected_int8, random_int8};
use super::{Timed, draw, gather};
use crate::bench::record::Limit;
use crate::bench::{Bench, Work};
use crate::operations::floats;

const K: usize = 4096;
/// n_q and n_kv: as many heads of keys as of queries, and a quarter.
const COLUMNS: [(usize, usize); 2] = [(4096, 4096), (4096, 1024)];
const ROWS: [usize; 6] = [1, 16, 64, 512, 2048, 4096];

/// Rows for which the schedules that are not the default are timed as well.
const SCHEDULED: [usize; 3] = [64, 512, 2048];

/// What is timed, apart from the weights' type.
struct Case<'a> {
    operation: &'static str,
    columns: (usize, usize),
    weight_bytes: usize,
    weights: &'a [QkvWeights],
}

pub(super) fn run_int4(bench: &mut Bench<'_>) -> Result<()> {
    for columns in COLUMNS {
        let stream = &bench.session.stream;
        let mut random = Random::new(6);
        let parts = [columns.0, columns.1, columns.1].map(|n| RandomInt4::new(&mut random, n, K));
        let [q, k, v] = parts;
        let parts = [q?, k?, v?];
        let weight_bytes = parts.iter().map(RandomInt4::bytes).sum();
        let sets = 0..bench.sets(weight_bytes);
        let packed = parts.each_ref().map(|part| &part.packed);
        let weights = sets.clone().map(|_| Ok(QkvWeights::load_int4(stream, packed)?)).collect::<Result<Vec<_>>>()?;
        let case = Case { operation: "qkv-int4", columns, weight_bytes, weights: &weights };
        let expected = |x: &[f32], m: usize, rows: &[usize]| parts[0].expected(x, m, rows);
        case.fused(bench, &expected)?;

        let single = |part: &RandomInt4| Ok(int4::Weight::load(stream, &part.packed)?);
        let singles = sets.map(|_| parts.iter().map(single).collect()).collect::<Result<Vec<Vec<_>>>>()?;
        let matmul = int4::Matmul::new(&bench.session.context)?;
        case.three(bench, &expected, |m, x, set, index, y| Ok(matmul.run(stream, m, x, &singles[set][index], y)?))?;
    }
    Ok(())
}

pub(super) fn run_int8(bench: &mut Bench<'_>) -> Result<()> {
    for columns in COLUMNS {
        let stream = &bench.session.stream;
        let mut random = Random::new(7);
        let [q, k, v] = [columns.0, columns.1, columns.1].map(|n| random_int8(&mut random, n, K));
        let parts = [q?, k?, v?];
        let weight_bytes = (columns.0 + 2 * columns.1) * (K + 4);
        let sets = 0..bench.sets(weight_bytes);
        let load = |_| Ok(QkvWeights::load_int8(stream, parts.each_ref())?);
        let weights = sets.clone().map(load).collect::<Result<Vec<_>>>()?;
        let case = Case { operation: "qkv-int8", columns, weight_bytes, weights: &weights };
        let expected = |x: &[f32], m: usize, rows: &[usize]| Ok(expected_int8(x, m, &parts[0], rows));
        case.fused(bench, &expected)?;

        let single = |part| Ok(int8::Weight::load(stream, part)?);
        let singles = sets.map(|_| parts.iter().map(single).collect()).collect::<Result<Vec<Vec<_>>>>()?;
        let matmul = int8::Matmul::new(&bench.session.context)?;
        case.three(bench, &expected, |m, x, set, index, y| Ok(matmul.w8a16(stream, m, x, &singles[set][index], y)?))?;
    }
    Ok(())
}

/// Value and bound for rows of x by some rows of q's weight.
type Expected<'a> = &'a dyn Fn(&[f32], usize, &[usize]) -> Result<Vec<(f64, f64)>>;

impl Case<'_> {
    fn work(&self, variant: &str, m: usize) -> Work {
        let (n_q, n_kv) = self.columns;
        let n = n_q + 2 * n_kv;
        Work {
            operation: self.operation,
            variant: variant.to_owned(),
            shape: format!("{m} x ({n_q} + 2 · {n_kv}) x {K}"),
            bytes: self.weight_bytes + 2 * (m * K + m * n),
            operations: 2 * m * n * K,
            units: Limit::F16,
            memory: Limit::Read,
        }
    }

    /// One launch, in every schedule.
    fn fused(&self, bench: &mut Bench<'_>, expected: Expected<'_>) -> Result<()> {
        let (n_q, n_kv) = self.columns;
        let stream = &bench.session.stream;
        for schedule in Schedule::ALL {
            let qkv = QkvFused::new(&bench.session.context)?.with_schedule(schedule);
            let rows: &[usize] = if schedule == Schedule::default() { &ROWS } else { &SCHEDULED };
            for &m in rows {
                let x = draw(m * K, |len| Random::new(8).halves(Values::Uniform, len));
                let device_x = stream.upload(&x)?;
                let (mut k, mut v) = (stream.alloc::<f16>(m * n_kv)?, stream.alloc::<f16>(m * n_kv)?);
                let call = |set: usize, q: &mut DeviceSliceMut<'_, f16>| {
                    // As short a borrow as those of k and v.
                    let mut q = q.slice(0..m * n_q)?;
                    let outputs = Outputs { q: &mut q, k: &mut k.as_slice_mut(), v: &mut v.as_slice_mut() };
                    Ok(qkv.run(stream, m, device_x.as_slice(), &self.weights[set], outputs)?)
                };
                let work = self.work(&format!("{schedule:?}"), m);
                Timed::new(bench, m, n_q)?.run(bench, &work, self.weights.len(), call, |sample| {
                    expected(&floats(&gather(&x, K, &sample.rows)), sample.rows.len(), &sample.columns)
                })?;
            }
        }
        Ok(())
    }

    /// Three launches of a product each: `product(m, x, set, projection, result)`.
    fn three(
        &self,
        bench: &mut Bench<'_>,
        expected: Expected<'_>,
        product: impl Fn(usize, DeviceSlice<'_, f16>, usize, usize, &mut DeviceSliceMut<'_, f16>) -> Result<()>,
    ) -> Result<()> {
        let (n_q, n_kv) = self.columns;
        let stream = &bench.session.stream;
        for m in ROWS {
            let x = draw(m * K, |len| Random::new(8).halves(Values::Uniform, len));
            let device_x = stream.upload(&x)?;
            let (mut k, mut v) = (stream.alloc::<f16>(m * n_kv)?, stream.alloc::<f16>(m * n_kv)?);
            let call = |set: usize, q: &mut DeviceSliceMut<'_, f16>| {
                product(m, device_x.as_slice(), set, 0, q)?;
                product(m, device_x.as_slice(), set, 1, &mut k.as_slice_mut())?;
                product(m, device_x.as_slice(), set, 2, &mut v.as_slice_mut())
            };
            let work = self.work("three products", m);
            Timed::new(bench, m, n_q)?.run(bench, &work, self.weights.len(), call, |sample| {
                expected(&floats(&gather(&x, K, &sample.rows)), sample.rows.len(), &sample.columns)
            })?;
        }
        Ok(())
    }
}
