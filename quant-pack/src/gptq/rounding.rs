//! Rounds rows column by column and makes the errors good.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use half::f16;

use super::factor::Factor;
use super::{Options, Order, Symmetry};
use crate::affine::MIDDLE;
use crate::error::Error;
use crate::int4::scale_overflow;
use crate::level::Levels;
use crate::scale::half_scale::Chooser;
use crate::shape::Shape;
use crate::weight::Weight;

/// Rows that are rounded together; a fixed number, so that the result does not depend on how many threads share them.
const ROWS: usize = 32;
/// Columns whose errors reach the columns beyond them in one product.
const BLOCK: usize = 128;

/// What rounding needs.
pub(super) struct Plan<'p> {
    pub(super) shape: Shape,
    /// The columns in the order in which they are rounded.
    pub(super) order: &'p [usize],
    pub(super) factor: &'p Factor,
    pub(super) options: &'p Options,
}

/// Integers row-major [N, K] with columns as they stand in the weight, scales and zero points [groups, N].
pub(super) struct Rounded {
    pub(super) values: Vec<u8>,
    pub(super) scales: Vec<f16>,
    pub(super) zeros: Option<Vec<u8>>,
}

/// The scale and the zero point of a group.
#[derive(Clone, Copy, Debug)]
struct Step {
    scale: f16,
    zero: u8,
}

/// Some rows: their integers, and the steps of each row's groups.
struct Chunk {
    values: Vec<u8>,
    steps: Vec<Step>,
}

pub(super) fn round<W: Weight>(plan: &Plan<'_>, weights: &[W]) -> Result<Rounded, Error> {
    let Shape { n, k } = plan.shape;
    let groups = plan.options.group.count(k);
    let inputs: Vec<&[W]> = weights.chunks(ROWS * k).collect();
    let chunks = shared_out(plan.options.threads, inputs.len(), |index| plan.round_rows(inputs[index], index * ROWS));
    let mut values = Vec::with_capacity(n * k);
    let (mut scales, mut zeros) = (vec![f16::ZERO; groups * n], vec![MIDDLE; groups * n]);
    let mut row = 0;
    for chunk in chunks {
        let chunk = chunk?;
        values.extend(chunk.values);
        for steps in chunk.steps.chunks_exact(groups) {
            for (group, step) in steps.iter().enumerate() {
                scales[group * n + row] = step.scale;
                zeros[group * n + row] = step.zero;
            }
            row += 1;
        }
    }
    Ok(Rounded { values, scales, zeros: Some(zeros) })
}

/// `job(0)` to `job(jobs - 1)`, in order, done by so many threads.
fn shared_out<T: Send>(threads: NonZeroUsize, jobs: usize, job: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= jobs {
                return done;
            }
            done.push((index, job(index)));
        }
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.get().min(jobs)).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            match other.join() {
                Ok(part) => done.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

impl Plan<'_> {
    /// Rounds the rows from `first_row` on.
    fn round_rows<W: Weight>(&self, weights: &[W], first_row: usize) -> Result<Chunk, Error> {
        let (k, group) = (self.shape.k, self.options.group);
        let (size, groups, rows) = (group.size(k), group.count(k), weights.len() / k);
        let mut chooser = Chooser::default();
        let mut chunk = Chunk { values: vec![0; rows * k], steps: Vec::with_capacity(rows * groups) };
        let mut free: Vec<f64> = Vec::with_capacity(rows * k);
        for row in weights.chunks_exact(k) {
            free.extend(self.order.iter().map(|&column| f64::from(row[column].to_f32())));
        }
        if self.options.order == Order::ActivationStatic {
            for (row, weights) in weights.chunks_exact(k).enumerate() {
                for (group, weights) in weights.chunks(size).enumerate() {
                    let exact: Vec<f64> = weights.iter().map(|weight| f64::from(weight.to_f32())).collect();
                    chunk.steps.push(self.choose(&mut chooser, &exact, first_row + row, |place| group * size + place)?);
                }
            }
        } else {
            chunk.steps.resize(rows * groups, Step { scale: f16::ZERO, zero: MIDDLE });
        }

        let block = block_of(size);
        let mut errors = vec![0.0; rows * block];
        for first in (0..k).step_by(block) {
            let end = (first + block).min(k);
            let width = end - first;
            for row in 0..rows {
                let free = &mut free[row * k..][..k];
                for place in first..end {
                    if self.options.order != Order::ActivationStatic && place.is_multiple_of(size) {
                        let weights = &free[place..(place + size).min(k)];
                        chunk.steps[row * groups + place / size] =
                            self.choose(&mut chooser, weights, first_row + row, |at| self.order[place + at])?;
                    }
                    let column = self.order[place];
                    let group = if self.options.order == Order::ActivationStatic { column } else { place } / size;
                    let step = chunk.steps[row * groups + group];
                    let (stored, value) = step.round(free[place]);
                    chunk.values[row * k + column] = stored;
                    let inverse = self.factor.row(place);
                    let error = (free[place] - value) / inverse[place];
                    errors[row * width + place - first] = error;
                    for (free, inverse) in free[place + 1..end].iter_mut().zip(&inverse[place + 1..end]) {
                        *free -= error * inverse;
                    }
                }
            }
            if end < k {
                let rest = MatMut::from_row_major_slice_mut(&mut free, rows, k).subcols_mut(end, k - end);
                let errors = MatRef::from_row_major_slice(&errors[..rows * width], rows, width);
                let inverse = self.factor.matrix().submatrix(first, end, width, k - end);
                matmul(rest, Accum::Add, errors, inverse, -1.0, Par::Seq);
            }
        }
        Ok(chunk)
    }

    /// The step of a group; `column_of` says where in the row its weights stand.
    fn choose(
        &self,
        chooser: &mut Chooser,
        weights: &[f64],
        row: usize,
        column_of: impl Fn(usize) -> usize,
    ) -> Result<Step, Error> {
        let chosen = match self.options.symmetry {
            Symmetry::Symmetric => chooser.choose(weights, self.options.rule).map(|scale| (scale, MIDDLE)),
            Symmetry::Asymmetric => chooser.choose_affine(weights, self.options.rule),
        };
        let (scale, zero) = chosen.ok_or_else(|| scale_overflow(weights, row, column_of))?;
        Ok(Step { scale, zero })
    }
}

/// Columns of a block for groups of `size`: a group lies in one block or is made of whole blocks, so that its scale is chosen from weights
/// that every earlier error has reached.
fn block_of(size: usize) -> usize {
    if size <= BLOCK {
        return BLOCK / size * size;
    }
    // Groups that are no multiple of 32 are whole rows, whose scale is chosen before any error.
    (1..=BLOCK / 32).rev().map(|part| part * 32).find(|part| size.is_multiple_of(*part)).unwrap_or(BLOCK)
}

impl Step {
    /// The integer as stored, and the weight that it stands for.
    fn round(self, weight: f64) -> (u8, f64) {
        let scale = f64::from(self.scale);
        let stored = Levels::around(self.zero).stored(weight, scale);
        (stored, (f64::from(stored) - f64::from(self.zero)) * scale)
    }
}
