//! Where a thread is: special registers.

use super::{Builder, Value};
use crate::ir::{Op, RegClass, Special};

/// A three-dimensional index; reading a coordinate emits one `mov`.
#[derive(Clone, Copy, Debug)]
pub struct Index3<'k> {
    k: &'k Builder,
    names: [Special; 3],
}

impl<'k> Index3<'k> {
    /// The fastest coordinate.
    #[must_use]
    pub fn x(self) -> Value<'k, u32> {
        self.k.special(self.names[0])
    }

    /// The middle coordinate.
    #[must_use]
    pub fn y(self) -> Value<'k, u32> {
        self.k.special(self.names[1])
    }

    /// The slowest coordinate.
    #[must_use]
    pub fn z(self) -> Value<'k, u32> {
        self.k.special(self.names[2])
    }
}

impl Builder {
    /// The thread's index in its block.
    #[must_use]
    pub fn thread_idx(&self) -> Index3<'_> {
        Index3 { k: self, names: [Special::TidX, Special::TidY, Special::TidZ] }
    }

    /// The block's size in threads.
    #[must_use]
    pub fn block_dim(&self) -> Index3<'_> {
        Index3 { k: self, names: [Special::NtidX, Special::NtidY, Special::NtidZ] }
    }

    /// The block's index in the grid.
    #[must_use]
    pub fn block_idx(&self) -> Index3<'_> {
        Index3 { k: self, names: [Special::CtaidX, Special::CtaidY, Special::CtaidZ] }
    }

    /// The grid's size in blocks.
    #[must_use]
    pub fn grid_dim(&self) -> Index3<'_> {
        Index3 { k: self, names: [Special::NctaidX, Special::NctaidY, Special::NctaidZ] }
    }

    /// The thread's lane in its warp.
    #[must_use]
    pub fn lane(&self) -> Value<'_, u32> {
        self.special(Special::LaneId)
    }

    /// Any 32-bit special register.
    #[must_use]
    pub fn special(&self, src: Special) -> Value<'_, u32> {
        Value::from_register(self, self.write(|dst| Op::ReadSpecial { dst, src }, RegClass::B32))
    }
}
