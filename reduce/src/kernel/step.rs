//! The 16 bytes of a row that a thread handles at a time.

use tilewright_ptx_ir::build::{Local, Value};

use crate::plan::Access;

/// [`Dtype::lanes`](crate::Dtype::lanes) neighbours of a row, of which the last may lie past its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'k> {
    /// The first element's column.
    pub(super) column: Value<'k, u32>,
    /// A column that other steps of the thread share, and how far this one is behind it: an address and a constant.
    pub(super) base: (Value<'k, u32>, u32),
    pub(super) columns: Value<'k, u32>,
    pub(super) lanes: u32,
    pub(super) access: Access,
    /// Whether the first element is in the row; nothing if the code around the step knows that it is.
    pub(super) inside: Option<Value<'k, bool>>,
}

impl<'k> Step<'k> {
    /// Whether element `lane` is in the row; nothing if that is certain.
    pub(super) fn guard(&self, lane: u32) -> Option<Value<'k, bool>> {
        match self.access {
            Access::Vector => self.inside,
            Access::Element if lane == 0 => self.inside,
            Access::Element => Some((self.column + lane).lt(self.columns)),
        }
    }

    /// Gives `local` a new value if element `lane` is in the row.
    pub(super) fn update(&self, lane: u32, local: Local<'k, f32>, value: Value<'k, f32>) {
        match self.guard(lane) {
            Some(guard) => local.set_if(guard, value),
            None => local.set(value),
        }
    }
}
