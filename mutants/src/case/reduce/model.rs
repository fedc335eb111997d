//! The arithmetic of the row kernels, operation by operation: what `tilewright-reduce` documents, with one rounding each and sums in the order that follows
//! from the type and the columns.

use tilewright_reduce::{Operation, Plan, Real, Shape};

/// Who adds what first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Team {
    threads: usize,
    lanes: usize,
}

impl Team {
    pub(super) fn of<T: Real>(columns: usize) -> Option<Self> {
        let problem = Shape { rows: 1, columns }.check().ok()?;
        let plan = Plan::new(Operation::Sum, T::DTYPE, problem, false);
        Some(Self { threads: plan.team.threads() as usize, lanes: T::DTYPE.lanes() as usize })
    }

    /// Each thread folds its elements in order from `initial`, then a tree over the lanes of each warp, then one over the warps.
    fn reduce(
        self,
        row: &[f32],
        initial: f32,
        fold: impl Fn(f32, f32) -> f32,
        combine: impl Fn(f32, f32) -> f32,
    ) -> f32 {
        let mut threads = vec![initial; self.threads];
        for (index, x) in row.iter().enumerate() {
            if let Some(value) = threads.get_mut(index / self.lanes % self.threads) {
                *value = fold(*value, *x);
            }
        }
        let warps: Vec<f32> = threads.chunks(32).map(|warp| tree(warp, &combine)).collect();
        tree(&warps, &combine)
    }

    fn sum(self, row: &[f32], fold: impl Fn(f32, f32) -> f32) -> f32 {
        self.reduce(row, -0.0, fold, |a, b| a + b)
    }

    pub(super) fn softmax(self, row: &[f32]) -> Vec<f32> {
        let peak = self.reduce(row, f32::NEG_INFINITY, larger, larger);
        let term = |x: f32| exp2((x - peak) * std::f32::consts::LOG2_E);
        let scale = 1.0 / self.sum(row, |sum, x| sum + term(x));
        row.iter().map(|x| term(*x) * scale).collect()
    }

    pub(super) fn rms_norm(self, row: &[f32], weight: &[f32], epsilon: f32) -> Vec<f32> {
        let squares = self.sum(row, |sum, x| x.mul_add(x, sum));
        let scale = 1.0 / (squares / count(row) + epsilon).sqrt();
        row.iter().zip(weight).map(|(x, weight)| x * scale * weight).collect()
    }

    pub(super) fn layer_norm(self, row: &[f32], weight: &[f32], bias: Option<&[f32]>, epsilon: f32) -> Vec<f32> {
        let mean = self.sum(row, |sum, x| sum + x) / count(row);
        let squares = self.sum(row, |sum, x| (x - mean).mul_add(x - mean, sum));
        let scale = 1.0 / (squares / count(row) + epsilon).sqrt();
        let scaled = row.iter().map(|x| (x - mean) * scale).zip(weight);
        match bias {
            Some(bias) => scaled.zip(bias).map(|((x, weight), bias)| x.mul_add(*weight, *bias)).collect(),
            None => scaled.map(|(x, weight)| x * weight).collect(),
        }
    }

    pub(super) fn plain_sum(self, row: &[f32]) -> f32 {
        self.sum(row, |sum, x| sum + x)
    }
}

/// Neighbours half the length apart combine, then those a quarter of it, and so on.
fn tree(values: &[f32], combine: impl Fn(f32, f32) -> f32) -> f32 {
    let mut values = values.to_vec();
    while values.len() > 1 {
        let upper = values.split_off(values.len() / 2);
        values.iter_mut().zip(upper).for_each(|(value, other)| *value = combine(*value, other));
    }
    values.first().copied().unwrap_or(f32::NAN)
}

fn larger(a: f32, b: f32) -> f32 {
    if a.is_nan() || b.is_nan() { f32::NAN } else { a.max(b) }
}

/// `ex2.approx.ftz` as the simulator answers without jitter: correctly rounded, nothing below the normal numbers.
#[expect(clippy::cast_possible_truncation, reason = "the rounding")]
pub(in crate::case) fn exp2(x: f32) -> f32 {
    let x = if x.is_subnormal() { 0.0 } else { x };
    let value = f64::from(x).exp2() as f32;
    if value.is_subnormal() { 0.0 } else { value }
}

#[expect(clippy::cast_precision_loss, reason = "the kernel's conversion")]
fn count(row: &[f32]) -> f32 {
    row.len() as f32
}
