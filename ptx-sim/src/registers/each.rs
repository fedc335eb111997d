//! Functions of one lane on registers, where they are: eight lanes at a time, which a compiler makes vectors of. A lane depends on the same lane of
//! the sources only, so that a register may be source and destination.

use super::{ALL, Registers, Row, blend, blend_wide};
use crate::decode::{Lanes, Narrow, Source, Wide, WideLanes};

/// Lanes that are computed together: what four registers of a processor with vectors of 256 bits hold of three sources and a result.
const PART: usize = 8;

impl Registers {
    /// Notes that registers are read in `lanes`.
    #[inline]
    fn need_narrow<const N: usize>(&mut self, sources: [u32; N], lanes: u32) {
        let written = sources.iter().fold(ALL, |all, slot| all & self.narrow_written[*slot as usize]);
        if written & lanes != lanes {
            self.read_slots(&sources, lanes);
        }
    }

    #[inline]
    fn need_wide<const N: usize>(&mut self, sources: [u32; N], lanes: u32) {
        for slot in sources {
            self.need(self.wide_written[slot as usize], lanes, Source::Wide(Wide::Register(slot)));
        }
    }

    /// `dst = f(sources)` of 32-bit registers.
    #[inline]
    pub(crate) fn each_narrow<const N: usize>(
        &mut self,
        dst: u32,
        sources: [u32; N],
        lanes: u32,
        f: impl Fn([u32; N]) -> u32,
    ) {
        self.need_narrow(sources, lanes);
        self.change_narrow(dst, lanes, |file, dst| {
            for part in 0..32 / PART {
                let values = sources.map(|slot| chunk(&file[slot as usize].0, part));
                let results = chunk_mut(&mut file[dst].0, part);
                for lane in 0..PART {
                    results[lane] = f(values.map(|register| register[lane]));
                }
            }
        });
    }

    /// The same for 64-bit registers.
    #[inline]
    pub(crate) fn each_wide<const N: usize>(
        &mut self,
        dst: u32,
        sources: [u32; N],
        lanes: u32,
        f: impl Fn([u64; N]) -> u64,
    ) {
        self.need_wide(sources, lanes);
        self.change_wide(dst, lanes, |wide, _, dst| {
            for part in 0..32 / PART {
                let values = sources.map(|slot| chunk(&wide[slot as usize].0, part));
                let results = chunk_mut(&mut wide[dst].0, part);
                for lane in 0..PART {
                    results[lane] = f(values.map(|register| register[lane]));
                }
            }
        });
    }

    /// `dst = f(sources)`, from 32 bits to 64.
    #[inline]
    pub(crate) fn each_widened<const N: usize>(
        &mut self,
        dst: u32,
        sources: [u32; N],
        lanes: u32,
        f: impl Fn([u32; N]) -> u64,
    ) {
        self.need_narrow(sources, lanes);
        self.change_wide(dst, lanes, |wide, narrow, dst| {
            let values = sources.map(|slot| &narrow[slot as usize].0);
            let results = &mut wide[dst].0;
            for lane in 0..32 {
                results[lane] = f(values.map(|register| register[lane]));
            }
        });
    }

    /// `dst = f(a, b, c)` of two registers of 32 bits and one of 64.
    #[inline]
    pub(crate) fn each_widened_with(
        &mut self,
        dst: u32,
        (sources, c): ([u32; 2], u32),
        lanes: u32,
        f: impl Fn([u32; 2], u64) -> u64,
    ) {
        self.need_narrow(sources, lanes);
        self.need_wide([c], lanes);
        self.change_wide(dst, lanes, |wide, narrow, dst| {
            let [a, b] = sources.map(|slot| &narrow[slot as usize].0);
            for part in 0..32 / PART {
                let (a, b) = (chunk(a, part), chunk(b, part));
                let c = chunk(&wide[c as usize].0, part);
                let results = chunk_mut(&mut wide[dst].0, part);
                for lane in 0..PART {
                    results[lane] = f([a[lane], b[lane]], c[lane]);
                }
            }
        });
    }

    /// The lanes in which `f(sources)` of 32-bit registers holds.
    #[inline]
    pub(crate) fn holding<const N: usize>(
        &mut self,
        sources: [u32; N],
        lanes: u32,
        f: impl Fn([u32; N]) -> bool,
    ) -> u32 {
        self.need_narrow(sources, lanes);
        let values = sources.map(|slot| &self.narrow[slot as usize].0);
        (0..32).fold(0, |holds, lane| holds | u32::from(f(values.map(|register| register[lane]))) << lane)
    }

    /// Of 32-bit registers: `a` where a predicate holds, and `b` where not. The one that is not chosen is not used.
    #[inline]
    pub(crate) fn choose(&mut self, dst: u32, [a, b]: [u32; 2], holds: u32, lanes: u32) {
        let written = [a, b].map(|slot| self.narrow_written[slot as usize]);
        self.need(written[0], lanes & holds, Source::Narrow(Narrow::Register(a)));
        self.need(written[1], lanes & !holds, Source::Narrow(Narrow::Register(b)));
        self.change_narrow(dst, lanes, |file, dst| {
            for part in 0..32 / PART {
                let [a, b]: [[u32; PART]; 2] = [a, b].map(|slot| chunk(&file[slot as usize].0, part));
                let holds = holds >> (PART * part);
                let results = chunk_mut(&mut file[dst].0, part);
                for lane in 0..PART {
                    results[lane] = if holds & 1 << lane != 0 { a[lane] } else { b[lane] };
                }
            }
        });
    }

    /// Lets a function compute all lanes of a register, of which those outside `lanes` are put back.
    #[inline]
    fn change_narrow(&mut self, dst: u32, lanes: u32, change: impl FnOnce(&mut [Row<Lanes>], usize)) {
        let dst = dst as usize;
        let before = if lanes == ALL { None } else { Some(self.narrow[dst].0) };
        self.narrow_written[dst] |= lanes;
        change(&mut self.narrow, dst);
        if let Some(before) = before {
            blend(&mut self.narrow[dst].0, &before, !lanes);
        }
    }

    #[inline]
    fn change_wide(&mut self, dst: u32, lanes: u32, change: impl FnOnce(&mut [Row<WideLanes>], &[Row<Lanes>], usize)) {
        let dst = dst as usize;
        let before = if lanes == ALL { None } else { Some(self.wide[dst].0) };
        self.wide_written[dst] |= lanes;
        change(&mut self.wide, &self.narrow, dst);
        if let Some(before) = before {
            blend_wide(&mut self.wide[dst].0, &before, !lanes);
        }
    }
}

#[inline]
fn chunk<T: Copy>(values: &[T; 32], part: usize) -> [T; PART] {
    values.as_chunks().0[part]
}

#[inline]
fn chunk_mut<T>(values: &mut [T; 32], part: usize) -> &mut [T; PART] {
    &mut values.as_chunks_mut().0[part]
}
