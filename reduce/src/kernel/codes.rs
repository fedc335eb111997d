//! Signed bytes in device memory.

use tilewright_ptx_ir::build::{Builder, Pointer, Value};

use super::step::Step;
use crate::plan::Access;

/// The address of a matrix of signed bytes, or of one row of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Codes<'k> {
    k: &'k Builder,
    address: Value<'k, u64>,
}

impl<'k> Codes<'k> {
    /// Declares the next kernel parameter, a pointer.
    pub(super) fn param(k: &'k Builder, name: &str) -> Self {
        Self { k, address: k.pointer::<i8>(name).address() }
    }

    /// Row `row` of a matrix; the offset is 64 bits wide.
    pub(super) fn row(self, row: Value<'k, u32>, columns: Value<'k, u32>) -> Self {
        Self { address: self.address + row.widening_mul(columns), ..self }
    }

    /// Writes what belongs to the elements of `step` that are in the row, clamped to a signed byte.
    ///
    /// A step of x is 4 or 8 elements; where its 16 bytes are read at once, these 4 or 8 are written at once.
    pub(super) fn store(self, step: &Step<'k>, values: &[Value<'k, i32>]) {
        let (base, behind) = step.base;
        let place = Pointer::<i8>::from_address(self.address.offset_by(base, 1)).at(0).plus(behind.cast_signed());
        if step.access == Access::Element {
            for ((lane, offset), value) in (0u32..).zip(0i32..).zip(values) {
                let value = value.cast::<i8>();
                match step.guard(lane) {
                    Some(guard) => place.plus(offset).store_if(guard, value),
                    None => place.plus(offset).store(value),
                }
            }
            return;
        }
        let words: Vec<_> = values.as_chunks::<4>().0.iter().map(|four| self.k.pack_i8x4(*four)).collect();
        let place = place.cast::<u32>();
        match (words.as_slice(), step.inside) {
            (&[word], Some(inside)) => place.store_if(inside, word),
            (&[word], None) => place.store(word),
            (&[low, high], Some(inside)) => place.store_vector_if(inside, [low, high]),
            (&[low, high], None) => place.store_vector([low, high]),
            // A step has no other length.
            _ => {}
        }
    }
}
