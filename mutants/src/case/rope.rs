//! The rotation of q and k.

use std::sync::OnceLock;

use half::{bf16, f16};
use tilewright_attention::reference::{self, Expected};
use tilewright_attention::rope::{Angles, Pairs, RopeProblem, RopeShape, Tables};
use tilewright_attention::{Element, Layout};
use tilewright_testkit::{Random, Values};

use super::data::{Number, draw, floats};
use super::gpu::{Gpu, within};
use super::{Case, Failure, Group};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for pairs in [Pairs::Interleaved, Pairs::Halves] {
        for (batch, heads, len, dim) in [(1, 1, 1, 2), (2, 3, 5, 64), (1, 2, 33, 16), (2, 2, 7, 126), (1, 3, 8, 64)] {
            for tokens_first in [false, true] {
                let shape = RopeShape { batch, heads, len, dim };
                cases.push(case::<f16>(shape, pairs, tokens_first));
                cases.push(case::<bf16>(shape, pairs, tokens_first));
            }
        }
    }
    cases
}

struct Inputs<T> {
    problem: RopeProblem,
    x: Vec<T>,
    tables: Tables,
    /// In the order of y.
    expected: Vec<Expected>,
}

fn case<T: Number + Element>(shape: RopeShape, pairs: Pairs, tokens_first: bool) -> Case {
    let RopeShape { batch, heads, len, dim } = shape;
    let name = format!("rope {:?} {batch} x {heads} x {len} x {dim} {pairs:?}, tokens first: {tokens_first}", T::DTYPE);
    let inputs: OnceLock<Option<Inputs<T>>> = OnceLock::new();
    Case::new(Group::Attention, name, batch * heads * len * dim, move |gpu| {
        let made = inputs.get_or_init(|| Inputs::new(shape, pairs, tokens_first));
        made.as_ref().ok_or(Failure::Case("a problem that is none"))?.check(gpu)
    })
}

impl<T: Number + Element> Inputs<T> {
    /// x is heads first; y may have its tokens first.
    fn new(shape: RopeShape, pairs: Pairs, tokens_first: bool) -> Option<Self> {
        let RopeShape { batch, heads, len, dim } = shape;
        let from = Layout::heads_first(heads, len, dim);
        let to = if tokens_first { Layout::tokens_first(len, heads, dim) } else { from };
        let problem = RopeProblem::new(shape, pairs, from, to).ok()?;
        let tables = Tables::new(Angles { theta: 1e4, first_position: 3, len, dim });
        let x: Vec<T> = draw(&mut Random::new((len * dim) as u64), Values::Outliers, batch * heads * len * dim);
        let turned: Vec<Expected> = floats(&x)
            .chunks(len * dim)
            .flat_map(|head| reference::rope(head, (&tables.cos, &tables.sin), dim, pairs, T::DTYPE))
            .collect();
        let mut expected = turned.clone();
        for (at, value) in turned.into_iter().enumerate() {
            let (column, row, head, sequence) =
                (at % dim, at / dim % len, at / dim / len % heads, at / dim / len / heads);
            let place = sequence * to.batch_stride + head * to.head_stride + row * to.row_stride + column;
            *expected.get_mut(place)? = value;
        }
        Some(Self { problem, x, tables, expected })
    }

    fn check(&self, gpu: &Gpu) -> Result<(), Failure> {
        let x = gpu.input(&self.x, 0)?;
        let (cos, sin) = (gpu.input(&self.tables.cos, 0)?, gpu.input(&self.tables.sin, 0)?);
        let mut y = gpu.output::<T>(self.x.len(), 0)?;
        let tables = [cos.slice()?, sin.slice()?];
        gpu.rope()?.run(gpu.stream(), &self.problem, x.slice()?, tables, &mut y.slice_mut()?).map_err(Failure::of)?;
        within("y", &y.download(gpu)?, self.expected.iter().map(|e| (e.value, e.bound)))?;
        x.unchanged(gpu, &self.x)
    }
}
