//! Values that nobody has written, from where they were read to where they are used.
//!
//! A load of memory that nobody has written, and an instruction that reads a register that nobody has written, make bits of their results unwritten
//! ([`Unwritten`]). What they decide in the end is a finding there.

use super::scene::Scene;
use super::warp::Warp;
use crate::decode::{Access, Bits, Destination, Source, Trace, Unwritten};
use crate::registers::{Cause, Origin};
use crate::report::{Action, Kind, Location};

/// What a load found that nobody has written.
#[derive(Debug, Default)]
pub(super) struct Gaps(Vec<Gap>);

#[derive(Debug)]
struct Gap {
    element: usize,
    lane: u32,
    bytes: u8,
    location: Location,
}

impl Gaps {
    /// Notes which bytes of an element of a lane nobody has written, if there are any.
    #[inline]
    pub(super) fn note(&mut self, element: u32, lane: u32, bytes: u8, location: impl FnOnce() -> Location) {
        if bytes != 0 {
            self.push(element, lane, bytes, location());
        }
    }

    #[cold]
    fn push(&mut self, element: u32, lane: u32, bytes: u8, location: Location) {
        self.0.push(Gap { element: element as usize, lane, bytes, location });
    }

    /// The registers that were loaded are not written where memory was not.
    #[inline]
    pub(super) fn settle(self, warp: &mut Warp, scene: &Scene<'_>, dsts: &[Destination], (access, pc): (Access, u32)) {
        if !self.0.is_empty() && scene.context.options.check.finds_uninitialised() {
            self.unwrite(warp, dsts, access, pc);
        }
    }

    #[cold]
    fn unwrite(self, warp: &mut Warp, dsts: &[Destination], access: Access, pc: u32) {
        for Gap { element, lane, bytes, location } in self.0 {
            let Some(dst) = dsts.get(element) else { continue };
            let origin = Origin {
                cause: Cause::Memory(location, access.element_bytes),
                thread: warp.first_thread(1 << lane),
                pc,
            };
            warp.registers.unwrite(*dst, lane as usize, access.extend(bits_of(bytes)), origin);
        }
    }
}

/// All bits of bytes.
fn bits_of(bytes: u8) -> u64 {
    (0..8).filter(|byte| bytes >> byte & 1 == 1).fold(0, |bits, byte| bits | 0xFF << (8 * byte))
}

impl Warp {
    /// Sees to registers that were read at `pc` before they were written, if any were: a finding where that counts.
    #[inline]
    pub(super) fn settle_missing(&mut self, scene: &mut Scene<'_>, pc: u32, lanes: u32) {
        if self.registers.is_missing() {
            self.settle(scene, pc, lanes);
        }
    }

    #[cold]
    fn settle(&mut self, scene: &mut Scene<'_>, pc: u32, lanes: u32) {
        let missing = self.registers.take_missing();
        if !scene.context.options.check.finds_uninitialised() {
            return;
        }
        let kernel = scene.context.kernel;
        let guard = kernel.instructions.get(pc as usize).and_then(|instruction| instruction.guard);
        let guard = guard.map(|(slot, _)| Source::Pred(slot));
        let rule = kernel.unwritten.get(pc as usize).unwrap_or(&Unwritten::Used);
        let (guards, read): (Vec<_>, Vec<_>) = missing.into_iter().partition(|(source, _)| Some(*source) == guard);
        match rule {
            Unwritten::Used => read.iter().for_each(|read| self.use_missing(scene, *read, u64::MAX, pc)),
            Unwritten::Stored { values, bits } => {
                for read in &read {
                    self.use_missing(scene, *read, if values.contains(&read.0) { *bits } else { u64::MAX }, pc);
                }
            }
            Unwritten::Lane(results) => {
                for (source, missing) in read {
                    self.spread(results, (source, missing), missing, pc);
                }
            }
            Unwritten::Group { mask, results } => {
                for (source, missing) in read {
                    if source == *mask {
                        self.use_missing(scene, (source, missing), u64::MAX, pc);
                    } else {
                        self.spread(results, (source, missing), lanes, pc);
                    }
                }
            }
            Unwritten::Ballot { mask, result } => {
                for (source, missing) in read {
                    if source == *mask {
                        self.use_missing(scene, (source, missing), u64::MAX, pc);
                    } else {
                        self.vote(*result, (source, missing), lanes, pc);
                    }
                }
            }
            Unwritten::Traced(traces) => self.trace(traces, &read, pc),
        }
        // Whether a lane has executed it at all.
        for (source, missing) in guards {
            match rule.results() {
                Some(results) => self.spread(&results, (source, missing), missing, pc),
                None => self.use_missing(scene, (source, missing), u64::MAX, pc),
            }
        }
    }

    /// Where the unwritten bits of a lane of a source come from, which is read at `pc`.
    pub(super) fn origin(&self, source: Source, lane: usize, pc: u32) -> Origin {
        let origin = self.registers.shade(source, lane).origin;
        origin.unwrap_or_else(|| Origin { cause: Cause::Register(source), thread: self.first_thread(1 << lane), pc })
    }

    /// The results are not written in `lanes`: the first of the lanes that have not written a source, or the same lane, is why.
    fn spread(&mut self, results: &[Destination], (source, missing): (Source, u32), lanes: u32, pc: u32) {
        let first = missing.trailing_zeros() as usize % 32;
        for lane in each(lanes) {
            let origin = self.origin(source, if missing >> lane & 1 == 1 { lane } else { first }, pc);
            for result in results {
                self.registers.unwrite(*result, lane, u64::MAX, origin);
            }
        }
    }

    /// Each bit of a ballot is one lane's.
    fn vote(&mut self, result: Destination, (source, missing): (Source, u32), lanes: u32, pc: u32) {
        let origin = self.origin(source, missing.trailing_zeros() as usize % 32, pc);
        for lane in each(lanes) {
            self.registers.unwrite(result, lane, missing.into(), origin);
        }
    }

    /// The bits of results that depend on bits that nobody has written.
    fn trace(&mut self, traces: &[Trace], read: &[(Source, u32)], pc: u32) {
        let missing = |source: Source| {
            read.iter().filter(|(other, _)| *other == source).fold(0, |missing, (_, lanes)| missing | lanes)
        };
        let mut found = Vec::new();
        for trace in traces {
            let lanes = trace.sources.iter().fold(0, |lanes, source| lanes | missing(*source));
            for lane in each(lanes) {
                let mut bits = [Bits::default(); 4];
                let mut origin = None;
                for (bits, source) in bits.iter_mut().zip(&trace.sources) {
                    // What a result has replaced is not known any more.
                    let is_replaced = traces.iter().any(|trace| trace.result.source() == *source);
                    bits.value = (!is_replaced).then(|| self.registers.value(*source, lane));
                    if missing(*source) >> lane & 1 == 1 {
                        bits.unwritten = self.registers.shade(*source, lane).bits;
                        origin = origin.or_else(|| Some(self.origin(*source, lane, pc)));
                    }
                }
                found.extend(origin.map(|origin| (trace.result, lane, trace.unwritten(&bits), origin)));
            }
        }
        for (result, lane, bits, origin) in found {
            self.registers.unwrite(result, lane, bits, origin);
        }
    }

    /// A finding, if one of `bits` of a source is not written in lanes that have not written all of it.
    fn use_missing(&self, scene: &mut Scene<'_>, (source, missing): (Source, u32), bits: u64, pc: u32) {
        for lane in each(missing) {
            if self.registers.shade(source, lane).bits & bits == 0 {
                continue;
            }
            let origin = self.origin(source, lane, pc);
            let thread = self.first_thread(1 << lane);
            let (kind, location, first) = match origin.cause {
                Cause::Register(source) => {
                    let register = scene.context.kernel.slots.name(source);
                    (Kind::UninitialisedRegister { register }, None, Action::Execute)
                }
                Cause::Memory(location, bytes) => (Kind::UninitialisedMemory, Some(location), Action::Read(bytes)),
            };
            let first = (origin.pc != pc).then_some((first, origin.thread, origin.pc));
            scene.report(kind, location, first.into_iter().chain([(Action::Use, thread, pc)]).collect());
        }
    }
}

/// The numbers of lanes.
fn each(lanes: u32) -> impl Iterator<Item = usize> {
    (0..32usize).filter(move |lane| lanes >> lane & 1 == 1)
}
