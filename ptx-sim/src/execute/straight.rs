//! Runs of instructions that are functions of registers: nothing that other warps or lanes do can come between, so that what is looked at between
//! instructions is looked at once for all of them.

use super::scene::Scene;
use super::warp::Warp;
use crate::decode::{Source, Unwritten};
use crate::report::{Action, Kind};

impl Warp {
    /// Executes such instructions from `pc` on, at most `limit`; how many these were. Fewer than could be, if one of them reported something.
    pub(super) fn run_straight(&mut self, scene: &mut Scene<'_>, pc: u32, lanes: u32, limit: u64) -> u32 {
        let kernel = scene.context.kernel;
        let run = kernel.straight.from(pc);
        let run = usize::try_from(limit).ok().and_then(|limit| run.get(..limit)).unwrap_or(run);
        let mut count = 0;
        for plain in run {
            plain.execute(&mut self.registers, lanes);
            count += 1;
            if self.registers.is_missing() {
                break;
            }
        }
        scene.statistics.count_plain(count, kernel.straight.floats(pc, pc + count));
        self.settle_missing(scene, (pc + count).wrapping_sub(1), lanes);
        count
    }

    /// Sees to registers that were read at `pc` before they were written, if any were: a finding where that counts.
    #[inline]
    pub(super) fn settle_missing(&mut self, scene: &mut Scene<'_>, pc: u32, lanes: u32) {
        if self.registers.is_missing() {
            self.settle(scene, pc, lanes);
        }
    }

    #[cold]
    fn settle(&mut self, scene: &mut Scene<'_>, pc: u32, lanes: u32) {
        let Some((source, missing)) = self.registers.take_missing() else { return };
        let kernel = scene.context.kernel;
        let guard = kernel.instructions.get(pc as usize).and_then(|instruction| instruction.guard);
        let is_guard = guard.is_some_and(|(slot, _)| source == Source::Pred(slot));
        let (results, lanes) = match kernel.unwritten.get(pc as usize) {
            Some(Unwritten::Lane(results)) if !is_guard => (results, missing),
            Some(Unwritten::Group(results)) if !is_guard => (results, lanes),
            _ => {
                let origin = self.registers.origin(source);
                let register = kernel.slots.name(origin.map_or(source, |origin| origin.register));
                let thread = self.first_thread(missing);
                let first = origin.filter(|origin| origin.pc != pc).map(|origin| (Action::Execute, thread, origin.pc));
                let accesses = first.into_iter().chain([(Action::Execute, thread, pc)]).collect();
                scene.report(Kind::UninitialisedRegister { register }, None, accesses);
                return;
            }
        };
        for result in results {
            self.registers.unwrite(*result, lanes, source, pc);
        }
    }
}
