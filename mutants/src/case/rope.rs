//! The rotation of q and k.

use std::sync::OnceLock;

use half::{bf16, f16};
use tilewright_attention::reference::{self, Expected};
use tilewright_attention::rope::{Angles, Pairs, RopeProblem, RopeShape, Tables};
use tilewright_attention::{Dtype, Element, Layout};
use tilewright_testkit::{Random, Values};

use super::data::{Number, draw, floats};
use super::gpu::{Gpu, same_bits, within};
use super::{Case, Failure, Group};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for pairs in [Pairs::Interleaved, Pairs::Halves] {
        // Below the normal numbers of f32, which bf16 has.
        cases.push(case::<bf16>(RopeShape { batch: 1, heads: 1, len: 5, dim: 32 }, pairs, false, Fill::Power(-122)));
        cases.push(case::<f16>(RopeShape { batch: 1, heads: 2, len: 6, dim: 32 }, pairs, false, Fill::Ties));
        cases.push(case::<bf16>(RopeShape { batch: 1, heads: 2, len: 6, dim: 32 }, pairs, false, Fill::Ties));
        for (batch, heads, len, dim) in [(1, 1, 1, 2), (2, 3, 5, 64), (1, 2, 33, 16), (2, 2, 7, 126), (1, 3, 8, 64)] {
            for tokens_first in [false, true] {
                let shape = RopeShape { batch, heads, len, dim };
                cases.push(case::<f16>(shape, pairs, tokens_first, Fill::Power(0)));
                cases.push(case::<bf16>(shape, pairs, tokens_first, Fill::Power(0)));
            }
        }
    }
    cases
}

/// What x holds.
#[derive(Clone, Copy, Debug)]
enum Fill {
    /// Numbers of both signs times a power of two.
    Power(i32),
    /// Sums that are the middle between two results if they are rounded to nearest, and below it towards zero: the first of a pair in every other row, else the second.
    Ties,
}

struct Inputs<T> {
    problem: RopeProblem,
    x: Vec<T>,
    tables: Tables,
    /// In the order of y.
    expected: Vec<Expected>,
    /// The very results: each product, and their sum, is rounded once.
    bits: Vec<T>,
}

/// One head, by the kernel's arithmetic.
fn rotated<T: Number>(head: &[f32], tables: &Tables, dim: usize, pairs: Pairs) -> Vec<T> {
    let half = dim / 2;
    let mut turned = Vec::new();
    for (at, own) in head.iter().enumerate() {
        let (row, column) = (at / dim, at % dim);
        let (pair, is_first) = if pairs == Pairs::Interleaved {
            (column / 2, column.is_multiple_of(2))
        } else {
            (column % half, column < half)
        };
        let other = match (pairs == Pairs::Interleaved, is_first) {
            (true, true) => at + 1,
            (true, false) => at - 1,
            (false, true) => at + half,
            (false, false) => at - half,
        };
        let of = |values: &[f32], at: usize| values.get(at).copied().unwrap_or(f32::NAN);
        let (c, s) = (of(&tables.cos, row * half + pair), of(&tables.sin, row * half + pair));
        let (kept, crossed) = (own * c, of(head, other) * s);
        turned.push(T::new(f64::from(if is_first { kept - crossed } else { kept + crossed })));
    }
    turned
}

fn case<T: Number + Element>(shape: RopeShape, pairs: Pairs, tokens_first: bool, fill: Fill) -> Case {
    let RopeShape { batch, heads, len, dim } = shape;
    let name = format!(
        "rope {:?} {batch} x {heads} x {len} x {dim} {pairs:?}, tokens first: {tokens_first}, {fill:?}",
        T::DTYPE
    );
    let inputs: OnceLock<Option<Inputs<T>>> = OnceLock::new();
    Case::new(Group::Attention, name, batch * heads * len * dim, move |gpu| {
        let made = inputs.get_or_init(|| Inputs::new(shape, pairs, tokens_first, fill));
        made.as_ref().ok_or(Failure::Case("a problem that is none"))?.check(gpu)
    })
}

impl<T: Number + Element> Inputs<T> {
    /// x is heads first; y may have its tokens first.
    fn new(shape: RopeShape, pairs: Pairs, tokens_first: bool, fill: Fill) -> Option<Self> {
        let RopeShape { batch, heads, len, dim } = shape;
        let from = Layout::heads_first(heads, len, dim);
        let to = if tokens_first { Layout::tokens_first(len, heads, dim) } else { from };
        let problem = RopeProblem::new(shape, pairs, from, to).ok()?;
        let mut tables = Tables::new(Angles { theta: 1e4, first_position: 3, len, dim });
        let mut x: Vec<T> = draw(&mut Random::new((len * dim) as u64), Values::Outliers, batch * heads * len * dim);
        match fill {
            Fill::Power(exponent) => x.iter_mut().for_each(|x| *x = T::new(x.value() * 2f64.powi(exponent))),
            Fill::Ties => {
                let place = if T::DTYPE == Dtype::F16 { 2f32.powi(-10) } else { 2f32.powi(-7) };
                let half = dim / 2;
                tables.cos.fill(1.0);
                for (row, sines) in tables.sin.chunks_mut(half).enumerate() {
                    let sine = place / 2.0 - 2f32.powi(-26);
                    sines.fill(if row % 2 == 0 { sine } else { -sine });
                }
                for (at, x) in x.iter_mut().enumerate() {
                    let (row, column) = (at / dim % len, at % dim);
                    let is_second = if pairs == Pairs::Interleaved { column % 2 == 1 } else { column >= half };
                    *x = T::new(if is_second == (row % 2 == 0) { 1.0 + f64::from(place) } else { 1.0 });
                }
            }
        }
        let turned: Vec<Expected> = floats(&x)
            .chunks(len * dim)
            .flat_map(|head| reference::rope(head, (&tables.cos, &tables.sin), dim, pairs, T::DTYPE))
            .collect();
        let mut expected = turned.clone();
        let mut bits = x.clone();
        let turned_bits = floats(&x);
        let turned_bits = turned_bits.chunks(len * dim).flat_map(|head| rotated::<T>(head, &tables, dim, pairs));
        for (at, (value, rotated)) in turned.into_iter().zip(turned_bits).enumerate() {
            let (column, row, head, sequence) =
                (at % dim, at / dim % len, at / dim / len % heads, at / dim / len / heads);
            let place = sequence * to.batch_stride + head * to.head_stride + row * to.row_stride + column;
            *expected.get_mut(place)? = value;
            *bits.get_mut(place)? = rotated;
        }
        Some(Self { problem, x, tables, expected, bits })
    }

    fn check(&self, gpu: &Gpu) -> Result<(), Failure> {
        let x = gpu.input(&self.x, 0)?;
        let (cos, sin) = (gpu.input(&self.tables.cos, 0)?, gpu.input(&self.tables.sin, 0)?);
        let mut y = gpu.output::<T>(self.x.len(), 0)?;
        let tables = [cos.slice()?, sin.slice()?];
        gpu.rope()?.run(gpu.stream(), &self.problem, x.slice()?, tables, &mut y.slice_mut()?).map_err(Failure::of)?;
        let y = y.download(gpu)?;
        same_bits("y", &y, &self.bits)?;
        within("y", &y, self.expected.iter().map(|e| (e.value, e.bound)))?;
        x.unchanged(gpu, &self.x)
    }
}
