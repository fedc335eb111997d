//! The register files of a warp, with the lanes that have written each register.

mod each;
mod unwritten;

use std::collections::HashMap;

use tilewright_ptx_ir::ir::BoolOp;

pub(crate) use unwritten::{Cause, Origin, Shade};

use crate::decode::{Condition, Destination, Lanes, Narrow, Slots, Source, Wide, WideLanes};

/// All lanes.
const ALL: u32 = u32::MAX;

/// Registers of 32 lanes.
#[derive(Debug, Default)]
pub(crate) struct Registers {
    narrow: Vec<Row<Lanes>>,
    wide: Vec<Row<WideLanes>>,
    preds: Vec<u32>,
    narrow_written: Vec<u32>,
    wide_written: Vec<u32>,
    preds_written: Vec<u32>,
    /// The registers that were read before they were written, since this was last looked at, and the lanes that did so.
    missing: Vec<(Source, u32)>,
    /// What is known of the lanes of registers that do not count as written.
    shades: HashMap<Source, Box<[Shade; 32]>>,
}

/// A register, where vectors of it lie in one cache line each.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Row<T>(T);

impl Registers {
    /// Registers of a new warp, none of them written but those that hold literals.
    pub(crate) fn reset(&mut self, slots: &Slots) {
        self.forget(slots.narrow_count(), slots.wide_count(), slots.pred_count());
        for (slot, value) in slots.narrow_literals() {
            self.set_narrow(slot, &[value; 32], ALL);
        }
        for (slot, value) in slots.wide_literals() {
            self.set_wide(slot, &[value; 32], ALL);
        }
    }

    /// So many registers that nobody has written.
    fn forget(&mut self, narrow: usize, wide: usize, preds: usize) {
        self.narrow.resize(narrow, Row::default());
        self.wide.resize(wide, Row::default());
        self.preds.resize(preds, 0);
        for (written, count) in
            [(&mut self.narrow_written, narrow), (&mut self.wide_written, wide), (&mut self.preds_written, preds)]
        {
            written.clear();
            written.resize(count, 0);
        }
        self.missing.clear();
        self.shades.clear();
    }

    #[cfg(test)]
    pub(crate) fn of_counts(narrow: usize, wide: usize, preds: usize) -> Self {
        let mut registers = Self::default();
        registers.forget(narrow, wide, preds);
        registers
    }

    #[inline]
    pub(crate) const fn is_missing(&self) -> bool {
        !self.missing.is_empty()
    }

    #[inline]
    fn need(&mut self, written: u32, lanes: u32, source: Source) {
        if written & lanes != lanes {
            self.miss(source, lanes & !written);
        }
    }

    /// The values of a source in `lanes`; the other lanes' mean nothing.
    #[inline]
    pub(crate) fn narrow(&mut self, source: Narrow, lanes: u32) -> Lanes {
        match source {
            Narrow::Constant(value) => [value; 32],
            Narrow::Register(slot) => {
                self.need(self.narrow_written[slot as usize], lanes, Source::Narrow(source));
                self.narrow[slot as usize].0
            }
        }
    }

    /// Notes that sources are read in `lanes`.
    #[inline]
    pub(crate) fn read<const N: usize>(&mut self, sources: [Narrow; N], lanes: u32) {
        for source in sources {
            if let Narrow::Register(slot) = source {
                self.need(self.narrow_written[slot as usize], lanes, Source::Narrow(source));
            }
        }
    }

    /// A source whose reading was noted: the register itself, or a literal in `room`.
    #[inline]
    pub(crate) fn view<'r>(&'r self, source: Narrow, room: &'r mut Lanes) -> &'r Lanes {
        match source {
            Narrow::Constant(value) => {
                *room = [value; 32];
                room
            }
            Narrow::Register(slot) => &self.narrow[slot as usize].0,
        }
    }

    #[inline]
    pub(crate) fn wide(&mut self, source: Wide, lanes: u32) -> WideLanes {
        match source {
            Wide::Constant(value) => [value; 32],
            Wide::Register(slot) => {
                self.need(self.wide_written[slot as usize], lanes, Source::Wide(source));
                self.wide[slot as usize].0
            }
        }
    }

    /// A register that is read in `lanes`, where it is; `None` for a literal.
    #[inline]
    pub(crate) fn wide_view(&mut self, source: Wide, lanes: u32) -> Option<&WideLanes> {
        let Wide::Register(slot) = source else { return None };
        self.need(self.wide_written[slot as usize], lanes, Source::Wide(source));
        self.wide.get(slot as usize).map(|register| &register.0)
    }

    /// The lanes where a predicate holds.
    #[inline]
    pub(crate) fn pred(&mut self, slot: u32, lanes: u32) -> u32 {
        self.need(self.preds_written[slot as usize], lanes, Source::Pred(slot));
        self.preds[slot as usize]
    }

    /// The lanes where a condition holds.
    pub(crate) fn condition(&mut self, condition: Condition, lanes: u32) -> u32 {
        match condition {
            Condition::Pred { slot, negate } => self.pred(slot, lanes) ^ if negate { ALL } else { 0 },
            Condition::Constant(holds) => {
                if holds {
                    ALL
                } else {
                    0
                }
            }
        }
    }

    /// Any source as 64 bits, zero-extended.
    pub(crate) fn any(&mut self, source: Source, lanes: u32) -> WideLanes {
        match source {
            Source::Narrow(narrow) => self.narrow(narrow, lanes).map(u64::from),
            Source::Wide(wide) => self.wide(wide, lanes),
            Source::Pred(slot) => {
                let holds = self.pred(slot, lanes);
                std::array::from_fn(|lane| u64::from(holds >> lane & 1))
            }
        }
    }

    #[inline]
    pub(crate) fn set_narrow(&mut self, slot: u32, values: &Lanes, lanes: u32) {
        let register = &mut self.narrow[slot as usize].0;
        self.narrow_written[slot as usize] |= lanes;
        if lanes == ALL {
            *register = *values;
            return;
        }
        blend(register, values, lanes);
    }

    #[inline]
    pub(crate) fn set_wide(&mut self, slot: u32, values: &WideLanes, lanes: u32) {
        let register = &mut self.wide[slot as usize].0;
        self.wide_written[slot as usize] |= lanes;
        if lanes == ALL {
            *register = *values;
            return;
        }
        blend_wide(register, values, lanes);
    }

    #[inline]
    pub(crate) fn set_pred(&mut self, slot: u32, holds: u32, lanes: u32) {
        let pred = &mut self.preds[slot as usize];
        *pred = *pred & !lanes | holds & lanes;
        self.preds_written[slot as usize] |= lanes;
    }

    /// The same for what holds after another predicate was asked.
    #[inline]
    pub(crate) fn set_combined(&mut self, dst: u32, holds: u32, combine: Option<(BoolOp, u32)>, lanes: u32) {
        let holds = match combine {
            None => holds,
            Some((BoolOp::And, pred)) => holds & self.pred(pred, lanes),
            Some((BoolOp::Or, pred)) => holds | self.pred(pred, lanes),
            Some((_, pred)) => holds ^ self.pred(pred, lanes),
        };
        self.set_pred(dst, holds, lanes);
    }

    /// Writes values, cut to what the register holds.
    pub(crate) fn set(&mut self, destination: Destination, values: &WideLanes, lanes: u32) {
        match destination {
            Destination::Narrow(slot, bits) => {
                #[expect(clippy::cast_possible_truncation, reason = "cut to the register's width")]
                let values = values.map(|value| value as u32 & bits);
                self.set_narrow(slot, &values, lanes);
            }
            Destination::Wide(slot) => self.set_wide(slot, values, lanes),
            Destination::Pred(slot) => {
                let holds =
                    values.iter().enumerate().fold(0, |holds, (lane, value)| holds | u32::from(*value != 0) << lane);
                self.set_pred(slot, holds, lanes);
            }
        }
    }

    /// Several registers whose reading was noted, where they are; zeros for those that there are not.
    #[inline]
    pub(crate) fn views<const N: usize>(&self, slots: &[u32]) -> [&Lanes; N] {
        std::array::from_fn(|index| slots.get(index).map_or(&[0; 32], |slot| &self.narrow[*slot as usize].0))
    }

    /// Notes that registers are read in `lanes`.
    pub(crate) fn read_slots(&mut self, slots: &[u32], lanes: u32) {
        for slot in slots {
            self.need(self.narrow_written[*slot as usize], lanes, Source::Narrow(Narrow::Register(*slot)));
        }
    }
}

/// Replaces the values of `lanes`.
fn blend(register: &mut Lanes, values: &Lanes, lanes: u32) {
    for lane in 0..32 {
        let keep = (lanes >> lane & 1).wrapping_sub(1);
        register[lane] = register[lane] & keep | values[lane] & !keep;
    }
}

fn blend_wide(register: &mut WideLanes, values: &WideLanes, lanes: u32) {
    for lane in 0..32 {
        if lanes >> lane & 1 == 1 {
            register[lane] = values[lane];
        }
    }
}
