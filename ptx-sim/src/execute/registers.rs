//! The register files of a warp, with the lanes that have written each register.

use crate::decode::{Destination, Lanes, Narrow, Slots, Source, Wide, WideLanes};

/// Registers of 32 lanes.
#[derive(Debug, Default)]
pub(crate) struct Registers {
    narrow: Vec<Lanes>,
    wide: Vec<WideLanes>,
    preds: Vec<u32>,
    narrow_written: Vec<u32>,
    wide_written: Vec<u32>,
    preds_written: Vec<u32>,
    /// The first register that was read before it was written, since this was last looked at, and the lanes that read it.
    missing: Option<(Source, u32)>,
}

impl Registers {
    /// Registers of a new warp, none of them written.
    pub(crate) fn reset(&mut self, slots: &Slots) {
        self.narrow.resize(slots.narrow_count(), [0; 32]);
        self.wide.resize(slots.wide_count(), [0; 32]);
        self.preds.resize(slots.pred_count(), 0);
        for (written, count) in [
            (&mut self.narrow_written, slots.narrow_count()),
            (&mut self.wide_written, slots.wide_count()),
            (&mut self.preds_written, slots.pred_count()),
        ] {
            written.clear();
            written.resize(count, 0);
        }
        self.missing = None;
    }

    pub(crate) fn take_missing(&mut self) -> Option<(Source, u32)> {
        self.missing.take()
    }

    #[inline]
    fn need(&mut self, written: u32, lanes: u32, source: Source) {
        if written & lanes != lanes && self.missing.is_none() {
            self.missing = Some((source, lanes & !written));
        }
    }

    /// The values of a source in `lanes`; the other lanes' mean nothing.
    #[inline]
    pub(crate) fn narrow(&mut self, source: Narrow, lanes: u32) -> Lanes {
        match source {
            Narrow::Constant(value) => [value; 32],
            Narrow::Register(slot) => {
                self.need(self.narrow_written[slot as usize], lanes, Source::Narrow(source));
                self.narrow[slot as usize]
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
            Narrow::Register(slot) => &self.narrow[slot as usize],
        }
    }

    #[inline]
    pub(crate) fn wide(&mut self, source: Wide, lanes: u32) -> WideLanes {
        match source {
            Wide::Constant(value) => [value; 32],
            Wide::Register(slot) => {
                self.need(self.wide_written[slot as usize], lanes, Source::Wide(source));
                self.wide[slot as usize]
            }
        }
    }

    /// A register that is read in `lanes`, where it is; `None` for a literal.
    #[inline]
    pub(crate) fn wide_view(&mut self, source: Wide, lanes: u32) -> Option<&WideLanes> {
        let Wide::Register(slot) = source else { return None };
        self.need(self.wide_written[slot as usize], lanes, Source::Wide(source));
        self.wide.get(slot as usize)
    }

    /// The lanes where a predicate holds.
    #[inline]
    pub(crate) fn pred(&mut self, slot: u32, lanes: u32) -> u32 {
        self.need(self.preds_written[slot as usize], lanes, Source::Pred(slot));
        self.preds[slot as usize]
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
        let register = &mut self.narrow[slot as usize];
        self.narrow_written[slot as usize] |= lanes;
        if lanes == u32::MAX {
            *register = *values;
            return;
        }
        blend(register, values, lanes);
    }

    #[inline]
    pub(crate) fn set_wide(&mut self, slot: u32, values: &WideLanes, lanes: u32) {
        let register = &mut self.wide[slot as usize];
        self.wide_written[slot as usize] |= lanes;
        if lanes == u32::MAX {
            *register = *values;
            return;
        }
        for lane in 0..32 {
            if lanes >> lane & 1 == 1 {
                register[lane] = values[lane];
            }
        }
    }

    #[inline]
    pub(crate) fn set_pred(&mut self, slot: u32, holds: u32, lanes: u32) {
        let pred = &mut self.preds[slot as usize];
        *pred = *pred & !lanes | holds & lanes;
        self.preds_written[slot as usize] |= lanes;
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
        std::array::from_fn(|index| slots.get(index).map_or(&[0; 32], |slot| &self.narrow[*slot as usize]))
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
