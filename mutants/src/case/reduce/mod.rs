//! Softmax, norms, quantization and reductions of rows.

mod model;

pub(super) use model::exp2;

use std::sync::OnceLock;

use half::{bf16, f16};
use tilewright_reduce::reference::{self, Expected};
use tilewright_reduce::{Affine, Dtype, Operation, Plan, Quantized, Real, Shape};
use tilewright_testkit::{Random, Values};

use super::data::{Number, draw, floats};
use super::gpu::{Gpu, same_bits, within};
use super::{Case, Failure, Group};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Softmax,
    RmsNorm,
    LayerNorm { bias: bool },
    Quantize,
    RmsNormQuantize,
    Sum,
    Max,
    Min,
}

const OPS: [Op; 9] = [
    Op::Softmax,
    Op::RmsNorm,
    Op::LayerNorm { bias: false },
    Op::LayerNorm { bias: true },
    Op::Quantize,
    Op::RmsNormQuantize,
    Op::Sum,
    Op::Max,
    Op::Min,
];

/// What x holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fill {
    /// Mostly small numbers of both signs, some large ones.
    Outliers,
    /// Whole numbers, so that sums are exact.
    Integers,
    /// The same, with an extreme element at another place in every row.
    Peaks,
    /// The same places, with NaN.
    Nans,
    /// A NaN in one row, infinities in others.
    Special,
    /// Zeros of both signs, and numbers below the normal ones.
    Tiny,
    /// The same without an epsilon, so that a sum of nothing shows.
    Bare,
    /// Numbers whose squares are below the normal ones, without an epsilon.
    Roots,
    /// Numbers of all sizes, so that every sum is rounded.
    Mixed,
    /// The largest is one of the row's first, each in its turn.
    First,
    /// 3a/2 and a/2 with a mean square of a², without an epsilon: halfway between two numbers of 16 bits if the first product is rounded to nearest.
    Ties,
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    add_of::<f32>(&mut cases);
    add_of::<f16>(&mut cases);
    add_of::<bf16>(&mut cases);
    cases
}

/// The last columns of the rows that each arrangement of threads takes.
fn edges(dtype: Dtype) -> Vec<usize> {
    let problem = |columns| Shape { rows: 1, columns }.check();
    let plan = |columns| problem(columns).map(|problem| Plan::new(Operation::Sum, dtype, problem, true)).ok();
    let lanes = dtype.lanes() as usize;
    let mut edges = Vec::new();
    for power in 5..18 {
        let columns = (lanes << power) / 4 * 4;
        let (here, next) = (plan(columns), plan(columns + lanes));
        if here.zip(next).is_some_and(|(here, next)| (here.team, here.row) != (next.team, next.row)) {
            edges.push(columns);
        }
    }
    edges
}

/// Columns of a step of all threads.
fn width<T: Real>(columns: usize) -> usize {
    let problem = Shape { rows: 1, columns }.check();
    let threads = problem.map_or(32, |problem| Plan::new(Operation::Sum, T::DTYPE, problem, true).team.threads());
    threads as usize * T::DTYPE.lanes() as usize
}

/// An even number, the significand of a T times 2^-10 or 2^-7 with it, whose inverse is rounded down.
fn ties<T: Real>() -> (f64, f64) {
    let size = if T::DTYPE == Dtype::Bf16 { 128.0 } else { 1024.0 };
    #[expect(clippy::cast_possible_truncation, reason = "the rounding")]
    let is_down = |a: &f64| f64::from((1.0 / a) as f32) * a < 1.0;
    ((3..50).step_by(2).map(|odd| 2.0 * f64::from(odd)).find(is_down).unwrap_or(2.0), size)
}

fn add_of<T: Number + Real>(cases: &mut Vec<Case>) {
    let lanes = T::DTYPE.lanes() as usize;
    let edges = edges(T::DTYPE);
    let beyond = edges.last().map_or(lanes, |edge| edge + 3 * lanes);
    for op in OPS {
        for wide in [false, true] {
            let weighted = matches!(op, Op::RmsNorm | Op::LayerNorm { .. } | Op::RmsNormQuantize);
            if wide && !(weighted && T::DTYPE.bytes() == 2) {
                continue;
            }
            let mut last = 0;
            for edge in edges.iter().copied().chain([beyond]) {
                // Whole steps, the first length of the arrangement, its last, one in between; and lengths that are no whole steps.
                let middle = (last + (edge - last) / 2) / lanes * lanes + lanes;
                let rows = if edge <= 32 * lanes * 4 { 6 } else { 4 };
                for (columns, offset) in [
                    (last + lanes, 0),
                    (edge, 0),
                    (middle.min(edge), 0),
                    (last + 1, 0),
                    (edge - 1, 1),
                    (edge, 1),
                    (middle.min(edge) - lanes / 2, 1),
                ] {
                    for fill in [Fill::Integers, Fill::Outliers, Fill::Special, Fill::Tiny] {
                        cases.push(case::<T>(op, Shape { rows, columns }, fill, offset, wide));
                    }
                }
                // More rows than a number that somebody might have fixed.
                if last * 65 < 1 << 19 {
                    for (columns, offset) in [(last + lanes, 0), (last + 1, 1)] {
                        cases.push(case::<T>(op, Shape { rows: 65, columns }, Fill::Integers, offset, wide));
                    }
                }
                let start = cases.len();
                let width = width::<T>(edge);
                for step in last / width..edge.div_ceil(width) {
                    let middle = step * width + width / 2;
                    if (last..edge).contains(&middle) {
                        // The row ends in every step, behind every element of it.
                        cases.push(case::<T>(op, Shape { rows: 4, columns: middle }, Fill::Integers, 0, wide));
                        let ends = (1..=lanes).map(|lane| Shape { rows: 4, columns: middle + lane });
                        cases.extend(ends.clone().map(|shape| case::<T>(op, shape, Fill::Integers, 1, wide)));
                        if op == Op::RmsNormQuantize {
                            // An infinite scale times what is absent.
                            cases.extend(ends.map(|shape| case::<T>(op, shape, Fill::Roots, 1, wide)));
                        }
                    }
                }
                if cases.len() == start {
                    let ends = (1..=lanes).map(|lane| Shape { rows: 4, columns: last + (edge - last) / 2 + lane });
                    cases.extend(ends.map(|shape| case::<T>(op, shape, Fill::Integers, 1, wide)));
                }
                let fills: &[Fill] = match op {
                    Op::Softmax | Op::Max | Op::Min | Op::Quantize => &[Fill::First],
                    Op::RmsNormQuantize => &[Fill::First, Fill::Bare, Fill::Roots, Fill::Ties],
                    Op::RmsNorm | Op::LayerNorm { .. } => &[Fill::Mixed, Fill::Bare, Fill::Roots, Fill::Ties],
                    Op::Sum => &[Fill::Mixed],
                };
                for (fill, offset) in fills.iter().flat_map(|fill| [(*fill, 0), (*fill, 1)]) {
                    let rows = match fill {
                        Fill::First => 4 * lanes,
                        Fill::Mixed => 12,
                        _ => 4,
                    };
                    cases.push(case::<T>(op, Shape { rows, columns: edge }, fill, offset, wide));
                }
                // Every element of a thread is once the largest of a row, and once the smallest.
                for offset in [0, 1] {
                    let rows = (edge - last).div_ceil(edge.min(32 * lanes)).clamp(1, 4) * lanes * 2;
                    // Of more steps the smallest alone: the largest magnitude is one of these too.
                    let steps = if offset == 0 && edge <= 1 << 15 { edge.div_ceil(width).clamp(4, 8) } else { 4 };
                    let more = if rows == 8 * lanes { (steps - 4) * lanes } else { 0 };
                    let shape = Shape { rows: rows + more, columns: edge };
                    cases.push(case::<T>(op, shape, Fill::Peaks, offset, wide));
                    if matches!(op, Op::Softmax | Op::Max | Op::Min | Op::Quantize) {
                        cases.push(case::<T>(op, Shape { rows, columns: edge }, Fill::Nans, offset, wide));
                    }
                }
                last = edge;
            }
        }
    }
}

fn case<T: Number + Real>(op: Op, shape: Shape, fill: Fill, offset: usize, wide: bool) -> Case {
    let name = format!(
        "{op:?} {} {}x{} {fill:?}{}{}",
        T::DTYPE,
        shape.rows,
        shape.columns,
        if offset > 0 { " unaligned" } else { "" },
        if wide { " wide weight" } else { "" }
    );
    let inputs: OnceLock<Inputs<T>> = OnceLock::new();
    Case::new(Group::Reduce, name, shape.rows * shape.columns, move |gpu| {
        inputs.get_or_init(|| Inputs::new(op, shape, fill)).check(gpu, offset, wide)
    })
}

struct Inputs<T> {
    op: Op,
    shape: Shape,
    x: Vec<T>,
    weight: Vec<T>,
    bias: Vec<T>,
    epsilon: f32,
    expected: OnceLock<Vec<Expected>>,
    /// The very results, by the kernels' arithmetic.
    bits: OnceLock<Vec<f32>>,
}

impl<T: Number + Real> Inputs<T> {
    fn new(op: Op, shape: Shape, fill: Fill) -> Self {
        let mut random = Random::new(shape.columns as u64 + 7);
        let values = match fill {
            Fill::Integers | Fill::Peaks | Fill::Nans => Values::SmallIntegers,
            Fill::Outliers | Fill::Special | Fill::Mixed | Fill::Ties | Fill::Roots | Fill::First => Values::Outliers,
            Fill::Tiny | Fill::Bare => Values::Tiny,
        };
        let mut x: Vec<T> = draw(&mut random, values, shape.rows * shape.columns);
        for (row, values) in x.chunks_mut(shape.columns).enumerate() {
            let last = values.len() - 1;
            match (fill, row) {
                // All below 0, or above: what is absent is 0.
                (Fill::Integers, 2) => values.iter_mut().for_each(|x| *x = T::new(-5.0 - x.value().abs())),
                (Fill::Integers, 3) => values.iter_mut().for_each(|x| *x = T::new(5.0 + x.value().abs())),
                (Fill::First, _) => {
                    let lanes = 2 * T::DTYPE.lanes() as usize;
                    values[(row % lanes).min(last)] = T::new(if row < lanes { 200.0 } else { -200.0 });
                }
                (Fill::Mixed, _) => {
                    // One thread has all, so that no other sum hides how its own is rounded.
                    let lanes = T::DTYPE.lanes() as usize;
                    let team = width::<T>(shape.columns) / lanes;
                    for (at, x) in values.iter_mut().enumerate() {
                        let size = super::data::ramp(random.below(26), 26) - 13.0;
                        let value = f64::from(random.unit()) * size.exp2();
                        *x = T::new(if at / lanes % team == row * 37 % team { value } else { 0.0 });
                    }
                }
                (Fill::Roots, _) => {
                    let size = [-68, -69, -70].get(row).map_or(-90, |exponent| *exponent);
                    for (at, x) in values.iter_mut().enumerate() {
                        *x = T::new((super::data::ramp(at + row, 5) + 1.0) * 2f64.powi(size));
                    }
                }
                (Fill::Ties, _) => {
                    let (a, _) = ties::<T>();
                    let pattern = [3.0, -3.0, 3.0, -1.0, -1.0, -1.0, 1.0, -1.0];
                    values.iter_mut().zip(pattern.iter().cycle()).for_each(|(x, part)| *x = T::new(a / 2.0 * part));
                }
                (Fill::Integers, _) => {
                    // What is read past the end of a row is larger than all of it, or smaller.
                    let first = 50.0 + super::data::ramp(row, 8);
                    values[0] = T::new(if row % 2 == 0 { -first } else { first });
                    values[last] = T::new(if row % 2 == 0 { 30.0 } else { -30.0 });
                }
                (Fill::Peaks | Fill::Nans, _) => {
                    // Steps are as wide as the team; every element of every step has its turn.
                    let lanes = T::DTYPE.lanes() as usize;
                    let problem = Shape { rows: 1, ..shape }.check();
                    let threads =
                        problem.map_or(32, |problem| Plan::new(Operation::Sum, T::DTYPE, problem, true).team.threads());
                    let width = threads as usize * lanes;
                    let (step, lane) = match row.checked_sub(8 * lanes) {
                        Some(more) => (4 + more / lanes, more % lanes),
                        None => (row / (2 * lanes), row / 2 % lanes),
                    };
                    let place = step * width + (row * 13 % (width / lanes)) * lanes + lane;
                    // An exponential of what is so far above what is taken for the largest is infinite.
                    let peak = if row % 2 == 0 && row < 8 * lanes { 200.0 } else { -200.0 };
                    values[place.min(last)] = T::new(if fill == Fill::Nans { f64::NAN } else { peak });
                }
                (Fill::Special, 0) => values[last] = T::new(f64::NAN),
                (Fill::Special, 1) => values[last / 2] = T::new(f64::NEG_INFINITY),
                (Fill::Special, 2) => values[last] = T::new(f64::INFINITY),
                (Fill::Special, 3) => values.fill(T::new(f64::NEG_INFINITY)),
                (Fill::Tiny | Fill::Bare, 3) => {
                    // The smallest numbers there are, whose sums cancel.
                    let least = [2f64.powi(-149), 2f64.powi(-24), 2f64.powi(-133)];
                    let least = [Dtype::F32, Dtype::F16]
                        .iter()
                        .position(|dtype| *dtype == T::DTYPE)
                        .map_or(least[2], |at| least[at]);
                    let number = |(at, x): (usize, &mut T)| *x = T::new((super::data::ramp(at * 7, 5) - 2.0) * least);
                    values.iter_mut().enumerate().for_each(number);
                }
                (Fill::Tiny | Fill::Bare, 1) => values.fill(T::new(-0.0)),
                (Fill::Tiny | Fill::Bare, 2) => {
                    values.iter_mut().for_each(|x| *x = T::new(x.value() * 2f64.powi(-113)))
                }
                _ => {}
            }
        }
        let mut weight = draw(&mut random, Values::Uniform, shape.columns);
        let mut bias = draw(&mut random, Values::Uniform, shape.columns);
        if fill == Fill::Ties {
            let (_, size) = ties::<T>();
            let number = |(at, w): (usize, &mut T)| *w = T::new((size + 1.0 + 4.0 * super::data::ramp(at, 10)) / size);
            weight.iter_mut().enumerate().for_each(number);
            bias.fill(T::new(0.0));
        }
        let epsilon = if matches!(fill, Fill::Bare | Fill::Roots | Fill::Ties) { 0.0 } else { 1e-5 };
        Self { op, shape, x, weight, bias, epsilon, expected: OnceLock::new(), bits: OnceLock::new() }
    }

    fn check(&self, gpu: &Gpu, offset: usize, wide: bool) -> Result<(), Failure> {
        if wide {
            self.check_with(gpu, offset, &floats(&self.weight), &floats(&self.bias))
        } else {
            self.check_with(gpu, offset, &self.weight, &self.bias)
        }
    }

    fn check_with<W: Real>(&self, gpu: &Gpu, offset: usize, weights: &[W], biases: &[W]) -> Result<(), Failure> {
        let (kernels, stream, shape, epsilon) = (gpu.reduce()?, gpu.stream(), self.shape, self.epsilon);
        let x = gpu.input(&self.x, offset)?;
        let (weight, bias) = (gpu.input(weights, offset)?, gpu.input(biases, offset)?);
        match self.op {
            Op::Softmax | Op::RmsNorm | Op::LayerNorm { .. } => {
                let mut y = gpu.output::<T>(self.x.len(), offset)?;
                let to = &mut y.slice_mut()?;
                match self.op {
                    Op::Softmax => kernels.softmax(stream, shape, x.slice()?, to),
                    Op::RmsNorm => kernels.rms_norm(stream, shape, x.slice()?, weight.slice()?, epsilon, to),
                    _ => {
                        let bias = if self.op == (Op::LayerNorm { bias: true }) { Some(bias.slice()?) } else { None };
                        kernels.layer_norm(
                            stream,
                            shape,
                            x.slice()?,
                            Affine { weight: weight.slice()?, bias },
                            epsilon,
                            to,
                        )
                    }
                }
                .map_err(Failure::of)?;
                let y = y.download(gpu)?;
                // Without an epsilon nothing is promised where the mean square is below the normal numbers.
                if self.epsilon > 0.0 || self.op == Op::Softmax {
                    within("y", &y, self.expected().iter().map(|e| (e.value, e.bound)))?;
                }
                same_bits("y", &y, &self.rounded_bits())?;
            }
            Op::Sum | Op::Max | Op::Min => {
                let mut y = gpu.output::<f32>(shape.rows, offset)?;
                let to = &mut y.slice_mut()?;
                match self.op {
                    Op::Sum => kernels.sum(stream, shape, x.slice()?, to),
                    Op::Max => kernels.max(stream, shape, x.slice()?, to),
                    _ => kernels.min(stream, shape, x.slice()?, to),
                }
                .map_err(Failure::of)?;
                let (y, expected) = (y.download(gpu)?, self.expected());
                if self.op == Op::Sum {
                    within("y", &y, expected.iter().map(|e| (e.value, e.bound)))?;
                    same_bits("y", &y, self.bits())?;
                } else {
                    let wanted: Vec<f32> = expected.iter().map(|e| f32::new(e.value)).collect();
                    same_bits("y", &y, &wanted)?;
                }
            }
            Op::Quantize => {
                let x = x.slice()?;
                self.check_codes(gpu, offset, &floats(&self.x), |y| kernels.quantize(stream, shape, x, y))?;
            }
            Op::RmsNormQuantize => {
                let (x, weight) = (x.slice()?, weight.slice()?);
                self.check_codes(gpu, offset, &self.norm(), |y| {
                    kernels.rms_norm_quantize(stream, shape, x, weight, epsilon, y)
                })?;
            }
        }
        x.unchanged(gpu, &self.x)?;
        weight.unchanged(gpu, weights)?;
        bias.unchanged(gpu, biases)
    }

    fn check_codes(
        &self,
        gpu: &Gpu,
        offset: usize,
        x: &[f32],
        run: impl FnOnce(&mut Quantized<'_>) -> Result<(), tilewright_reduce::Error>,
    ) -> Result<(), Failure> {
        let mut codes = gpu.output::<i8>(self.x.len(), offset)?;
        let mut scales = gpu.output::<f32>(self.shape.rows, offset)?;
        run(&mut Quantized { codes: codes.slice_mut()?, scales: scales.slice_mut()? }).map_err(Failure::of)?;
        let rows: Vec<_> = x.chunks(self.shape.columns).map(reference::quantize).collect();
        let wanted: Vec<f32> = rows.iter().map(|(_, scale)| *scale).collect();
        same_bits("scales", &scales.download(gpu)?, &wanted)?;
        let wanted: Vec<i8> = rows.into_iter().flat_map(|(codes, _)| codes).collect();
        same_bits("codes", &codes.download(gpu)?, &wanted)
    }

    fn expected(&self) -> &[Expected] {
        self.expected.get_or_init(|| {
            let problem = self.shape.check().ok();
            // Team and order of sums depend on the type and the columns alone.
            let additions = problem
                .map_or(0, |problem| Plan::new(Operation::Sum, T::DTYPE, problem, false).additions(problem.columns()));
            let (weight, bias) = (floats(&self.weight), floats(&self.bias));
            let exact = |value: f32| vec![Expected { value: f64::from(value), bound: 0.0 }];
            let rows = self.x.chunks(self.shape.columns).map(floats);
            rows.flat_map(|row| match self.op {
                Op::Softmax => reference::softmax(&row, additions, T::DTYPE),
                Op::LayerNorm { bias: has_bias } => {
                    let bias = if has_bias { bias.as_slice() } else { &[] };
                    reference::layer_norm(&row, (&weight, bias), self.epsilon, additions, T::DTYPE)
                }
                Op::Sum => vec![reference::sum(&row, additions)],
                Op::Max => exact(reference::max(&row)),
                Op::Min => exact(reference::min(&row)),
                _ => reference::rms_norm(&row, &weight, self.epsilon, additions, T::DTYPE),
            })
            .collect()
        })
    }

    fn bits(&self) -> &[f32] {
        self.bits.get_or_init(|| {
            let Some(team) = model::Team::of::<T>(self.shape.columns) else { return Vec::new() };
            let (weight, bias) = (floats(&self.weight), floats(&self.bias));
            let rows = self.x.chunks(self.shape.columns).map(floats);
            rows.flat_map(|row| match self.op {
                Op::Softmax => team.softmax(&row),
                Op::LayerNorm { bias: has_bias } => {
                    team.layer_norm(&row, &weight, has_bias.then_some(bias.as_slice()), self.epsilon)
                }
                Op::Sum => vec![team.plain_sum(&row)],
                _ => team.rms_norm(&row, &weight, self.epsilon),
            })
            .collect()
        })
    }

    /// The norm, rounded to the type of x.
    fn norm(&self) -> Vec<f32> {
        floats(&self.rounded_bits())
    }

    fn rounded_bits(&self) -> Vec<T> {
        self.bits().iter().map(|value| T::new(f64::from(*value))).collect()
    }
}
