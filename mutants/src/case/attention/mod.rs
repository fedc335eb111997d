//! Attention: every head size, both masks, shared heads, rows of any stride.

mod edge;
mod fill;
mod model;

use std::sync::OnceLock;

use half::{bf16, f16};
use tilewright_attention::reference::{self, Expected};
use tilewright_attention::{Dtype, Element, Layout, Layouts, Mask, Problem, Shape};
use tilewright_testkit::{Random, Values};

use super::data::{Number, draw, floats};
use super::gpu::{Gpu, same_bits, within};
use super::{Case, Failure, Group};
use fill::Fill;

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
            for fill in Fill::SPECIAL {
                for queries in fill.queries() {
                    let queries = *queries;
                    let shape =
                        Shape { batch: 1, heads_q: 1, heads_kv: 1, len_q: queries, len_kv: fill.keys(queries), dim };
                    for offset in [0, 1] {
                        let how = How { offset, fill, scale: fill.scale(), apart: false };
                        // Numbers that f16 does not have.
                        if !fill.is_wide() {
                            cases.push(case::<f16>(shape, mask, how));
                        }
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
    // In the first tile, and in one that is copied when others are in use.
    lengths.extend((0..8).map(|tile| (1, 1, 9, 4 + 8 * tile)));
    lengths.extend((0..8).map(|tile| (1, 1, 20, 68 + 8 * tile)));
    if mask == Mask::Causal {
        // Queries that see nothing beside those that do, in every row of a warp.
        let ends = (0..8).map(|tile| 67 + 8 * tile);
        lengths.extend(ends.map(|end| (1, 1, 16, end)));
        lengths.push((1, 1, 16, 78));
        // Many heads that share keys, of which the first query sees one fewer.
        lengths.push((34, 1, 2, 64));
        lengths.extend([(2, 1, 61, 32), (1, 1, 127, 66), (1, 1, 9, 4), (1, 1, 16, 11), (3, 1, 12, 2)]);
    } else {
        // Keys end at every place of a tile.
        let ends = (0..8).flat_map(|tile| [8 * tile, 8 * tile + 1]);
        lengths.extend(ends.flat_map(|end| [(1, 1, 16, 64 + end), (1, 1, 33, end + 2)]));
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
    /// Whether the oracle's bound says nothing of them.
    is_extreme: bool,
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
    // `Plan::new`: all that decides which kernel is built.
    let rows = if len_q <= 16 { "few" } else { "many" };
    let plan = format!("{:?} {dim} {rows}, {} elements behind 16 bytes, {mask:?}", T::DTYPE, how.offset);
    let inputs: OnceLock<Option<Inputs<T>>> = OnceLock::new();
    let case = Case::new(Group::Attention, name, batch * heads_q * len_q * len_kv * dim, move |gpu| {
        let made = inputs.get_or_init(|| Inputs::new(shape, mask, how));
        made.as_ref().ok_or(Failure::Case("a problem that is none"))?.check(gpu, mask, how.offset)
    });
    case.with_plan(Some(plan))
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
        fill::fill(how.fill, [q_layout, k_layout, v_layout], [&mut q, &mut k, &mut v], [len_kv, dim])?;
        Some(Self {
            problem,
            q,
            k,
            v,
            is_extreme: how.fill.is_extreme(),
            expected: OnceLock::new(),
            bits: OnceLock::new(),
        })
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
        if !self.is_extreme {
            within("o", &o, expected.iter().map(|e| (e.value, e.bound)))?;
        }
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
