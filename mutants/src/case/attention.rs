//! Attention: every head size, both masks, shared heads, rows of any stride.

use std::sync::OnceLock;

use half::{bf16, f16};
use tilewright_attention::reference::{self, Expected};
use tilewright_attention::{Dtype, Element, Mask, Problem, Shape};
use tilewright_testkit::{Random, Values};

use super::data::{Number, draw, floats};
use super::gpu::{Gpu, within};
use super::{Case, Failure, Group};

/// What q, k and v hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fill {
    /// Small numbers of both signs.
    Uniform,
    /// Scores that grow along the keys, so that every tile has a larger peak than those before, and fall again.
    Rising,
    /// Some large ones.
    Outliers,
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for dim in (32..=256).step_by(16) {
        for mask in [Mask::None, Mask::Causal] {
            for (heads_q, heads_kv, len_q, len_kv) in [
                (1, 1, 1, 1),
                (2, 1, 1, 63),
                (2, 2, 1, 65),
                (6, 2, 3, 130),
                (3, 1, 16, 200),
                (2, 1, 5, 460),
                (5, 1, 7, 65),
                (1, 1, 17, 17),
                (2, 1, 64, 64),
                (4, 2, 65, 130),
                (2, 2, 129, 200),
                (1, 1, 130, 65),
            ] {
                let shape = Shape { batch: 1 + heads_kv % 2, heads_q, heads_kv, len_q, len_kv, dim };
                for offset in [0, 1] {
                    for fill in [Fill::Uniform, Fill::Rising, Fill::Outliers] {
                        cases.push(case::<f16>(shape, mask, offset, fill));
                        cases.push(case::<bf16>(shape, mask, offset, fill));
                    }
                }
            }
        }
    }
    cases
}

struct Inputs<T> {
    problem: Problem,
    q: Vec<T>,
    k: Vec<T>,
    v: Vec<T>,
    expected: Vec<Expected>,
}

fn case<T: Number + Element>(shape: Shape, mask: Mask, offset: usize, fill: Fill) -> Case {
    let Shape { batch, heads_q, heads_kv, len_q, len_kv, dim } = shape;
    let name = format!(
        "attention {} {batch} x {heads_q}/{heads_kv} heads, {len_q} x {len_kv} x {dim} {mask:?} {fill:?} at {offset}",
        if T::DTYPE == Dtype::F16 { "f16" } else { "bf16" }
    );
    let inputs: OnceLock<Option<Inputs<T>>> = OnceLock::new();
    Case::new(Group::Attention, name, move |gpu| {
        let made = inputs.get_or_init(|| Inputs::new(shape, mask, fill));
        made.as_ref().ok_or(Failure::Case("a problem that is none"))?.check(gpu, offset)
    })
}

impl<T: Number + Element> Inputs<T> {
    fn new(shape: Shape, mask: Mask, fill: Fill) -> Option<Self> {
        let Shape { batch, heads_q, heads_kv, len_q, len_kv, dim } = shape;
        let problem = Problem::new(shape, mask).ok()?;
        let mut random = Random::new((len_q * 1000 + len_kv + dim) as u64);
        let values = if fill == Fill::Outliers { Values::Outliers } else { Values::Uniform };
        let q: Vec<T> = draw(&mut random, values, batch * heads_q * len_q * dim);
        let mut k: Vec<T> = draw(&mut random, values, batch * heads_kv * len_kv * dim);
        let v: Vec<T> = draw(&mut random, values, batch * heads_kv * len_kv * dim);
        let mut q = q;
        if fill == Fill::Rising {
            // One column decides: it is 1 in every query, and rises along the keys.
            q.iter_mut().step_by(dim).for_each(|q| *q = T::new(4.0));
            for (at, key) in k.iter_mut().step_by(dim).enumerate() {
                let place = at % len_kv;
                let height = if place < len_kv * 3 / 4 { place } else { 2 * (len_kv * 3 / 4) - place };
                *key = T::new(f64::from(u32::try_from(height).unwrap_or(0)) / 8.0);
            }
        }
        let expected = reference::attention(&problem, T::DTYPE, [&floats(&q), &floats(&k), &floats(&v)]);
        Some(Self { problem, q, k, v, expected })
    }

    fn check(&self, gpu: &Gpu, offset: usize) -> Result<(), Failure> {
        let q = gpu.input(&self.q, offset)?;
        let (k, v) = (gpu.input(&self.k, offset)?, gpu.input(&self.v, offset)?);
        let mut o = gpu.output::<T>(self.q.len(), offset)?;
        let inputs = [q.slice()?, k.slice()?, v.slice()?];
        gpu.attention()?.run(gpu.stream(), &self.problem, inputs, &mut o.slice_mut()?).map_err(Failure::of)?;
        within("o", &o.download(gpu)?, self.expected.iter().map(|e| (e.value, e.bound)))?;
        q.unchanged(gpu, &self.q)?;
        k.unchanged(gpu, &self.k)?;
        v.unchanged(gpu, &self.v)
    }
}
