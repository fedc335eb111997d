//! Attention: every head size, both masks, shared heads, rows of any stride.

mod model;

use std::sync::OnceLock;

use half::{bf16, f16};
use tilewright_attention::reference::{self, Expected};
use tilewright_attention::{Dtype, Element, Layout, Layouts, Mask, Problem, Shape};
use tilewright_testkit::{Random, Values};

use super::data::{Number, draw, floats};
use super::gpu::{Gpu, same_bits, within};
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
    /// Large numbers in the last row of values.
    Last,
    /// Scores below zero.
    Negative,
    /// Infinities in the first row of values: a row that is read in the place of one that there is not makes NaN of them.
    Infinite,
    /// Results halfway between two numbers that are below that if a product is rounded towards zero: scores are all equal.
    Ties,
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for dim in (32..=256).step_by(16) {
        for mask in [Mask::None, Mask::Causal] {
            for (index, (heads_q, heads_kv, len_q, len_kv)) in lengths(mask).into_iter().enumerate() {
                let shape = Shape { batch: 1 + heads_kv % 2, heads_q, heads_kv, len_q, len_kv, dim };
                for offset in [0, 1] {
                    for turn in [0, 1] {
                        let fill = [Fill::Uniform, Fill::Rising, Fill::Outliers, Fill::Last, Fill::Negative]
                            [(index + 2 * turn + offset) % 5];
                        let mut scale = [None, None, Some(-0.25), None, Some(0.0)][(index + turn) % 5];
                        // Every query sees the first key.
                        let fill = if len_kv == 50 {
                            scale = Some(0.0);
                            Fill::Ties
                        } else if len_q <= len_kv && index % 3 == 1 && turn == 1 {
                            Fill::Infinite
                        } else {
                            fill
                        };
                        let how = How { offset, fill, scale, apart: index % 2 == turn };
                        cases.push(case::<f16>(shape, mask, how));
                        cases.push(case::<bf16>(shape, mask, how));
                    }
                }
            }
        }
    }
    cases
}

/// Heads of queries and of keys, queries, keys.
fn lengths(mask: Mask) -> Vec<(usize, usize, usize, usize)> {
    let mut lengths = vec![
        (1, 1, 1, 1),
        (2, 1, 1, 63),
        (2, 2, 1, 65),
        (6, 2, 3, 130),
        (3, 1, 16, 200),
        (2, 1, 5, 460),
        (5, 1, 7, 65),
        (2, 2, 2, 300),
        (1, 1, 17, 17),
        (2, 1, 64, 64),
        (4, 2, 65, 130),
        (2, 2, 129, 200),
        (1, 1, 130, 65),
        (2, 1, 90, 330),
        (1, 1, 40, 37),
        // The last tile is nearly whole.
        (1, 1, 2, 444),
        (1, 1, 20, 380),
        // 1/50 is rounded down.
        (1, 1, 16, 50),
        (1, 1, 65, 50),
    ];
    if mask == Mask::Causal {
        // Queries that see nothing beside those that do, in every row of a warp.
        lengths.extend([(2, 1, 61, 32), (1, 1, 127, 66), (1, 1, 9, 4), (1, 1, 16, 11), (3, 1, 12, 2)]);
    } else {
        // Keys end at every place of a tile.
        let ends = (0..8).flat_map(|tile| [8 * tile, 8 * tile + 1]);
        lengths.extend(ends.flat_map(|end| [(1, 1, 2, 64 + end), (1, 1, 33, end + 2)]));
    }
    lengths
}

/// How the tensors lie in memory, and what is in them.
#[derive(Clone, Copy, Debug)]
struct How {
    offset: usize,
    fill: Fill,
    scale: Option<f32>,
    /// Whether each tensor has strides of its own.
    apart: bool,
}

struct Inputs<T> {
    problem: Problem,
    q: Vec<T>,
    k: Vec<T>,
    v: Vec<T>,
    expected: OnceLock<Vec<Expected>>,
    /// The very results, by the kernel's arithmetic.
    bits: OnceLock<Option<Vec<T>>>,
}

/// Products that are not too many to be added up one by one.
const FEW_PRODUCTS: usize = 1 << 21;

fn case<T: Number + Element>(shape: Shape, mask: Mask, how: How) -> Case {
    let Shape { batch, heads_q, heads_kv, len_q, len_kv, dim } = shape;
    let name = format!(
        "attention {} {batch} x {heads_q}/{heads_kv} heads, {len_q} x {len_kv} x {dim} {mask:?} {how:?}",
        if T::DTYPE == Dtype::F16 { "f16" } else { "bf16" }
    );
    let inputs: OnceLock<Option<Inputs<T>>> = OnceLock::new();
    Case::new(Group::Attention, name, batch * heads_q * len_q * len_kv * dim, move |gpu| {
        let made = inputs.get_or_init(|| Inputs::new(shape, mask, how));
        made.as_ref().ok_or(Failure::Case("a problem that is none"))?.check(gpu, mask, how.offset)
    })
}

/// Elements from the first to the last of a tensor, and all strides different: rows and heads have room between them.
fn spread(shape: Shape, heads: usize, len: usize, room: usize) -> (Layout, usize) {
    let row_stride = shape.dim + room;
    let head_stride = len * row_stride + room;
    let batch_stride = heads * head_stride + 2 * room;
    let span = (shape.batch - 1) * batch_stride + (heads - 1) * head_stride + (len - 1) * row_stride + shape.dim;
    (Layout { batch_stride, head_stride, row_stride }, span)
}

impl<T: Number + Element> Inputs<T> {
    fn new(shape: Shape, mask: Mask, how: How) -> Option<Self> {
        let Shape { heads_q, heads_kv, len_q, len_kv, dim, .. } = shape;
        let mut problem = Problem::new(shape, mask).ok()?;
        if let Some(scale) = how.scale {
            problem = problem.with_scale(scale).ok()?;
        }
        let rooms = if how.apart { [8, 16, 24, 32] } else { [0; 4] };
        let (q_layout, q_span) = spread(shape, heads_q, len_q, rooms[0]);
        let (k_layout, k_span) = spread(shape, heads_kv, len_kv, rooms[1]);
        let (v_layout, v_span) = spread(shape, heads_kv, len_kv, rooms[2]);
        // The output has no room: what lies there would have to stay.
        let layouts = Layouts { q: q_layout, k: k_layout, v: v_layout, o: problem.layouts().o };
        problem = problem.with_layouts(layouts).ok()?;
        let mut random = Random::new((len_q * 1000 + len_kv + dim) as u64);
        let values = if how.fill == Fill::Outliers { Values::Outliers } else { Values::Uniform };
        let mut q: Vec<T> = draw(&mut random, values, q_span);
        let mut k: Vec<T> = draw(&mut random, values, k_span);
        let mut v: Vec<T> = draw(&mut random, values, v_span);
        match how.fill {
            Fill::Rising => {
                // One column decides: it is 4 in every query, and rises along the keys.
                q.iter_mut().step_by(q_layout.row_stride).for_each(|q| *q = T::new(4.0));
                for head in k.chunks_mut(k_layout.head_stride) {
                    for (place, key) in head.iter_mut().step_by(k_layout.row_stride).enumerate() {
                        let peak = len_kv * 3 / 4;
                        let height = if place < peak { place } else { (2 * peak).saturating_sub(place) };
                        *key = T::new(f64::from(u32::try_from(height).unwrap_or(0)) / 8.0);
                    }
                }
            }
            // In the last row: what is not masked shows.
            Fill::Last => {
                let row = v_layout.row_stride.min(v.len());
                v.iter_mut().rev().take(row).for_each(|value| *value = T::new(60_000.0));
            }
            Fill::Negative => {
                q.iter_mut().for_each(|q| *q = T::new(q.value().abs()));
                k.iter_mut().for_each(|k| *k = T::new(-k.value().abs()));
            }
            Fill::Infinite => {
                for head in v.chunks_mut(v_layout.head_stride) {
                    head.iter_mut().take(dim).step_by(3).for_each(|value| *value = T::new(f64::INFINITY));
                }
            }
            Fill::Ties => {
                // The next two numbers above 1: the upper one is even.
                let place = if T::DTYPE == Dtype::F16 { 2f64.powi(-10) } else { 2f64.powi(-7) };
                for (row, values) in v.chunks_mut(v_layout.row_stride).enumerate() {
                    values.fill(T::new(1.0 + place * (1.0 + super::data::ramp(row, 2))));
                }
            }
            Fill::Uniform | Fill::Outliers => {}
        }
        Some(Self { problem, q, k, v, expected: OnceLock::new(), bits: OnceLock::new() })
    }

    fn check(&self, gpu: &Gpu, mask: Mask, offset: usize) -> Result<(), Failure> {
        let Shape { batch, heads_q, len_q, dim, .. } = self.problem.shape();
        let q = gpu.input(&self.q, offset)?;
        let (k, v) = (gpu.input(&self.k, offset)?, gpu.input(&self.v, offset)?);
        let mut o = gpu.output::<T>(batch * heads_q * len_q * dim, offset)?;
        let inputs = [q.slice()?, k.slice()?, v.slice()?];
        gpu.attention()?.run(gpu.stream(), &self.problem, inputs, &mut o.slice_mut()?).map_err(Failure::of)?;
        let expected = self.expected.get_or_init(|| {
            reference::attention(&self.problem, T::DTYPE, [&floats(&self.q), &floats(&self.k), &floats(&self.v)])
        });
        let o = o.download(gpu)?;
        within("o", &o, expected.iter().map(|e| (e.value, e.bound)))?;
        // The last head, or as many as are not too many.
        let head = len_q * dim;
        let heads = (FEW_PRODUCTS / (head * self.problem.shape().len_kv)).clamp(1, batch * heads_q);
        let bits = self.bits.get_or_init(|| model::attention(&self.problem, mask, heads, [&self.q, &self.k, &self.v]));
        let bits = bits.as_ref().ok_or(Failure::Case("tensors that are too short"))?;
        same_bits("o", o.get(o.len() - bits.len()..).unwrap_or_default(), bits)?;
        q.unchanged(gpu, &self.q)?;
        k.unchanged(gpu, &self.k)?;
        v.unchanged(gpu, &self.v)
    }
}
