//! Which bits of registers nobody has written.
//!
//! A lane of a register counts as written if all of its bits are. Of the others it is remembered which bits are not, and where these come from: memory or
//! a register that nobody has written.

use super::Registers;
use crate::decode::{Destination, Lanes, Narrow, Source, Wide};
use crate::report::Location;

/// Bits of a lane that nobody has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shade {
    pub(crate) bits: u64,
    /// Where they come from; the register itself if there is nothing.
    pub(crate) origin: Option<Origin>,
}

/// The first reading of what nobody has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) cause: Cause,
    pub(crate) thread: u32,
    pub(crate) pc: u32,
}

/// What nobody has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Register(Source),
    /// So many bytes of memory.
    Memory(Location, u32),
}

/// A lane that nobody has written at all.
const UNKNOWN: Shade = Shade { bits: u64::MAX, origin: None };

impl Registers {
    /// The registers that were read in lanes that have not written them, since this was last asked.
    pub(crate) fn take_missing(&mut self) -> Vec<(Source, u32)> {
        std::mem::take(&mut self.missing)
    }

    #[cold]
    #[inline(never)]
    pub(super) fn miss(&mut self, source: Source, lanes: u32) {
        self.missing.push((source, lanes));
    }

    /// A source as it is, and the lanes that have written it.
    pub(crate) fn peek(&self, source: Narrow) -> (Lanes, u32) {
        match source {
            Narrow::Constant(value) => ([value; 32], u32::MAX),
            Narrow::Register(slot) => (self.narrow[slot as usize].0, self.narrow_written[slot as usize]),
        }
    }

    /// What a lane of a source holds, whoever wrote it.
    pub(crate) fn value(&self, source: Source, lane: usize) -> u64 {
        match source {
            Source::Narrow(Narrow::Constant(value)) => value.into(),
            Source::Wide(Wide::Constant(value)) => value,
            Source::Narrow(Narrow::Register(slot)) => self.narrow[slot as usize].0[lane].into(),
            Source::Wide(Wide::Register(slot)) => self.wide[slot as usize].0[lane],
            Source::Pred(slot) => (self.preds[slot as usize] >> lane & 1).into(),
        }
    }

    /// What nobody has written of a lane that does not count as written.
    pub(crate) fn shade(&self, source: Source, lane: usize) -> Shade {
        self.shades.get(&source).and_then(|shades| shades.get(lane)).copied().unwrap_or(UNKNOWN)
    }

    /// Takes back that a lane has written some bits of a result.
    pub(crate) fn unwrite(&mut self, result: Destination, lane: usize, bits: u64, origin: Origin) {
        let (written, width) = match result {
            Destination::Narrow(slot, bits) => (&mut self.narrow_written[slot as usize], bits.into()),
            Destination::Wide(slot) => (&mut self.wide_written[slot as usize], u64::MAX),
            Destination::Pred(slot) => (&mut self.preds_written[slot as usize], 1),
        };
        let bits = bits & width;
        if bits != 0 {
            *written &= !(1 << lane);
            let shades = self.shades.entry(result.source()).or_insert_with(|| Box::new([UNKNOWN; 32]));
            shades[lane] = Shade { bits, origin: Some(origin) };
        }
    }
}
