//! Branches and loops.
//!
//! Bodies are ordinary closures that emit their statements in place. A loop's index is a [`Value`] of the present trip: what must outlive
//! the trip goes into a [`Local`](super::Local).

use super::{Builder, Integer, Source, Value};
use crate::ir::{Guard, Label, Op};

impl Builder {
    /// Runs `body` in the threads where `condition` is true.
    pub fn if_(&self, condition: Value<'_, bool>, body: impl FnOnce()) {
        let end = self.label();
        self.branch_unless(condition, end);
        body();
        self.place(end);
    }

    /// Runs `yes` in the threads where `condition` is true and `no` in the others.
    pub fn if_else(&self, condition: Value<'_, bool>, yes: impl FnOnce(), no: impl FnOnce()) {
        let (otherwise, end) = (self.label(), self.label());
        self.branch_unless(condition, otherwise);
        yes();
        self.emit(Op::Branch { uniform: false, label: end });
        self.place(otherwise);
        no();
        self.place(end);
    }

    /// Runs `body` for each of `start`, `start + step`, … below `end`.
    ///
    /// The last index plus `step` must not pass the type's range, or the loop would wrap around.
    pub fn for_<'k, T: Integer>(
        &'k self,
        start: impl Source<'k, T>,
        end: impl Source<'k, T>,
        step: impl Source<'k, T>,
        body: impl FnOnce(Value<'k, T>),
    ) {
        let (index, end, step) = (self.local(start), end.value(self), step.value(self));
        let (head, done) = (self.label(), self.label());
        self.branch_unless(index.lt(end), done);
        self.place(head);
        body(index.now());
        index.add(step);
        self.branch_if(index.lt(end), head);
        self.place(done);
    }

    /// Runs `body` as long as `condition`, evaluated before each trip, is true.
    pub fn while_<'k>(&'k self, condition: impl FnOnce() -> Value<'k, bool>, body: impl FnOnce()) {
        let (head, done) = (self.label(), self.label());
        self.place(head);
        self.branch_unless(condition(), done);
        body();
        self.emit(Op::Branch { uniform: false, label: head });
        self.place(done);
    }

    /// Ends the thread.
    pub fn return_(&self) {
        self.emit(Op::Return);
    }

    /// Ends the threads where `condition` is true. Barriers that come later must not count on them.
    pub fn return_if(&self, condition: Value<'_, bool>) {
        self.emit_guarded(Some(condition.guard()), Op::Return);
    }

    fn branch_if(&self, condition: Value<'_, bool>, label: Label) {
        self.emit_guarded(Some(condition.guard()), Op::Branch { uniform: false, label });
    }

    fn branch_unless(&self, condition: Value<'_, bool>, label: Label) {
        let guard = Guard { negate: true, ..condition.guard() };
        self.emit_guarded(Some(guard), Op::Branch { uniform: false, label });
    }
}
