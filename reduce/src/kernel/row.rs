//! A row of x, as one thread of the team sees it.

use tilewright_ptx_ir::build::{Builder, Value};

use super::step::Step;
use super::tensor::Tensor;
use crate::plan::{Access, Plan, RowStorage};

/// The elements of a row that belong to the running thread.
#[derive(Debug)]
pub(super) struct Row<'k> {
    k: &'k Builder,
    x: Tensor<'k>,
    columns: Value<'k, u32>,
    /// The column of the thread's first element.
    first: Value<'k, u32>,
    /// Columns between its steps.
    stride: u32,
    lanes: u32,
    access: Access,
    /// All steps, if the row is kept in registers.
    kept: Option<Vec<(Step<'k>, Vec<Value<'k, f32>>)>>,
}

impl<'k> Row<'k> {
    /// The part of the row `x` that belongs to `thread`; read now if `plan` keeps it.
    pub(super) fn new(
        k: &'k Builder,
        plan: &Plan,
        x: Tensor<'k>,
        thread: Value<'k, u32>,
        columns: Value<'k, u32>,
    ) -> Self {
        let lanes = plan.x.lanes();
        let (first, stride) = (thread * lanes, plan.team.threads() * lanes);
        let mut row = Self { k, x, columns, first, stride, lanes, access: plan.access, kept: None };
        if let RowStorage::Registers { steps } = plan.row {
            row.kept = Some((0..steps).map(|index| row.keep(index)).collect());
        }
        row
    }

    /// Folds the thread's elements in order, starting from `initial`.
    pub(super) fn fold(
        &self,
        initial: f32,
        combine: impl Fn(Value<'k, f32>, Value<'k, f32>) -> Value<'k, f32>,
    ) -> Value<'k, f32> {
        let folded = self.k.local(initial);
        self.for_each_step(|step, x| {
            for (lane, x) in (0..).zip(x) {
                step.update(lane, folded, combine(folded.now(), *x));
            }
        });
        folded.get()
    }

    /// Writes what `map` makes of the elements of each step to the same columns of `y`.
    pub(super) fn write(&self, y: Tensor<'k>, map: impl Fn(&Step<'k>, &[Value<'k, f32>]) -> Vec<Value<'k, f32>>) {
        self.for_each_step(|step, x| y.store(step, &map(step, x)));
    }

    fn for_each_step(&self, body: impl Fn(&Step<'k>, &[Value<'k, f32>])) {
        match &self.kept {
            Some(steps) => steps.iter().for_each(|(step, x)| body(step, x)),
            None => self.k.for_(self.first, self.columns, self.stride, |column| {
                let step = self.step(column, None);
                body(&step, &self.x.load(&step));
            }),
        }
    }

    /// Reads step `index`, of which all or some elements may lie past the row's end.
    fn keep(&self, index: u32) -> (Step<'k>, Vec<Value<'k, f32>>) {
        let column = self.first + index * self.stride;
        let step = self.step(column, Some(column.lt(self.columns)));
        (step, self.x.load(&step))
    }

    fn step(&self, column: Value<'k, u32>, inside: Option<Value<'k, bool>>) -> Step<'k> {
        Step { column, columns: self.columns, lanes: self.lanes, access: self.access, inside }
    }
}
