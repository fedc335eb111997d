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
    /// The thread's own.
    Local,
    /// Decided by each lane's address.
    Generic,
}

impl Window {
    pub(crate) const fn new(space: Space) -> Option<Self> {
        match space {
            Space::Global | Space::Const => Some(Self::Global),
            Space::Local => Some(Self::Local),
            Space::Shared => Some(Self::Shared),
            Space::Generic => Some(Self::Generic),
            _ => None,
        }
    }
}

/// Where the threads' own memory begins among generic addresses: the thread's number stands above the offset. Device addresses lie below.
pub(crate) const LOCAL_WINDOW: u64 = 1 << 62;
/// Bits of the offset in a generic address of a thread's own memory.
pub(crate) const THREAD_SHIFT: u32 = 32;
/// Where shared memory begins among generic addresses.
pub(crate) const SHARED_WINDOW: u64 = 1 << 63;

impl Context<'_> {
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
            Base::Local(local) => {
                let start = self.local(local)?;
                Some(Place { base: None, offset: offset.wrapping_add(u64::from(start)) })
            }
            Base::Symbol(symbol) => {
                let start = self.variable(symbol)?;
                Some(Place { base: None, offset: offset.wrapping_add(start) })
            }
            Base::Result(result) => {
                let start = self.passed(result.0, true)?;
                Some(Place { base: None, offset: offset.wrapping_add(u64::from(start)) })
            }
            Base::Param(param) => {
                let start = match self.passed(param.0, false) {
                    Some(start) => start,
                    None => *self.params.get(param.0 as usize)?,
                };
                Some(Place { base: None, offset: offset.wrapping_add(u64::from(start)) })
            }
            _ => None,
        }
    }
}
