//! matmul-int8 and matmul-w8a16.

use anyhow::Result;
use tilewright_ffi::DeviceSliceMut;
use tilewright_matmul_int8::{Matmul, Operands, Output, ScalesOf, Shape, Weight, reference};
use tilewright_quant_pack::{Granularity, Int8, Shape as WeightShape};
use tilewright_testkit::{Random, Values};

use super::{LAYERS, ROWS, SQUARES, Timed, copies, draw, gather};
use crate::bench::record::Limit;
use crate::bench::{Bench, Work};
use crate::operations::floats;

pub(super) fn run_w8a8(bench: &mut Bench<'_>) -> Result<()> {
    for (n, k) in LAYERS {
        scaled(bench, n, k)?;
    }
    SQUARES.into_iter().try_for_each(|side| sums(bench, side))
}

/// Sums without scales, as they come from the tensor cores.
fn sums(bench: &mut Bench<'_>, side: usize) -> Result<()> {
    let stream = &bench.session.stream;
    let matmul = Matmul::new(&bench.session.context)?;
    let shape = Shape { m: side, n: side, k: side };
    let mut random = Random::new(2);
    let (x, w) = (draw(side * side, |len| random.bytes(len)), draw(side * side, |len| random.bytes(len)));
    let sets = bench.sets(side * side);
    let (device_x, device_w) = (stream.upload(&x)?, copies(stream, &w, sets)?);
    let work = Work {
        operation: "matmul-int8",
        variant: "i32 sums".to_owned(),
        shape: format!("{side} x {side} x {side}"),
        bytes: 6 * side * side,
        operations: 2 * side * side * side,
        units: Limit::Int8,
        memory: Limit::Read,
    };
    let call = |set: usize, y: &mut DeviceSliceMut<'_, i32>| {
        let operands = Operands { x: device_x.as_slice(), w: device_w[set].as_slice() };
        Ok(matmul.w8a8_sums(stream, shape, operands, y)?)
    };
    Timed::new(bench, side, side)?.run(bench, &work, sets, call, |sample| {
        let part = Shape { m: sample.rows.len(), n: sample.columns.len(), k: side };
        let exact = reference::sums(part, &gather(&x, side, &sample.rows), &gather(&w, side, &sample.columns));
        #[expect(clippy::cast_precision_loss, reason = "sums fit an i32")]
        Ok(exact.iter().map(|sum| (*sum as f64, 0.0)).collect())
    })
}

/// One scale a row of x and a row of w, results in f16.
fn scaled(bench: &mut Bench<'_>, n: usize, k: usize) -> Result<()> {
    let stream = &bench.session.stream;
    let matmul = Matmul::new(&bench.session.context)?;
    let mut random = Random::new(3);
    let (w, w_scale) = (draw(n * k, |len| random.bytes(len)), random.floats(Values::Uniform, n));
    let sets = bench.sets(n * k);
    let (device_w, device_w_scale) = (copies(stream, &w, sets)?, stream.upload(&w_scale)?);
    for m in ROWS {
        let x = draw(m * k, |len| random.bytes(len));
        let x_scale: Vec<f32> = random.floats(Values::Uniform, m).iter().map(|scale| scale * 1e-3).collect();
        let (device_x, device_x_scale) = (stream.upload(&x)?, stream.upload(&x_scale)?);
        let scales = ScalesOf { x: device_x_scale.as_slice(), w: device_w_scale.as_slice() };
        let work = Work {
            operation: "matmul-int8",
            variant: "scales, f16".to_owned(),
            shape: format!("{m} x {n} x {k}"),
            bytes: n * k + m * k + 2 * m * n + 4 * (m + n),
            operations: 2 * m * n * k,
            units: Limit::Int8,
            memory: Limit::Read,
        };
        let call = |set: usize, y: &mut DeviceSliceMut<'_, half::f16>| {
            let operands = Operands { x: device_x.as_slice(), w: device_w[set].as_slice() };
            Ok(matmul.w8a8(stream, Shape { m, n, k }, operands, scales, y)?)
        };
        Timed::new(bench, m, n)?.run(bench, &work, sets, call, |sample| {
            let part = Shape { m: sample.rows.len(), n: sample.columns.len(), k };
            let (x, w) = (gather(&x, k, &sample.rows), gather(&w, k, &sample.columns));
            let (x_scale, w_scale) = (gather(&x_scale, 1, &sample.rows), gather(&w_scale, 1, &sample.columns));
            let expected = reference::w8a8(part, &x, &w, &x_scale, &w_scale);
            Ok(expected.iter().map(|e| (e.value, reference::w8a8_bound(e, Output::F16))).collect())
        })?;
    }
    Ok(())
}

pub(super) fn run_w8a16(bench: &mut Bench<'_>) -> Result<()> {
    LAYERS.into_iter().try_for_each(|(n, k)| w8a16(bench, n, k))
}

fn w8a16(bench: &mut Bench<'_>, n: usize, k: usize) -> Result<()> {
    let stream = &bench.session.stream;
    let matmul = Matmul::new(&bench.session.context)?;
    let mut random = Random::new(4);
    let weight = random_int8(&mut random, n, k)?;
    let sets = bench.sets(n * k);
    let weights = (0..sets).map(|_| Ok(Weight::load(stream, &weight)?)).collect::<Result<Vec<_>>>()?;
    for m in ROWS {
        let x = draw(m * k, |len| random.halves(Values::Uniform, len));
        let device_x = stream.upload(&x)?;
        let work = Work {
            operation: "matmul-w8a16",
            variant: "a scale a row".to_owned(),
            shape: format!("{m} x {n} x {k}"),
            bytes: n * k + 2 * (m * k + m * n) + 4 * n,
            operations: 2 * m * n * k,
            units: Limit::F16,
            memory: Limit::Read,
        };
        let call = |set: usize, y: &mut DeviceSliceMut<'_, half::f16>| {
            Ok(matmul.w8a16(stream, m, device_x.as_slice(), &weights[set], y)?)
        };
        Timed::new(bench, m, n)?.run(bench, &work, sets, call, |sample| {
            let x = floats(&gather(&x, k, &sample.rows));
            Ok(expected_int8(&x, sample.rows.len(), &weight, &sample.columns))
        })?;
    }
    Ok(())
}

/// Random bytes with a scale a row.
pub(super) fn random_int8(random: &mut Random, n: usize, k: usize) -> Result<Int8> {
    let values = draw(n * k, |len| random.bytes(len));
    let scales = random.floats(Values::Uniform, n).iter().map(|scale| scale * 1e-2).collect();
    Ok(Int8::from_parts(WeightShape { n, k }, Granularity::PerChannel, values, scales)?)
}

/// `m` rows of x by some rows of the weight.
pub(super) fn expected_int8(x: &[f32], m: usize, weight: &Int8, rows: &[usize]) -> Vec<(f64, f64)> {
    let k = weight.shape().k;
    let (w, scales) = (gather(weight.values(), k, rows), gather(weight.scales(), 1, rows));
    let expected = reference::w8a16(Shape { m, n: rows.len(), k }, x, &w, &scales);
    expected.iter().map(|e| (e.value, reference::w8a16_bound(e, k))).collect()
}
