//! Where memory instructions point.

use tilewright_ptx_ir::ir::{Address, Base, Space};

use super::{Context, Source};

/// An address: a register or nothing, and a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) base: Option<Source>,
    /// Added with wrap-around.
    pub(crate) offset: u64,
}

/// Which memory an instruction accesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    Global,
    Shared,
    /// Decided by each lane's address.
    Generic,
}

impl Window {
    pub(crate) const fn new(space: Space) -> Option<Self> {
        match space {
            Space::Global => Some(Self::Global),
            Space::Shared => Some(Self::Shared),
            Space::Generic => Some(Self::Generic),
            _ => None,
        }
    }
}

/// Where shared memory begins among generic addresses; device addresses lie below.
pub(crate) const SHARED_WINDOW: u64 = 1 << 63;

impl Context {
    pub(crate) fn place(&mut self, address: &Address) -> Option<Place> {
        let offset = i64::from(address.offset).cast_unsigned();
        match address.base {
            Base::Reg(reg) => {
                let base = self.slots.register(reg);
                if matches!(base, Source::Pred(_)) { None } else { Some(Place { base: Some(base), offset }) }
            }
            Base::Shared(array) => {
                let start = *self.shared.get(array.0 as usize)?;
                Some(Place { base: None, offset: offset.wrapping_add(u64::from(start)) })
            }
            Base::Param(param) => {
                let start = *self.params.get(param.0 as usize)?;
                Some(Place { base: None, offset: offset.wrapping_add(u64::from(start)) })
            }
            _ => None,
        }
    }
}
