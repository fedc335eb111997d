//! A row of x, as one thread of the team sees it.

use std::fmt;

use tilewright_ptx_ir::build::{Builder, Value};

use super::step::Step;
use super::tensor::{Raw, Tensor};
use crate::plan::{Access, Plan, RowStorage};

/// The elements of a row that belong to the running thread.
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
    /// Whether what a step becomes is computed in a branch of its own, so that the assembler does not bring what it takes for all steps to registers at once:
    /// where 512 threads and more share a row, there is no room for it. Single elements have their guards anyway.
    steps_apart: bool,
    /// All steps, if the row is kept.
    kept: Option<Vec<(Step<'k>, Kept<'k>)>>,
    /// What becomes of a step that is read again.
    mapped: Option<Map<'k>>,
}

/// What is made of a step's elements.
type Map<'k> = Box<dyn Fn(&Step<'k>, &[Value<'k, f32>]) -> Vec<Value<'k, f32>> + 'k>;

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("x", &self.x).field("kept", &self.kept).finish_non_exhaustive()
    }
}

/// Where a step waits for the next pass: as narrow as in memory, which leaves room for more rows on a multiprocessor.
#[derive(Debug)]
enum Kept<'k> {
    Registers(Raw<'k>),
    /// So many bytes behind the thread's first slot.
    Shared(Value<'k, u32>, i32),
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
        let access = plan.access;
        let steps_apart = access == Access::Vector && plan.team.threads() >= 512;
        let mut row = Self { k, x, columns, first, stride, lanes, access, steps_apart, kept: None, mapped: None };
        row.kept = match plan.row {
            RowStorage::Registers { steps } => Some((0..steps).map(|index| row.keep(index)).collect()),
            RowStorage::Split { registers, shared } => {
                let slots = thread.mad(16, k.dynamic_shared::<u8>("row").address());
                let copy = |index| row.copy(registers + index, slots, index * plan.team.threads() * 16);
                // The copies need no registers, so all of the row is on its way at once.
                let shared: Vec<_> = (0..shared).map(copy).collect();
                let kept = (0..registers).map(|index| row.keep(index)).chain(shared).collect();
                // Each thread reads what it copied itself: no barrier.
                k.commit_copies();
                k.wait_copies(0);
                Some(kept)
            }
            RowStorage::Memory => None,
        };
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

    /// The row of what `map` makes of these elements, rounded to the type of x: kept where they were, or computed again in every pass.
    pub(super) fn map(self, map: impl Fn(&Step<'k>, &[Value<'k, f32>]) -> Vec<Value<'k, f32>> + 'k) -> Self {
        let Self { k, x, kept, steps_apart, .. } = self;
        let Some(steps) = kept else { return Self { mapped: Some(Box::new(map)), kept, ..self } };
        let round = |step: &Step<'k>, old: &Raw<'k>| x.round(&map(step, &old.widen()));
        let steps = steps.into_iter().map(|(step, kept)| {
            let inside = step.inside.filter(|_| steps_apart);
            let kept = match (kept, inside) {
                (Kept::Registers(raw), Some(inside)) => Kept::Registers(raw.map_if(k, inside, |old| round(&step, old))),
                (Kept::Registers(raw), None) => Kept::Registers(round(&step, &raw)),
                (Kept::Shared(slots, offset), inside) => {
                    let update = || x.store_slot(slots, offset, &round(&step, &x.load_slot(slots, offset)));
                    match inside {
                        Some(inside) => k.if_(inside, update),
                        None => update(),
                    }
                    Kept::Shared(slots, offset)
                }
            };
            (step, kept)
        });
        Self { kept: Some(steps.collect()), ..self }
    }

    /// Writes what `map` makes of the elements of each step to the same columns of `y`.
    pub(super) fn write(&self, y: Tensor<'k>, map: impl Fn(&Step<'k>, &[Value<'k, f32>]) -> Vec<Value<'k, f32>>) {
        self.for_each_step(|step, x| y.store(step, &map(step, x)));
    }

    /// Runs `body` with each step and its elements.
    pub(super) fn for_each_step(&self, body: impl Fn(&Step<'k>, &[Value<'k, f32>])) {
        match &self.kept {
            Some(steps) => steps.iter().for_each(|(step, kept)| match kept {
                Kept::Registers(x) => body(step, &x.widen()),
                Kept::Shared(slots, offset) => body(step, &self.x.load_slot(*slots, *offset).widen()),
            }),
            None => self.k.for_(self.first, self.columns, self.stride, |column| {
                let step = self.step(column, (column, 0), None);
                let x = self.x.load(&step);
                match &self.mapped {
                    Some(map) => body(&step, &self.x.round(&map(&step, &x)).widen()),
                    None => body(&step, &x),
                }
            }),
        }
    }

    /// Reads step `index`, of which all or some elements may lie past the row's end.
    fn keep(&self, index: u32) -> (Step<'k>, Kept<'k>) {
        let step = self.nth(index);
        (step, Kept::Registers(self.x.load_raw(&step)))
    }

    /// Copies step `index` to shared memory, `offset` bytes behind the thread's first slot.
    fn copy(&self, index: u32, slots: Value<'k, u32>, offset: u32) -> (Step<'k>, Kept<'k>) {
        let step = self.nth(index);
        self.x.copy(&step, slots + offset);
        (step, Kept::Shared(slots, offset.cast_signed()))
    }

    fn nth(&self, index: u32) -> Step<'k> {
        let behind = index * self.stride;
        let column = self.first + behind;
        self.step(column, (self.first, behind), Some(column.lt(self.columns)))
    }

    fn step(&self, column: Value<'k, u32>, base: (Value<'k, u32>, u32), inside: Option<Value<'k, bool>>) -> Step<'k> {
        Step { column, base, columns: self.columns, lanes: self.lanes, access: self.access, inside }
    }
}
