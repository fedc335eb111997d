//! matmul-int4.

use anyhow::Result;
use half::f16;
use tilewright_ffi::DeviceSliceMut;
use tilewright_matmul_int4::{Matmul, Shape, Weight, reference};
use tilewright_quant_pack::{Group, Int4, Shape as WeightShape};
use tilewright_testkit::{Random, Values};

use super::{LAYERS, ROWS, Timed, draw, gather};
use crate::bench::record::Limit;
use crate::bench::{Bench, Work};
use crate::operations::floats;

const GROUP: usize = 128;

pub(super) fn run(bench: &mut Bench<'_>) -> Result<()> {
    LAYERS.into_iter().try_for_each(|(n, k)| layer(bench, n, k))
}

fn layer(bench: &mut Bench<'_>, n: usize, k: usize) -> Result<()> {
    let stream = &bench.session.stream;
    let matmul = Matmul::new(&bench.session.context)?;
    let mut random = Random::new(5);
    let weight = RandomInt4::new(&mut random, n, k)?;
    let sets = bench.sets(weight.bytes());
    let weights = (0..sets).map(|_| Ok(Weight::load(stream, &weight.packed)?)).collect::<Result<Vec<_>>>()?;
    for m in ROWS {
        let x = draw(m * k, |len| random.halves(Values::Uniform, len));
        let device_x = stream.upload(&x)?;
        let work = Work {
            operation: "matmul-int4",
            variant: format!("group {GROUP}"),
            shape: format!("{m} x {n} x {k}"),
            bytes: weight.bytes() + 2 * (m * k + m * n),
            operations: 2 * m * n * k,
            units: Limit::F16,
            memory: Limit::Read,
        };
        let call = |set: usize, y: &mut DeviceSliceMut<'_, f16>| {
            Ok(matmul.run(stream, m, device_x.as_slice(), &weights[set], y)?)
        };
        Timed::new(bench, m, n)?.run(bench, &work, sets, call, |sample| {
            weight.expected(&floats(&gather(&x, k, &sample.rows)), sample.rows.len(), &sample.columns)
        })?;
    }
    Ok(())
}

/// Random nibbles and scales.
pub(super) struct RandomInt4 {
    values: Vec<i8>,
    pub(super) packed: Int4,
}

impl RandomInt4 {
    pub(super) fn new(random: &mut Random, n: usize, k: usize) -> Result<Self> {
        let values: Vec<i8> = draw(n * k, |len| random.bytes(len)).into_iter().map(|byte| byte >> 4).collect();
        let scales = (0..n * (k / GROUP)).map(|_| f16::from_f32(random.unit() * 1e-2)).collect();
        let packed = Int4::pack(&values, WeightShape { n, k }, Group::new(GROUP)?, scales)?;
        Ok(Self { values, packed })
    }

    /// Nibbles and scales.
    pub(super) fn bytes(&self) -> usize {
        self.values.len() / 2 + 2 * self.packed.scales().len()
    }

    /// `m` rows of x by some rows of the weight.
    pub(super) fn expected(&self, x: &[f32], m: usize, rows: &[usize]) -> Result<Vec<(f64, f64)>> {
        let WeightShape { n, k } = self.packed.shape();
        let (groups, all) = (k / GROUP, self.packed.scales());
        let scales = (0..groups).flat_map(|group| rows.iter().map(move |row| all[group * n + row])).collect();
        let shape = WeightShape { n: rows.len(), k };
        let part = Int4::pack(&gather(&self.values, k, rows), shape, self.packed.group(), scales)?;
        let expected = reference::matmul(Shape { m, n: rows.len(), k }, x, &part);
        Ok(expected.iter().map(|e| (e.value, reference::bound(e, k, groups))).collect())
    }
}
