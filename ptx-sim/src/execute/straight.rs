//! Runs of instructions that are functions of registers: nothing that other warps or lanes do can come between, so that what is looked at between
//! instructions is looked at once for all of them.

use super::scene::Scene;
use super::warp::Warp;

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
}
